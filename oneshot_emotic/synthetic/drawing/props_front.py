"""Low objects in the front corners, before the people; the right one is a mirror image.

Each function draws one object in the units of its `Spot`: from -1 (the edge of the picture) to 1,
from 0 on the ground up to about -1.2, seats a little more.
"""

from __future__ import annotations

from oneshot_emotic.synthetic.drawing.colours import WHITE, Colour, darker, lighter, mix, rgb
from oneshot_emotic.synthetic.drawing.curves import Point, arc, direction, smooth_open
from oneshot_emotic.synthetic.drawing.layout import PropDrawing, Spot
from oneshot_emotic.synthetic.drawing.palette import (
    BARK,
    CREAM,
    GOLD,
    INK,
    IRON,
    LEAF,
    LEAF_DARK,
    STEEL,
    STONE,
)
from oneshot_emotic.synthetic.drawing.pen import Pen


def _seam(pen: Pen, points: list[Point], colour: Colour) -> None:
    pen.line(points, 0.045, darker(colour, 0.25))


def armchair(spot: Spot) -> None:
    """A soft armchair."""
    pen, colour = spot.pen, spot.accents[(0, 2, 4, 5)[spot.dice.below(4)]]
    spot.contact(1.0)
    for x in (-0.68, 0.68):
        pen.polygon(
            [(x - 0.09, -0.2), (x + 0.09, -0.2), (x + 0.05, 0), (x - 0.05, 0)],
            darker(spot.wood, 0.3),
        )  # fmt: skip
    pen.rectangle(-0.74, -1.52, 0.74, -0.4, darker(colour, 0.12), 0.30)
    pen.rectangle(-0.62, -1.42, 0.62, -0.6, colour, 0.22)
    pen.rectangle(-0.66, -0.74, 0.66, -0.38, lighter(colour, 0.16), 0.14)
    pen.rectangle(-0.86, -0.46, 0.86, -0.15, darker(colour, 0.08), 0.08)
    for x in (-0.80, 0.80):
        pen.rectangle(x - 0.20, -0.96, x + 0.20, -0.15, darker(colour, 0.18), 0.19)
        pen.rectangle(x - 0.14, -0.90, x + 0.14, -0.30, lighter(colour, 0.04), 0.13)
    for x in (-0.25, 0.25):
        pen.disc(x, -1.08, 0.05, darker(colour, 0.25))


def stool(spot: Spot) -> None:
    """A three-legged stool with a padded seat."""
    pen, wood, seat = spot.pen, spot.wood, spot.accents[(0, 2, 4)[spot.dice.below(3)]]
    spot.contact(0.65)
    pen.line([(0, -0.9), (0.06, -0.05)], 0.11, darker(wood, 0.3))
    pen.line([(-0.36, -0.45), (0.36, -0.45)], 0.08, darker(wood, 0.15))
    pen.line([(-0.34, -0.9), (-0.52, -0.05)], 0.13, wood)
    pen.line([(0.34, -0.9), (0.52, -0.05)], 0.13, wood)
    pen.oval(0, -0.88, 0.60, 0.17, darker(wood, 0.1))
    pen.oval(0, -0.97, 0.60, 0.19, darker(seat, 0.15))
    pen.oval(0, -1.02, 0.58, 0.16, lighter(seat, 0.1))


def cushion(spot: Spot) -> None:
    """Two floor cushions, one leaning on the other."""
    pen = spot.pen
    first, second = spot.accents[(0, 2)[spot.dice.below(2)]], spot.accents[1]
    spot.contact(0.85)
    pen.blob(
        [(-0.80, -0.02), (-0.84, -0.40), (0.0, -0.50), (0.84, -0.40), (0.80, -0.02), (0, 0.02)],
        darker(second, 0.08),
    )  # fmt: skip
    _seam(pen, [(-0.72, -0.20), (0, -0.17), (0.72, -0.20)], second)
    pen.blob(
        [
            (-0.62, -0.42), (-0.70, -1.10), (-0.1, -1.0), (0.50, -1.16), (0.46, -0.75),
            (0.54, -0.36), (0.0, -0.42),
        ],
        first,
    )  # fmt: skip
    pen.disc(-0.08, -0.74, 0.22, lighter(first, 0.35))
    pen.disc(-0.08, -0.74, 0.13, first)
    for x, y in ((-0.66, -1.06), (0.46, -1.12)):
        pen.disc(x, y, 0.08, CREAM)


