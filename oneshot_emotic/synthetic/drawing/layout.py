"""Where the slots of a picture are, and where in a setting things stand.

Fractions of the picture. People are kept below `skeleton.HEADROOM`; every top object starts above
it, and so does every side object that is too narrow to be seen beside a person. Side objects keep
a margin at the edge free for what is behind them, and end above the front objects, so that the
ground shows between the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from oneshot_emotic.rng import CounterStream
from oneshot_emotic.synthetic.drawing.canvas import Canvas
from oneshot_emotic.synthetic.drawing.colours import SHADOW, Colour
from oneshot_emotic.synthetic.drawing.palette import Palette
from oneshot_emotic.synthetic.drawing.pen import Pen
from oneshot_emotic.synthetic.spec import INDOORS, PROPS, PlacedObject, Setting


@dataclass(frozen=True)
class Ground:
    """The heights of a setting.

    Attributes:
        top: Where top objects begin.
        horizon: Where the ground, or the sea, meets what is behind it.
        stand: Where top objects that stand meet the ground.
    """

    top: float
    horizon: float
    stand: float


GROUNDS: dict[Setting, Ground] = {
    "living room": Ground(0.030, 0.63, 0.63),
    "office": Ground(0.046, 0.63, 0.63),
    "park": Ground(0.025, 0.50, 0.55),
    "street": Ground(0.025, 0.60, 0.61),
    "beach": Ground(0.025, 0.42, 0.69),
    "mountains": Ground(0.025, 0.53, 0.57),
}

_TOP_X = (0.27, 0.50, 0.73)
_TOP_HALF = 0.10
_SIDE_X = (0.108, 0.892)
_SIDE_HALF = 0.080
_SIDE_TOP, _SIDE_BASE = 0.050, 0.695
_FRONT_X = (0.135, 0.865)
_FRONT_HALF, _FRONT_HEIGHT = 0.115, 0.15
_FRONT_BASE = 0.975


@dataclass(frozen=True)
class Spot:
    """All that the drawing of an object needs to know.

    Attributes:
        pen: Origin at the top centre (top objects) or at the bottom centre (the others); the
            object is about 2 units wide.
        far: The height of the ground for a top object, of the ceiling or sky for a side object;
            a front object has none.
        horizon: The height of the horizon for a top object.
        outdoors: True under the sky.
        palette: The colours of the scene.
        dice: Decides what carries no meaning.
    """

    pen: Pen
    far: float
    horizon: float
    outdoors: bool
    palette: Palette
    dice: CounterStream

    @property
    def accents(self) -> tuple[Colour, ...]:
        """The colours of objects."""
        return self.palette.accents

    @property
    def wood(self) -> Colour:
        """The colour of furniture."""
        return self.palette.wood

    def contact(self, half_width: float) -> None:
        """Draw the shadow where an object stands at the origin."""
        self.pen.glow(0, 0, half_width * 1.3, 0.20, SHADOW, 0.58)


PropDrawing = Callable[[Spot], None]


def spot_of(
    canvas: Canvas, setting: Setting, item: PlacedObject, palette: Palette, dice: CounterStream
) -> Spot:
    """The place of `item` on `canvas`; what is on the right is a mirror image at side and front."""
    width, height, ground = canvas.width, canvas.height, GROUNDS[setting]
    slot, mirror = PROPS[item.name].slot, 1 - 2 * item.place
    far = horizon = 0.0
    if slot == "top":
        pen = Pen(canvas, _TOP_X[item.place] * width, ground.top * height, _TOP_HALF * width)
        far = (ground.stand - ground.top) * height / pen.unit
        horizon = (ground.horizon - ground.top) * height / pen.unit
    elif slot == "side":
        unit = _SIDE_HALF * width
        pen = Pen(canvas, _SIDE_X[item.place] * width, _SIDE_BASE * height, unit, mirror)
        far = (_SIDE_TOP - _SIDE_BASE) * height / unit
    else:
        unit = min(_FRONT_HALF * width, _FRONT_HEIGHT * height)
        pen = Pen(canvas, _FRONT_X[item.place] * width, _FRONT_BASE * height, unit, mirror)
    return Spot(pen, far, horizon, setting not in INDOORS, palette, dice)
