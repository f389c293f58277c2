"""The outlines of hair and hats, and how far they reach beyond the head.

Measured in radii of the head from its middle, y downwards. Outlines are corners of smooth curves.
"""

from __future__ import annotations

from collections.abc import Sequence

from oneshot_emotic.synthetic.drawing.curves import Point, direction, smooth
from oneshot_emotic.synthetic.drawing.look import HairStyle

#: A circle: x, y, radius.
Disc = tuple[float, float, float]


def _mirrored(*half: Point) -> list[Point]:
    """A closed outline from its right half, from top to bottom; points on the axis count once."""
    return [*half, *((-x, y) for x, y in reversed(half) if x)]


# fmt: off
# behind the head
LONG_BACK = _mirrored(
    (0, -1.02), (0.70, -0.90), (1.02, -0.20), (1.06, 0.70), (0.98, 1.50), (0, 1.62))
BOB_BACK = _mirrored(
    (0, -1.02), (0.75, -0.90), (1.06, -0.10), (1.08, 0.55), (0.80, 0.90), (0, 0.90))
CURLS: list[Disc] = [
    (0.80 * x, 0.78 * y - 0.24, 0.28) for x, y in map(direction, range(0, 360, 30))]
WAVES: list[Disc] = [
    (side * x, y, radius)
    for side in (-1, 1)
    for x, y, radius in ((0.90, -0.25, 0.26), (0.95, 0.20, 0.28), (0.93, 0.66, 0.29),
                         (0.84, 1.10, 0.30))]
BUN: Disc = (0, -1.13, 0.29)
PONYTAIL: list[Disc] = [
    (0.66, -0.45, 0.26), (1.02, -0.12, 0.27), (1.06, 0.42, 0.22), (0.90, 0.98, 0.08)]
PIGTAIL: list[Disc] = [(0.80, 0.16, 0.16), (1.06, 0.46, 0.23), (1.06, 0.98, 0.10)]

# on the head
CROP = _mirrored(
    (0, -1.10), (0.60, -0.96), (0.90, -0.48), (0.89, 0.02), (0.76, -0.22), (0.52, -0.50),
    (0, -0.56))
SMOOTH = _mirrored(
    (0, -1.08), (0.60, -0.94), (0.90, -0.42), (0.88, 0.08), (0.77, -0.18), (0.55, -0.58),
    (0, -0.74))
SHAVED = _mirrored(
    (0, -1.02), (0.58, -0.88), (0.86, -0.40), (0.86, -0.05), (0.74, -0.30), (0.50, -0.56),
    (0, -0.62))
FRINGE = _mirrored(
    (0, -1.09), (0.66, -0.94), (1.00, -0.25), (1.00, 0.60), (0.78, 0.62), (0.74, -0.25),
    (0.40, -0.44), (0, -0.46))
CURTAIN: list[Point] = [
    (0.0, -1.09), (0.62, -0.95), (0.97, -0.30), (0.98, 0.62), (0.82, 0.60), (0.76, 0.0),
    (0.48, -0.46), (0.0, -0.80)]
PARTED: list[Point] = [
    (-0.88, 0.08), (-0.94, -0.42), (-0.66, -0.96), (0.0, -1.13), (0.62, -1.00), (0.94, -0.48),
    (0.88, 0.08), (0.77, -0.22), (0.64, -0.40), (0.16, -0.42), (-0.42, -0.72), (-0.66, -0.42),
    (-0.77, -0.20)]
SIDEBURN: list[Point] = [
    (0.84, -0.45), (0.92, -0.20), (0.88, 0.14), (0.76, -0.10), (0.74, -0.45)]
BEARD = _mirrored(
    (0, 0.30), (0.46, 0.30), (0.70, 0.16), (0.86, -0.04), (0.84, 0.42), (0.52, 0.92), (0, 1.07))

# over the hair
SCARF = _mirrored(
    (0, -1.12), (0.62, -0.96), (0.98, -0.30), (0.92, 0.50), (0.86, 1.05), (0.98, 1.42), (0, 1.60))
SCARF_CUFF = _mirrored(
    (0, -0.92), (0.50, -0.78), (0.80, -0.20), (0.76, 0.40), (0.45, 0.90), (0, 1.00))
DOME = _mirrored(
    (0, -1.15), (0.55, -1.02), (0.90, -0.62), (0.92, -0.30), (0.50, -0.36), (0, -0.38))
KNIT = _mirrored(
    (0, -1.23), (0.52, -1.10), (0.90, -0.66), (0.95, -0.34), (0.50, -0.36), (0, -0.38))
# fmt: on


def _discs(outline: Sequence[Point]) -> list[Disc]:
    return [(x, y, 0.0) for x, y in smooth(outline)]


def _both_sides(discs: Sequence[Disc]) -> list[Disc]:
    return [(side * x, y, radius) for side in (-1, 1) for x, y, radius in discs]


#: What of each style can reach beyond the head, as circles, for a head that leans to the right.
SILHOUETTES: dict[HairStyle, list[Disc]] = {
    "crop": _discs(CROP),
    "parted": _discs(PARTED),
    "afro": CURLS,
    "long": _discs(LONG_BACK) + _both_sides(_discs(CURTAIN)),
    "bob": _discs(BOB_BACK) + _discs(FRINGE),
    "bun": [*_discs(SMOOTH), BUN],
    "ponytail": _discs(SMOOTH) + PONYTAIL,
    "shaved": _discs(SHAVED),
    "cap": [*_discs(DOME), (0, -1.11, 0.06)],
    "scarf": _discs(SCARF),
    "beanie": _discs(KNIT) + _both_sides([(0.86, -0.42, 0.12)]),
    "pigtails": _discs(SMOOTH) + _both_sides(PIGTAIL),
    "wavy": WAVES + _both_sides(_discs(CURTAIN)),
}
