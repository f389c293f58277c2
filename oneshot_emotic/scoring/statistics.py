"""From one value a draw and resample to the figures that are shown.

Sums over draws are correctly rounded (math.fsum) or made in the order of the draws: the same on any
machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from oneshot_emotic.scoring.arrays import FloatArray
from oneshot_emotic.scoring.resampling import Weights

#: What `low` and `high` mean, written beside every set of figures.
INTERVAL = "95 % interval from 1,000 resamples of support draws and images"
_TAIL = 0.025


@dataclass(frozen=True)
class Figure:
    """A figure over all draws; None where no draw has a value.

    Attributes:
        mean: Mean over draws.
        low, high: See `INTERVAL`; None where no interval was asked for.
        draw_0: The value of draw 0, the paper's single support.
        std: Standard deviation over draws (with n - 1).
        min, max: Over draws.
        resampled: The mean in each resample, of shape (resamples,), to compare submissions with;
            not in score files.
    """

    mean: float | None
    low: float | None
    high: float | None
    draw_0: float | None
    std: float | None
    min: float | None
    max: float | None
    resampled: FloatArray | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, float | None]:
        """The form in score files."""
        return {
            "mean": self.mean,
            "low": self.low,
            "high": self.high,
            "draw_0": self.draw_0,
            "std": self.std,
            "min": self.min,
            "max": self.max,
        }


@dataclass(frozen=True)
class WeightedSums:
    """Sums over some draws of several figures in every resample.

    Attributes:
        total: Of value x weight, of shape (figures, resamples).
        weight: Of the weights of the draws that have a value, of the same shape.
    """

    total: FloatArray
    weight: FloatArray

    def __add__(self, other: WeightedSums) -> WeightedSums:
        return WeightedSums(self.total + other.total, self.weight + other.weight)

    @classmethod
    def stacked(cls, figures: Sequence[WeightedSums]) -> WeightedSums:
        """Those of single figures, of shape (resamples,), as one."""
        return cls(np.stack([x.total for x in figures]), np.stack([x.weight for x in figures]))

    def mean(self) -> FloatArray:
        """Of shape (figures, resamples); NaN for a resample without a value."""
        result = np.full(self.total.shape, np.nan)
        np.divide(self.total, self.weight, out=result, where=self.weight != 0)
        return result


class DrawWeights:
    """How often each of some draws is in each resample.

    Args:
        weights: Of shape (draws, resamples).
    """

    def __init__(self, weights: Weights) -> None:
        self._factors = weights.astype(np.float64)
        self._sum = self._factors.sum(axis=0)  # whole numbers: exact in any order

    def sums(self, values: FloatArray, *, complete: bool = False) -> WeightedSums:
        """Add up the draws of one figure.

        Args:
            values: Of shape (draws, resamples); NaN for a draw without a value, which is left out.
            complete: True where it is known that none is NaN.
        """
        parts, weight = values * self._factors, self._sum
        if not complete and (unknown := np.isnan(values)).any():
            parts[unknown] = 0.0
            weight = np.where(unknown, 0.0, self._factors).sum(axis=0)
        # One draw after the other: `sum` may choose its own order.
        return WeightedSums(np.add.accumulate(parts, axis=0, out=parts)[-1].copy(), weight)


def summarise(values: FloatArray, resampled: FloatArray | None = None) -> Figure:
    """The figure of one value a draw.

    Args:
        values: Of shape (draws,); NaN marks a draw without a value.
        resampled: A row of `WeightedSums.mean`; None for no interval.
    """
    per_draw: list[float] = values.tolist()
    known = sorted(value for value in per_draw if not math.isnan(value))
    if not known:
        return Figure(None, None, None, None, None, None, None)
    mean = exact_mean(known)
    squares = math.fsum((value - mean) * (value - mean) for value in known)
    low = high = None
    if resampled is not None:
        low, high = central_interval(resampled)
    return Figure(
        mean=mean,
        low=low,
        high=high,
        draw_0=None if math.isnan(per_draw[0]) else per_draw[0],
        std=math.sqrt(squares / (len(known) - 1)) if len(known) > 1 else None,
        min=known[0],
        max=known[-1],
        resampled=resampled,
    )


def central_interval(resampled: FloatArray) -> tuple[float, float]:
    """The central 95 % of the resamples that have a value."""
    ordered: list[float] = np.sort(resampled[~np.isnan(resampled)]).tolist()
    return quantile(ordered, _TAIL), quantile(ordered, 1 - _TAIL)


def exact_mean(values: Sequence[float]) -> float:
    """The mean, of a sum that was rounded once."""
    return math.fsum(values) / len(values)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie, interpolated linearly."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