def vase(spot: Spot) -> None:
    """A big-bellied vase with a painted band."""
    pen, colour = spot.pen, spot.accents[(2, 0, 5)[spot.dice.below(3)]]
    spot.contact(0.5)
    right = [(0.26, -1.22), (0.18, -1.02), (0.50, -0.66), (0.46, -0.28), (0.28, 0.0)]
    outline = [*right, *((-x, y) for x, y in reversed(right))]
    pen.polygon([*smooth_open(right), *smooth_open(outline[5:])], colour)
    pen.polygon([*smooth_open(right), (0.10, 0), (0.16, -0.66), (0.08, -1.2)], darker(colour, 0.16))
    pen.oval(0, -1.22, 0.27, 0.07, darker(colour, 0.45))
    pen.line(
        [(-0.44, -0.46), (-0.22, -0.38), (0.0, -0.46), (0.22, -0.38), (0.44, -0.46)], 0.07, CREAM,
    )  # fmt: skip
    pen.line([(-0.42, -0.74), (0.42, -0.74)], 0.06, spot.accents[1])
    pen.line([(-0.30, -0.60), (-0.28, -0.30)], 0.07, lighter(colour, 0.35))


def ball(spot: Spot) -> None:
    """A beach ball."""
    pen, y, radius = spot.pen, -0.56, 0.56
    spot.contact(0.5)
    pen.disc(0, y, radius, CREAM)
    for number, turn in enumerate((0, 120, 240)):
        start = turn + 20 * spot.dice.below(3)
        colour = spot.accents[(0, 1, 2)[number]]
        pen.polygon([(-0.10, y - 0.12), *arc(0, y, radius, radius, start, start + 62)], colour)
    pen.disc(-0.10, y - 0.12, 0.09, CREAM)
    pen.glaze(arc(0, y, radius, radius, 10, 170), INK, 0.14)
    pen.oval(-0.24, y - 0.30, 0.12, 0.08, WHITE)


def bag(spot: Spot) -> None:
    """A handbag with two handles."""
    pen, colour = spot.pen, spot.accents[(0, 5, 2)[spot.dice.below(3)]]
    spot.contact(0.75)
    pen.line(
        smooth_open([(-0.34, -0.72), (-0.26, -1.16), (0.26, -1.16), (0.34, -0.72)]), 0.10,
        darker(colour, 0.35),
    )  # fmt: skip
    pen.polygon(
        [(-0.58, -0.80), (0.58, -0.80), (0.76, -0.06), (0.68, 0), (-0.68, 0), (-0.76, -0.06)],
        colour,
    )  # fmt: skip
    pen.polygon(
        [(0.22, -0.80), (0.58, -0.80), (0.76, -0.06), (0.68, 0), (0.24, 0)], darker(colour, 0.12),
    )  # fmt: skip
    pen.polygon(
        [(-0.60, -0.84), (0.60, -0.84), (0.50, -0.44), (0, -0.34), (-0.50, -0.44)],
        darker(colour, 0.2),
    )  # fmt: skip
    pen.rectangle(-0.10, -0.46, 0.10, -0.26, GOLD, 0.04)
    pen.line([(-0.58, -0.10), (0.58, -0.10)], 0.03, lighter(colour, 0.4))


def animal(spot: Spot) -> None:
    """A dog or a cat, sitting."""
    coats = ("c98a4b", "e9d9c2", "6d5546", "a9a4a2", "3f3a40", "d9a35f")
    coat = rgb(coats[spot.dice.below(len(coats))])
    if spot.dice.below(2):
        _dog(spot, coat)
    else:
        _cat(spot, coat)


