"""What shapes are painted on: one surface takes their colours, another their ADE20K classes.

Everything is drawn once, by code that knows only `Canvas`; so a picture and its class map cannot
disagree. Coordinates are pixels of the finished picture, as floats.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PIL import Image, ImageDraw

from oneshot_emotic.ade20k import ADE20K_INDEX
from oneshot_emotic.synthetic.drawing.colours import Colour, mix
from oneshot_emotic.synthetic.drawing.curves import Point

#: Added before coordinates are cut to integers, so that a last digit cannot move a pixel.
NUDGE = 0.01
#: Lines up to this thickness, in pixels, have no round ends.
_HAIR = 1.25


class Canvas(ABC):
    """A surface of `width` by `height` pixels for flat shapes, of the class set by `begin`."""

    def __init__(self, image: Image.Image, scale: int) -> None:
        """Paint on `image`, which is `scale` times as large as the picture."""
        self._image = image
        self._pen = ImageDraw.Draw(image)
        self._scale = scale
        self._class = 0
        self.width = image.width // scale
        self.height = image.height // scale

    def begin(self, ade20k_class: str) -> None:
        """Let all that follows belong to `ade20k_class`."""
        self._class = ADE20K_INDEX[ade20k_class]

    @contextmanager
    def shining(self) -> Iterator[None]:
        """A block in which colours are those of lamps, which no dusk dims."""
        yield

    @abstractmethod
    def _ink(self, colour: Colour) -> Colour | int:
        """What a shape of this colour and the present class is filled with."""

    @abstractmethod
    def glaze(self, points: Sequence[Point], colour: Colour, opacity: float) -> None:
        """A translucent polygon: light or shade, which changes no class."""

    @abstractmethod
    def glow(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, opacity: float
    ) -> None:
        """A soft translucent ellipse: light or shade, which changes no class."""

    def gradient(self, top: float, bottom: float, upper: Colour, lower: Colour) -> None:
        """The full width between two heights, from one colour to another."""
        self.rectangle(0, top, self.width, bottom, mix(upper, lower, 0.5))

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self._pen.polygon(self._cut(points), fill=self._ink(colour))

    def rectangle(
        self, x1: float, y1: float, x2: float, y2: float, colour: Colour, radius: float = 0
    ) -> None:
        """A filled rectangle, with round corners if `radius` is given."""
        ((left, top), (right, bottom)), ink = self._cut(((x1, y1), (x2, y2))), self._ink(colour)
        box = (left, top, max(left, right - 1), max(top, bottom - 1))
        if radius > 0:
            self._pen.rounded_rectangle(box, radius * self._scale, fill=ink)
        else:
            self._pen.rectangle(box, fill=ink)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """A filled ellipse around (x, y)."""
        self._oval(x, y, rx, ry, self._ink(colour))

    def limb(self, points: Sequence[Point], radii: Sequence[float], colour: Colour) -> None:
        """A chain of points with round ends and joints, as thick as `radii` on the way."""
        ink = self._ink(colour)
        for (x, y), radius in zip(points, radii, strict=True):
            self._oval(x, y, radius, radius, ink)
        for (ax, ay), (bx, by), a, b in zip(points, points[1:], radii, radii[1:], strict=False):
            length = math.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay)) or 1.0
            across, down = (ay - by) / length, (bx - ax) / length
            sides = [
                (ax + across * a, ay + down * a),
                (bx + across * b, by + down * b),
                (bx - across * b, by - down * b),
                (ax - across * a, ay - down * a),
            ]
            self._pen.polygon(self._cut(sides), fill=ink)

    def line(self, points: Sequence[Point], thickness: float, colour: Colour) -> None:
        """A line of even thickness with round ends, which the thinnest do not need."""
        pixels = round(thickness * self._scale)
        if pixels <= _HAIR * self._scale:
            self._pen.line(self._cut(points), fill=self._ink(colour), width=max(1, pixels))
        else:
            self.limb(points, [thickness / 2] * len(points), colour)

    def _oval(self, x: float, y: float, rx: float, ry: float, ink: Colour | int) -> None:
        scale = self._scale
        self._pen.ellipse(
            (
                math.floor((x - rx) * scale + NUDGE),
                math.floor((y - ry) * scale + NUDGE),
                math.floor((x + rx) * scale + NUDGE),
                math.floor((y + ry) * scale + NUDGE),
            ),
            fill=ink,
        )

    def _cut(self, points: Sequence[Point]) -> list[tuple[int, int]]:
        scale, floor = self._scale, math.floor
        return [(floor(x * scale + NUDGE), floor(y * scale + NUDGE)) for x, y in points]
