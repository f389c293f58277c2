"""From one value a draw and resample to the figures that are shown.

Sums over draws are correctly rounded (math.fsum) or made in the order of the draws: the same on any
machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.resampling import Weights

FloatArray = npt.NDArray[np.float64]

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


class ResampledMeans:
    """The mean over draws of several figures in every resample, added up by blocks of draws.

    NaN marks a draw without a value in a resample; it is left out of that resample's mean.
    """

    def __init__(self, figures: int, resamples: int) -> None:
        self._total = np.zeros((figures, resamples))
        self._weight = np.zeros((figures, resamples), dtype=np.int64)
        self._shift: FloatArray | None = None

    def add(self, values: FloatArray, weights: Weights) -> None:
        """Add draws.

        Args:
            values: Of shape (figures, draws, resamples).
            weights: Of each draw in each resample, of shape (draws, resamples).
        """
        known = ~np.isnan(values)
        if self._shift is None:
            # Around a value that is there, the mean of equal values is that value exactly.
            first = values[:, :1, :1]
            self._shift = np.where(np.isnan(first), 0.0, first)
        parts = values - self._shift
        parts *= weights.astype(np.float64)
        if known.all():
            self._weight += weights.sum(axis=0, dtype=np.int64)
        else:
            parts[~known] = 0.0
            self._weight += (known * weights).sum(axis=1, dtype=np.int64)
        for draw in range(parts.shape[1]):  # in this order: `sum` may choose its own
            self._total += parts[:, draw]

    def result(self) -> FloatArray:
        """Of shape (figures, resamples); NaN for a resample without a value."""
        result = np.full(self._total.shape, np.nan)
        np.divide(self._total, self._weight, out=result, where=self._weight != 0)
        return result if self._shift is None else result + self._shift[..., 0]


def summarise(values: FloatArray, resampled: FloatArray | None = None) -> Figure:
    """The figure of one value a draw.

    Args:
        values: Of shape (draws,); NaN marks a draw without a value.
        resampled: A row of `ResampledMeans.result`; None for no interval.
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