def _sitting_body(pen: Pen, coat: Colour) -> None:
    pen.blob(
        [(-0.20, -0.85), (0.18, -0.80), (0.42, -0.35), (0.46, 0.0), (-0.34, 0.0), (-0.34, -0.4)],
        coat,
    )  # fmt: skip
    pen.oval(0.30, -0.18, 0.24, 0.20, darker(coat, 0.12))
    for x in (-0.22, 0.02):
        pen.rectangle(x - 0.10, -0.5, x + 0.10, 0.0, lighter(coat, 0.10), 0.08)
        pen.oval(x - 0.02, -0.05, 0.13, 0.07, lighter(coat, 0.28))
    pen.oval(0.36, -0.04, 0.17, 0.07, lighter(coat, 0.15))


def _dog(spot: Spot, coat: Colour) -> None:
    pen, collar = spot.pen, spot.accents[0]
    spot.contact(0.62)
    pen.line(smooth_open([(0.40, -0.12), (0.70, -0.25), (0.72, -0.58)]), 0.15, coat)
    _sitting_body(pen, coat)
    dark = darker(coat, 0.30)
    pen.line([(-0.26, -0.80), (0.16, -0.76)], 0.12, collar)
    pen.blob(
        [
            (-0.42, -1.10), (-0.06, -1.44), (0.30, -1.10), (0.20, -0.80), (-0.06, -0.70),
            (-0.34, -0.82),
        ],
        coat,
    )  # fmt: skip
    pen.limb([(-0.36, -1.26), (-0.48, -0.92)], (0.12, 0.15), dark)
    pen.limb([(0.24, -1.26), (0.38, -0.92)], (0.12, 0.15), dark)
    pen.oval(-0.08, -0.92, 0.19, 0.16, lighter(coat, 0.45))
    pen.oval(-0.08, -1.00, 0.08, 0.06, INK)
    pen.line([(-0.08, -0.86), (-0.08, -0.82)], 0.06, rgb("e87a7a"))
    for x in (-0.22, 0.08):
        pen.disc(x, -1.13, 0.055, INK)


def _cat(spot: Spot, coat: Colour) -> None:
    pen, collar = spot.pen, spot.accents[2]
    spot.contact(0.62)
    pen.line(
        smooth_open([(0.38, -0.06), (0.78, -0.06), (0.80, -0.45), (0.62, -0.60)]), 0.13,
        darker(coat, 0.1),
    )  # fmt: skip
    _sitting_body(pen, coat)
    pen.line([(-0.24, -0.76), (0.14, -0.73)], 0.09, collar)
    for side in (-1, 1):
        ear = [
            (-0.06 + side * 0.36, -1.04), (-0.06 + side * 0.34, -1.48),
            (-0.06 + side * 0.06, -1.24),
        ]  # fmt: skip
        pen.polygon(ear, coat)
        pen.polygon([(x * 0.8 - 0.012, y * 0.9 - 0.09) for x, y in ear], rgb("e9a9a0"))
    pen.oval(-0.06, -1.03, 0.40, 0.31, coat)
    pen.oval(-0.06, -0.90, 0.19, 0.13, lighter(coat, 0.5))
    for x in (-0.22, 0.10):
        pen.oval(x, -1.07, 0.075, 0.085, rgb("b9dd76"))
        pen.oval(x, -1.07, 0.03, 0.08, INK)
    pen.polygon([(-0.12, -0.97), (0.0, -0.97), (-0.06, -0.91)], rgb("d9737a"))
    for side in (-1, 1):
        pen.line([(-0.06 + side * 0.2, -0.92), (-0.06 + side * 0.5, -0.96)], 0.025, CREAM)


