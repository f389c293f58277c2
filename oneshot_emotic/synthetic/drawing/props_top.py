"""Objects at the top: hung on a wall, far away on the ground, or in the sky.

Each function draws one object in the units of its `Spot`: from -1 to 1 across, from 0 at the top
downwards. People stay below about 0.35 (0.25 in an office) on the widest pictures, so every object
has a good part of itself above that.
"""

from __future__ import annotations

from oneshot_emotic.synthetic.drawing.colours import WHITE, Colour, darker, lighter, mix, rgb
from oneshot_emotic.synthetic.drawing.curves import smooth_open
from oneshot_emotic.synthetic.drawing.layout import PropDrawing, Spot
from oneshot_emotic.synthetic.drawing.palette import (
    CREAM,
    GLASS,
    GOLD,
    INK,
    IRON,
    STEEL,
    STONE,
)
from oneshot_emotic.synthetic.drawing.pen import Pen


def _frame(pen: Pen, bottom: float, colour: Colour, inside: Colour, width: float = 0.12) -> None:
    """A rectangle with a frame and the shadow it throws on the wall."""
    pen.glaze(
        [(-0.94, 0.06), (1.06, 0.06), (1.06, bottom + 0.08), (-0.94, bottom + 0.08)], INK, 0.16,
    )  # fmt: skip
    pen.rectangle(-1, 0, 1, bottom, colour, 0.04)
    pen.rectangle(-1 + width, width, 1 - width, bottom - width, inside)


def _post(pen: Pen, x: float, top: float, bottom: float, colour: Colour) -> None:
    """A post in the ground, for what hangs on a wall indoors."""
    pen.glow(x, bottom, 0.45, 0.12, INK, 0.4)
    pen.rectangle(x - 0.07, top, x + 0.07, bottom, colour)


def painting(spot: Spot) -> None:
    """A landscape in a wooden frame."""
    pen, sky = spot.pen, lighter(spot.accents[1], 0.55)
    _frame(pen, 1.40, darker(spot.wood, 0.15), CREAM, 0.11)
    pen.rectangle(-0.76, 0.24, 0.76, 1.16, sky)
    x = spot.dice.uniform(-0.4, 0.4)
    pen.disc(x, 0.52, 0.17, spot.accents[0])
    hill, front = spot.accents[4], spot.accents[2]
    pen.polygon(
        [
            (-0.76, 0.86), (-0.35, 0.66), (0.15, 0.84), (0.5, 0.70), (0.76, 0.80), (0.76, 1.16),
            (-0.76, 1.16),
        ],
        hill,
    )  # fmt: skip
    pen.polygon([(-0.76, 1.02), (-0.2, 0.90), (0.76, 1.08), (0.76, 1.16), (-0.76, 1.16)], front)


def windowpane(spot: Spot) -> None:
    """A window with a view of the sky only."""
    pen, bottom = spot.pen, 2.05
    white = rgb("fbf8f2")
    _frame(pen, bottom, white, GLASS, 0.11)
    pen.rectangle(-0.89, 1.20, 0.89, bottom - 0.11, lighter(GLASS, 0.45))
    x = spot.dice.uniform(-0.5, 0.2)
    for across, radius in ((0.0, 0.15), (0.22, 0.21), (0.46, 0.14)):
        pen.disc(x + across, 0.72, radius, WHITE)
    pen.rectangle(x - 0.12, 0.74, x + 0.56, 0.86, WHITE, 0.05)
    pen.glaze(
        [(-0.5, 0.11), (-0.1, 0.11), (-0.75, bottom - 0.11), (-0.89, bottom - 0.11), (-0.89, 1.1)],
        WHITE, 0.35,
    )  # fmt: skip
    pen.rectangle(-0.05, 0.11, 0.05, bottom - 0.1, white)
    pen.rectangle(-0.89, 0.98, 0.89, 1.07, white)
    pen.rectangle(-1.10, bottom - 0.02, 1.10, bottom + 0.10, white, 0.03)
    pen.rectangle(-1.10, bottom + 0.07, 1.10, bottom + 0.11, darker(white, 0.2))


