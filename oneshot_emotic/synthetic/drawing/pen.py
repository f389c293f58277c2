"""A canvas seen from an object's own place: its own origin, unit, slant and mirror image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oneshot_emotic.synthetic.drawing.canvas import Canvas
from oneshot_emotic.synthetic.drawing.colours import Colour
from oneshot_emotic.synthetic.drawing.curves import Point, ring, smooth


@dataclass(frozen=True)
class Pen:
    """Draws on `canvas` in units of `unit` pixels around (x, y), y downwards.

    Attributes:
        canvas: What is drawn on.
        x, y: The origin, in pixels.
        unit: The length of a unit, in pixels.
        mirror: -1 to swap left and right.
        turn: Cosine and sine of a rotation, clockwise as seen.
    """

    canvas: Canvas
    x: float
    y: float
    unit: float
    mirror: int = 1
    turn: Point = (1.0, 0.0)

    def at(self, x: float, y: float) -> Point:
        """The pixel of a point."""
        return self.all_at(((x, y),))[0]

    def all_at(self, points: Iterable[Point]) -> list[Point]:
        """The pixels of some points."""
        (cosine, sine), left, top, unit = self.turn, self.x, self.y, self.unit
        along, across = self.mirror * unit * cosine, self.mirror * unit * sine
        aside, down = unit * sine, unit * cosine
        return [(left + along * x - aside * y, top + across * x + down * y) for x, y in points]

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self.canvas.polygon(self.all_at(points), colour)

    def blob(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled smooth shape through `points`."""
        self.polygon(smooth(points), colour)

    def rectangle(
        self, x1: float, y1: float, x2: float, y2: float, colour: Colour, radius: float = 0
    ) -> None:
        """A filled upright rectangle, with round corners if `radius` is given."""
        (ax, ay), (bx, by) = self.all_at(((x1, y1), (x2, y2)))
        self.canvas.rectangle(min(ax, bx), ay, max(ax, bx), by, colour, radius * self.unit)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A filled circle."""
        self.canvas.ellipse(*self.at(x, y), radius * self.unit, radius * self.unit, colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """A filled ellipse."""
        if self.turn == (1.0, 0.0):
            self.canvas.ellipse(*self.at(x, y), rx * self.unit, ry * self.unit, colour)
        else:
            self.polygon(ring(x, y, rx, ry), colour)

    def line(self, points: Sequence[Point], thickness: float, colour: Colour) -> None:
        """A line with round ends."""
        self.canvas.line(self.all_at(points), thickness * self.unit, colour)

    def limb(self, points: Sequence[Point], radii: Sequence[float], colour: Colour) -> None:
        """A chain of points with round joints, as thick as `radii` on the way."""
        self.canvas.limb(self.all_at(points), [radius * self.unit for radius in radii], colour)

    def glaze(self, points: Sequence[Point], colour: Colour, opacity: float) -> None:
        """A translucent polygon."""
        self.canvas.glaze(self.all_at(points), colour, opacity)

    def glow(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, opacity: float
    ) -> None:
        """A soft translucent ellipse."""
        self.canvas.glow(*self.at(x, y), rx * self.unit, ry * self.unit, colour, opacity)
