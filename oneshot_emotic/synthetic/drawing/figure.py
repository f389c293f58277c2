"""A person, from the hair in the back to the hands in front."""

from __future__ import annotations

from oneshot_emotic.synthetic.drawing.arms import draw_arm
from oneshot_emotic.synthetic.drawing.canvas import Canvas
from oneshot_emotic.synthetic.drawing.colours import SHADOW, darker
from oneshot_emotic.synthetic.drawing.face import SKULL, draw_cheeks, draw_face
from oneshot_emotic.synthetic.drawing.hair import draw_hair_behind, draw_hair_over
from oneshot_emotic.synthetic.drawing.legs import draw_legs
from oneshot_emotic.synthetic.drawing.look import Look, look_of
from oneshot_emotic.synthetic.drawing.pen import Pen
from oneshot_emotic.synthetic.drawing.skeleton import Skeleton, skeleton
from oneshot_emotic.synthetic.drawing.torso import draw_torso
from oneshot_emotic.synthetic.spec import Figure, Picture


def draw_shadow(canvas: Canvas, picture: Picture, figure: Figure) -> None:
    """Darken the ground under `figure`; the ground stays ground."""
    unit = figure.height * picture.height
    half_width = (0.20 + 0.115 * figure.pose.energy) * unit
    x, y = figure.x * picture.width, figure.ground * picture.height
    canvas.glow(x, y, half_width, 0.055 * unit, SHADOW, 0.55)


def draw_figure(canvas: Canvas, picture: Picture, figure: Figure) -> None:
    """Draw `figure`, all of it of the class "person"."""
    canvas.begin("person")
    look = look_of(figure)
    bones = skeleton(picture, figure, look.style, look.lean)
    head = Pen(canvas, *bones.head, bones.head_radius, turn=bones.tilt)
    draw_hair_behind(head, look)
    draw_legs(canvas, bones, look)
    _neck(canvas, bones, look)
    draw_torso(canvas, bones, look)
    _skull(head, look)
    draw_cheeks(head, look, figure.pose)
    draw_hair_over(head, look)
    draw_face(head, look, figure.pose)
    for limb in bones.arms:
        draw_arm(canvas, bones, look, limb)


def _neck(canvas: Canvas, bones: Skeleton, look: Look) -> None:
    if look.style != "scarf":
        width = 0.30 * bones.head_radius
        canvas.limb([bones.neck, bones.head], (width, width), darker(look.skin, 0.16))


def _skull(head: Pen, look: Look) -> None:
    if look.style not in ("scarf", "long", "wavy", "bob"):
        for side in (-1, 1):
            head.disc(side * 0.87, 0.10, 0.16, darker(look.skin, 0.06))
            head.disc(side * 0.88, 0.11, 0.08, darker(look.skin, 0.2))
    head.polygon(SKULL, look.skin)
