"""The upper half of a figure without head and arms: shirt, jacket, dress.

Measured in heights of the figure, from between the shoulders (`chest`) and between the hips
(`pelvis`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from oneshot_emotic.synthetic.drawing.canvas import Canvas
from oneshot_emotic.synthetic.drawing.colours import WHITE, Colour, darker, lighter, mix, rgb
from oneshot_emotic.synthetic.drawing.curves import Point, smooth
from oneshot_emotic.synthetic.drawing.look import Look, Top
from oneshot_emotic.synthetic.drawing.pen import Pen
from oneshot_emotic.synthetic.drawing.skeleton import Skeleton, between

_SHADE = rgb("281846")
#: Where the waist is between neck (0) and hip (1).
_WAIST = 0.62


@dataclass(frozen=True)
class _Dressing:
    """All that a piece of clothing needs: two pens, the body and the colours."""

    chest: Pen
    pelvis: Pen
    bones: Skeleton
    look: Look

    @property
    def dark(self) -> Colour:
        """The shade of the cloth in collars, hems and pockets."""
        return darker(self.look.top_colour, 0.22)


def draw_torso(canvas: Canvas, bones: Skeleton, look: Look) -> None:
    """Draw what is worn on the torso, with its shade on the right."""
    chest, pelvis = Pen(canvas, *bones.neck, bones.unit), Pen(canvas, *bones.hip, bones.unit)
    dressing = _Dressing(chest, pelvis, bones, look)
    outline = _outline(bones)
    if look.top == "hoodie":
        chest.oval(0, -0.012, 0.088, 0.05, darker(look.top_colour, 0.25))
    canvas.polygon(outline, look.top_colour)
    if look.top == "stripes":
        _stripes(dressing)
    elif look.top == "jacket":
        _open_front(dressing)
    centre = (bones.neck[0] + bones.hip[0]) / 2
    right = sorted((point for point in outline if point[0] > centre), key=lambda point: point[1])
    inner = [(centre + (x - centre) * 0.42, y) for x, y in reversed(right)]
    canvas.glaze([*right, *inner], _SHADE, 0.10)
    if look.top in _DETAILS:
        _DETAILS[look.top](dressing)


def _outline(bones: Skeleton) -> list[Point]:
    """A smooth outline from the neck over shoulders, waist and hips, in pixels."""
    unit, (nx, ny), (hx, hy) = bones.unit, bones.neck, bones.hip
    waist = between(bones.neck, bones.hip, 0.5)[0], between(bones.neck, bones.hip, _WAIST)[1]

    def side(sign: int) -> list[Point]:
        x, y = bones.arms[sign > 0][0]
        return [
            (nx + sign * 0.036 * unit, ny - 0.024 * unit),
            (x + sign * 0.004 * unit, y - 0.040 * unit),
            (x + sign * 0.030 * unit, y + 0.010 * unit),
            (waist[0] + sign * bones.waist * unit, waist[1]),
            (hx + sign * bones.hips * unit, hy + 0.005 * unit),
            (hx + sign * 0.86 * bones.hips * unit, hy + 0.040 * unit),
        ]

    return smooth([*side(1), (hx, hy + 0.046 * unit), *reversed(side(-1))])


def _stripes(on: _Dressing) -> None:
    """Stripes across the torso, within its outline."""
    bones = on.bones
    for share in (0.22, 0.38, 0.54, 0.70, 0.86, 1.02):
        if share < _WAIST:
            half = bones.shoulders + (bones.waist - bones.shoulders) * share / _WAIST
        else:
            half = bones.waist + (bones.hips - bones.waist) * (share - _WAIST) / (1 - _WAIST)
        pen = Pen(on.chest.canvas, *between(bones.neck, bones.hip, share), bones.unit)
        pen.rectangle(-0.97 * half, -0.011, 0.97 * half, 0.011, on.look.accent)


def _open_front(on: _Dressing) -> None:
    """What shows under a jacket, and the lapels."""
    upper = [(-0.050, 0.06), (-0.034, -0.022), (0.034, -0.022), (0.050, 0.06)]
    lower = [(0.036, 0.045), (-0.036, 0.045)]
    strip = [on.chest.at(x, y) for x, y in upper] + [on.pelvis.at(x, y) for x, y in lower]
    on.chest.canvas.polygon(strip, on.look.accent)
    lapel = [(0.030, -0.022), (0.066, 0.004), (0.070, 0.058), (0.040, 0.13)]
    for side in (-1, 1):
        on.chest.polygon([(side * x, y) for x, y in lapel], on.dark)


def _round_neck(on: _Dressing) -> None:
    on.chest.oval(0, -0.012, 0.046, 0.026, on.dark)
    on.chest.oval(0, -0.016, 0.038, 0.022, darker(on.look.skin, 0.16))


def _dress(on: _Dressing) -> None:
    _round_neck(on)
    half = 0.98 * on.bones.waist
    on.pelvis.line([(-half, -0.075), (half, -0.075)], 0.022, on.look.accent)


def _sweater(on: _Dressing) -> None:
    on.chest.oval(0, -0.010, 0.050, 0.024, on.dark)
    half = 0.78 * on.bones.hips
    on.pelvis.line([(-half, 0.034), (half, 0.034)], 0.02, on.dark)


def _shirt(on: _Dressing) -> None:
    bones, canvas = on.bones, on.chest.canvas
    canvas.line([bones.neck, on.pelvis.at(0, 0.04)], 0.008 * bones.unit, on.dark)
    for share in (0.25, 0.5, 0.75):
        button = Pen(canvas, *between(bones.neck, bones.hip, share), bones.unit)
        button.disc(0, 0, 0.009, mix(on.dark, WHITE, 0.6))
    for side in (-1, 1):
        collar = [(0, 0.022), (side * 0.044, -0.03), (side * 0.056, 0.034)]
        on.chest.polygon(collar, lighter(on.look.top_colour, 0.4))


def _hoodie(on: _Dressing) -> None:
    for side in (-1, 1):
        string = [(side * 0.026, 0.01), (side * 0.028, 0.09)]
        on.chest.line(string, 0.010, lighter(on.look.top_colour, 0.6))
    pocket = [(-0.05, -0.055), (0.05, -0.055), (0.066, 0.012), (-0.066, 0.012)]
    on.pelvis.polygon(pocket, on.dark)


_DETAILS: dict[Top, Callable[[_Dressing], None]] = {
    "tee": _round_neck,
    "stripes": _round_neck,
    "dress": _dress,
    "sweater": _sweater,
    "shirt": _shirt,
    "hoodie": _hoodie,
}
