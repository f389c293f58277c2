"""From one value a draw, and one without each image, to the estimates that are shown.

Sums are correctly rounded (math.fsum) or made in a fixed order, and intervals take nothing
but the four rules of arithmetic, square roots and a rounded quantile: the same on any machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np

from oneshot_emotic.scoring.arrays import FloatArray, IntArray

#: What `low` and `high` mean, written beside every set of figures.
INTERVAL = "95 % interval by leaving out one image at a time"
#: The 97.5 % quantile of the normal distribution.
_NORMAL = 1.959963984540054
#: Differences of means below it are rounding.
EQUAL = 1e-12


@dataclass(frozen=True)
class Scale:
    """Where a figure can lie.

    Attributes:
        least, greatest: Its ends.
        images: How many independent images count as behind a figure at an end, where none varies.
    """

    least: float
    greatest: float
    images: float


@dataclass(frozen=True, eq=False)
class DrawPart:
    """What the chance of few draws adds to the terms of images, by one task's draws.

    Attributes:
        task: The task.
        excess: How often the variance of the mean of its draws is counted too often, over the
            number of draws.
        values: Of each draw, of shape (draws,); NaN where it has none.
    """

    task: str
    excess: float
    values: FloatArray


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of the uncertainty of a mean; that of a sum of means is the sum of theirs.

    Attributes:
        images: The images' names.
        terms: How far the mean moves when each image is left out, around their mean, and scaled:
            the sum of their squares is a variance. Of shape (images,).
        query_terms: The same with the image left out as query alone.
        draws: What of this is the chance of few draws.
        runs: The mean of each run (training seed), for each independent group of several runs.
        scale: Where the mean can lie; None for a difference.
    """

    images: tuple[str, ...]
    terms: FloatArray
    query_terms: FloatArray
    draws: tuple[DrawPart, ...]
    runs: tuple[tuple[float, ...], ...] = ()
    scale: Scale | None = None

    @property
    def image_variance(self) -> float:
        """Of the choice of images: less what few draws add, at least that of their queries."""
        few = math.fsum(part.excess * _variance(part.values) for part in self.draws)
        whole = math.fsum((self.terms * self.terms).tolist()) - few
        return max(whole, math.fsum((self.query_terms * self.query_terms).tolist()))

    @property
    def run_variance(self) -> float:
        """Of the choice of training seeds; 0 where there is one run, which shows nothing of it."""
        return math.fsum(_variance(np.array(run)) / len(run) for run in self.runs)

    @property
    def few_runs(self) -> float:
        """Sum of squared variances of runs over their degrees of freedom."""
        return math.fsum(
            (_variance(np.array(run)) / len(run)) ** 2 / (len(run) - 1) for run in self.runs
        )

    @cached_property
    def variance(self) -> float:
        """Of the mean, with all there is to know."""
        return self.image_variance + self.run_variance

    @property
    def freedom(self) -> float:
        """Degrees of freedom (Welch and Satterthwaite), rounded down: only few runs are few."""
        return whole_freedom(self.variance, self.few_runs)


@dataclass(frozen=True)
class Estimate:
    """A figure over all draws; None where no draw has a value.

    Attributes:
        mean: Mean over draws.
        low, high: See `INTERVAL`; None where none was asked for, or where leaving an image out
            leaves nothing to estimate.
        draw_0: The value of draw 0, the paper's single support.
        std: Standard deviation over draws (with n - 1).
        min, max: Over draws.
        evidence: What the interval is made of, to compare submissions with; not in score files.
    """

    mean: float | None
    low: float | None
    high: float | None
    draw_0: float | None
    std: float | None
    min: float | None
    max: float | None
    evidence: Evidence | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, float | None]:
        """The form in score files."""
        return {name: value for name, value in vars(self).items() if name != "evidence"}


def summarise(values: FloatArray) -> Estimate:
    """The estimate of one value a draw, without an interval.

    Args:
        values: Of shape (draws,); NaN marks a draw without a value.
    """
    known = values[~np.isnan(values)]
    if not known.size:
        return Estimate(None, None, None, None, None, None, None)
    return Estimate(
        mean=exact_mean(known.tolist()),
        low=None,
        high=None,
        draw_0=None if np.isnan(values[0]) else float(values[0]),
        std=math.sqrt(_variance(known)) if len(known) > 1 else None,
        min=float(known.min()),
        max=float(known.max()),
    )


def with_interval(estimate: Estimate, evidence: Evidence | None) -> Estimate:
    """The estimate with the interval that its evidence gives; unchanged where there is none."""
    if estimate.mean is None or evidence is None:
        return estimate
    low, high = interval(estimate.mean, evidence)
    return replace(estimate, low=low, high=high, evidence=evidence)


