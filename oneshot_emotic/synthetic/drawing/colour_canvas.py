"""The canvas that takes colours: a picture under a light, drawn at twice its size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from oneshot_emotic.synthetic.drawing.canvas import Canvas
from oneshot_emotic.synthetic.drawing.colours import Colour, mix
from oneshot_emotic.synthetic.drawing.curves import Point
from oneshot_emotic.synthetic.drawing.light import Lighting, of_lamps, on_people
from oneshot_emotic.synthetic.spec import Light

#: What the darkest corner of the dimmest picture loses of its red, green and blue.
_CORNER = (0.42, 0.40, 0.29)


class ColourCanvas(Canvas):
    """Takes the colours, under a light, at twice the size of the picture."""

    def __init__(self, width: int, height: int, light: Light) -> None:
        """An empty picture."""
        super().__init__(Image.new("RGB", (2 * width, 2 * height)), scale=2)
        self._scene_light, self._people_light = Lighting(light), Lighting(on_people(light))
        self._lamp_light = Lighting(of_lamps(light))
        self._lighting = self._scene_light
        self._brightness = light.brightness
        self._veil = ImageDraw.Draw(self._image, "RGBA")

    def picture(self) -> Image.Image:
        """What has been drawn, at its own size; the corners of dim pictures fade."""
        picture = self._image.reduce(2)
        strength = round(8 * max(0.0, 1 - 1.6 * self._brightness))
        if not strength:
            return picture
        return ImageChops.multiply(picture, _vignette(self.width, self.height, strength))

    def begin(self, ade20k_class: str) -> None:
        """Let all that follows belong to `ade20k_class`, and lie in its light."""
        super().begin(ade20k_class)
        self._lighting = self._people_light if ade20k_class == "person" else self._scene_light

    @contextmanager
    def shining(self) -> Iterator[None]:
        """A block in which colours are those of lamps, which no dusk dims."""
        before, self._lighting = self._lighting, self._lamp_light
        yield
        self._lighting = before

    def _ink(self, colour: Colour) -> Colour:
        return self._lighting(colour)

    def gradient(self, top: float, bottom: float, upper: Colour, lower: Colour) -> None:
        """The full width between two heights, from one colour to another, a band for each shade."""
        (_, start), (right, end) = self._cut([(0, top), (self.width, bottom)])
        first, last = self._lighting(upper), self._lighting(lower)
        bands = max(1, *(abs(one - other) for one, other in zip(first, last, strict=True)))
        for band in range(bands):
            colour = mix(first, last, (band + 0.5) / bands)
            upper_edge = start + (end - start) * band // bands
            lower_edge = start + (end - start) * (band + 1) // bands
            if lower_edge > upper_edge:
                self._pen.rectangle((0, upper_edge, right - 1, lower_edge - 1), fill=colour)

    def glaze(self, points: Sequence[Point], colour: Colour, opacity: float) -> None:
        """A translucent polygon: light or shade, which changes no class."""
        self._veil.polygon(self._cut(points), fill=(*self._lighting(colour), round(255 * opacity)))

    def glow(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, opacity: float
    ) -> None:
        """A soft translucent ellipse: light or shade, which changes no class."""
        (left, top), (right, bottom) = self._cut([(x - rx, y - ry), (x + rx, y + ry)])
        if right > left and bottom > top:
            soft = _soft_disc(round(64 * opacity))
            mask = soft.resize((right - left, bottom - top), Image.Resampling.NEAREST)
            self._image.paste(self._lighting(colour), (left, top, right, bottom), mask)


@cache
def _vignette(width: int, height: int, strength: int) -> Image.Image:
    """A factor for every pixel: 1 in the middle, bluish and the darker the farther from it."""
    across = (np.arange(width) + 0.5) / width * 2 - 1
    down = (np.arange(height) + 0.5) / height * 2 - 1
    distance = across[None, :] ** 2 + down[:, None] ** 2
    fade = np.clip((distance - 0.35) / 1.65, 0, 1) * strength / 8
    factor = 1 - fade[:, :, None] * np.array(_CORNER)
    return Image.fromarray((factor * 255).astype(np.uint8))


@cache
def _soft_disc(strength: int) -> Image.Image:
    """A mask that fades from `strength` / 64 in the middle to nothing at the rim."""
    steps = (np.arange(256) - 127.5) / 127.5
    distance = np.sqrt(steps[:, None] ** 2 + steps[None, :] ** 2)
    fade = np.clip(1 - distance, 0, 1)
    return Image.fromarray((fade * fade * (3 - 2 * fade) * strength * 255 / 64).astype(np.uint8))
