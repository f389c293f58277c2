"""Figures of each draw from its confusion matrix.

Every figure is a quotient or a sum of a few quotients in a fixed order: the same on any machine.
NaN marks what a draw has no figure for: a class without queries in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.confusion import Confusion

FloatArray = npt.NDArray[np.float64]


def recall(confusion: Confusion) -> FloatArray:
    """Share of each class's queries that were recognised, of shape (draws, classes)."""
    right = np.diagonal(confusion.counts, axis1=1, axis2=2)
    return _quotient(right, confusion.counts.sum(axis=2))


def balanced_accuracy(confusion: Confusion) -> FloatArray:
    """Mean recall over the classes that have queries, of shape (draws,)."""
    return _mean_of_classes(recall(confusion))


def accuracy(confusion: Confusion) -> FloatArray:
    """Share of all queries that were recognised (plain, micro accuracy), of shape (draws,)."""
    right = np.diagonal(confusion.counts, axis1=1, axis2=2).sum(axis=1)
    return _quotient(right, confusion.counts.sum(axis=(1, 2)))


def macro_f1(confusion: Confusion) -> FloatArray:
    """Mean over the classes with queries of 2 TP / (2 TP + FP + FN), of shape (draws,)."""
    right = np.diagonal(confusion.counts, axis1=1, axis2=2)
    queries = confusion.counts.sum(axis=2)
    f1 = _quotient(2 * right, queries + confusion.counts.sum(axis=1))
    f1[queries == 0] = np.nan
    return _mean_of_classes(f1)


def mean_absolute_error(confusion: Confusion, levels: Sequence[int]) -> FloatArray:
    """Mean distance in levels between the true and the predicted level, of shape (draws,).

    Tied levels count by their shares.
    """
    values = np.array(levels, dtype=np.int64)
    distance = np.abs(values[:, None] - values[None, :])
    total = (confusion.counts * distance).sum(axis=(1, 2))
    return _quotient(total, confusion.counts.sum(axis=(1, 2)))


def confusion_rates(confusion: Confusion) -> FloatArray:
    """What share of each class's queries was taken for what, of shape (draws, classes, classes)."""
    return _quotient(confusion.counts, confusion.counts.sum(axis=2, keepdims=True))


def _quotient(numerator: npt.NDArray[np.int64], denominator: npt.NDArray[np.int64]) -> FloatArray:
    """The quotient of whole numbers, NaN for 0 / 0; each below 2^53, so rounded once."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    result = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator != 0)
    return result


def _mean_of_classes(values: FloatArray) -> FloatArray:
    """The mean along the last axis without NaN, added in the order of the classes."""
    known = ~np.isnan(values)
    total = np.zeros(values.shape[:-1])
    for index in range(values.shape[-1]):
        total += np.where(known[..., index], values[..., index], 0.0)
    count = known.sum(axis=-1)
    result = np.full(total.shape, np.nan)
    np.divide(total, count, out=result, where=count != 0)
    return result
