"""The canvas that takes classes: the ADE20K index of every pixel, drawn at the picture's size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from oneshot_emotic.synthetic.drawing.canvas import Canvas
from oneshot_emotic.synthetic.drawing.colours import Colour
from oneshot_emotic.synthetic.drawing.curves import Point


class ClassCanvas(Canvas):
    """Takes the classes, at the size of the picture."""

    def __init__(self, width: int, height: int) -> None:
        """An empty map, all of class 0."""
        super().__init__(Image.new("L", (width, height)), scale=1)

    def index_map(self) -> npt.NDArray[np.uint8]:
        """The class of every pixel, as uint8 of shape (height, width)."""
        return np.array(self._image, np.uint8)

    def _ink(self, colour: Colour) -> int:  # noqa: ARG002
        return self._class

    def glaze(self, points: Sequence[Point], colour: Colour, opacity: float) -> None:
        """Nothing: light and shade change no class."""

    def glow(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, opacity: float
    ) -> None:
        """Nothing: light and shade change no class."""