def flower(spot: Spot) -> None:
    """A bunch of flowers growing out of a little pot."""
    pen = spot.pen
    spot.contact(0.45)
    heads = ((-0.55, -0.95), (0.0, -1.28), (0.55, -0.98), (-0.28, -0.74), (0.30, -0.72))
    for x, y in heads:
        pen.line([(x * 0.2, -0.3), (x, y)], 0.06, LEAF_DARK)
    for side in (-1, 1):
        pen.blob(
            [
                (side * 0.08, -0.36), (side * 0.40, -0.62), (side * 0.62, -0.50),
                (side * 0.36, -0.38),
            ],
            LEAF,
        )  # fmt: skip
    first = spot.dice.below(3)
    for number, (x, y) in enumerate(heads):
        _blossom(pen, x, y, 0.25, spot.accents[(0, 1, 5)[(number + first) % 3]])
    pen.polygon([(-0.34, -0.42), (0.34, -0.42), (0.24, 0.0), (-0.24, 0.0)], spot.accents[2])
    pen.rectangle(-0.38, -0.50, 0.38, -0.36, lighter(spot.accents[2], 0.2), 0.03)


def _blossom(pen: Pen, x: float, y: float, radius: float, colour: Colour) -> None:
    petal = lighter(colour, 0.15)
    for turn in range(0, 360, 60):
        across, down = direction(turn)
        pen.disc(x + 0.58 * radius * across, y + 0.58 * radius * down, 0.46 * radius, petal)
    pen.disc(x, y, 0.34 * radius, rgb("ffe08a"))


def chair(spot: Spot) -> None:
    """A plain chair, three-quarter view."""
    pen, wood, seat = spot.pen, spot.wood, spot.accents[(0, 2, 1)[spot.dice.below(3)]]
    spot.contact(0.7)
    dark = darker(wood, 0.25)
    pen.line([(-0.30, -0.80), (-0.30, -0.14)], 0.10, dark)
    pen.line([(0.52, -0.72), (0.54, -0.14)], 0.10, dark)
    pen.line([(-0.56, -1.62), (-0.52, -0.05)], 0.12, wood)
    pen.line([(0.22, -1.62), (0.26, -0.75)], 0.12, wood)
    for y in (-1.56, -1.28, -1.02):
        pen.line([(-0.54, y), (0.23, y)], 0.12, lighter(wood, 0.12))
    pen.polygon([(-0.60, -0.70), (0.32, -0.70), (0.62, -0.86), (-0.34, -0.86)], lighter(seat, 0.12))
    pen.polygon([(-0.60, -0.70), (0.32, -0.70), (0.32, -0.58), (-0.60, -0.58)], seat)
    pen.polygon([(0.32, -0.70), (0.62, -0.86), (0.62, -0.74), (0.32, -0.58)], darker(seat, 0.2))
    pen.line([(0.26, -0.60), (0.26, -0.05)], 0.12, wood)


def basket(spot: Spot) -> None:
    """A wicker basket with a handle and a cloth."""
    pen, wicker = spot.pen, rgb("d3a25f")
    spot.contact(0.75)
    pen.line(
        smooth_open([(-0.62, -0.60), (-0.42, -1.14), (0.42, -1.14), (0.62, -0.60)]), 0.11,
        darker(wicker, 0.25),
    )  # fmt: skip
    pen.polygon([(-0.74, -0.66), (0.74, -0.66), (0.58, 0), (-0.58, 0)], wicker)
    for row in range(3):
        y, half = -0.46 + 0.16 * row, 0.68 - 0.04 * row
        for step in range(6):
            x = -half + (step + 0.25 + 0.5 * (row % 2)) * half / 3.2
            pen.rectangle(x, y, min(x + 0.13, half), y + 0.09, darker(wicker, 0.22), 0.03)
    cloth = spot.accents[(0, 2)[spot.dice.below(2)]]
    pen.polygon(
        [
            (-0.66, -0.70), (-0.2, -0.82), (0.3, -0.80), (0.66, -0.70), (0.40, -0.38),
            (0.20, -0.62), (-0.10, -0.34), (-0.34, -0.60),
        ],
        cloth,
    )  # fmt: skip
    pen.disc(-0.10, -0.56, 0.06, lighter(cloth, 0.5))
    pen.disc(0.30, -0.68, 0.06, lighter(cloth, 0.5))
    pen.rectangle(-0.80, -0.76, 0.80, -0.64, lighter(wicker, 0.2), 0.05)


