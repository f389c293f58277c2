"""The backdrop of a street: house fronts, a road and its sidewalks."""

from __future__ import annotations

from oneshot_emotic.synthetic.drawing.colours import Colour, darker, lighter, mix, rgb, rgbs
from oneshot_emotic.synthetic.drawing.layout import GROUNDS
from oneshot_emotic.synthetic.drawing.sky import draw_sky
from oneshot_emotic.synthetic.drawing.stage import Stage

_FACADES = rgbs("d98c6a e8c48a b5c4a6 9fb7c9 d8a7a0 c9b29a a9a3c4 e3d3b3")
_STONE, _ROAD, _MARKING = rgb("d3ccc1"), rgb("6b7280"), rgb("f4eedd")
_GLASS, _LAMPLIGHT, _DAYLIGHT = rgb("5d7489"), rgb("ffd987"), rgb("dceef2")
#: The tops and the edges of the houses. The outer ones reach into the sky above everybody's head,
#: the inner ones leave it open.
_TOPS = (0.035, 0.20, 0.31, 0.36, 0.30, 0.22, 0.035)
_EDGES = (-0.02, 0.155, 0.315, 0.43, 0.57, 0.69, 0.845, 1.02)


def street(stage: Stage) -> None:
    """A row of houses behind a road."""
    line = GROUNDS["street"].horizon
    draw_sky(stage, 0.42)
    stage.canvas.begin("building")
    haze = mix(rgb("a9bccb"), rgb("c9b7a5"), stage.light.warmth)
    left = -0.02
    while left < 1:
        right = left + stage.dice.uniform(0.05, 0.10)
        stage.rectangle(left, stage.dice.uniform(0.24, 0.36), right, line, haze)
        left = right
    first = stage.dice.below(len(_FACADES))
    for number, top in enumerate(_TOPS):
        colour = _FACADES[(first + 3 * number) % len(_FACADES)]
        top += stage.dice.uniform(-0.012, 0.012)
        _house_front(stage, _EDGES[number], top, _EDGES[number + 1], line, colour)
    _pavement(stage, line)


def _house_front(
    stage: Stage, left: float, top: float, right: float, bottom: float, colour: Colour
) -> None:
    """A cornice, rows of three windows, and a shop under an awning."""
    stage.rectangle(left, top, right, bottom, colour)
    stage.rectangle(left, top, right, top + 0.014, darker(colour, 0.25))
    pane, dark = (right - left) / 3, mix(_GLASS, colour, 0.2)
    lit = _LAMPLIGHT if stage.light.brightness < 0.5 else _DAYLIGHT
    for row in range(int((bottom - 0.09 - top) / 0.085)):
        y = top + 0.035 + 0.085 * row
        for column in range(3):
            x = left + pane * (column + 0.24)
            if stage.dice.below(3):
                stage.rectangle(x, y, x + 0.52 * pane, y + 0.05, dark)
            else:
                with stage.canvas.shining():
                    stage.rectangle(x, y, x + 0.52 * pane, y + 0.05, lit)
    shop, inset = bottom - 0.072, 0.08 * pane
    stage.rectangle(left + inset, shop, right - inset, bottom, darker(colour, 0.35))
    awning = [
        (left + inset, shop),
        (right - inset, shop),
        (right, shop + 0.02),
        (left, shop + 0.02),
    ]
    stage.polygon(awning, lighter(colour, 0.45))


def _pavement(stage: Stage, line: float) -> None:
    """A sidewalk on the far side, the road, and the sidewalk on which the people are."""
    seam = darker(_STONE, 0.12)
    stage.canvas.begin("sidewalk")
    stage.gradient(line, 0.71, seam, _STONE)
    stage.canvas.begin("road")
    stage.gradient(0.71, 0.80, lighter(_ROAD, 0.08), _ROAD)
    stage.band(0.71, 0.718, darker(_ROAD, 0.25))
    for step in range(7):
        left = 0.02 + 0.155 * step
        stage.rectangle(left, 0.757, left + 0.085, 0.766, _MARKING)
    stage.canvas.begin("sidewalk")
    stage.gradient(0.80, 1, _STONE, lighter(_STONE, 0.15))
    stage.band(0.80, 0.815, lighter(_STONE, 0.4))
    stage.band(0.815, 0.820, seam)
    stage.band(0.895, 0.899, seam)
    for step in range(-6, 7):
        stage.seam(0.5 + 0.125 * step, 0.82, 0.5 + 0.165 * step, 1, seam)
