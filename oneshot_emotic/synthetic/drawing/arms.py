"""The arms of a figure, in front of everything else of it."""

from __future__ import annotations

from oneshot_emotic.synthetic.drawing.canvas import Canvas
from oneshot_emotic.synthetic.drawing.colours import darker
from oneshot_emotic.synthetic.drawing.look import Look
from oneshot_emotic.synthetic.drawing.skeleton import (
    ARM_RADII,
    HAND_RADIUS,
    RIM,
    Limb,
    Skeleton,
    bend,
    between,
)

#: Where a short sleeve ends, between shoulder (0) and elbow (1).
CUFF = 0.62
_WRIST = 0.80


def draw_arm(canvas: Canvas, bones: Skeleton, look: Look, limb: Limb) -> None:
    """Draw an arm with a darker rim, its sleeve and its hand."""
    upper, middle, lower = (radius * bones.unit for radius in ARM_RADII)
    rim, fist = RIM * bones.unit, HAND_RADIUS * bones.unit
    shoulder, elbow, hand = limb
    path, thick = bend(limb), (upper, middle, middle, middle, lower)
    sleeve, skin_rim = look.top_colour, darker(look.skin, 0.28)
    # The rim begins below the shoulder, which is one with the torso.
    canvas.limb(
        [between(shoulder, elbow, 0.45), *path[1:]],
        [*[middle + rim] * 4, lower + rim],
        skin_rim if look.short_sleeved else darker(sleeve, 0.30),
    )
    canvas.ellipse(*hand, fist + rim, fist + rim, skin_rim)
    if look.short_sleeved:
        cuff = between(shoulder, elbow, CUFF)
        canvas.limb(path, thick, look.skin)
        canvas.ellipse(*cuff, upper + rim, upper + rim, darker(sleeve, 0.25))
        canvas.limb([shoulder, cuff], (upper, upper + 0.3 * rim), sleeve)
    else:
        wrist = between(elbow, hand, _WRIST)
        canvas.limb([wrist, hand], (lower, lower), look.skin)
        canvas.limb([*path[:4], wrist], thick, sleeve)
        if look.top in ("sweater", "hoodie", "shirt"):
            start = between(elbow, hand, _WRIST - 0.08)
            canvas.limb([start, wrist], (lower, lower), darker(sleeve, 0.18))
    canvas.ellipse(*hand, fist, fist, look.skin)