def box(spot: Spot) -> None:
    """A cardboard box with open flaps."""
    pen, card = spot.pen, rgb("cfa06a")
    spot.contact(0.85)
    pen.polygon([(-0.66, -0.80), (-0.20, -1.0), (0.72, -1.0), (0.40, -0.80)], darker(card, 0.45))
    pen.polygon([(-0.66, -0.80), (0.36, -0.80), (0.36, 0), (-0.66, 0)], card)
    pen.polygon([(0.36, -0.80), (0.74, -1.0), (0.74, -0.22), (0.36, 0)], darker(card, 0.22))
    pen.polygon([(-0.66, -0.80), (0.36, -0.80), (0.30, -0.60), (-0.86, -0.60)], lighter(card, 0.2))
    pen.polygon([(0.36, -0.80), (0.74, -1.0), (0.96, -0.86), (0.58, -0.64)], lighter(card, 0.08))
    pen.polygon([(-0.20, -1.0), (0.72, -1.0), (0.60, -1.2), (-0.30, -1.2)], lighter(card, 0.12))
    pen.rectangle(-0.24, -0.58, -0.04, 0, lighter(card, 0.35))
    mark = spot.accents[(0, 2)[spot.dice.below(2)]]
    pen.polygon([(0.08, -0.14), (0.28, -0.14), (0.18, -0.36)], mark)


def plaything(spot: Spot) -> None:
    """A teddy bear with two building blocks."""
    pen = spot.pen
    fur = rgb(("c58a52", "b0764a", "d8a878")[spot.dice.below(3)])
    light = lighter(fur, 0.45)
    spot.contact(0.85)
    pen.rectangle(0.36, -0.42, 0.80, 0, spot.accents[0], 0.04)
    pen.rectangle(0.45, -0.33, 0.71, -0.09, lighter(spot.accents[0], 0.4), 0.04)
    pen.polygon([(0.40, -0.44), (0.76, -0.44), (0.58, -0.78)], spot.accents[2])
    for side in (-1, 1):
        pen.disc(-0.24 + side * 0.25, -1.20, 0.14, fur)
        pen.disc(-0.24 + side * 0.25, -1.20, 0.07, light)
        pen.limb(
            [(-0.24 + side * 0.24, -0.62), (-0.24 + side * 0.46, -0.40)],
            (0.12, 0.11),
            darker(fur, 0.12),
        )
    pen.oval(-0.24, -0.42, 0.34, 0.40, fur)
    pen.oval(-0.24, -0.40, 0.20, 0.25, light)
    for side in (-1, 1):
        pen.oval(-0.24 + side * 0.26, -0.12, 0.18, 0.15, darker(fur, 0.08))
        pen.oval(-0.24 + side * 0.27, -0.11, 0.10, 0.09, light)
    pen.oval(-0.24, -0.95, 0.36, 0.31, fur)
    pen.oval(-0.24, -0.85, 0.17, 0.13, light)
    pen.oval(-0.24, -0.91, 0.07, 0.05, INK)
    for x in (-0.38, -0.10):
        pen.disc(x, -1.02, 0.05, INK)