def interval(mean: float, evidence: Evidence) -> tuple[float, float]:
    """The 95 % interval of a mean or of a difference of means.

    On a scale it is Wilson's interval for a share, with as many images as would give the variance;
    it never leaves the scale. Where nothing varies it is the mean itself, but at an end of the
    scale, where `Scale.images` is taken. For a difference it is the mean -/+ the quantile times the
    standard error.
    """
    quantile, scale, variance = student(evidence.freedom), evidence.scale, evidence.variance
    if scale is None:
        half = quantile * math.sqrt(variance)
        return mean - half, mean + half
    width = scale.greatest - scale.least
    share = (mean - scale.least) / width
    rest = share * (1 - share)
    if variance == 0 and rest > 0:
        return mean, mean
    per_image = variance / (width * width) / rest if rest > 0 else 1 / scale.images
    step = quantile * quantile * min(per_image, 1.0)  # never fewer than one image
    middle = (share + step / 2) / (1 + step)
    half = math.sqrt(max(step * rest + step * step / 4, 0.0)) / (1 + step)
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return scale.least + width * min(low, share), scale.least + width * max(high, share)


def p_value(difference: float, evidence: Evidence) -> float:
    """How likely a difference at least as great, either way, would be between equals."""
    if abs(difference) < EQUAL:
        return 1.0
    error = math.sqrt(evidence.variance)
    return tail(abs(difference) / error, evidence.freedom) if error else 0.0


def whole_freedom(variance: float, few: float) -> float:
    """Degrees of freedom, rounded down but for rounding; endless where nothing is of few runs."""
    return math.floor(variance * variance / few + EQUAL) if few else math.inf


def tail(distance: float, freedom: float) -> float:
    """The share of Student's t beyond -/+ distance.

    >>> round(tail(1.96, float("inf")), 3), round(tail(4.3027, 2), 3)
    (0.05, 0.05)
    """
    if freedom == math.inf:
        return math.erfc(distance / math.sqrt(2))
    from scipy.special import stdtr

    return 2 * float(stdtr(freedom, -distance))


def student(freedom: float) -> float:
    """The 97.5 % quantile of Student's t, to nine decimals: so it is the same everywhere.

    >>> student(2), student(30), round(student(float("inf")), 9)
    (4.30265273, 2.042272456, 1.959963985)
    """
    if freedom == math.inf:
        return _NORMAL
    from scipy.special import stdtrit

    return round(float(stdtrit(max(freedom, 1), 0.975)), 9)


def weighted_sum(
    parts: Sequence[tuple[float, Evidence]],
    scale: Scale | None = None,
    one_training: bool = False,
) -> Evidence:
    """The evidence of a sum of means.

    Args:
        parts: Each mean's weight and evidence.
        scale: Where the sum can lie; None for a difference.
        one_training: True where the n-th runs of all parts belong together, if all have as many.
    """
    images, places = _aligned(tuple(evidence.images for _, evidence in parts))
    terms, query_terms = np.zeros(len(images)), np.zeros(len(images))
    draws: dict[str, DrawPart] = {}
    for (weight, evidence), place in zip(parts, places, strict=True):
        terms[place] += weight * evidence.terms
        query_terms[place] += weight * evidence.query_terms
        for part in evidence.draws:
            values = weight * part.values
            if part.task in draws:
                values += draws[part.task].values
            draws[part.task] = replace(part, values=values)
    runs = [tuple(weight * x for x in run) for weight, e in parts for run in e.runs]
    if one_training and len(runs) == len(parts) and len(set(map(len, runs))) == 1:
        runs = [tuple(map(math.fsum, zip(*runs, strict=True)))]
    return Evidence(images, terms, query_terms, tuple(draws.values()), tuple(runs), scale)


@lru_cache(maxsize=64)
def _aligned(sets: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], tuple[IntArray, ...]]:
    """All names once, and where those of each set are among them."""
    if len(set(sets)) == 1:
        return sets[0], (np.arange(len(sets[0])),) * len(sets)
    names = tuple(dict.fromkeys(name for members in sets for name in members))
    place = {name: index for index, name in enumerate(names)}
    return names, tuple(np.array([place[x] for x in members], dtype=np.int64) for members in sets)


def exact_mean(values: Sequence[float]) -> float:
    """The mean, of a sum that was rounded once."""
    return math.fsum(values) / len(values)


def _variance(values: FloatArray) -> float:
    """With n - 1, without NaN, of sums that were rounded once; 0 of a single value."""
    known = values[~np.isnan(values)]
    centred = known - exact_mean(known.tolist())
    return math.fsum((centred * centred).tolist()) / max(len(known) - 1, 1)
