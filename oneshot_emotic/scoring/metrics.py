"""Figures from what became of the queries of each class.

Every figure is a quotient or a sum of a few quotients in a fixed order: the same on any machine. A
tally has arrays of shape (classes, ...); one figure comes out for each of the cells "...", such as
draws, or draws and images. NaN marks a cell that has no figure: without queries, of the class or at
all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.arrays import FloatArray

#: Queries, taken, right and, with levels, distance of one class.
ClassTally: TypeAlias = Sequence[FloatArray]


@dataclass(frozen=True)
class Tally:
    """What became of the queries, by class, in any unit: shape (classes, ...), whole numbers.

    Attributes:
        queries: Queries of the class.
        taken: Queries of any class that were taken for this one; a tie counts by its share.
        right: Queries of the class that were recognised.
        distance: Sum over the class's queries of the distance between its level and the level they
            were taken for; None for a categorical task.
        complete: True when it is known that every class has queries in every cell.
    """

    queries: FloatArray
    taken: FloatArray
    right: FloatArray
    distance: FloatArray | None = None
    complete: bool = False

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
        queries, distance = counts.sum(axis=1), None
        if len(levels):
            apart = np.abs(np.subtract.outer(levels, levels)).astype(np.float64)
            distance = (counts * apart.reshape(*apart.shape, *[1] * (counts.ndim - 2))).sum(axis=1)
        right = np.moveaxis(counts.diagonal(axis1=0, axis2=1), -1, 0)
        return cls(queries, counts.sum(axis=0), right, distance, bool(queries.all()))

    def of_draws(self, draws: slice) -> Tally:
        """Some of a tally (classes, draws)."""
        distance = None if self.distance is None else self.distance[:, draws]
        parts = (self.queries[:, draws], self.taken[:, draws], self.right[:, draws])
        return Tally(*parts, distance, self.complete)

    def classes(self) -> Iterator[ClassTally]:
        """Class by class: queries, taken, right and, with levels, distance, of shape (...)."""
        parts = (self.queries, self.taken, self.right, self.distance)
        return zip(*(part for part in parts if part is not None), strict=True)


def every_figure(classes: Iterable[ClassTally], complete: bool) -> list[FloatArray]:
    """All figures at once, class by class, so that what is computed of a class stays in the cache.

    Args:
        classes: As `Tally.classes` gives them; what is yielded may be overwritten afterwards.
        complete: As in `Tally`.

    Returns:
        Balanced accuracy, accuracy, macro-F1, with levels the error in levels, and all recalls.
    """
    recalls: list[FloatArray] = []
    balanced, half_f1, error = (_ClassMean(complete) for _ in range(3))
    for queries, taken, right, *distance in classes:
        recalls.append(_quotient(right, queries, complete))
        balanced.add(recalls[-1])
        half_f1.add(_half_f1(queries, taken, right, complete))
        for item in distance:
            error.add(_quotient(item, queries, complete))
        if len(recalls) == 1:
            all_queries, all_right = queries.copy(), right.copy()
        else:
            all_queries += queries
            all_right += right
    return [
        balanced.result(),
        _quotient(all_right, all_queries, complete),
        2 * half_f1.result(),  # exact
        *([error.result()] if error.classes else []),
        *recalls,
    ]


def recall(tally: Tally) -> FloatArray:
    """Share of each class's queries that were recognised: right / queries.

    Returns:
        Array of shape (classes, ...).

    Example:
        >>> recall(Tally.of([[8, 2], [4, 1]])).tolist()
        [0.8, 0.2]
    """
    return _quotient(tally.right, tally.queries, tally.complete)


def balanced_accuracy(tally: Tally) -> FloatArray:
    """Mean recall over the classes that have queries.

    Returns:
        Array of shape (...).

    Example:
        >>> balanced_accuracy(Tally.of([[8, 2], [4, 1]])).tolist()
        0.5
    """
    return _mean_of_classes(recall(tally), tally.complete)


def accuracy(tally: Tally) -> FloatArray:
    """Share of all queries that were recognised (plain, or micro, accuracy).

    Returns:
        Array of shape (...).

    Example:
        >>> accuracy(Tally.of([[8, 2], [4, 1]])).tolist()
        0.6
    """
    return _quotient(tally.right.sum(axis=0), tally.queries.sum(axis=0), tally.complete)


def macro_f1(tally: Tally) -> FloatArray:
    """Mean over the classes with queries of 2 right / (queries + taken), their F1.

    Returns:
        Array of shape (...).

    Example:
        >>> macro_f1(Tally.of([[9, 0], [3, 0]])).tolist()  # 18/21 and 0/3
        0.42857142857142855
    """
    half = _half_f1(tally.queries, tally.taken, tally.right, tally.complete)
    return 2 * _mean_of_classes(half, tally.complete)  # exact


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
    error = _quotient(tally.distance, tally.queries, tally.complete)
    return _mean_of_classes(error, tally.complete)


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
    return _quotient(counts, counts.sum(axis=1)[:, None], False)


class _ClassMean:
    """The mean over the classes that have a value, added in the order of the classes."""

    def __init__(self, complete: bool) -> None:
        self.classes = 0
        self._complete = complete

    def add(self, values: FloatArray) -> None:
        """Add a class; NaN where it has no value."""
        if not self._complete and (unknown := np.isnan(values)).any():
            values = np.where(unknown, 0.0, values)
            lacking = unknown.astype(np.float64)
        else:
            lacking = np.zeros(())
        if self.classes == 0:
            self._total, self._lacking = values.copy(), lacking
        else:
            self._total += values
            self._lacking = self._lacking + lacking
        self.classes += 1

    def result(self) -> FloatArray:
        """NaN where no class has a value."""
        return _quotient(self._total, self.classes - self._lacking, self._complete)


def _mean_of_classes(values: FloatArray, complete: bool) -> FloatArray:
    mean = _ClassMean(complete)
    for of_class in values:
        mean.add(of_class)
    return mean.result()


def _half_f1(
    queries: FloatArray, taken: FloatArray, right: FloatArray, complete: bool
) -> FloatArray:
    half = _quotient(right, queries + taken, complete)
    if not complete:
        half[queries == 0] = np.nan
    return half


def _quotient(numerator: FloatArray, denominator: FloatArray, complete: bool) -> FloatArray:
    """The quotient, NaN for 0 / 0; that of whole numbers below 2^53 is rounded once."""
    if complete or denominator.all():
        result: FloatArray = numerator / denominator
        return result
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    result = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator != 0)
    return result
