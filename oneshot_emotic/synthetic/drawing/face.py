"""A face: eyes for energy, brows for stature, a mouth and cheeks for the smile.

Measured in radii of the head from its middle, y downwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from oneshot_emotic.synthetic.drawing.colours import darker, lighter, mix, rgb
from oneshot_emotic.synthetic.drawing.curves import Point, ring, smooth, smooth_open
from oneshot_emotic.synthetic.drawing.look import Look
from oneshot_emotic.synthetic.drawing.pen import Pen
from oneshot_emotic.synthetic.spec import Pose

_INK = rgb("2c2029")
_EYE_WHITE = rgb("fdfaf5")
_BLUSH = rgb("f0685c")
_MOUTH = rgb("6d1f2e")
_LIPS = rgb("5c1a29")
_DARK_LIPS = rgb("2a0c14")
_TONGUE = rgb("ea7b78")
_TEETH = rgb("fffaf2")

#: The outline of a head.
SKULL = smooth(
    [
        (0.0, -1.0), (0.60, -0.85), (0.86, -0.30), (0.85, 0.22), (0.66, 0.72), (0.34, 0.96),
        (0.0, 1.0), (-0.34, 0.96), (-0.66, 0.72), (-0.85, 0.22), (-0.86, -0.30), (-0.60, -0.85),
    ]
)  # fmt: skip

_EYE_X = 0.37
_MOUTH_Y = 0.48


def _features_down(pose: Pose) -> float:
    """How far the features sink: a bent head shows more of its top, a raised chin of its bottom."""
    return 0.13 * (0.45 - pose.stature)


def draw_face(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw what a face feels, on a head that has its cheeks and its hair."""
    down = _features_down(pose)
    _nose(pen, look, down)
    for side in (-1, 1):
        if look.glasses:
            pen.disc(side * _EYE_X, down, 0.31, darker(look.skin, 0.75))
            pen.disc(side * _EYE_X, down, 0.255, lighter(look.skin, 0.35))
        _eye(pen, side, pose, down)
        _brow(pen, look, side, pose, down)
    if look.glasses:
        pen.line([(-0.1, down - 0.06), (0.1, down - 0.06)], 0.06, darker(look.skin, 0.75))
    if look.beard:
        # Bare skin around the mouth, so that it can be read.
        pen.oval(0, _MOUTH_Y + down, 0.47, 0.25, look.skin)
    _mouth(pen, look, pose, _MOUTH_Y + down)


def draw_cheeks(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw the blush, which hair and beards cover."""
    down, joy = _features_down(pose), max(0.0, pose.smile)
    colour = mix(look.skin, _BLUSH, 0.10 + 0.28 * joy)
    for side in (-1, 1):
        pen.oval(side * 0.58, 0.30 + down - 0.05 * joy, 0.15 + 0.05 * joy, 0.12, colour)


def _nose(pen: Pen, look: Look, down: float) -> None:
    pen.line(
        [(-0.02, 0.06 + down), (0.05, 0.22 + down), (-0.05, 0.24 + down)],
        0.055,
        darker(look.skin, 0.22),
    )


def _eye(pen: Pen, side: int, pose: Pose, down: float) -> None:
    x, height = side * _EYE_X, 0.17 + 0.09 * pose.energy
    upper = down - height * (0.04 + 0.96 * min(1.0, 1.25 * pose.energy))
    # A real smile lifts the lower lid.
    lower = down + height * (1 - 0.45 * max(0.0, pose.smile))

    def between_lids(points: Sequence[Point], lift: float = 0.0) -> list[Point]:
        return [(px, min(max(py, upper) + lift, lower)) for px, py in points]

    whole = ring(x, down, 0.19, height)
    pen.polygon(between_lids(whole, -0.055), _INK)
    pen.polygon(between_lids(whole), _EYE_WHITE)
    pen.polygon(between_lids(ring(x, down + 0.01, 0.125, 0.135)), _INK)
    if pose.energy > 0.15:
        pen.disc(x + 0.045, max(upper + 0.06, down - 0.05), 0.04, _EYE_WHITE)


def _brow(pen: Pen, look: Look, side: int, pose: Pose, down: float) -> None:
    # Brows sink less for the proud than they rise for the meek: nobody should look wicked.
    worry = 1.1 - 1.75 * pose.stature
    y = down - 0.35 - 0.10 * pose.energy - 0.05 * max(0.0, worry)
    inner = (side * 0.17, y - 0.12 * worry)
    middle = (side * 0.37, y - 0.05)
    outer = (side * 0.58, y + 0.07 * worry)
    colour = mix(darker(look.hair, 0.25), look.skin, 0.08)
    points = smooth_open([inner, middle, outer])
    pen.limb(points[::2], [0.055 - 0.004 * step for step in range(len(points[::2]))], colour)


def _mouth(pen: Pen, look: Look, pose: Pose, y: float) -> None:
    smile = pose.smile
    joy, sorrow = max(0.0, smile), max(0.0, -smile)
    opening = 0.21 * max(0.0, pose.energy - 0.45) / 0.55 + 0.15 * max(0.0, joy - 0.35)
    width = 0.31 + 0.17 * joy + 0.08 * sorrow - 0.05 * opening
    corners = y - 0.22 * smile
    middle = y + 0.13 * smile
    # A laugh opens downwards, a cry upwards, a gasp both ways.
    upper = middle - opening * (0.55 - 0.50 * joy + 0.35 * sorrow)
    lower = middle + opening * (0.65 + 0.30 * joy - 0.35 * sorrow)
    # Lips must show on the darkest skin too.
    ink = _DARK_LIPS if math.fsum(look.skin) < 300 else _LIPS
    if opening < 0.035:
        pen.line(_lip(width, corners, lower), 0.08, ink)
        return
    pen.polygon([*_lip(width, corners, upper), *reversed(_lip(width, corners, lower, 0.5))], _MOUTH)
    if opening > 0.10:
        tongue = max(upper + 0.06, lower - 0.5 * (lower - upper))
        half = 0.58 * width
        side = lower - 0.30 * (lower - upper)
        pen.polygon([*_lip(half, side, tongue), *reversed(_lip(half, side, lower - 0.01))], _TONGUE)
    if joy > 0.25:
        row = 0.80 * width
        edge = upper + (corners - upper) * 0.64
        pen.polygon(
            [*_lip(row, edge, upper), *reversed(_lip(row, edge + 0.04, upper + 0.10))], _TEETH
        )
    pen.line(_lip(width, corners, upper), 0.05, ink)
    pen.line(_lip(width, corners, lower, 0.5), 0.05, ink)


def _lip(width: float, corners: float, middle: float, fullness: float = 0.0) -> list[Point]:
    """A curve from one corner of the mouth over its middle to the other: a bow, or fuller."""
    points = []
    for share in (-1.0, -0.85, -0.65, -0.42, -0.2, 0.0, 0.2, 0.42, 0.65, 0.85, 1.0):
        square = share * share
        rise = square * (1 - fullness + fullness * square)
        points.append((width * share, middle + (corners - middle) * rise))
    return points
