"""What makes a figure somebody in particular: skin, hair and clothes, out of one integer.

None of it carries meaning. It comes from cheap integer arithmetic, because body boxes need it for
tens of thousands of people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from oneshot_emotic.synthetic.drawing.colours import Colour, rgbs
from oneshot_emotic.synthetic.spec import Figure

HairStyle = Literal[
    "crop", "parted", "afro", "long", "bob", "bun", "ponytail", "shaved",
    "cap", "scarf", "beanie", "pigtails", "wavy",
]  # fmt: skip
_HAIR_STYLES: tuple[HairStyle, ...] = get_args(HairStyle)
#: Styles that a beard goes with.
_BEARDED: frozenset[HairStyle] = frozenset({"crop", "parted", "afro", "shaved", "cap", "beanie"})

Top = Literal["tee", "sweater", "shirt", "stripes", "jacket", "hoodie", "dress"]
_TOPS: tuple[Top, ...] = get_args(Top)
Bottom = Literal["trousers", "shorts", "skirt"]
_BOTTOMS: tuple[Bottom, ...] = ("trousers", "trousers", "trousers", "skirt", "shorts")

_SKINS = rgbs("fbd9c0 f4c7a3 e9b38c dba077 c4875c a8704a 8a5836 6f452d")
_HAIRS = rgbs("2b2430 3f2c28 5d3d2b 7d5232 a5592f c97a3d dfb063 35313d")
_GREYS = rgbs("b9b7bd dedbd8")
_CLOTHES = rgbs(
    "e3a83f d4674a ec8a72 e7a7a4 f2e5cf 8eb08d 3f7a5e 2f918d 7eb4d4 4a70a4 33447a a28fc6 7a4a78"
    " f6f3ec cf4b4b f0c14f"
)
_LEGWEAR = rgbs("45689a 2f3d5f 454a58 cbb18f 6f754e 7b5847 35353f 5f7f77")
_SHOES = rgbs("f4efe6 3a3742 a85b3c d14f4a 4b6ca0 e2b04c")

_WORD = (1 << 64) - 1


@dataclass(frozen=True)
class Look:
    """Who a figure seems to be.

    Attributes:
        skin, hair, top_colour, bottom_colour, shoes, accent: Colours; the accent is for what is
            worn under a jacket, stripes, hats and scarves.
        style: The hair, or what is worn over it.
        top, bottom: The clothes.
        beard, glasses: True when there are any.
        lean: -1 or 1: the side towards which the head bends.
    """

    skin: Colour
    hair: Colour
    top_colour: Colour
    bottom_colour: Colour
    shoes: Colour
    accent: Colour
    style: HairStyle
    top: Top
    bottom: Bottom
    beard: bool
    glasses: bool
    lean: int

    @property
    def skirted(self) -> bool:
        """True for a skirt and for a dress."""
        return self.top == "dress" or self.bottom == "skirt"

    @property
    def short_sleeved(self) -> bool:
        """True when the forearms are bare."""
        return self.top in ("tee", "dress")


def look_of(figure: Figure) -> Look:
    """The look of `figure`."""
    dice = _Dice(figure.look)
    skin, hair = dice.roll(len(_SKINS)), dice.roll(len(_HAIRS))
    style = _HAIR_STYLES[dice.roll(len(_HAIR_STYLES))]
    if style == "pigtails" and figure.age == "Adult":
        style = "bob"
    grey = dice.roll(7) == 0 and figure.age == "Adult"
    bearded = dice.roll(2) == 0 and figure.age == "Adult" and style in _BEARDED
    top = _TOPS[dice.roll(len(_TOPS))]
    bottom = _BOTTOMS[dice.roll(len(_BOTTOMS))]
    if style in _BEARDED:
        top = "sweater" if top == "dress" else top
        bottom = "trousers" if bottom == "skirt" else bottom
    colour = dice.roll(len(_CLOTHES))
    # Any distance from 3 to 12 along the list keeps the two apart.
    accent = (colour + 3 + dice.roll(10)) % len(_CLOTHES)
    return Look(
        skin=_SKINS[skin],
        # Fair hair is rare on dark skin.
        hair=_GREYS[dice.roll(2)] if grey else _HAIRS[hair if skin < 4 else hair % 4],
        top_colour=_CLOTHES[colour],
        bottom_colour=_LEGWEAR[dice.roll(len(_LEGWEAR))],
        shoes=_SHOES[dice.roll(len(_SHOES))],
        accent=_CLOTHES[accent],
        style=style,
        top=top,
        bottom=bottom,
        beard=bearded,
        glasses=dice.roll(5) == 0,
        lean=1 if dice.roll(2) else -1,
    )


class _Dice:
    """A linear congruential generator: short, the same everywhere, and good enough for clothes."""

    def __init__(self, seed: int) -> None:
        self._state = (seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & _WORD

    def roll(self, sides: int) -> int:
        """An integer from 0 to sides - 1."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & _WORD
        return (self._state >> 33) % sides