def book(spot: Spot) -> None:
    """A pile of books with an open one on top."""
    pen, y = spot.pen, 0.0
    spot.contact(0.8)
    for number in range(3):
        colour = spot.accents[(number * 2 + spot.dice.below(2)) % 6]
        shift = spot.dice.uniform(-0.08, 0.08)
        pen.rectangle(-0.70 + shift, y - 0.24, 0.70 + shift, y, colour, 0.04)
        pen.rectangle(-0.56 + shift, y - 0.18, 0.72 + shift, y - 0.06, CREAM)
        pen.rectangle(-0.46 + shift, y - 0.24, -0.38 + shift, y, lighter(colour, 0.4))
        y -= 0.24
    cover = spot.accents[0]
    pen.polygon(
        [
            (-0.80, y - 0.26), (0, y), (0.80, y - 0.26), (0.80, y - 0.18), (0, y + 0.04),
            (-0.80, y - 0.18),
        ],
        cover,
    )  # fmt: skip
    for side in (-1, 1):
        page = smooth_open([(0, y - 0.04), (side * 0.25, y - 0.22), (side * 0.74, y - 0.26)])
        pen.polygon([*page, (side * 0.70, y - 0.58), (side * 0.25, y - 0.52), (0, y - 0.34)], CREAM)
        for row in range(3):
            rise = 0.09 * row
            pen.line(
                [(side * 0.20, y - 0.28 - rise), (side * 0.58, y - 0.34 - rise)],
                0.03,
                rgb("b9b0a2"),
            )
    pen.line([(0, y - 0.03), (0, y - 0.34)], 0.03, rgb("b9b0a2"))


def bottle(spot: Spot) -> None:
    """Two bottles of different shapes."""
    pen = spot.pen
    glasses = (rgb("4f9a6a"), rgb("6fb0c9"), rgb("b5713f"))
    spot.contact(0.6)
    first = spot.dice.below(3)
    for x, tall, half, number in ((-0.26, 1.42, 0.24, 0), (0.32, 1.08, 0.28, 1)):
        glass = glasses[(first + number) % 3]
        pen.rectangle(x - half, -0.62 * tall, x + half, 0, glass, 0.10)
        pen.polygon(
            [
                (x - half, -0.58 * tall),
                (x - 0.09, -0.76 * tall),
                (x - 0.09, -tall),
                (x + 0.09, -tall),
                (x + 0.09, -0.76 * tall),
                (x + half, -0.58 * tall),
            ],
            glass,
        )
        pen.rectangle(x - 0.12, -tall - 0.06, x + 0.12, -tall + 0.10, spot.accents[number], 0.03)
        pen.rectangle(x - half, -0.46 * tall, x + half, -0.16 * tall, CREAM)
        pen.disc(x, -0.31 * tall, 0.10, spot.accents[number])
        pen.line(
            [(x - half + 0.08, -0.54 * tall), (x - half + 0.08, -0.12)], 0.05, lighter(glass, 0.55)
        )


def food(spot: Spot) -> None:
    """A plate with a cake and fruit."""
    pen = spot.pen
    spot.contact(0.95)
    pen.oval(0, -0.10, 0.98, 0.17, rgb("cfd6dc"))
    pen.oval(0, -0.14, 0.98, 0.16, rgb("f7f7f4"))
    pen.oval(0, -0.14, 0.78, 0.11, rgb("e3e8ea"))
    icing = (rgb("f29aa8"), rgb("8a5640"), rgb("fff0c9"))[spot.dice.below(3)]
    crumb = rgb("e3b06c")
    pen.rectangle(-0.62, -0.74, 0.28, -0.14, crumb, 0.05)
    pen.rectangle(-0.62, -0.46, 0.28, -0.38, icing)
    pen.rectangle(-0.66, -0.86, 0.32, -0.66, icing, 0.10)
    for x, drop in ((-0.54, 0.14), (-0.30, 0.06), (-0.06, 0.16), (0.18, 0.08)):
        pen.limb([(x, -0.68), (x, -0.64 + drop)], (0.09, 0.08), icing)
    for x in (-0.42, -0.16, 0.10):
        pen.disc(x, -0.94, 0.11, rgb("d8414a"))
        pen.disc(x - 0.03, -0.97, 0.03, WHITE)
    apple = (rgb("d9503f"), rgb("9cc04f"))[spot.dice.below(2)]
    pen.disc(0.58, -0.36, 0.25, apple)
    pen.disc(0.50, -0.44, 0.06, lighter(apple, 0.55))
    pen.line([(0.58, -0.58), (0.63, -0.70)], 0.05, BARK)
    pen.blob([(0.62, -0.64), (0.76, -0.76), (0.84, -0.70), (0.74, -0.62)], LEAF)


