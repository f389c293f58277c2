"""Backdrops indoors: a living room and an office."""

from __future__ import annotations

from oneshot_emotic.synthetic.drawing.colours import SHADOW, Colour, darker, lighter, mix, rgb, rgbs
from oneshot_emotic.synthetic.drawing.layout import GROUNDS
from oneshot_emotic.synthetic.drawing.stage import Stage

_SUNLIGHT = rgb("fff2c8")
_CEILING = rgb("f6f6f2")
_OFFICE_WALLS = rgbs("e4ecf0 ece7de e2ebe4 e8e4ee")
_OFFICE_PANELS = rgbs("86aec6 d9a88a 8fb6a2 a09dc8 e0bf7a")
_OFFICE_FLOORS = rgbs("8f9dab a49c92 7f92a6 9a94a6")


def living_room(stage: Stage) -> None:
    """A papered wall, a wooden floor and a large rug."""
    canvas, palette, line = stage.canvas, stage.palette, GROUNDS["living room"].horizon
    canvas.begin("wall")
    stage.gradient(0, line, lighter(palette.wall, 0.10), palette.wall)
    _wallpaper(stage, line)
    stage.band(line - 0.030, line, lighter(palette.wall, 0.45))
    stage.band(line - 0.006, line, darker(palette.wall, 0.25))
    canvas.begin("floor")
    stage.gradient(line, 1, darker(palette.floor, 0.10), lighter(palette.floor, 0.08))
    for step in range(-7, 8):
        stage.seam(0.5 + 0.10 * step, line, 0.5 + 0.17 * step, 1, darker(palette.floor, 0.14))
    _sunbeam(stage)
    _rug(stage)
    width, height = canvas.width, canvas.height
    canvas.glow(width / 2, line * height, 0.75 * width, 0.06 * height, SHADOW, 0.14)


def _wallpaper(stage: Stage, line: float) -> None:
    """A large disc, stripes, a panelled lower half, or dots."""
    palette, kind = stage.palette, stage.dice.below(4)
    soft = mix(palette.wall, palette.pattern, 0.7)
    aspect = stage.canvas.width / stage.canvas.height
    if kind == 0:
        stage.ellipse(stage.dice.uniform(0.3, 0.7), 0.42, 0.30, 0.30 * aspect, palette.pattern)
    elif kind == 1:
        for step in range(10):
            left = 0.02 + 0.10 * step
            stage.rectangle(left, 0, left + 0.05, line, soft)
    elif kind == 2:
        stage.band(0.40, line, palette.pattern)
        stage.band(0.395, 0.405, lighter(palette.pattern, 0.5))
    else:
        for row in range(6):
            for column in range(9):
                x, y = (column + 0.5 * (row % 2)) / 8, (row + 0.5) * line / 6
                stage.ellipse(x, y, 0.012, 0.012 * aspect, soft)


def _rug(stage: Stage) -> None:
    """A rug in perspective; its far corners stay in sight whatever stands before them."""
    stage.canvas.begin("rug")
    rug = stage.palette.rug
    motif = lighter(rug, 0.24)
    _rug_border(stage, 0.0, darker(rug, 0.18))
    _rug_border(stage, 0.012, lighter(rug, 0.72))
    _rug_border(stage, 0.026, rug)
    if stage.dice.below(2):
        _rug_border(stage, 0.066, lighter(rug, 0.3))
        _rug_border(stage, 0.076, rug)
    if stage.dice.below(2):
        for y, spacing, size in ((0.835, 0.12, 1.0), (0.925, 0.142, 1.2)):
            for step in range(-3, 4):
                x, half, up = 0.5 + spacing * step, 0.035 * size, 0.020 * size
                stage.polygon([(x - half, y), (x, y - up), (x + half, y), (x, y + up)], motif)
    else:
        for size, colour in ((1.0, motif), (0.72, rug), (0.44, motif)):
            stage.ellipse(0.5, 0.88, 0.30 * size, 0.075 * size, colour)


def _rug_border(stage: Stage, inset: float, colour: Colour) -> None:
    """What lies within `inset` of the rug's edge."""
    top, bottom, left = 0.755 + 0.75 * inset, 1.06 - inset, 0.035 + inset
    near = left - 0.25 * (bottom - top)
    stage.polygon([(left, top), (1 - left, top), (1 - near, bottom), (near, bottom)], colour)


def office(stage: Stage) -> None:
    """A plain room with a panelled piece of wall, a tiled floor and a tiled ceiling."""
    dice, line, corner = stage.dice, GROUNDS["office"].horizon, 0.055
    wall = _OFFICE_WALLS[dice.below(len(_OFFICE_WALLS))]
    panel = _OFFICE_PANELS[dice.below(len(_OFFICE_PANELS))]
    floor = _OFFICE_FLOORS[dice.below(len(_OFFICE_FLOORS))]
    stage.canvas.begin("wall")
    stage.gradient(0, line, lighter(wall, 0.25), wall)
    left = dice.uniform(0.10, 0.55)
    stage.rectangle(left, 0, left + 0.34, line, panel)
    for step in range(1, 6):
        x = left + 0.34 * step / 6
        stage.seam(x, 0, x, line, darker(panel, 0.10))
    stage.band(line - 0.022, line, darker(wall, 0.30))
    stage.canvas.begin("floor")
    stage.band(line, 1, floor)
    for step in range(-8, 9):
        stage.seam(0.5 + 0.06 * step, line, 0.5 + 0.15 * step, 1, darker(floor, 0.10))
    for share in (0.10, 0.24, 0.44, 0.70):
        y = line + (1 - line) * share
        stage.seam(0, y, 1, y, darker(floor, 0.10))
    stage.canvas.begin("wall")
    for side in (0, 1):
        slant = [(0, 0), (corner, 0), (corner, line), (0, 0.70)]
        stage.polygon([(abs(side - x), y) for x, y in slant], darker(wall, 0.10))
        foot = [(0, 0.672), (corner, line - 0.022), (corner, line), (0, 0.70)]
        stage.polygon([(abs(side - x), y) for x, y in foot], darker(wall, 0.36))
    _ceiling(stage, corner)
    _sunbeam(stage)


def _ceiling(stage: Stage, corner: float) -> None:
    stage.canvas.begin("ceiling")
    far, near = 0.035, 0.075
    stage.polygon(
        [(0, 0), (1, 0), (1, near), (1 - corner, far), (corner, far), (0, near)], _CEILING
    )
    for step in range(-6, 7):
        stage.seam(0.5 + 0.075 * step, far, 0.5 + 0.10 * step, 0, darker(_CEILING, 0.12))
    stage.seam(0, 0.018, 1, 0.018, darker(_CEILING, 0.12))


def _sunbeam(stage: Stage) -> None:
    """Light through a window that is not in the picture, the stronger the brighter the scene."""
    start = stage.dice.uniform(0.15, 0.55)
    strength = 0.24 * (stage.light.brightness - 0.4)
    if strength <= 0:
        return
    for left in (start, start + 0.17):
        beam = [(left, 0), (left + 0.13, 0), (left + 0.33, 1), (left + 0.20, 1)]
        stage.canvas.glaze(stage.at(beam), _SUNLIGHT, strength)
