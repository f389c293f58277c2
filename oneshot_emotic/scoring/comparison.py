"""Which of two submissions is better: paired differences over the same resamples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.scoring.scores import Overall, Scores
from oneshot_emotic.scoring.statistics import Figure, central_interval
from oneshot_emotic.tasks import FAMILIES, TASKS


@dataclass(frozen=True)
class Difference:
    """How much greater a figure is for A than for B.

    Attributes:
        mean: Difference of the means.
        low, high: Central 95 % of the difference over the resamples.
        a_is_greater: Share of the resamples in which A's figure is greater, equal ones half.
    """

    mean: float
    low: float
    high: float
    a_is_greater: float

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
    a: Figure | Overall
    b: Figure | Overall
    difference: Difference


def difference(a: Figure | Overall, b: Figure | Overall) -> Difference | None:
    """The paired difference of two figures; None where one has no value or no resamples.

    The resamples of both must be of the same task and data set, which makes them the same.
    """
    if a.mean is None or b.mean is None or a.resampled is None or b.resampled is None:
        return None
    apart = a.resampled - b.resampled
    known = apart[~np.isnan(apart)]
    low, high = central_interval(known)
    greater = np.count_nonzero(known > 0) + np.count_nonzero(known == 0) / 2
    return Difference(a.mean - b.mean, low, high, float(greater) / len(known))


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