def ashcan(spot: Spot) -> None:
    """A ribbed rubbish bin, its lid askew."""
    pen = spot.pen
    metal = mix(STEEL, spot.accents[2], 0.25 * spot.dice.below(2))
    spot.contact(0.6)
    pen.blob(
        [(-0.28, -1.0), (-0.18, -1.22), (0.06, -1.16), (0.2, -1.26), (0.34, -1.0)], rgb("f0ead8"),
    )  # fmt: skip
    pen.polygon([(-0.54, -1.02), (0.54, -1.02), (0.44, 0), (-0.44, 0)], metal)
    pen.polygon([(0.2, -1.02), (0.54, -1.02), (0.44, 0), (0.16, 0)], darker(metal, 0.16))
    for x in (-0.34, -0.12, 0.10, 0.32):
        pen.line([(x, -0.84), (x * 0.82, -0.12)], 0.06, darker(metal, 0.28))
    pen.rectangle(-0.60, -1.08, 0.60, -0.94, lighter(metal, 0.25), 0.05)
    pen.polygon(
        [(-0.60, -1.16), (0.52, -1.44), (0.55, -1.33), (-0.57, -1.05)], lighter(metal, 0.12),
    )  # fmt: skip
    pen.line([(-0.14, -1.36), (0.08, -1.42)], 0.07, darker(metal, 0.3))


def bench(spot: Spot) -> None:
    """A park bench."""
    pen = spot.pen
    wood = mix(spot.wood, spot.accents[(1, 4)[spot.dice.below(2)]], 0.25)
    spot.contact(1.1)
    for x in (-0.82, 0.82):
        pen.line([(x, -1.30), (x, -0.62), (x * 1.10, -0.05)], 0.12, IRON)
        pen.line([(x * 0.9, -0.6), (x * 0.86, -0.05)], 0.10, darker(IRON, 0.2))
    for y in (-1.32, -1.10, -0.88):
        pen.rectangle(-1.08, y, 1.08, y + 0.15, wood, 0.04)
        pen.rectangle(-1.08, y + 0.11, 1.08, y + 0.15, darker(wood, 0.25))
    pen.polygon([(-1.02, -0.70), (1.02, -0.70), (1.12, -0.52), (-1.12, -0.52)], lighter(wood, 0.14))
    pen.line([(-1.04, -0.62), (1.04, -0.62)], 0.035, darker(wood, 0.2))
    pen.rectangle(-1.12, -0.54, 1.12, -0.42, darker(wood, 0.12))


def bicycle(spot: Spot) -> None:
    """A bicycle, seen from the side."""
    pen, colour = spot.pen, spot.accents[(0, 2, 1)[spot.dice.below(3)]]
    spot.contact(1.0)
    wheels = (-0.60, 0.62)
    for x in wheels:
        rim = [
            (x + 0.44 * across, -0.46 + 0.42 * down)
            for across, down in map(direction, range(0, 375, 15))
        ]
        for turn in range(0, 180, 45):
            across, down = direction(turn)
            pen.line(
                [
                    (x - 0.40 * across, -0.46 - 0.40 * down),
                    (x + 0.40 * across, -0.46 + 0.40 * down),
                ],
                0.025,
                STEEL,
            )
        pen.line(rim, 0.085, INK)
        pen.disc(x, -0.46, 0.06, STEEL)
    rear, crank, seat, head = (-0.60, -0.46), (-0.06, -0.46), (-0.24, -1.04), (0.44, -1.06)
    for start, end in (
        (rear, crank), (rear, seat), (crank, seat), (crank, head), (seat, head),
        (head, (0.62, -0.46)),
    ):  # fmt: skip
        pen.line([start, end], 0.085, colour)
    pen.line([seat, (-0.29, -1.20)], 0.07, STEEL)
    pen.limb([(-0.44, -1.22), (-0.16, -1.20)], (0.08, 0.05), BARK)
    pen.line([head, (0.40, -1.30)], 0.07, STEEL)
    pen.line(smooth_open([(0.34, -1.28), (0.56, -1.34), (0.62, -1.18)]), 0.07, IRON)
    pen.disc(*crank, 0.10, IRON)
    pen.line([(-0.16, -0.36), (0.04, -0.56)], 0.05, IRON)


