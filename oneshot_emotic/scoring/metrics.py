"""Figures from what became of the queries of each class.

Every figure is a quotient, or a sum of a few quotients in the order of the classes: the same on any
machine. A tally has arrays of shape (classes, ...); one figure comes out for each of the cells
"...", such as draws, or draws and images. NaN marks a cell that has no figure: without queries, of
the class or at all.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.arrays import FloatArray


@dataclass(frozen=True)
class Tally:
    """What became of the queries, by class, in any unit: shape (classes, ...), whole numbers.

    Attributes:
        queries: Queries of the class.
        taken: Queries of any class that were taken for this one; a tie counts by its share.
        right: Queries of the class that were recognised.
        distance: Sum over the class's queries of the distance between its level and the level they
            were taken for; None for a categorical task.
    """

    queries: FloatArray
    taken: FloatArray
    right: FloatArray
    distance: FloatArray | None = None

    @classmethod
    def of(cls, confusion: npt.ArrayLike, levels: Sequence[int] = ()) -> Tally:
        """From confusion matrices.

        Args:
            confusion: Queries by (true class, predicted class, ...).
            levels: The classes as numbers, for a task of levels.

        Example:
            >>> tally = Tally.of([[8, 2], [4, 1]])
            >>> tally.queries.tolist(), tally.right.tolist(), tally.taken.tolist()
            ([10.0, 5.0], [8.0, 1.0], [12.0, 3.0])
        """
        counts = np.asarray(confusion, dtype=np.float64)  # whole numbers: sums are exact
        right = np.moveaxis(counts.diagonal(axis1=0, axis2=1), -1, 0)
        distance = None
        if len(levels):
            apart = np.abs(np.subtract.outer(levels, levels)).astype(np.float64)
            distance = (counts * apart.reshape(*apart.shape, *[1] * (counts.ndim - 2))).sum(axis=1)
        return cls(counts.sum(axis=1), counts.sum(axis=0), right, distance)

    def parts(self) -> list[FloatArray]:
        """Queries, taken, right and, with levels, distance."""
        parts = (self.queries, self.taken, self.right, self.distance)
        return [part for part in parts if part is not None]


def every_figure(tally: Tally) -> FloatArray:
    """All figures: balanced accuracy, accuracy, macro-F1, with levels their error, all recalls.

    Returns:
        Array of shape (figures, ...).
    """
    recalls = recall(tally)
    means = [_mean_of_classes(recalls, tally.queries), accuracy(tally), macro_f1(tally)]
    if tally.distance is not None:
        means.append(level_error(tally))
    return np.stack([*means, *recalls])


def recall(tally: Tally) -> FloatArray:
    """Share of each class's queries that were recognised: right / queries.

    Returns:
        Array of shape (classes, ...).

    Example:
        >>> recall(Tally.of([[8, 2], [4, 1]])).tolist()
        [0.8, 0.2]
    """
    return _quotient(tally.right, tally.queries)


def balanced_accuracy(tally: Tally) -> FloatArray:
    """Mean recall over the classes that have queries.

    Returns:
        Array of shape (...).

    Example:
        >>> balanced_accuracy(Tally.of([[8, 2], [4, 1]])).tolist()
        0.5
    """
    return _mean_of_classes(recall(tally), tally.queries)


def accuracy(tally: Tally) -> FloatArray:
    """Share of all queries that were recognised (plain, or micro, accuracy).

    Returns:
        Array of shape (...).

    Example:
        >>> accuracy(Tally.of([[8, 2], [4, 1]])).tolist()
        0.6
    """
    return _quotient(tally.right.sum(axis=0), tally.queries.sum(axis=0))


def macro_f1(tally: Tally) -> FloatArray:
    """Mean over the classes with queries of 2 right / (queries + taken), their F1.

    Returns:
        Array of shape (...).

    Example:
        >>> macro_f1(Tally.of([[9, 0], [3, 0]])).tolist()  # 18/21 and 0/3
        0.42857142857142855
    """
    half = _quotient(tally.right, tally.queries + tally.taken)
    return 2 * _mean_of_classes(half, tally.queries)  # exact


def level_error(tally: Tally) -> FloatArray:
    """Mean over the classes with queries of the mean distance in levels (macro-averaged error).

    Returns:
        Array of shape (...).

    Example:
        >>> level_error(Tally.of([[8, 2], [4, 1]], levels=[2, 7])).tolist()  # 2 of 10, 4 of 5
        2.5
    """
    if tally.distance is None:
        raise ValueError("a tally without levels has no error in levels")
    return _mean_of_classes(_quotient(tally.distance, tally.queries), tally.queries)


def confusion_rates(confusion: npt.ArrayLike) -> FloatArray:
    """What share of each class's queries was taken for what: each row over its sum.

    Args:
        confusion: Queries by (true class, predicted class, ...).

    Returns:
        Array of the same shape.

    Example:
        >>> confusion_rates([[8, 2], [4, 1]]).tolist()
        [[0.8, 0.2], [0.8, 0.2]]
    """
    counts = np.asarray(confusion, dtype=np.float64)
    return _quotient(counts, counts.sum(axis=1)[:, None])


def _mean_of_classes(values: FloatArray, queries: FloatArray) -> FloatArray:
    """The mean over the classes that have queries, of shape (...), added in their order."""
    if queries.all():
        total: FloatArray = functools.reduce(operator.add, values)
        return total / len(values)
    known = queries > 0
    total = functools.reduce(operator.add, np.where(known, values, 0.0))
    return _quotient(total, np.count_nonzero(known, axis=0))


def _quotient(numerator: FloatArray, denominator: npt.NDArray[np.number]) -> FloatArray:
    """The quotient, NaN for 0 / 0; that of whole numbers below 2^53 is rounded once."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result: FloatArray = np.asarray(numerator / denominator)
    return result
