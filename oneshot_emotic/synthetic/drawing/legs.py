"""The lower half of a figure: legs, shoes, and trousers, shorts or a skirt."""

from __future__ import annotations

import math

from oneshot_emotic.synthetic.drawing.canvas import Canvas
from oneshot_emotic.synthetic.drawing.colours import Colour, darker, lighter
from oneshot_emotic.synthetic.drawing.curves import arc
from oneshot_emotic.synthetic.drawing.look import Look
from oneshot_emotic.synthetic.drawing.pen import Pen
from oneshot_emotic.synthetic.drawing.skeleton import LEG_RADII, Limb, Skeleton, bend

#: A shoe around its ankle, in heights of the figure: half length, height, how far it points out.
SHOE = (0.054, 0.050, 0.018)
#: Bare legs and the knees of shorts, as shares of the thickness of trousers.
BARE, WIDE_KNEE = 0.74, 1.08
_SOLE = 0.014


def draw_legs(canvas: Canvas, bones: Skeleton, look: Look) -> None:
    """Draw everything below the belt."""
    cloth = look.top_colour if look.top == "dress" else look.bottom_colour
    hip, knee, ankle = (radius * bones.unit for radius in LEG_RADII)
    thick = (hip, knee, knee, knee, ankle)
    # The right leg lies in the shade, which keeps the two apart.
    for side, limb, shade in zip((-1, 1), bones.legs, (0.0, 0.10), strict=True):
        _shoe(canvas, bones, look, limb, side)
        if look.skirted or look.bottom == "shorts":
            slim = [BARE * radius for radius in thick]
            canvas.limb(bend(limb), slim, darker(look.skin, shade))
        else:
            canvas.limb(bend(limb), thick, darker(cloth, shade))
        if look.bottom == "shorts" and not look.skirted:
            canvas.limb(limb[:2], (hip, WIDE_KNEE * knee), darker(cloth, shade))
    pelvis = Pen(canvas, *bones.hip, bones.unit)
    if look.skirted:
        _skirt(pelvis, bones, cloth)
    else:
        pelvis.oval(0, 0.022, bones.hips * 0.98, 0.05, cloth)


def hem(bones: Skeleton) -> tuple[float, float]:
    """Half the width of a skirt's hem, and how far it is below the hip, in heights of the figure.

    Knees that are apart spread it.
    """
    knees = (bones.legs[1][1][0] - bones.legs[0][1][0]) / 2 / bones.unit
    return max(bones.hips, knees) + 0.058, 0.46 * (bones.feet[1] - bones.hip[1]) / bones.unit


def _skirt(pelvis: Pen, bones: Skeleton, cloth: Colour) -> None:
    half, low = hem(bones)
    edge = low - 0.015
    right = [(bones.waist, -0.05), (half, edge), (half * 0.5, low)]
    pelvis.polygon([*right, *((-x, y) for x, y in reversed(right))], cloth)
    for share in (-0.45, 0.05, 0.5):
        pleat = [(share * bones.hips, 0.05), (share * half, low - 0.03)]
        pelvis.line(pleat, 0.010, darker(cloth, 0.16))


def _shoe(canvas: Canvas, bones: Skeleton, look: Look, limb: Limb, side: int) -> None:
    length, height, outwards = SHOE
    pen = Pen(canvas, limb[2][0], bones.feet[1], bones.unit, mirror=side)
    dark_shoe = math.fsum(look.shoes) < 330
    sole = lighter(look.shoes, 0.75) if dark_shoe else darker(look.shoes, 0.45)
    pen.polygon(arc(outwards, -_SOLE / 2, length, height, 180, 360), look.shoes)
    pen.rectangle(outwards - length, -_SOLE, outwards + length, 0, sole, _SOLE / 2)
