"""Tall objects at the left and right edges; the right one is a mirror image.

Each function draws one object in the units of its `Spot`: from -1 (the edge of the picture) to 1
(towards the people), from 0 on the ground up to `spot.far`, which is negative.
"""

from __future__ import annotations

from oneshot_emotic.synthetic.drawing.colours import (
    WHITE,
    Colour,
    darker,
    lighter,
    mix,
    rgb,
)
from oneshot_emotic.synthetic.drawing.curves import smooth_open
from oneshot_emotic.synthetic.drawing.layout import PropDrawing, Spot
from oneshot_emotic.synthetic.drawing.palette import (
    BARK,
    CREAM,
    GOLD,
    INK,
    IRON,
    LEAF,
    LEAF_DARK,
    LEAF_LIGHT,
    STONE,
)
from oneshot_emotic.synthetic.drawing.pen import Pen


def _height(spot: Spot, most: float) -> float:
    """The top of an object that is `most` high where there is room; negative."""
    return max(spot.far, -most)


def door(spot: Spot) -> None:
    """A panelled door in its frame."""
    pen, top = spot.pen, _height(spot, 5.4)
    colour, trim = spot.accents[2 + 2 * spot.dice.below(2)], rgb("f8f3ea")
    pen.rectangle(-1, top, 1, 0, trim, 0.05)
    pen.rectangle(-0.84, top + 0.16, 0.84, 0, colour)
    half = (top + 0.16) / 2
    for upper, lower in ((top + 0.45, half - 0.10), (half + 0.2, -0.35)):
        for left, right in ((-0.66, -0.08), (0.08, 0.66)):
            pen.rectangle(left, upper, right, lower, darker(colour, 0.20), 0.03)
            pen.rectangle(left + 0.06, upper + 0.06, right, lower, lighter(colour, 0.10), 0.03)
    pen.disc(0.68, half + 0.08, 0.10, GOLD)
    pen.rectangle(-1.05, -0.06, 1.05, 0.04, darker(spot.wood, 0.2))


def bookcase(spot: Spot) -> None:
    """Shelves full of books."""
    pen, top = spot.pen, _height(spot, 5.6)
    spot.contact(1.0)
    pen.rectangle(-1, top, 1, 0, spot.wood, 0.04)
    pen.rectangle(-0.88, top + 0.14, 0.88, -0.2, darker(spot.wood, 0.40))
    rows = max(4, round(-top / 1.1))
    step = (-top - 0.2) / rows
    for row in range(rows):
        floor = top + 0.02 + step * (row + 1)
        x = -0.84
        while x < 0.66:
            wide, tall = 0.14 + 0.04 * spot.dice.below(3), step * (0.56 + 0.08 * spot.dice.below(3))
            colour = spot.accents[spot.dice.below(6)]
            pen.rectangle(x, floor - tall, min(x + wide, 0.86), floor, colour)
            pen.rectangle(
                x, floor - 0.8 * tall, min(x + wide, 0.86), floor - 0.7 * tall, lighter(colour, 0.4)
            )
            x += wide + 0.02 + 0.25 * (spot.dice.below(9) == 0)
        pen.rectangle(-0.9, floor, 0.9, floor + 0.12, spot.wood)
    pen.rectangle(-1.06, top - 0.06, 1.06, top + 0.08, lighter(spot.wood, 0.15), 0.03)


def lamp(spot: Spot) -> None:
    """A tall floor lamp, lit."""
    pen, top = spot.pen, spot.far
    shade = (rgb("ffd98a"), rgb("ffe6b5"), rgb("ffcf9a"))[spot.dice.below(3)]
    with pen.canvas.shining():
        pen.glow(-0.2, top + 0.7, 3.2, 3.0, rgb("ffdf9c"), 0.60)
    spot.contact(0.6)
    pen.oval(-0.2, -0.06, 0.55, 0.12, IRON)
    pen.rectangle(-0.26, top + 0.9, -0.14, -0.08, IRON)
    with pen.canvas.shining():
        pen.polygon([(-0.62, top), (0.22, top), (0.58, top + 1.1), (-0.98, top + 1.1)], shade)
        gleam = [(-0.62, top), (-0.30, top), (-0.45, top + 1.1), (-0.98, top + 1.1)]
        pen.polygon(gleam, lighter(shade, 0.4))
    pen.rectangle(-0.98, top + 1.04, 0.58, top + 1.14, spot.accents[0])


