"""From a `Picture` to pixels.

`draw` gives the picture, `index_map` the ADE20K class of every pixel of it, and `body_box` the box
around one of its figures. The same drawing code makes the first two (see `canvas`), so that they
cannot disagree; the box comes from the figure's joints (see `skeleton` and `bounds`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from oneshot_emotic.synthetic.drawing.bounds import body_box
from oneshot_emotic.synthetic.drawing.class_canvas import ClassCanvas
from oneshot_emotic.synthetic.drawing.colour_canvas import ColourCanvas
from oneshot_emotic.synthetic.drawing.scene import draw_picture
from oneshot_emotic.synthetic.spec import Picture

__all__ = ["body_box", "draw", "index_map"]


def draw(picture: Picture) -> Image.Image:
    """The pixels of `picture`, as an RGB image of its size."""
    canvas = ColourCanvas(picture.width, picture.height, picture.scene.light)
    draw_picture(canvas, picture)
    return canvas.picture()


def index_map(picture: Picture) -> npt.NDArray[np.uint8]:
    """The ADE20K index of every pixel of `picture`, as uint8 of shape (height, width)."""
    canvas = ClassCanvas(picture.width, picture.height)
    draw_picture(canvas, picture)
    return canvas.index_map()
