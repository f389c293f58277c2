"""Points of smooth curves, as lists of corners of a polygon."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]

_STEPS = 4


def direction(degrees: float) -> Point:
    """The unit vector at an angle, counted from the right towards the bottom.

    Rounded, so that no machine's last digit of a sine moves a pixel.
    """
    angle = math.radians(degrees)
    return round(math.cos(angle), 6), round(math.sin(angle), 6)


_RING = tuple(direction(360 * step / 24) for step in range(24))


def _spline_weights(share: float) -> tuple[float, float, float, float]:
    square, cube = share * share, share * share * share
    return (
        -0.5 * cube + square - 0.5 * share,
        1.5 * cube - 2.5 * square + 1,
        -1.5 * cube + 2 * square + 0.5 * share,
        0.5 * cube - 0.5 * square,
    )


_WEIGHTS = tuple(_spline_weights(step / _STEPS) for step in range(_STEPS))


def smooth(points: Sequence[Point]) -> list[Point]:
    """A closed curve through all `points` (Catmull-Rom)."""
    return _spline([points[-1], *points, points[0], points[1]])


def smooth_open(points: Sequence[Point]) -> list[Point]:
    """A curve through all `points`, from the first to the last."""
    return [*_spline([points[0], *points, points[-1]]), points[-1]]


def _spline(points: Sequence[Point]) -> list[Point]:
    """The curve from the second to the last but one of `points`, that last one left out."""
    curve = []
    for (ax, ay), (bx, by), (cx, cy), (dx, dy) in zip(
        points, points[1:], points[2:], points[3:], strict=False
    ):
        for a, b, c, d in _WEIGHTS:
            curve.append((a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy))
    return curve


def ring(x: float, y: float, radius_x: float, radius_y: float) -> list[Point]:
    """The outline of an ellipse."""
    return [(x + radius_x * across, y + radius_y * down) for across, down in _RING]


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list[Point]:
    """The part of an ellipse's outline between two angles in degrees, as in `direction`."""
    steps = 12
    turns = [direction(start + (end - start) * step / steps) for step in range(steps + 1)]
    return [(x + rx * across, y + ry * down) for across, down in turns]
