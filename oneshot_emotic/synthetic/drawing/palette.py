"""Colours that go together: one set for a scene, decided by its variation."""

from __future__ import annotations

from dataclasses import dataclass

from oneshot_emotic.rng import CounterStream
from oneshot_emotic.synthetic.drawing.colours import Colour, rgb, rgbs


@dataclass(frozen=True)
class Palette:
    """The colours of a scene.

    Attributes:
        wall, pattern, floor, rug: Of a room; the pattern is a second tone of the wall.
        wood: Of furniture.
        accents: Of objects, from the most to the least striking.
    """

    wall: Colour
    pattern: Colour
    floor: Colour
    rug: Colour
    wood: Colour
    accents: tuple[Colour, ...]


def _palette(room: str, accents: str) -> Palette:
    wall, pattern, floor, rug, wood = rgbs(room)
    return Palette(wall, pattern, floor, rug, wood, rgbs(accents))


_PALETTES = tuple(
    _palette(room, accents)
    for room, accents in (
        ("efdfc8 e6cdae c68f5f 5d6f94 9b6238", "d8613f e8ad3c 2f7c7e f5ead8 5b8f63 8d5a78"),
        ("cfe3dc b7d4cb d8b083 93708c a8713f", "e2694e f2c14e 3d7f8c fbf3e4 44624f d99a9f"),
        ("f4d8cb eac0af b98760 6b86ad 8b5a3a", "3d8b8a e7a33b c94f4f fff3e6 6f5a8f 86a873"),
        ("ccd8ea b3c4df cba987 a4627a 94693f", "f0a03f d9573f 3c5aa0 f7f2ea 58a08a e28f9a"),
        ("dee4c4 c8d3a4 b4875b 5f7fa0 86603c", "d66a45 3f7a6a f0bd4a faf4e1 7d6aa0 b5534b"),
        ("f6e6bb edd492 a8744c b0698a 7f4f2f", "2e7f8b d8593f f09a6a fffaf0 4f6fa5 7a9a54"),
        ("e3d6e6 cfbcd6 c09a78 6f9468 8f6247", "8a5a9c f0a94a 3f9a94 fbf2ea d8617a 5e7fb5"),
        ("d5e4ee b9d2e2 d3b18c 7a74a8 a06d45", "cf5f4a f3bf57 357ea3 fdf6ea 5a9170 9d6b93"),
    )
)

#: Leaves, water and things that look alike in every scene.
LEAF = rgb("4f9158")
LEAF_LIGHT = rgb("7fb765")
LEAF_DARK = rgb("32704f")
BARK = rgb("86583a")
STEEL = rgb("8894a3")
IRON = rgb("434c5c")
STONE = rgb("b3ada6")
CREAM = rgb("faf2e2")
INK = rgb("33303f")
GLASS = rgb("bfe0ec")
GOLD = rgb("e6b34a")


def palette_of(dice: CounterStream) -> Palette:
    """One of the palettes."""
    return _PALETTES[dice.below(len(_PALETTES))]
