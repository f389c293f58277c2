"""Body boxes: from EMOTIC's four numbers to a part of the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: x1, y1, x2, y2 in pixels, counted from 0, half-open: a picture of width w spans 0 to w.
Box = tuple[float, float, float, float]


def clip_box(
    numbers: Sequence[float], width: float, height: float
) -> tuple[Box | None, tuple[str, ...]]:
    """Clean one `body_bbox`.

    Args:
        numbers: `[x1, y1, x2, y2]` in pixels counted from 1, as MATLAB does; a fifth element is a
            detector's score.
        width: The stored width of the image, infinite where unknown.
        height: The stored height.

    Returns:
        The part inside the picture, None where nothing is left; and the kinds of quirk met (keys of
        `quirks.QUIRKS`), of which the last one says why nothing is left where that is so.
    """
    if len(numbers) not in (4, 5) or not all(math.isfinite(number) for number in numbers[:4]):
        return None, ("box-unreadable",)
    quirks = ["box-fifth-element"] if len(numbers) == 5 else []
    x1, y1, x2, y2 = numbers[:4]
    if x2 < x1 or y2 < y1:
        quirks.append("box-swapped-corners")
        x1, x2 = min(x1, x2), max(x1, x2)
        y1, y2 = min(y1, y2), max(y1, y2)
    if x1 % 1 or y1 % 1 or x2 % 1 or y2 % 1:
        quirks.append("box-fractional")
    if x1 == x2 or y1 == y2:
        return None, (*quirks, "box-zero-area")
    left, top, right, bottom = max(x1, 1.0), max(y1, 1.0), min(x2, width), min(y2, height)
    if right <= left or bottom <= top:
        return None, (*quirks, "box-outside")
    if min(x1, y1) < 0:
        quirks.append("box-negative")
    elif min(x1, y1) < 1:
        quirks.append("box-from-zero")
    if x2 > width or y2 > height:
        quirks.append("box-over-edge")
    return (left - 1.0, top - 1.0, right, bottom), tuple(quirks)
