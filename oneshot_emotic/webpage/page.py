"""From a template, data and scripts to one HTML document that fetches nothing.

Its policy lets run and style what it holds, by hash, and nothing else. Whatever a template writes
is escaped, and control characters show as escapes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from oneshot_emotic.errors import printable
from oneshot_emotic.escaping import is_plain_https
from oneshot_emotic.webpage.colours import custom_properties
from oneshot_emotic.webpage.libraries import library

if TYPE_CHECKING:
    from jinja2 import Environment

_OWN = __package__ or ""


def page(
    template: str,
    *,
    package: str,
    title: str,
    data: Any = None,
    libraries: Sequence[str] = (),
    scripts: Sequence[str] = (),
    styles: Sequence[str] = (),
    pictures: str = "data:",
    **values: Any,
) -> str:
    """A document.

    Args:
        template: A file of the package's folder `files`; it extends `page.html` of this room, and
            may import the macros of `parts.html`.
        package: The package that it belongs to, such as "oneshot_emotic.leaderboard".
        title: The document's.
        data: What scripts read by `pageData()`, as JSON; None for none.
        libraries: Of vendored/manifest.json, in the order of their scripts.
        scripts: Files of the package's folder `files`, or of this room's; they run after the
            libraries, in order.
        styles: Such files too; they come after style.css.
        pictures: Where pictures may come from, as the policy says it.
        values: What the template shows.

    Returns:
        The same text for the same arguments.
    """
    from markupsafe import Markup

    css = [x for name in libraries for x in library(name, ".css")]
    css.append(custom_properties() + _file(_OWN, "style.css"))
    css += [_file(package, name) for name in styles]
    code = [x for name in libraries for x in library(name, ".js")]
    code += [_file(package, name) for name in scripts]
    for text in (*css, *code):
        if re.search(r"</(script|style)|<!--|\r", text, re.IGNORECASE):
            raise ValueError("a script or style would end before its end")
    return (
        _environment(package)
        .get_template(template)
        .render(
            title=title,
            policy=_policy(css, code, pictures),
            styles=[Markup(text) for text in css],
            scripts=[Markup(text) for text in code],
            data=None if data is None else Markup(embedded_json(data)),
            **values,
        )
    )


def embedded_json(data: Any) -> str:
    """JSON for within <script>: nothing in it can end or begin a tag."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _policy(styles: Sequence[str], scripts: Sequence[str], pictures: str) -> str:
    """The content security policy: these texts by hash, pictures, nothing else."""

    def sources(texts: Sequence[str]) -> str:
        digests = (hashlib.sha256(text.encode()).digest() for text in texts)
        hashes = (f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
        return " ".join(hashes) or "'none'"

    return (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src {pictures}; "
        f"style-src {sources(styles)}; script-src {sources(scripts)}"
    )


@cache
def _environment(package: str) -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loaders = [PackageLoader(name, "files") for name in dict.fromkeys((package, _OWN))]
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["plain_https"] = is_plain_https
    environment.filters["cut"] = printable
    return environment


def _shown(value: Any) -> Any:
    """What a template shows of a value: of text by somebody, every character as itself."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return printable(value, None)
    return value


@cache
def _file(package: str, name: str) -> str:
    """A text of a package's folder `files`, or else of this room's."""
    own = files(package) / "files" / name
    return (own if own.is_file() else files(_OWN) / "files" / name).read_text("utf-8")
