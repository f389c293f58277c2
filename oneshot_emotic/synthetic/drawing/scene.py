"""A whole picture: backdrop, what is far away, people, what is in front."""

from __future__ import annotations

from oneshot_emotic.rng import CounterStream
from oneshot_emotic.synthetic.drawing.backdrop import draw_backdrop
from oneshot_emotic.synthetic.drawing.canvas import Canvas
from oneshot_emotic.synthetic.drawing.figure import draw_figure, draw_shadow
from oneshot_emotic.synthetic.drawing.layout import spot_of
from oneshot_emotic.synthetic.drawing.palette import Palette, palette_of
from oneshot_emotic.synthetic.drawing.props_front import FRONT_PROPS
from oneshot_emotic.synthetic.drawing.props_side import SIDE_PROPS
from oneshot_emotic.synthetic.drawing.props_top import TOP_PROPS
from oneshot_emotic.synthetic.spec import PROPS, Picture, Scene, Slot

_DRAWINGS = {**TOP_PROPS, **SIDE_PROPS, **FRONT_PROPS}


def draw_picture(canvas: Canvas, picture: Picture) -> None:
    """Draw everything in `picture`, from the back to the front."""
    scene = picture.scene
    dice = CounterStream(f"oneshot-emotic/drawing/{scene.variation}")
    palette = palette_of(dice)
    draw_backdrop(canvas, scene, palette, dice)
    _draw_objects(canvas, scene, palette, "top")
    _draw_objects(canvas, scene, palette, "side")
    # All shadows before all people: nobody's shadow falls on anybody.
    for figure in picture.figures:
        draw_shadow(canvas, picture, figure)
    for figure in picture.figures:
        draw_figure(canvas, picture, figure)
    _draw_objects(canvas, scene, palette, "front")


def _draw_objects(canvas: Canvas, scene: Scene, palette: Palette, slot: Slot) -> None:
    """Draw the objects of one kind of slot."""
    for item in scene.objects:
        if PROPS[item.name].slot == slot:
            # A stream of its own, so that an object looks the same whatever else there is.
            key = f"oneshot-emotic/drawing/{scene.variation}/{item.name}/{item.place}"
            canvas.begin(item.name)
            _DRAWINGS[item.name](spot_of(canvas, scene.setting, item, palette, CounterStream(key)))
