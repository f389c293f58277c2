"""Backdrops in the open: a park, a beach and mountains."""

from __future__ import annotations

from oneshot_emotic.synthetic.drawing.colours import WHITE, Colour, darker, lighter, mix, rgb, rgbs
from oneshot_emotic.synthetic.drawing.curves import smooth_open
from oneshot_emotic.synthetic.drawing.layout import GROUNDS
from oneshot_emotic.synthetic.drawing.sky import draw_sky
from oneshot_emotic.synthetic.drawing.stage import Stage

_MEADOWS = rgbs("9cc978 84bb66 6faa58 63a052")
_BLADES, _GRAVEL = rgb("4f8c48"), rgb("e9d3a4")
_DEEP_SEA, _SHALLOW_SEA, _SURF, _SAND = rgbs("3f86c6 63c6cf 9fe0dc f1d9a8")
_FAR_FIELD, _RIPE_FIELD, _FIELD, _NEAR_FIELD = rgbs("9cba64 dcc667 b9c565 9cb857")


def park(stage: Stage) -> None:
    """Meadows, and a path that crosses them and branches off into the distance."""
    line = GROUNDS["park"].horizon
    draw_sky(stage, line + 0.03)
    stage.canvas.begin("grass")
    for step, green in enumerate(_MEADOWS):
        last = step == len(_MEADOWS) - 1
        level = line + 0.05 * step
        edge = stage.waves(level, 0.012 + 0.004 * step)
        stage.hills(edge, green, bottom=1.0 if last else level + 0.09)
    stage.tufts(18, 0.64, 0.74, _BLADES)
    stage.canvas.begin("path")
    upper, lower = stage.waves(0.760, 0.006, 4), stage.waves(0.885, 0.010, 4)
    stage.polygon([*smooth_open(upper), *reversed(smooth_open(lower))], _GRAVEL)
    x = stage.dice.uniform(0.30, 0.70)
    left = [(x - 0.10, 0.79), (x - 0.045, 0.68), (x + 0.05, 0.61), (x + 0.03, 0.555)]
    right = [(x + 0.05, 0.555), (x + 0.09, 0.61), (x + 0.03, 0.68), (x + 0.10, 0.79)]
    stage.polygon([*smooth_open(left), *smooth_open(right)], _GRAVEL)
    stage.specks(16, 0.785, 0.865, darker(_GRAVEL, 0.12))
    stage.canvas.begin("grass")
    stage.tufts(14, 0.92, 0.99, _BLADES)


def beach(stage: Stage) -> None:
    """The sea, its surf and the sand."""
    line, dice = GROUNDS["beach"].horizon, stage.dice
    draw_sky(stage, line)
    stage.canvas.begin("sea")
    stage.gradient(line, 0.73, _DEEP_SEA, _SHALLOW_SEA)
    for _ in range(22):
        near = dice.uniform()
        x, y, half = dice.uniform(), line + 0.012 + 0.22 * near * near, 0.012 + 0.03 * near
        stage.rectangle(
            x - half, y, x + half, y + 0.004 + 0.003 * near, lighter(_SHALLOW_SEA, 0.45)
        )
    shore = stage.waves(0.690, 0.014)
    stage.hills(shore, _SURF, bottom=0.74)
    stage.hills([(x, y + 0.014) for x, y in shore], WHITE, bottom=0.75)
    stage.canvas.begin("sand")
    stage.hills([(x, y + 0.026) for x, y in shore], darker(_SAND, 0.13), bottom=0.78)
    stage.hills([(x, y + 0.050) for x, y in shore], _SAND)
    stage.hills(stage.waves(0.88, 0.015), lighter(_SAND, 0.22))
    stage.specks(26, 0.77, 0.99, darker(_SAND, 0.14))


def mountains(stage: Stage) -> None:
    """Two mountain chains behind fields."""
    line, warm = GROUNDS["mountains"].horizon, stage.light.warmth
    draw_sky(stage, line + 0.02)
    stage.canvas.begin("mountain")
    _chain(stage, (0.20, 0.30), 0.21, mix(rgb("a3b8d8"), rgb("d8b0b8"), warm), snow=True)
    _chain(stage, (0.32, 0.42), 0.17, mix(rgb("5d7fa8"), rgb("8a6f92"), warm), snow=False)
    stage.canvas.begin("field")
    stage.hills(stage.waves(line, 0.010), _FAR_FIELD, bottom=line + 0.11)
    stage.hills(stage.waves(line + 0.075, 0.012), _RIPE_FIELD, bottom=line + 0.18)
    stage.hills(stage.waves(line + 0.145, 0.012), _FIELD, bottom=0.84)
    stage.hills(stage.waves(0.80, 0.012), _NEAR_FIELD)
    for step in range(-7, 8):
        stage.seam(0.5 + 0.12 * step, 0.815, 0.5 + 0.20 * step, 1, darker(_NEAR_FIELD, 0.12))
    stage.tufts(16, 0.70, 0.79, darker(_FIELD, 0.25))


def _chain(
    stage: Stage, tops: tuple[float, float], spacing: float, colour: Colour, *, snow: bool
) -> None:
    """A chain of peaks between two heights, each with a shaded flank."""
    dice, foot = stage.dice, GROUNDS["mountains"].horizon + 0.03
    x = dice.uniform(-0.10, 0.0)
    while x < 1.15:
        top, half = dice.uniform(*tops), spacing * dice.uniform(0.85, 1.25)
        rise = foot - top
        stage.polygon([(x - half, foot), (x, top), (x + half, foot)], colour)
        ridge = (x - 0.06 * half, top + 0.45 * rise)
        flank = [(x, top), (x + half, foot), (x + 0.15 * half, foot), ridge]
        stage.polygon(flank, darker(colour, 0.14))
        if snow:
            edge = ((0.30, 0.30), (0.14, 0.22), (0.0, 0.31), (-0.13, 0.21), (-0.30, 0.30))
            cap = [(x + across * half, top + down * rise) for across, down in edge]
            stage.polygon([(x, top), *cap], lighter(colour, 0.82))
        x += spacing * dice.uniform(0.9, 1.3)