def clock(spot: Spot) -> None:
    """A round wall clock."""
    pen, y = spot.pen, 0.68
    pen.glow(0.05, y + 0.1, 0.85, 0.85, INK, 0.35)
    pen.disc(0, y, 0.68, spot.accents[0])
    pen.disc(0, y, 0.56, CREAM)
    for dx, dy in ((0, -1), (1, 0), (0, 1), (-1, 0)):
        pen.line([(0.40 * dx, y + 0.40 * dy), (0.48 * dx, y + 0.48 * dy)], 0.07, INK)
    side = 1 if spot.dice.below(2) else -1
    pen.line([(0, y), (side * 0.22, y - 0.14)], 0.09, INK)
    pen.line([(0, y), (-side * 0.06, y - 0.40)], 0.06, INK)
    pen.disc(0, y, 0.06, spot.accents[0])


def shelf(spot: Spot) -> None:
    """Two boards with odds and ends."""
    pen = spot.pen
    for y, shift in ((0.70, 0), (1.45, 2)):
        pen.glaze([(-0.95, y + 0.1), (1, y + 0.1), (1, y + 0.24), (-0.9, y + 0.24)], INK, 0.15)
        for x in (-0.7, 0.7):
            pen.polygon(
                [(x - 0.05, y), (x + 0.05, y), (x + 0.05, y + 0.26), (x - 0.05, y + 0.20)],
                darker(spot.wood, 0.25),
            )  # fmt: skip
        x = -0.85
        for number in range(4):
            wide, tall = 0.12 + 0.03 * spot.dice.below(3), 0.46 + 0.05 * spot.dice.below(4)
            colour = spot.accents[(number + shift) % len(spot.accents)]
            pen.rectangle(x, y - tall, x + wide, y, colour)
            pen.rectangle(x, y - tall + 0.08, x + wide, y - tall + 0.12, lighter(colour, 0.5))
            x += wide + 0.02
        if shift:
            pen.disc(0.48, y - 0.22, 0.22, spot.accents[1])
            pen.rectangle(0.40, y - 0.56, 0.56, y - 0.3, spot.accents[1], 0.04)
        else:
            pen.rectangle(0.05, y - 0.56, 0.75, y, darker(spot.wood, 0.2))
            pen.rectangle(0.13, y - 0.48, 0.67, y - 0.08, lighter(spot.accents[2], 0.6))
            pen.polygon([(0.13, y - 0.08), (0.36, y - 0.34), (0.67, y - 0.08)], spot.accents[2])
        pen.rectangle(-1, y, 1, y + 0.10, spot.wood, 0.02)


def mirror(spot: Spot) -> None:
    """A tall oval mirror in a golden frame."""
    pen, y = spot.pen, 1.02
    gold = mix(GOLD, spot.accents[1], 0.3)
    pen.glow(0.06, y + 0.12, 0.95, 1.25, INK, 0.3)
    pen.oval(0, y, 0.76, 1.02, gold)
    pen.oval(0, y, 0.70, 0.95, lighter(gold, 0.35))
    pen.oval(0, y, 0.63, 0.87, rgb("cfe3ea"))
    pen.oval(0.08, y + 0.10, 0.52, 0.72, rgb("e2f0f4"))
    tilt = spot.dice.uniform(0.0, 0.12)
    for shift, width in ((0.0, 0.12), (0.26, 0.06)):
        pen.line([(-0.30 + shift, y + 0.34 + tilt), (0.10 + shift, y - 0.42 + tilt)], width, WHITE)


def bulletin_board(spot: Spot) -> None:
    """A cork board with notes."""
    pen = spot.pen
    _frame(pen, 1.45, spot.wood, rgb("cf9f69"), 0.09)
    places = ((-0.55, 0.42), (0.05, 0.38), (0.58, 0.46), (-0.38, 1.0), (0.30, 1.02))
    for number, (x, y) in enumerate(places):
        wide, tall = 0.20 + 0.02 * spot.dice.below(3), 0.20 + 0.03 * spot.dice.below(3)
        paper = lighter(spot.accents[number % 6], 0.55)
        pen.rectangle(x - wide, y - tall, x + wide, y + tall, paper)
        for row in range(2):
            level = y - 0.02 + 0.10 * row
            pen.line([(x - 0.6 * wide, level), (x + 0.5 * wide, level)], 0.035, darker(paper, 0.35))
        pen.disc(x, y - tall + 0.04, 0.055, spot.accents[(number + 3) % 6])


