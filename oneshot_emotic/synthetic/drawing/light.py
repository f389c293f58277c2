"""The light of a scene as one function from a colour to a colour."""

from __future__ import annotations

from oneshot_emotic.synthetic.drawing.colours import Colour
from oneshot_emotic.synthetic.spec import Light

#: What the red, green and blue of a colour are multiplied by in the coldest and warmest light.
_COLD = (0.84, 0.97, 1.13)
_WARM = (1.12, 0.99, 0.78)
#: What is added in the dimmest light, so that shadows keep a hue: cold and warm.
_COLD_DUSK = (0.02, 0.05, 0.12)
_WARM_DUSK = (0.09, 0.03, 0.06)


def on_people(light: Light) -> Light:
    """The light on people: nearer to the ordinary, so that they stand out even at night."""
    return Light(
        warmth=0.5 + 0.70 * (light.warmth - 0.5),
        brightness=0.75 + 0.70 * (light.brightness - 0.75),
        vividness=0.75 + 0.68 * (light.vividness - 0.75),
    )


def of_lamps(light: Light) -> Light:
    """The light in which things appear that shine themselves."""
    return Light(
        warmth=0.6 + 0.4 * (light.warmth - 0.5),
        brightness=max(light.brightness, 0.78),
        vividness=light.vividness,
    )


class Lighting:
    """Turns a colour into the same colour under the light of a scene."""

    def __init__(self, light: Light) -> None:
        """Work out the factors of `light`."""
        warm, bright = light.warmth, light.brightness
        self._saturation = 0.30 + 0.95 * light.vividness
        self._contrast = 0.79 + 0.28 * light.vividness
        exposure = 0.52 + 0.62 * bright
        self._gain = [exposure * (c + (w - c) * warm) for c, w in zip(_COLD, _WARM, strict=True)]
        self._ambient = [
            (1 - bright) * (c + (w - c) * warm) for c, w in zip(_COLD_DUSK, _WARM_DUSK, strict=True)
        ]
        self._seen: dict[Colour, Colour] = {}

    def __call__(self, colour: Colour) -> Colour:
        """`colour` as it looks in this light."""
        lit = self._seen.get(colour)
        if lit is None:
            lit = self._seen[colour] = self._lit(colour)
        return lit

    def _lit(self, colour: Colour) -> Colour:
        red, green, blue = colour
        grey = 0.30 * red + 0.59 * green + 0.11 * blue
        return (
            self._channel(red, grey, 0),
            self._channel(green, grey, 1),
            self._channel(blue, grey, 2),
        )

    def _channel(self, value: int, grey: float, which: int) -> int:
        saturated = (grey + (value - grey) * self._saturation) / 255
        contrasted = 0.55 + (saturated - 0.55) * self._contrast
        lit = _shoulder(contrasted * self._gain[which] + self._ambient[which])
        return min(255, max(0, round(255 * lit)))


def _shoulder(value: float) -> float:
    """Bend the brightest values, so that bright light does not bleach everything."""
    excess = value - 0.85
    return value if excess <= 0 else 0.85 + excess / (1 + 2.4 * excess)
