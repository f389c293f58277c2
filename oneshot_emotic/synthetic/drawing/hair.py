"""Hair and what is worn over it: the part behind the head and the part in front.

Measured in radii of the head from its middle, y downwards.
"""

from __future__ import annotations

from collections.abc import Sequence

from oneshot_emotic.synthetic.drawing import hair_shapes as shapes
from oneshot_emotic.synthetic.drawing.colours import Colour, darker, lighter, mix
from oneshot_emotic.synthetic.drawing.curves import Point
from oneshot_emotic.synthetic.drawing.look import HairStyle, Look
from oneshot_emotic.synthetic.drawing.pen import Pen


def draw_hair_behind(pen: Pen, look: Look) -> None:
    """Draw the hair that the head and the body cover."""
    # Hair in the back lies in the shade of the head.
    colour = darker(look.hair, 0.18)
    if look.style == "long":
        pen.blob(shapes.LONG_BACK, colour)
    elif look.style == "wavy":
        pen.polygon([(-0.85, -0.5), (0.85, -0.5), (0.84, 1.3), (-0.84, 1.3)], colour)
        for disc in shapes.WAVES:
            pen.disc(*disc, colour)
    elif look.style == "bob":
        pen.blob(shapes.BOB_BACK, colour)
    elif look.style == "afro":
        pen.oval(0, -0.24, 0.95, 0.95, look.hair)
        for disc in shapes.CURLS:
            pen.disc(*disc, look.hair)
    elif look.style == "bun":
        pen.disc(*shapes.BUN, look.hair)
        pen.disc(0.07, -1.2, 0.12, lighter(look.hair, 0.12))
    elif look.style == "ponytail":
        _tail(pen, shapes.PONYTAIL, look.lean, colour)
    elif look.style == "pigtails":
        for side in (-1, 1):
            _tail(pen, shapes.PIGTAIL, side, colour)
            pen.disc(side * 0.86, 0.20, 0.13, look.accent)


def _tail(pen: Pen, discs: Sequence[shapes.Disc], side: int, colour: Colour) -> None:
    pen.limb([(side * x, y) for x, y, _ in discs], [radius for _, _, radius in discs], colour)


def draw_hair_over(pen: Pen, look: Look) -> None:
    """Draw the hair, the beard or the hat on the head."""
    if look.beard:
        pen.blob(shapes.BEARD, look.hair)
    shine = lighter(look.hair, 0.13)
    style = look.style
    if style == "crop":
        pen.blob(shapes.CROP, look.hair)
        pen.line([(-0.42, -0.86), (0.0, -0.95), (0.3, -0.91)], 0.07, shine)
    elif style == "parted":
        pen.blob([(look.lean * x, y) for x, y in shapes.PARTED], look.hair)
        lock = [(-0.36, -0.80), (0.1, -0.78), (0.52, -0.62)]
        pen.line([(look.lean * x, y) for x, y in lock], 0.06, shine)
    elif style == "afro":
        pen.blob(shapes.CROP, look.hair)
        for x, y in ((-0.62, -0.52), (-0.24, -0.66), (0.2, -0.66), (0.6, -0.52)):
            pen.disc(x, y, 0.2, look.hair)
        for x, y in ((-0.5, -0.85), (0.05, -1.0), (0.55, -0.8)):
            pen.disc(x, y, 0.09, shine)
    elif style in ("long", "wavy"):
        for side in (-1, 1):
            pen.blob([(side * x, y) for x, y in shapes.CURTAIN], look.hair)
            lock = [(0.30, -0.88), (0.62, -0.66), (0.80, -0.28)]
            pen.line([(side * x, y) for x, y in lock], 0.06, shine)
    elif style == "bob":
        pen.blob(shapes.FRINGE, look.hair)
        pen.line([(-0.55, -0.68), (0.0, -0.80), (0.55, -0.68)], 0.07, shine)
    elif style in ("bun", "ponytail", "pigtails"):
        pen.blob(shapes.SMOOTH, look.hair)
        pen.line([(-0.4, -0.88), (0.0, -0.95), (0.4, -0.88)], 0.06, shine)
    elif style == "shaved":
        pen.blob(shapes.SHAVED, mix(look.skin, look.hair, 0.35))
    elif style == "scarf":
        pen.blob(shapes.SCARF, look.accent)
        pen.blob(shapes.SCARF_CUFF, darker(look.accent, 0.16))
        pen.oval(0, 0.08, 0.72, 0.86, look.skin)
        pen.line([(0.62, 0.98), (0.2, 1.22), (-0.5, 1.30)], 0.07, darker(look.accent, 0.2))
    else:
        _hat(pen, look, style)


def _hat(pen: Pen, look: Look, style: HairStyle) -> None:
    for side in (-1, 1):
        pen.blob([(side * x, y) for x, y in shapes.SIDEBURN], look.hair)
    dark, light = darker(look.accent, 0.2), lighter(look.accent, 0.2)
    if style == "cap":
        pen.blob(shapes.DOME, look.accent)
        pen.line([(0, -1.1), (0, -0.5)], 0.05, dark)
        pen.disc(0, -1.11, 0.06, dark)
        pen.oval(0, -0.40, 0.86, 0.15, dark)
        pen.oval(0, -0.45, 0.84, 0.12, light)
    else:
        pen.blob(shapes.KNIT, look.accent)
        for x in (-0.5, -0.17, 0.17, 0.5):
            pen.line([(x, -0.70), (x * 0.7, -1.02)], 0.06, dark)
        band: list[Point] = [(-0.86, -0.42), (-0.4, -0.50), (0.4, -0.50), (0.86, -0.42)]
        pen.line(band, 0.24, light)