def barrel(spot: Spot) -> None:
    """A wooden barrel with iron hoops."""
    pen = spot.pen
    wood = mix(spot.wood, BARK, 0.3)
    spot.contact(0.65)
    right = smooth_open([(0.44, -1.22), (0.60, -0.62), (0.44, 0.0)])
    left = smooth_open([(-0.44, 0.0), (-0.60, -0.62), (-0.44, -1.22)])
    pen.polygon([*right, *left], wood)
    pen.polygon([*right, (0.16, 0.0), (0.22, -0.62), (0.16, -1.22)], darker(wood, 0.18))
    for x in (-0.26, -0.02, 0.20):
        pen.line([(x * 0.9, -1.18), (x * 1.2, -0.62), (x * 0.9, -0.02)], 0.025, darker(wood, 0.35))
    for y, half in ((-1.04, 0.50), (-0.80, 0.575), (-0.40, 0.575), (-0.16, 0.50)):
        pen.rectangle(-half, y - 0.05, half, y + 0.05, IRON)
        pen.rectangle(-half, y - 0.05, -half * 0.5, y + 0.05, lighter(IRON, 0.25))
    pen.oval(0, -1.22, 0.44, 0.12, lighter(wood, 0.22))
    pen.oval(0, -1.21, 0.36, 0.085, darker(wood, 0.2))


def rock(spot: Spot) -> None:
    """A boulder and a smaller stone."""
    pen = spot.pen
    stone = mix(STONE, spot.accents[(2, 5)[spot.dice.below(2)]], 0.12)
    spot.contact(0.95)
    pen.polygon(
        [
            (-0.90, 0), (-0.84, -0.46), (-0.46, -0.96), (0.06, -1.06), (0.46, -0.70), (0.56, -0.2),
            (0.52, 0),
        ],
        stone,
    )  # fmt: skip
    pen.polygon(
        [(-0.84, -0.46), (-0.46, -0.96), (0.06, -1.06), (-0.16, -0.66), (-0.56, -0.52)],
        lighter(stone, 0.3),
    )  # fmt: skip
    pen.polygon(
        [(0.06, -1.06), (0.46, -0.70), (0.56, -0.2), (0.52, 0), (0.10, 0), (-0.16, -0.66)],
        darker(stone, 0.16),
    )  # fmt: skip
    pen.polygon(
        [(0.36, 0), (0.42, -0.30), (0.70, -0.42), (0.94, -0.22), (0.96, 0)], darker(stone, 0.06),
    )  # fmt: skip
    pen.polygon([(0.42, -0.30), (0.70, -0.42), (0.94, -0.22), (0.66, -0.2)], lighter(stone, 0.24))
    pen.line([(-0.50, -0.30), (-0.34, -0.42), (-0.30, -0.24)], 0.03, darker(stone, 0.3))


FRONT_PROPS: dict[str, PropDrawing] = {
    "armchair": armchair,
    "stool": stool,
    "cushion": cushion,
    "vase": vase,
    "ball": ball,
    "bag": bag,
    "animal": animal,
    "flower": flower,
    "chair": chair,
    "basket": basket,
    "box": box,
    "plaything": plaything,
    "book": book,
    "bottle": bottle,
    "food": food,
    "ashcan": ashcan,
    "bench": bench,
    "bicycle": bicycle,
    "barrel": barrel,
    "rock": rock,
}