def television_receiver(spot: Spot) -> None:
    """A flat television that shows an abstract programme."""
    pen = spot.pen
    pen.rectangle(-0.35, 1.2, 0.35, 1.40, IRON)
    _frame(pen, 1.25, INK, INK, 0.08)
    with pen.canvas.shining():
        pen.rectangle(-0.92, 0.08, 0.92, 1.17, rgb("2b5a86"))
        pen.polygon(
            [(-0.92, 0.9), (-0.3, 0.55), (0.2, 0.85), (0.92, 0.45), (0.92, 1.17), (-0.92, 1.17)],
            spot.accents[2],
        )  # fmt: skip
        pen.disc(spot.dice.uniform(-0.5, 0.5), 0.42, 0.18, spot.accents[1])
        pen.polygon([(-0.92, 1.05), (0.92, 0.85), (0.92, 1.17), (-0.92, 1.17)], spot.accents[0])
        pen.disc(0.86, 1.21, 0.025, rgb("7cf0a0"))
    pen.glaze([(-0.92, 0.08), (0.1, 0.08), (-0.7, 1.17), (-0.92, 1.17)], WHITE, 0.14)


def blind(spot: Spot) -> None:
    """A Venetian blind, let down."""
    pen = spot.pen
    colour = lighter(spot.accents[2], 0.45)
    bottom = 1.7 + 0.1 * spot.dice.below(4)
    pen.glaze([(-0.94, 0.1), (1.08, 0.1), (1.08, bottom + 0.1), (-0.94, bottom + 0.1)], INK, 0.13)
    pen.rectangle(-1, 0.1, 1, bottom, darker(colour, 0.28))
    y = 0.24
    while y < bottom - 0.05:
        pen.rectangle(-1, y, 1, y + 0.10, colour)
        pen.rectangle(-1, y, 1, y + 0.035, lighter(colour, 0.5))
        y += 0.15
    pen.rectangle(-1.04, 0, 1.04, 0.20, lighter(colour, 0.25), 0.04)
    pen.rectangle(-1.02, bottom - 0.04, 1.02, bottom + 0.06, lighter(colour, 0.25), 0.03)
    pen.line([(0.72, 0.2), (0.72, bottom + 0.25)], 0.035, CREAM)
    pen.disc(0.72, bottom + 0.30, 0.07, spot.accents[0])


def poster(spot: Spot) -> None:
    """A sheet with bold shapes; outdoors on a board with two legs."""
    pen, bottom = spot.pen, 1.75
    if spot.outdoors:
        for x in (-0.62, 0.62):
            _post(pen, x, 0.1, spot.far, darker(spot.wood, 0.2))
        pen.rectangle(-0.86, 0, 0.86, bottom + 0.1, darker(spot.wood, 0.1), 0.04)
    else:
        pen.glaze(
            [(-0.70, 0.1), (0.84, 0.1), (0.84, bottom + 0.08), (-0.70, bottom + 0.08)], INK, 0.15,
        )  # fmt: skip
    pen.rectangle(-0.76, 0.06, 0.76, bottom, spot.accents[0])
    pen.disc(spot.dice.uniform(-0.15, 0.15), 0.66, 0.42, spot.accents[1])
    pen.polygon(
        [
            (-0.76, 1.25), (-0.2, 0.72), (0.22, 1.08), (0.44, 0.90), (0.76, 1.2), (0.76, 1.48),
            (-0.76, 1.48),
        ],
        spot.accents[2],
    )  # fmt: skip
    pen.rectangle(-0.76, 1.36, 0.76, bottom, CREAM)
    pen.rectangle(-0.55, 1.46, 0.55, 1.53, spot.accents[5])
    pen.rectangle(-0.55, 1.60, 0.15, 1.66, spot.accents[5])


def signboard(spot: Spot) -> None:
    """A board with an arrow: on chains indoors, on a post outdoors."""
    pen, colour = spot.pen, spot.accents[2]
    if spot.outdoors:
        _post(pen, 0, 0.1, spot.far, STEEL)
        y = 0.02
    else:
        y = 0.22
        for x in (-0.6, 0.6):
            pen.line([(x, -0.02), (x, y + 0.1)], 0.06, IRON)
    pen.rectangle(-1, y, 1, y + 0.80, darker(colour, 0.25), 0.14)
    pen.rectangle(-0.95, y + 0.05, 0.95, y + 0.75, colour, 0.10)
    pen.rectangle(-0.88, y + 0.12, 0.88, y + 0.68, lighter(colour, 0.12), 0.06)
    side = 1 if spot.dice.below(2) else -1
    middle = y + 0.40
    pen.line([(-side * 0.55, middle), (side * 0.20, middle)], 0.15, CREAM)
    pen.polygon(
        [(side * 0.62, middle), (side * 0.20, middle - 0.24), (side * 0.20, middle + 0.24)], CREAM,
    )  # fmt: skip


