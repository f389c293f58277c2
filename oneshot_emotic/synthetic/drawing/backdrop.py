"""The backdrop of a scene, edge to edge: one function for each setting."""

from __future__ import annotations

from collections.abc import Callable

from oneshot_emotic.rng import CounterStream
from oneshot_emotic.synthetic.drawing.canvas import Canvas
from oneshot_emotic.synthetic.drawing.nature import beach, mountains, park
from oneshot_emotic.synthetic.drawing.palette import Palette
from oneshot_emotic.synthetic.drawing.rooms import living_room, office
from oneshot_emotic.synthetic.drawing.stage import Stage
from oneshot_emotic.synthetic.drawing.street import street
from oneshot_emotic.synthetic.spec import Scene, Setting

_BACKDROPS: dict[Setting, Callable[[Stage], None]] = {
    "living room": living_room,
    "office": office,
    "park": park,
    "street": street,
    "beach": beach,
    "mountains": mountains,
}


def draw_backdrop(canvas: Canvas, scene: Scene, palette: Palette, dice: CounterStream) -> None:
    """Fill `canvas` with the setting of `scene`."""
    _BACKDROPS[scene.setting](Stage(canvas, palette, scene.light, dice))