def refrigerator(spot: Spot) -> None:
    """A round-cornered refrigerator with two doors."""
    pen, top = spot.pen, _height(spot, 4.6)
    colour = lighter(spot.accents[(2, 4, 0)[spot.dice.below(3)]], 0.45)
    spot.contact(1.0)
    for x in (-0.7, 0.7):
        pen.rectangle(x - 0.12, -0.15, x + 0.12, 0, IRON)
    pen.rectangle(-0.98, top, 0.98, -0.12, darker(colour, 0.14), 0.22)
    pen.rectangle(-0.98, top, 0.80, -0.12, colour, 0.22)
    split = top * 0.64
    pen.rectangle(-0.98, split - 0.05, 0.98, split + 0.05, darker(colour, 0.35))
    for upper, lower in ((split - 0.75, split - 0.2), (split + 0.25, split + 1.05)):
        pen.rectangle(0.48, upper, 0.62, lower, lighter(colour, 0.75), 0.06)
        pen.rectangle(0.60, upper + 0.03, 0.64, lower - 0.03, darker(colour, 0.3))
    pen.rectangle(-0.72, top + 0.25, -0.12, top + 0.38, lighter(colour, 0.6), 0.05)
    pen.rectangle(-0.60, split + 0.4, -0.25, split + 0.85, CREAM)
    pen.disc(-0.42, split + 0.4, 0.09, spot.accents[0])


def wardrobe(spot: Spot) -> None:
    """A wooden wardrobe with two doors."""
    pen, top, wood = spot.pen, _height(spot, 5.2), spot.wood
    spot.contact(1.0)
    for x in (-0.8, 0.8):
        pen.polygon(
            [(x - 0.14, -0.3), (x + 0.14, -0.3), (x + 0.08, 0), (x - 0.08, 0)], darker(wood, 0.4),
        )  # fmt: skip
    pen.rectangle(-1, top + 0.1, 1, -0.2, darker(wood, 0.12))
    inlay = spot.accents[3] if spot.dice.below(2) else lighter(wood, 0.22)
    for left, right in ((-0.90, -0.04), (0.04, 0.90)):
        pen.rectangle(left, top + 0.32, right, -0.85, wood, 0.03)
        pen.rectangle(left + 0.14, top + 0.52, right - 0.14, -1.05, inlay, 0.04)
    pen.rectangle(-0.9, -0.75, 0.9, -0.3, wood, 0.03)
    for x, y in ((-0.13, top * 0.52), (0.13, top * 0.52), (0.0, -0.52)):
        pen.disc(x, y, 0.08, GOLD)
    pen.rectangle(-1.08, top, 1.08, top + 0.2, lighter(wood, 0.10), 0.04)


