"""What a backdrop is drawn with: shapes in fractions of the picture, and the scene's colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oneshot_emotic.rng import CounterStream
from oneshot_emotic.synthetic.drawing.canvas import Canvas
from oneshot_emotic.synthetic.drawing.colours import Colour
from oneshot_emotic.synthetic.drawing.curves import Point, smooth_open
from oneshot_emotic.synthetic.drawing.palette import Palette
from oneshot_emotic.synthetic.spec import Light


@dataclass(frozen=True)
class Stage:
    """A canvas seen as a unit square, y downwards.

    Attributes:
        canvas: What is drawn on.
        palette: The colours of the scene.
        light: The light of the scene, for what depends on it besides the colours.
        dice: Decides what carries no meaning.
    """

    canvas: Canvas
    palette: Palette
    light: Light
    dice: CounterStream

    def at(self, points: Sequence[Point]) -> list[Point]:
        """The pixels of some points."""
        width, height = self.canvas.width, self.canvas.height
        return [(x * width, y * height) for x, y in points]

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self.canvas.polygon(self.at(points), colour)

    def rectangle(
        self, left: float, top: float, right: float, bottom: float, colour: Colour
    ) -> None:
        """A filled rectangle."""
        (x1, y1), (x2, y2) = self.at([(left, top), (right, bottom)])
        self.canvas.rectangle(x1, y1, x2, y2, colour)

    def band(self, top: float, bottom: float, colour: Colour) -> None:
        """The full width between two heights."""
        self.rectangle(0, top, 1, bottom, colour)

    def gradient(self, top: float, bottom: float, upper: Colour, lower: Colour) -> None:
        """The full width between two heights, from one colour to another."""
        self.canvas.gradient(top * self.canvas.height, bottom * self.canvas.height, upper, lower)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """A filled ellipse."""
        width, height = self.canvas.width, self.canvas.height
        self.canvas.ellipse(x * width, y * height, rx * width, ry * height, colour)

    def seam(self, x1: float, y1: float, x2: float, y2: float, colour: Colour) -> None:
        """A hair line."""
        self.canvas.line(self.at([(x1, y1), (x2, y2)]), 1.0, colour)

    def hills(self, edge: Sequence[Point], colour: Colour, bottom: float = 1.0) -> None:
        """Everything from a smooth edge down to `bottom`."""
        points = smooth_open(edge)
        self.polygon([*points, (points[-1][0], bottom), (points[0][0], bottom)], colour)

    def waves(self, level: float, swing: float, knots: int = 5) -> list[Point]:
        """An edge that goes up and down around `level`, from left to right."""
        return [
            (-0.05 + 1.1 * step / (knots - 1), level + swing * self.dice.uniform(-1, 1))
            for step in range(knots)
        ]

    def specks(self, count: int, top: float, bottom: float, colour: Colour) -> None:
        """Small stones between two heights."""
        for _ in range(count):
            ((x, y),) = self.at([(self.dice.uniform(), self.dice.uniform(top, bottom))])
            self.canvas.ellipse(x, y, self.dice.uniform(0.8, 2.4), 0.8, colour)

    def tufts(self, count: int, top: float, bottom: float, colour: Colour) -> None:
        """Blades of grass between two heights, larger when nearer."""
        for _ in range(count):
            height = self.dice.uniform(top, bottom)
            ((x, y),) = self.at([(self.dice.uniform(), height)])
            size = 0.008 * self.canvas.width * (0.4 + height)
            left, right = (x - size * 0.7, y - size), (x + size * 0.7, y - size)
            blades = [left, (x, y), (x, y - 1.5 * size), (x, y), right]
            self.canvas.line(blades, 1.0, colour)
