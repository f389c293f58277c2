"""The sky: its colours follow the light; sun, moon, stars and clouds all belong to it."""

from __future__ import annotations

from collections.abc import Sequence

from oneshot_emotic.synthetic.drawing.canvas import Canvas
from oneshot_emotic.synthetic.drawing.colours import WHITE, Colour, mix, rgb
from oneshot_emotic.synthetic.drawing.curves import Point, arc
from oneshot_emotic.synthetic.drawing.stage import Stage

_DAY_TOP, _DAY_LOW = rgb("5aaee6"), rgb("d3edf5")
_NIGHT_TOP, _NIGHT_LOW = rgb("2f4c9a"), rgb("93acd8")
_DUSK_TOP, _DUSK_LOW = rgb("6a5aa8"), rgb("ffb27a")
_GOLDEN_LOW = rgb("ffe7b8")
_SUN = rgb("fff0b0")
_RED_SUN = rgb("ffb35e")
_MOON = rgb("fbf8e6")
_MOST_STARS, _MOST_CLOUDS = 30, 4


def draw_sky(stage: Stage, horizon: float) -> None:
    """Fill everything above `horizon`."""
    stage.canvas.begin("sky")
    bright, warm, dice = stage.light.brightness, stage.light.warmth, stage.dice
    top = mix(mix(_NIGHT_TOP, _DUSK_TOP, warm), _DAY_TOP, bright)
    low = mix(mix(_NIGHT_LOW, _DUSK_LOW, warm), mix(_DAY_LOW, _GOLDEN_LOW, warm), bright)
    stage.gradient(0, horizon, top, low)
    # Beside the places of what flies or stands far away.
    x = (0.06, 0.40, 0.60, 0.94)[dice.below(4)]
    # All are rolled whatever the light, so that a light changes nothing but colours below the sky.
    stars = [(dice.uniform(), dice.uniform(0.02, 0.75) * horizon) for _ in range(_MOST_STARS)]
    clouds = [
        (dice.uniform(), dice.uniform(0.12, 0.72) * horizon, dice.uniform(0.054, 0.108))
        for _ in range(_MOST_CLOUDS)
    ]
    if bright < 0.45 and warm < 0.5:
        _stars(stage, stars[: round(_MOST_STARS * (1 - bright))])
        _moon(stage, x, 0.16 * horizon)
    else:
        _sun(stage, x, (0.16 + 0.55 * (1 - bright) * warm) * horizon)
    dull = 1 - stage.light.vividness
    cloud = mix(mix(low, WHITE, 0.35 + 0.6 * bright), top, 0.25 * dull)
    for cloud_x, cloud_y, size in clouds[: 2 + round(2 * dull)]:
        ((px, py),) = stage.at([(cloud_x, cloud_y)])
        _cloud(stage.canvas, px, py, size * stage.canvas.width, cloud)


def _sun(stage: Stage, x: float, y: float) -> None:
    canvas, light = stage.canvas, stage.light
    radius = (0.040 + 0.014 * light.warmth) * canvas.width
    colour = mix(_RED_SUN, _SUN, light.brightness)
    ((px, py),) = stage.at([(x, y)])
    with canvas.shining():
        canvas.glow(px, py, 3.6 * radius, 3.6 * radius, colour, 0.34 + 0.45 * light.warmth)
        canvas.ellipse(px, py, radius, radius, colour)


def _moon(stage: Stage, x: float, y: float) -> None:
    """A crescent."""
    radius = 0.036 * stage.canvas.width
    ((px, py),) = stage.at([(x, y)])
    outer = arc(px, py, radius, radius, 20, 250)
    inner = arc(px + 0.42 * radius, py - 0.30 * radius, 0.82 * radius, 0.82 * radius, 250, 20)
    with stage.canvas.shining():
        stage.canvas.glow(px, py, 3.4 * radius, 3.4 * radius, _MOON, 0.30)
        stage.canvas.polygon([*outer, *inner], _MOON)


def _stars(stage: Stage, places: Sequence[Point]) -> None:
    """Small lights, the later ones the smaller."""
    with stage.canvas.shining():
        for number, (x, y) in enumerate(stage.at(places)):
            radius = 0.9 - 0.5 * number / _MOST_STARS
            stage.canvas.ellipse(x, y, radius, radius, _MOON)


def _cloud(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    """A flat-bottomed heap of circles."""
    heap = ((-0.8, 0.0, 0.34), (-0.3, 0.22, 0.52), (0.35, 0.12, 0.44), (0.85, 0.0, 0.28))
    for across, up, radius in heap:
        canvas.ellipse(
            x + across * size, y - up * size, radius * size, 0.85 * radius * size, colour
        )
    canvas.rectangle(x - 1.1 * size, y, x + 1.12 * size, y + 0.3 * size, colour, 0.15 * size)
