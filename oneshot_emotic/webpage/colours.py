"""The colours of pages and figures, for style sheets and for matplotlib."""

from __future__ import annotations

#: Of classes and of submissions side by side (Okabe and Ito): told apart by colour-blind readers,
#: and on white as on black.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#b8a800")

#: What is on a page -> its colour on white, and on black.
_ROLES = {
    "paper": ("#ffffff", "#0d1117"),
    "raised": ("#f6f8fa", "#161b22"),
    "ink": ("#1f2328", "#f0f6fc"),
    "quiet": ("#59636e", "#9198a1"),
    "line": ("#d1d9e0", "#3d444d"),
    "accent": ("#0969da", "#4493f8"),
    "warn": ("#9a6700", "#d29922"),
}


def custom_properties() -> str:
    """The colours as CSS custom properties: `--ink` and so on, `--c1` to `--c8` of the palette."""
    light, dark = (
        "".join(f"--{role}:{both[place]};" for role, both in _ROLES.items()) for place in (0, 1)
    )
    palette = "".join(f"--c{number}:{colour};" for number, colour in enumerate(PALETTE, 1))
    return (
        f":root{{color-scheme:light dark;{light}{palette}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    )
