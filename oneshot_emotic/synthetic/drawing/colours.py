"""Colours as three bytes, and how two of them mix."""

from __future__ import annotations

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
SHADOW: Colour = (24, 20, 48)


def rgb(code: str) -> Colour:
    """The colour of six hexadecimal digits, as in "e0a63a"."""
    return int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)


def rgbs(codes: str) -> tuple[Colour, ...]:
    """The colours of several codes, separated by spaces."""
    return tuple(rgb(code) for code in codes.split())


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` (0 to 1) of `second` in it."""
    return (
        round(first[0] + (second[0] - first[0]) * share),
        round(first[1] + (second[1] - first[1]) * share),
        round(first[2] + (second[2] - first[2]) * share),
    )


def darker(colour: Colour, share: float) -> Colour:
    """A shade: towards a deep violet, which is kinder to a hue than black."""
    return mix(colour, SHADOW, share)


def lighter(colour: Colour, share: float) -> Colour:
    """A tint: towards white."""
    return mix(colour, WHITE, share)
