"""From one value a draw to the figures that are shown.

Sums are correctly rounded (math.fsum), so the order of addition does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

#: What `low` and `high` mean at present, written beside every set of figures.
INTERVAL = "central 95 % of the values of single draws (spread of the support draw alone)"
_TAIL = 0.025


@dataclass(frozen=True)
class Figure:
    """A figure over all draws; None where no draw has a value.

    Attributes:
        mean: Mean over draws.
        low, high: See `INTERVAL`.
        draw_0: The value of draw 0, the paper's single support.
        std: Standard deviation over draws (with n - 1).
        min, max: Over draws.
    """

    mean: float | None
    low: float | None
    high: float | None
    draw_0: float | None
    std: float | None
    min: float | None
    max: float | None

    def to_dict(self) -> dict[str, float | None]:
        """The form in score files."""
        return asdict(self)


def summarise(values: npt.NDArray[np.float64]) -> Figure:
    """The figure of one value a draw, of shape (draws,); NaN marks a draw without a value."""
    per_draw: list[float] = values.tolist()
    known = sorted(value for value in per_draw if not math.isnan(value))
    if not known:
        return Figure(None, None, None, None, None, None, None)
    mean = exact_mean(known)
    squares = math.fsum((value - mean) * (value - mean) for value in known)
    return Figure(
        mean=mean,
        low=quantile(known, _TAIL),
        high=quantile(known, 1 - _TAIL),
        draw_0=None if math.isnan(per_draw[0]) else per_draw[0],
        std=math.sqrt(squares / (len(known) - 1)) if len(known) > 1 else None,
        min=known[0],
        max=known[-1],
    )


def exact_mean(values: Sequence[float]) -> float:
    """The mean, of a sum that was rounded once."""
    return math.fsum(values) / len(values)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie, interpolated linearly."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
