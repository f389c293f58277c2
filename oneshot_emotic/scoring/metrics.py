"""Figures from confusion matrices.

Every figure is a quotient or a sum of a few quotients in a fixed order: the same on any machine.
Counts have the shape (classes, classes, ...): one figure comes out for each of the cells "...",
such as draws or draws x resamples. NaN marks a cell that has no figure: without queries, of the
class or at all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oneshot_emotic.scoring.arrays import FloatArray
from oneshot_emotic.scoring.confusion import Confusion, Counts


def recall(confusion: Confusion) -> FloatArray:
    """Share of each class's queries that were recognised, of shape (classes, ...)."""
    return _quotient(confusion.right, confusion.queries)


def balanced_accuracy(confusion: Confusion) -> FloatArray:
    """Mean recall over the classes that have queries, of shape (...)."""
    return mean_of_classes(recall(confusion), complete=confusion.complete)


def accuracy(confusion: Confusion) -> FloatArray:
    """Share of all queries that were recognised (plain, micro accuracy), of shape (...)."""
    return _quotient(confusion.right.sum(axis=0), confusion.queries.sum(axis=0))


def macro_f1(confusion: Confusion) -> FloatArray:
    """Mean over the classes with queries of 2 TP / (2 TP + FP + FN), of shape (...)."""
    half = _quotient(confusion.right, confusion.queries + confusion.predicted)
    if not confusion.complete:
        half[confusion.queries == 0] = np.nan
    result = mean_of_classes(half, complete=confusion.complete)
    result *= 2  # exact
    return result


def mean_absolute_error(confusion: Confusion, levels: Sequence[int]) -> FloatArray:
    """Mean distance in levels between the true and the predicted level, of shape (...).

    Tied levels count by their shares.
    """
    cells: dict[int, Counts] = {}
    for true, row in zip(levels, confusion.counts, strict=True):
        for taken, cell in zip(levels, row, strict=True):
            if (distance := abs(true - taken)) in cells:
                cells[distance] += cell
            elif distance:
                cells[distance] = cell.copy()
    total = np.zeros(confusion.counts.shape[2:], dtype=np.int64)
    for distance, count in cells.items():
        total += np.multiply(count, distance, dtype=np.int64)
    return _quotient(total, confusion.queries.sum(axis=0))


def confusion_rates(confusion: Confusion) -> FloatArray:
    """What share of each class's queries was taken for what, of shape (classes, classes, ...)."""
    return _quotient(confusion.counts, confusion.queries[:, None])


def mean_of_classes(values: FloatArray, *, complete: bool = False) -> FloatArray:
    """The mean along the first axis without NaN, added in the order of the classes.

    Args:
        values: Of shape (classes, ...).
        complete: True where it is known that none is NaN.
    """
    if complete or not (unknown := np.isnan(values)).any():
        total: FloatArray = values[0].copy()
        for of_class in values[1:]:
            total += of_class
        total /= len(values)
        return total
    count = len(values) - unknown.sum(axis=0)
    total = np.zeros(values.shape[1:])
    for of_class in np.where(unknown, 0.0, values):
        total += of_class
    result = np.full(total.shape, np.nan)
    np.divide(total, count, out=result, where=count != 0)
    return result


def _quotient(numerator: Counts, denominator: Counts) -> FloatArray:
    """The quotient of whole numbers, NaN for 0 / 0; each below 2^53, so rounded once."""
    if denominator.all():
        result: FloatArray = numerator / denominator
        return result
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    result = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator != 0)
    return result