def curtain(spot: Spot) -> None:
    """A long drape, held by a tie."""
    pen, top = spot.pen, spot.far
    colour = spot.accents[(0, 2, 5)[spot.dice.below(3)]]
    knot = top * 0.42
    right = [(1.0, top), (0.92, top * 0.72), (0.34, knot), (0.62, knot * 0.5), (0.78, 0)]
    left = [(-0.92, 0), (-0.86, knot * 0.5), (-0.72, knot), (-0.9, top * 0.72), (-1, top)]
    pen.polygon([*smooth_open(right), *smooth_open(left)], colour)
    for share in (-0.62, -0.2, 0.22, 0.62):
        waist = -0.19 + 0.53 * share
        fold = smooth_open([
            (share, top), (share * 0.96, top * 0.72), (waist, knot), (share * 0.8, knot * 0.5),
            (share * 0.86, 0),
        ])  # fmt: skip
        wide = [(x + 0.16, y) for x, y in fold]
        wide[len(fold) // 2] = (waist + 0.06, knot)
        pen.polygon([*fold, *reversed(wide)], darker(colour, 0.16))
    pen.line([(-0.72, knot), (0.34, knot)], 0.20, GOLD)
    pen.line([(-1.1, top), (1.15, top)], 0.14, darker(spot.wood, 0.15))
    pen.disc(1.2, top, 0.13, darker(spot.wood, 0.15))


def column(spot: Spot) -> None:
    """A fluted column with a capital."""
    pen, top = spot.pen, spot.far
    stone = mix(rgb("efe8dc"), spot.palette.wall, 0.15 * spot.dice.below(3))
    shade = darker(stone, 0.14)
    spot.contact(0.9)
    pen.rectangle(-0.56, top + 0.7, 0.56, -0.5, stone)
    for step in range(4):
        x = -0.42 + 0.26 * step
        pen.rectangle(x, top + 0.8, x + 0.10, -0.6, shade, 0.04)
    pen.glaze([(0.22, top + 0.7), (0.56, top + 0.7), (0.56, -0.5), (0.22, -0.5)], INK, 0.14)
    pen.rectangle(-0.68, top + 0.45, 0.68, top + 0.75, lighter(stone, 0.3), 0.1)
    pen.rectangle(-0.88, top, 0.88, top + 0.34, stone)
    pen.rectangle(-0.88, top + 0.32, 0.88, top + 0.46, shade)
    pen.disc(-0.66, top + 0.52, 0.22, lighter(stone, 0.3))
    pen.disc(0.66, top + 0.52, 0.22, stone)
    pen.disc(-0.66, top + 0.52, 0.09, shade)
    pen.disc(0.66, top + 0.52, 0.09, shade)
    pen.rectangle(-0.72, -0.62, 0.72, -0.36, lighter(stone, 0.3), 0.1)
    pen.rectangle(-0.90, -0.36, 0.90, 0, stone)
    pen.rectangle(-0.90, -0.08, 0.90, 0, shade)


def plant(spot: Spot) -> None:
    """A pot plant as tall as the room, with broad leaves."""
    pen, pot = spot.pen, spot.accents[(0, 3, 5)[spot.dice.below(3)]]
    spot.contact(0.7)
    # Where the leaves are between pot (0) and top (1): more of them on a taller plant.
    rows = max(3, round(-spot.far / 1.7))
    leaves = [(0.0, 0.97)]
    for row in range(rows):
        share = 0.16 + 0.66 * row / (rows - 1)
        spread = 0.80 - 0.34 * row / (rows - 1)
        leaves += [(-spread, share + 0.05), (spread, share)]
    heights = [(x, -1.1 + (spot.far + 1.1) * share) for x, share in leaves]
    for x, y in heights:
        pen.line(smooth_open([(0, -1.0), (x * 0.2, y * 0.6), (x * 0.9, y + 0.4)]), 0.08, LEAF_DARK)
    first = spot.dice.below(3)
    for number, (x, y) in enumerate(heights):
        _leaf(pen, x, y, (LEAF, LEAF_LIGHT, LEAF_DARK)[(number + first) % 3])
    pen.polygon([(-0.62, -1.2), (0.62, -1.2), (0.46, 0), (-0.46, 0)], pot)
    pen.polygon([(0.2, -1.2), (0.62, -1.2), (0.46, 0), (0.14, 0)], darker(pot, 0.15))
    pen.rectangle(-0.70, -1.36, 0.70, -1.06, lighter(pot, 0.15), 0.06)


def _leaf(pen: Pen, x: float, y: float, colour: Colour) -> None:
    """A broad leaf around (x, y) that points away from the stem, with its rib."""
    (sx, sy), (tx, ty) = (x * 0.62, y + 0.55), (x * 1.40, y - 0.45)
    across, down = 0.34 * (ty - sy), -0.34 * (tx - sx)
    mx, my = sx + 0.45 * (tx - sx), sy + 0.45 * (ty - sy)
    pen.blob([(sx, sy), (mx + across, my + down), (tx, ty), (mx - across, my - down)], colour)
    rib = (sx + 0.8 * (tx - sx), sy + 0.8 * (ty - sy))
    pen.line([(sx, sy), rib], 0.05, lighter(colour, 0.25))


def tree(spot: Spot) -> None:
    """A broad-leaved tree."""
    pen = spot.pen
    # The crown's top is at 2.4 over its middle.
    size = min(1.1, -spot.far / 6.2)
    crown = spot.far + 2.3 * size
    green = mix(LEAF, spot.accents[4], 0.12)
    spot.contact(0.8)
    pen.polygon(
        [(-0.34, 0), (-0.2, crown), (0.12, crown), (0.30, 0), (0.5, 0.06), (-0.5, 0.06)], BARK,
    )  # fmt: skip
    pen.line([(0.02, crown * 0.8), (0.50, crown * 1.12)], 0.16, BARK)
    pen.polygon([(0.05, 0), (0.05, crown), (0.12, crown), (0.30, 0)], darker(BARK, 0.25))
    heaps = (
        (-0.55, 0.0, 0.95), (0.55, 0.05, 0.90), (0.0, -0.75, 1.05), (-0.75, -0.9, 0.70),
        (0.72, -0.85, 0.72), (-0.05, -1.5, 0.78),
    )  # fmt: skip
    for x, y, radius in heaps:
        pen.disc(x * size, crown + y * size, radius * size, darker(green, 0.22))
    for x, y, radius in heaps:
        pen.disc((x - 0.10) * size, crown + (y - 0.12) * size, radius * 0.86 * size, green)
    for _ in range(5):
        x, y = spot.dice.uniform(-0.8, 0.4), spot.dice.uniform(-1.6, 0.0)
        pen.disc(x * size, crown + y * size, 0.22 * size, LEAF_LIGHT)


def palm(spot: Spot) -> None:
    """A palm with a bent trunk."""
    pen = spot.pen
    top = spot.far + 0.95
    bend = 0.2 + 0.1 * spot.dice.below(3)
    spot.contact(0.6)
    trunk = smooth_open([(-0.45, 0), (-0.45 + bend, top * 0.4), (-0.1, top)])
    radii = [0.26 - 0.012 * step for step in range(len(trunk))]
    pen.limb(trunk, radii, mix(BARK, spot.wood, 0.3))
    for (x, y), radius in list(zip(trunk, radii, strict=True))[1::2]:
        pen.line([(x - radius * 0.8, y), (x + radius * 0.8, y - 0.08)], 0.06, darker(BARK, 0.35))
    fronds = (
        (-1.0, 0.55), (-1.05, -0.15), (-0.6, -0.75), (0.15, -0.9), (0.85, -0.55), (1.25, 0.1),
        (0.95, 0.75),
    )  # fmt: skip
    for number, (x, y) in enumerate(fronds):
        _frond(pen, (-0.1, top), x, y, LEAF_DARK if number % 2 else LEAF)
    for x, y in ((-0.25, 0.16), (0.08, 0.18), (-0.08, 0.28)):
        pen.disc(-0.05 + x, top + y, 0.14, darker(BARK, 0.3))


def _frond(
    pen: Pen, start: tuple[float, float], across: float, down: float, colour: Colour
) -> None:
    """A bow of leaf from the crown of a palm."""
    x, y = start
    tip = (x + across, y + down + 0.3)
    bow = smooth_open([start, (x + 0.5 * across, y + down * 0.5 - 0.30), tip])
    under = smooth_open([tip, (x + 0.46 * across, y + down * 0.5 + 0.08), start])
    pen.polygon([*bow, *under], colour)
    pen.line(bow, 0.05, LEAF_LIGHT)


def streetlight(spot: Spot) -> None:
    """A street lamp with a curved arm, lit."""
    pen = spot.pen
    top = spot.far
    post = mix(IRON, spot.accents[2], 0.15 * spot.dice.below(3))
    spot.contact(0.5)
    pen.polygon([(-0.66, 0), (-0.14, 0), (-0.24, -0.7), (-0.56, -0.7)], darker(post, 0.2))
    pen.rectangle(-0.48, top + 0.5, -0.32, -0.5, post)
    pen.line(
        smooth_open([
            (-0.40, top + 0.6), (-0.28, top + 0.12), (0.1, top + 0.04), (0.42, top + 0.24),
        ]),
        0.14, post,
    )  # fmt: skip
    with pen.canvas.shining():
        pen.glow(0.46, top + 0.6, 2.0, 1.8, rgb("ffe8a0"), 0.80)
    pen.polygon(
        [(0.24, top + 0.2), (0.66, top + 0.2), (0.84, top + 0.46), (0.06, top + 0.46)],
        darker(post, 0.2),
    )  # fmt: skip
    with pen.canvas.shining():
        pen.oval(0.45, top + 0.48, 0.34, 0.14, rgb("fff0b8"))


def traffic_light(spot: Spot) -> None:
    """A traffic light that shows one of its colours."""
    pen = spot.pen
    top = spot.far
    spot.contact(0.4)
    pen.rectangle(-0.38, top + 1.6, -0.22, 0, IRON)
    pen.rectangle(-0.5, -0.3, -0.10, 0, darker(IRON, 0.2))
    pen.rectangle(-0.85, top, 0.25, top + 2.25, mix(rgb("3c4352"), spot.accents[2], 0.1), 0.22)
    pen.rectangle(-0.76, top + 0.09, 0.16, top + 2.16, rgb("2a2f3b"), 0.16)
    shown = spot.dice.below(3)
    lights = (rgb("ff5a4a"), rgb("ffc63f"), rgb("55d684"))
    for number, colour in enumerate(lights):
        y = top + 0.46 + 0.665 * number
        if number == shown:
            with pen.canvas.shining():
                pen.glow(-0.3, y, 1.0, 1.0, colour, 0.5)
                pen.disc(-0.3, y, 0.26, colour)
        else:
            pen.disc(-0.3, y, 0.26, darker(colour, 0.62))
        pen.polygon(
            [(-0.58, y - 0.18), (-0.3, y - 0.34), (-0.02, y - 0.18), (-0.3, y - 0.24)],
            rgb("1d212b"),
        )  # fmt: skip


def fountain(spot: Spot) -> None:
    """A fountain with two basins, whose jets rise as far as there is room."""
    pen, stone = spot.pen, mix(STONE, WHITE, 0.3)
    water, dark = rgb("8fd3ea"), darker(stone, 0.2)
    spot.contact(1.2)
    pen.polygon([(-1.20, -0.85), (1.20, -0.85), (1.02, 0), (-1.02, 0)], stone)
    pen.polygon([(0.3, -0.85), (1.20, -0.85), (1.02, 0), (0.26, 0)], dark)
    pen.oval(0, -0.85, 1.24, 0.24, lighter(stone, 0.3))
    pen.oval(0, -0.85, 1.08, 0.17, water)
    pen.polygon([(-0.16, -0.85), (-0.10, -2.1), (0.10, -2.1), (0.16, -0.85)], dark)
    pen.polygon([(-0.62, -2.25), (0.62, -2.25), (0.15, -1.85), (-0.15, -1.85)], stone)
    pen.oval(0, -2.25, 0.62, 0.13, water)
    top = min(-4.0, spot.far * 0.72) + 0.1 * spot.dice.below(3)
    for side in (-1, 1):
        fall = [(side * 0.55, -2.25), (side * 0.74, -1.9), (side * 0.78, -0.9)]
        pen.line(smooth_open(fall), 0.10, lighter(water, 0.4))
        for reach, rise in ((0.95, 0.72), (0.5, 0.92)):
            peak = -2.3 + (top + 2.3) * rise
            jet = [(0, -2.3), (side * reach * 0.35, peak + 0.1), (side * reach * 0.7, peak + 0.1)]
            pen.line(smooth_open([*jet, (side * reach, peak * 0.75)]), 0.09, lighter(water, 0.5))
            pen.disc(side * reach, peak * 0.72 + 0.12, 0.07, lighter(water, 0.5))
    pen.line([(0, -2.3), (0, top)], 0.12, lighter(water, 0.65))


SIDE_PROPS: dict[str, PropDrawing] = {
    "door": door,
    "bookcase": bookcase,
    "lamp": lamp,
    "refrigerator": refrigerator,
    "wardrobe": wardrobe,
    "curtain": curtain,
    "column": column,
    "plant": plant,
    "tree": tree,
    "palm": palm,
    "streetlight": streetlight,
    "traffic light": traffic_light,
    "fountain": fountain,
}
