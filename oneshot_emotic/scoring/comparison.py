"""Which of two submissions is better: paired differences, image by image."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError
from oneshot_emotic.scoring.arrays import FloatArray
from oneshot_emotic.scoring.scores import Overall, Scores
from oneshot_emotic.scoring.statistics import (
    EQUAL,
    DrawPart,
    Estimate,
    Evidence,
    interval,
    p_value,
    student,
    tail,
    weighted_sum,
    whole_freedom,
)
from oneshot_emotic.tasks import FAMILIES, TASKS

#: Of the whole family of pairs of a table.
_LEVEL = 0.05


@dataclass(frozen=True)
class Difference:
    """How much greater a figure is for A than for B.

    Attributes:
        mean: Difference of the means.
        low, high: Its 95 % interval.
        p: How likely so great a difference would be between equals.
    """

    mean: float
    low: float
    high: float
    p: float

    @property
    def separated(self) -> bool:
        """True when the interval does not hold 0."""
        return not self.low <= 0 <= self.high

    def to_dict(self) -> dict[str, float | bool]:
        """The form of `compare --json`."""
        return {**vars(self), "separated": self.separated}


@dataclass(frozen=True)
class Compared:
    """One line of a comparison.

    Attributes:
        what: A task, or `overall` and a family.
        shots: Support persons a class.
        a, b: The figures.
        difference: Of the two.
    """

    what: str
    shots: int
    a: Estimate | Overall
    b: Estimate | Overall
    difference: Difference


def difference(a: Estimate | Overall, b: Estimate | Overall) -> Difference | None:
    """The paired difference of two figures of the same tasks; None where one has no interval."""
    if a.mean is None or b.mean is None or a.evidence is None or b.evidence is None:
        return None
    mean, evidence = a.mean - b.mean, weighted_sum([(1.0, a.evidence), (-1.0, b.evidence)])
    return Difference(mean, *interval(mean, evidence), p_value(mean, evidence))


def compare(a: Scores, b: Scores) -> Iterator[Compared]:
    """Balanced accuracy on every task that both have, then the overall figure of each family.

    Raises:
        InputError: The scores are of different data sets, or share no task.
    """
    if a.dataset != b.dataset:
        raise InputError(
            f"scores on {a.dataset.name} ({a.dataset.fingerprint[:12]}) and on "
            f"{b.dataset.name} ({b.dataset.fingerprint[:12]}) cannot be compared"
        )
    if not a.tasks.keys() & b.tasks.keys():
        raise InputError(f"no task in common: {', '.join(a.tasks)} and {', '.join(b.tasks)}")
    for task in (name for name in TASKS if name in a.tasks and name in b.tasks):
        for shots in sorted(a.tasks[task].keys() & b.tasks[task].keys()):
            one = a.tasks[task][shots].balanced_accuracy
            other = b.tasks[task][shots].balanced_accuracy
            if (apart := difference(one, other)) is not None:
                yield Compared(task, shots, one, other, apart)
    for family in FAMILIES:
        for shots in (1, 5):
            first, second = a.overall(family, shots), b.overall(family, shots)
            if first is None or second is None:
                continue
            if (apart := difference(first, second)) is not None:
                yield Compared(f"overall {family}", shots, first, second, apart)


def told_apart(figures: Sequence[Overall]) -> npt.NDArray[np.bool_]:
    """Which of several figures of the same tasks differ, by Holm's correction over all pairs.

    Returns:
        Symmetric, of shape (figures, figures). One without an interval differs from none.
    """
    known = [place for place, figure in enumerate(figures) if figure.evidence is not None]
    evidence = [item for figure in figures if (item := figure.evidence) is not None]
    apart = np.zeros((len(figures), len(figures)), dtype=bool)
    if len(known) < 2:
        return apart
    # As `p_value` of the `difference` of each pair, for all of them at once.
    a, b = np.triu_indices(len(known), 1)
    variance, freedom = _of_differences(evidence)
    means = np.array([figures[place].mean for place in known])
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(means[a] - means[b]) / np.sqrt(variance)
    equal = np.abs(means[a] - means[b]) < EQUAL
    p = np.where(equal, 1.0, list(map(tail, distance.tolist(), freedom)))
    for step, place in enumerate(np.argsort(p, kind="stable")):
        if p[place] > _LEVEL / (len(p) - step):
            break
        one, other = known[a[place]], known[b[place]]
        apart[one, other] = apart[other, one] = True
    return apart


def half_widths(evidence: Sequence[Evidence]) -> list[float]:
    """Half the 95 % interval of every two figures' `difference`, in the order of `triu_indices`.

    Args:
        evidence: Of figures of the same tasks.
    """
    if len(evidence) < 2:
        return []
    variance, freedom = _of_differences(evidence)
    quantiles = {known: student(known) for known in set(freedom)}
    widths = zip(variance.tolist(), freedom, strict=True)
    return [quantiles[known] * math.sqrt(value) for value, known in widths]


def _of_differences(evidence: Sequence[Evidence]) -> tuple[FloatArray, list[float]]:
    """The variance and the degrees of freedom of the difference of every two."""
    a, b = np.triu_indices(len(evidence), 1)
    variance = _differences([item.terms for item in evidence])
    for parts in zip(*(item.draws for item in evidence), strict=True):
        variance -= _differences([_chance(part) for part in parts])
    variance = np.maximum(variance, _differences([item.query_terms for item in evidence]))
    of_runs, few = np.array([(item.run_variance, item.few_runs) for item in evidence]).T
    variance += of_runs[a] + of_runs[b]
    return variance, list(map(whole_freedom, variance.tolist(), (few[a] + few[b]).tolist()))


def _chance(part: DrawPart) -> FloatArray:
    """Values of draws such that the sum of their squares is the variance that few draws add."""
    known = ~np.isnan(part.values)
    centred = np.where(known, part.values - part.values[known].mean(), 0.0)
    result: FloatArray = centred * math.sqrt(part.excess / max(int(known.sum()) - 1, 1))
    return result


def _differences(rows: list[FloatArray]) -> FloatArray:
    """The sum of squared differences of every two rows, in the order of `np.triu_indices`."""
    from scipy.spatial.distance import pdist

    result: FloatArray = pdist(np.stack(rows), "sqeuclidean")
    return result
