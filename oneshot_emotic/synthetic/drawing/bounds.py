"""The body box of a figure, from its joints alone: nothing is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from oneshot_emotic.synthetic.drawing.arms import CUFF
from oneshot_emotic.synthetic.drawing.canvas import NUDGE
from oneshot_emotic.synthetic.drawing.curves import direction
from oneshot_emotic.synthetic.drawing.face import SKULL
from oneshot_emotic.synthetic.drawing.hair_shapes import SILHOUETTES, Disc
from oneshot_emotic.synthetic.drawing.legs import BARE, SHOE, WIDE_KNEE, hem
from oneshot_emotic.synthetic.drawing.look import Look, look_of
from oneshot_emotic.synthetic.drawing.skeleton import (
    ARM_RADII,
    HAND_RADIUS,
    LEG_RADII,
    RIM,
    Skeleton,
    bend,
    between,
    skeleton,
)
from oneshot_emotic.synthetic.spec import Figure, Picture

#: A rectangle around a part of a figure: x1, y1, x2, y2.
Extent = tuple[float, float, float, float]

_SKULL_DISCS = [*((x, y, 0.0) for x, y in SKULL), (-0.87, 0.10, 0.16), (0.87, 0.10, 0.16)]


def _outermost(discs: Sequence[Disc]) -> list[Disc]:
    """The discs that reach farthest in some direction; the others never touch a box."""
    farthest = {
        max(discs, key=lambda disc: across * disc[0] + down * disc[1] + disc[2])
        for across, down in map(direction, range(0, 360, 3))
    }
    return sorted(farthest)


_HEADS = {style: _outermost(discs + _SKULL_DISCS) for style, discs in SILHOUETTES.items()}


def body_box(picture: Picture, figure: Figure) -> tuple[int, int, int, int]:
    """The box around `figure` as it is drawn in `picture`.

    Args:
        picture: Gives the size; its other figures and its scene make no difference.
        figure: Whose box is wanted.

    Returns:
        x1, y1, x2, y2 in pixels, counted from 0, without the last column and row. Not cut at the
        frame.
    """
    look = look_of(figure)
    bones = skeleton(picture, figure, look.style, look.lean)
    extents = [_head(bones, look), *_limbs(bones, look), *_skirt(bones, look)]
    lefts, tops, rights, bottoms = zip(*extents, strict=True)
    return (
        math.floor(min(lefts) + NUDGE),
        math.floor(min(tops) + NUDGE),
        math.floor(max(rights) + NUDGE) + 1,
        math.floor(max(bottoms) + NUDGE) + 1,
    )


def _head(bones: Skeleton, look: Look) -> Extent:
    cosine, sine = bones.tilt
    (x, y), unit = bones.head, bones.head_radius
    discs = _HEADS[look.style]
    along, across = look.lean * cosine, look.lean * sine
    return (
        x + unit * min([along * dx - sine * dy - radius for dx, dy, radius in discs]),
        y + unit * min([across * dx + cosine * dy - radius for dx, dy, radius in discs]),
        x + unit * max([along * dx - sine * dy + radius for dx, dy, radius in discs]),
        y + unit * max([across * dx + cosine * dy + radius for dx, dy, radius in discs]),
    )


def _limbs(bones: Skeleton, look: Look) -> Iterator[Extent]:
    # A sole's last row of pixels is the one above the ground.
    unit, ground = bones.unit, bones.feet[1] - 0.5
    upper, lower = (ARM_RADII[0] + RIM) * unit, (ARM_RADII[1] + RIM) * unit
    for limb in bones.arms:
        shoulder, before, middle, after, hand = bend(limb)
        yield _around(*shoulder, ARM_RADII[0] * unit)
        if look.short_sleeved:
            yield _around(*between(shoulder, limb[1], CUFF), upper)
        for x, y in (before, middle, after):
            yield _around(x, y, lower)
        yield _around(*hand, (HAND_RADIUS + RIM) * unit)
    thickness = LEG_RADII[1] * unit * (BARE if look.skirted else WIDE_KNEE)
    for side, limb in zip((-1, 1), bones.legs, strict=True):
        yield _around(*limb[1], thickness)
        x = limb[2][0] + side * SHOE[2] * unit
        yield x - SHOE[0] * unit, ground, x + SHOE[0] * unit, ground


def _skirt(bones: Skeleton, look: Look) -> Iterator[Extent]:
    if look.skirted:
        (x, y), (half, low) = bones.hip, hem(bones)
        bottom = y + low * bones.unit
        yield x - half * bones.unit, bottom, x + half * bones.unit, bottom


def _around(x: float, y: float, radius: float) -> Extent:
    return x - radius, y - radius, x + radius, y + radius