def flag(spot: Spot) -> None:
    """A flag: on its pole in the ground outdoors, as a banner on the wall indoors."""
    pen = spot.pen
    fields = (spot.accents[0], CREAM, spot.accents[1], spot.accents[2])
    if not spot.outdoors:
        pen.line([(-0.78, 0.07), (0.78, 0.07)], 0.10, spot.wood)
        pen.polygon(
            [(-0.62, 0.06), (0.62, 0.06), (0.62, 1.65), (0, 1.35), (-0.62, 1.65)], fields[0],
        )  # fmt: skip
        pen.polygon([(-0.62, 0.36), (0.62, 0.36), (0.62, 1.05), (-0.62, 1.05)], fields[1])
        pen.disc(0, 0.70, 0.25, fields[3])
        return
    _post(pen, -0.72, 0.0, spot.far, STEEL)
    pen.disc(-0.72, 0.02, 0.10, GOLD)
    # Four fields, which belong to no country.
    swing = 0.08 + 0.05 * spot.dice.below(3)
    wave = smooth_open([
        (-0.65, 0.08), (-0.25, 0.08 + swing), (0.2, 0.08), (0.62, 0.06 - swing), (1.0, 0.08),
    ])  # fmt: skip
    middle = len(wave) // 2 + 1
    for number, field in enumerate(fields):
        part = wave[:middle] if number % 2 == 0 else wave[middle - 1 :]
        top = 0.46 * (number // 2)
        upper, lower = [[(x, y + level) for x, y in part] for level in (top, top + 0.47)]
        pen.polygon([*upper, *reversed(lower)], field)
    pen.glaze([(0.2, 0.08), (0.45, 0.03), (0.45, 0.93), (0.2, 1.0)], INK, 0.10)


def airplane(spot: Spot) -> None:
    """An airliner, seen from the side."""
    pen, white, y = spot.pen, rgb("fbfbf8"), 0.42
    stripe = spot.accents[0]
    pen.polygon(
        [(-0.98, y - 0.42), (-0.74, y - 0.42), (-0.48, y - 0.10), (-0.86, y - 0.06)], stripe,
    )  # fmt: skip
    pen.limb(
        [(-0.92, y - 0.08), (-0.6, y), (0.72, y), (0.92, y + 0.05)], (0.05, 0.17, 0.17, 0.09),
        white,
    )  # fmt: skip
    pen.polygon(
        [(-0.80, y + 0.02), (0.98, y + 0.04), (0.86, y + 0.14), (0.6, y + 0.17), (-0.6, y + 0.17)],
        darker(white, 0.14),
    )  # fmt: skip
    pen.line([(-0.70, y + 0.05), (0.9, y + 0.05)], 0.05, stripe)
    for step in range(7):
        pen.disc(-0.48 + 0.17 * step, y - 0.05, 0.04, IRON)
    pen.polygon([(0.70, y - 0.12), (0.86, y - 0.10), (0.93, y - 0.02), (0.72, y - 0.02)], IRON)
    pen.polygon([(0.18, y + 0.06), (-0.14, y + 0.06), (-0.52, y + 0.48), (-0.36, y + 0.48)], STEEL)
    pen.polygon([(-0.66, y - 0.02), (-0.86, y - 0.02), (-1.0, y + 0.16), (-0.9, y + 0.16)], STEEL)
    pen.limb([(-0.12, y + 0.28), (0.04, y + 0.28)], (0.07, 0.08), darker(stripe, 0.2))


def tower(spot: Spot) -> None:
    """An old round tower with battlements."""
    pen, stone, base = spot.pen, mix(STONE, spot.accents[1], 0.22), spot.horizon
    shade = darker(stone, 0.22)
    pen.polygon([(-0.44, 0.4), (0.44, 0.4), (0.56, base + 0.05), (-0.56, base + 0.05)], stone)
    pen.polygon([(0.16, 0.4), (0.44, 0.4), (0.56, base + 0.05), (0.20, base + 0.05)], shade)
    pen.rectangle(-0.62, 0.22, 0.62, 0.62, lighter(stone, 0.15))
    pen.rectangle(0.2, 0.22, 0.62, 0.62, stone)
    for step in range(4):
        x = -0.62 + 0.345 * step
        pen.rectangle(x, 0.0, x + 0.205, 0.26, lighter(stone, 0.15) if step < 3 else stone)
    pen.rectangle(-0.62, 0.58, 0.62, 0.66, shade)
    for step in range(1, 4):
        y = 0.66 + (base - 0.66) * step / 4
        pen.limb(
            [(-0.06 + 0.1 * (step % 2), y - 0.1), (-0.06 + 0.1 * (step % 2), y + 0.06)],
            (0.08, 0.08),
            INK,
        )
    for _ in range(7):
        x, y = spot.dice.uniform(-0.40, 0.05), spot.dice.uniform(0.8, base - 0.1)
        pen.rectangle(x, y, x + 0.16, y + 0.07, shade)


def skyscraper(spot: Spot) -> None:
    """A tower of glass with a stepped top."""
    pen, base = spot.pen, spot.horizon
    glass = mix(rgb("6f9fc0"), spot.accents[2], 0.25)
    pen.rectangle(-0.06, -0.10, 0.06, 0.2, STEEL)
    pen.rectangle(-0.36, 0.06, 0.36, 0.5, lighter(glass, 0.15))
    pen.rectangle(-0.56, 0.40, 0.56, base + 0.04, glass)
    pen.rectangle(0.14, 0.40, 0.56, base + 0.04, darker(glass, 0.16))
    pen.rectangle(0.10, 0.06, 0.36, 0.40, darker(glass, 0.06))
    y = 0.52
    while y < base - 0.12:
        for step in range(4):
            x = -0.47 + 0.255 * step
            if spot.dice.below(5) == 0:
                with pen.canvas.shining():
                    pen.rectangle(x, y, x + 0.17, y + 0.12, rgb("ffe9a8"))
            else:
                pen.rectangle(x, y, x + 0.17, y + 0.12, lighter(glass, 0.45))
        y += 0.21
    for step in range(2):
        pen.rectangle(-0.27 + 0.3 * step, 0.16, -0.06 + 0.3 * step, 0.3, lighter(glass, 0.5))


def house(spot: Spot) -> None:
    """A narrow house with a steep roof, as many floors as there is room for."""
    pen, base = spot.pen, spot.far
    wall, roof = lighter(spot.accents[1], 0.45), spot.accents[0]
    pen.glow(0, base, 1.25, 0.16, INK, 0.4)
    pen.rectangle(0.38, 0.0, 0.62, 0.7, darker(roof, 0.35))
    pen.rectangle(0.34, -0.02, 0.66, 0.10, darker(roof, 0.45))
    pen.rectangle(-0.84, 0.9, 0.84, base, wall)
    pen.rectangle(0.30, 0.9, 0.84, base, darker(wall, 0.08))
    pen.polygon([(-0.10, 0.0), (0.10, 0.0), (1.02, 1.02), (-1.02, 1.02)], roof)
    pen.polygon([(-0.84, 1.02), (0.0, 0.30), (0.84, 1.02)], wall)
    pen.polygon([(0.0, 0.30), (0.10, 0.0), (1.02, 1.02), (0.84, 1.02)], darker(roof, 0.15))
    pen.disc(0, 0.78, 0.13, darker(roof, 0.4))
    floors = max(1, round((base - 1.2) / 0.75))
    step = (base - 1.12) / floors
    glass = rgb("ffe7a0") if spot.dice.below(2) else GLASS
    for floor in range(floors):
        y = 1.14 + step * floor
        for x in (-0.48, 0.48):
            if floor == floors - 1 and x > 0:
                pen.rectangle(
                    x - 0.22, base - 0.78 * step, x + 0.22, base, darker(spot.wood, 0.2), 0.02
                )
                pen.disc(x - 0.13, base - 0.36 * step, 0.035, GOLD)
            else:
                pen.rectangle(x - 0.25, y + 0.06, x + 0.25, y + 0.62 * step + 0.04, WHITE)
                with pen.canvas.shining():
                    pen.rectangle(x - 0.20, y + 0.11, x + 0.20, y + 0.62 * step - 0.01, glass)
                pen.rectangle(x - 0.02, y + 0.08, x + 0.02, y + 0.62 * step, WHITE)


TOP_PROPS: dict[str, PropDrawing] = {
    "painting": painting,
    "windowpane": windowpane,
    "clock": clock,
    "shelf": shelf,
    "mirror": mirror,
    "bulletin board": bulletin_board,
    "television receiver": television_receiver,
    "blind": blind,
    "poster": poster,
    "signboard": signboard,
    "flag": flag,
    "airplane": airplane,
    "tower": tower,
    "skyscraper": skyscraper,
    "house": house,
}
