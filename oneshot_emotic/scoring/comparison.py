"""Which of two submissions is better: paired differences, image by image."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.scoring.arrays import FloatArray
from oneshot_emotic.scoring.scores import Overall, Scores
from oneshot_emotic.scoring.statistics import (
    Estimate,
    Evidence,
    interval,
    p_value,
    tail,
    weighted_sum,
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
            Problem(
                f"scores on {a.dataset.name} ({a.dataset.fingerprint[:12]}) and on "
                f"{b.dataset.name} ({b.dataset.fingerprint[:12]}) cannot be compared"
            )
        )
    if not a.tasks.keys() & b.tasks.keys():
        raise InputError(
            Problem(f"no task in common: {', '.join(a.tasks)} and {', '.join(b.tasks)}")
        )
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
    means = [figures[place].mean for place in known]
    apart = np.zeros((len(figures), len(figures)), dtype=bool)
    pairs = [(a, b) for a in range(len(known)) for b in range(a)]
    if not pairs:
        return apart
    p = _pairwise_p(means, evidence, pairs)
    for step, place in enumerate(np.argsort(p, kind="stable").tolist()):
        if p[place] > _LEVEL / (len(pairs) - step):
            break
        one, other = (known[x] for x in pairs[place])
        apart[one, other] = apart[other, one] = True
    return apart


def _pairwise_p(
    means: Sequence[float], evidence: Sequence[Evidence], pairs: Sequence[tuple[int, int]]
) -> list[float]:
    """What `p_value` gives for the difference of each pair, for all of them at once."""
    draws = [
        np.stack([math.sqrt(x.excess / (len(x.values) - 1)) * _centred(x.values) for x in parts])
        for parts in zip(*(item.draws for item in evidence), strict=True)
    ]
    images = _squared_distances(np.stack([item.terms for item in evidence]))
    for part in draws:
        images -= _squared_distances(part)
    queries = _squared_distances(np.stack([item.query_terms for item in evidence]))
    of_images = np.maximum(images, queries).tolist()
    of_runs = [item.run_variance for item in evidence]
    few = [item.few_runs for item in evidence]
    result = []
    for a, b in pairs:
        difference = abs(means[a] - means[b])
        total = of_images[a][b] + of_runs[a] + of_runs[b]
        freedom = total * total / (few[a] + few[b]) if few[a] + few[b] else math.inf
        distance = difference / math.sqrt(total) if total else math.inf
        result.append(tail(distance, freedom) if difference else 1.0)
    return result


def _centred(values: FloatArray) -> FloatArray:
    result: FloatArray = values - values.mean()
    return result


def _squared_distances(rows: FloatArray) -> FloatArray:
    """Of every two rows."""
    products = rows @ rows.T
    squares = products.diagonal()
    return np.maximum(squares[:, None] + squares - 2 * products, 0.0)
