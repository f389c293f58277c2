"""Who was taken for what, in whole numbers, for the persons as they are and for resamples of them.

Counts are sums of resample weights, so they come out of matrix products of small whole numbers in
float32, none of whose sums reaches 2^24: exact whatever the order of addition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.arrays import IntArray
from oneshot_emotic.scoring.predictions import Predictions, is_tie, share_unit
from oneshot_emotic.scoring.resampling import Weights

Counts = npt.NDArray[np.integer]

#: Two counts share a product: the first in units of 1, the second in units of this.
_FIELD_BITS = 12
_FIELD = 1 << _FIELD_BITS
_FLOAT32_WHOLE = 1 << 24
#: Persons multiplied at once; their weights must not add up to a whole field.
_PERSONS = 3072


@dataclass(frozen=True)
class Confusion:
    """Confusion matrices.

    Attributes:
        counts: Shares of queries by (true class, predicted class, ...), in units of 1/`unit`:
            whole numbers, of a shape that begins with (classes, classes).
        unit: How many units make one query.
    """

    counts: Counts
    unit: int

    @cached_property
    def queries(self) -> Counts:
        """Queries of each class in units, of shape (classes, ...)."""
        return _sums(self.counts)

    @cached_property
    def complete(self) -> bool:
        """True when every class has queries in every cell, so that every figure has a value."""
        return bool(self.queries.all())

    @cached_property
    def predicted(self) -> Counts:
        """What was taken for each class in units, of shape (classes, ...)."""
        return _sums(self.counts.swapaxes(0, 1))

    @cached_property
    def right(self) -> Counts:
        """What was recognised of each class in units, of shape (classes, ...)."""
        return np.moveaxis(self.counts.diagonal(axis1=0, axis2=1), -1, 0)


class PredictionCounts:
    """Confusion matrices of predictions, each person counted by its weight.

    Args:
        predictions: The decisions.
        weights: Of shape (persons, columns).
    """

    def __init__(self, predictions: Predictions, weights: Weights) -> None:
        weights = weights[predictions.persons]
        self._predictions = predictions
        self._columns = weights.shape[1]
        self._unit = predictions.unit if predictions.tied.size else 1
        classes = range(predictions.classes)
        ends = np.searchsorted(predictions.labels, [*classes, predictions.classes]).tolist()
        self._chunks_of_classes = [
            [
                _Chunk(chunk, predictions.tied, weights[chunk])
                for chunk in _chunks(ends[true_class], ends[true_class + 1], weights)
            ]
            for true_class in classes
        ]

    def of(self, draws: slice) -> Confusion:
        """Of some draws: counts of the shape (classes, classes, draws, columns)."""
        nearest, classes = self._predictions.nearest[draws], self._predictions.classes
        counts = np.empty((classes, classes, len(nearest), self._columns), dtype=np.int32)
        for of_class, chunks in zip(counts, self._chunks_of_classes, strict=True):
            if not chunks:
                of_class[...] = 0
            for number, chunk in enumerate(chunks):
                decisions = nearest[:, chunk.persons]
                _count_single(of_class, decisions, chunk.weights, self._unit, add=number > 0)
                if chunk.tied.size:
                    tied = decisions[:, chunk.tied]
                    _add_ties(of_class, tied, chunk.weights[chunk.tied], self._predictions)
        return Confusion(counts, self._unit)


class _Chunk:
    """Persons of one class who are multiplied together.

    Attributes:
        persons: Their places.
        weights: Their weights in float32, of shape (persons, columns).
        tied: Those of them who are tied in some draw.
    """

    def __init__(self, persons: slice, tied: IntArray, weights: Weights) -> None:
        self.persons = persons
        self.weights = weights.astype(np.float32)
        self.tied = tied[(tied >= persons.start) & (tied < persons.stop)] - persons.start


class QueryCounts:
    """Queries by class, each person counted by its weight.

    Args:
        labels: The class of each person, of shape (persons,).
        held_out: From `queries.held_out`.
        classes: How many classes there are.
        weights: Of shape (persons, columns).
    """

    def __init__(
        self, labels: IntArray, held_out: tuple[IntArray, IntArray], classes: int, weights: Weights
    ) -> None:
        self._labels, self._held_out, self._weights = labels, held_out, weights
        self._everybody = np.stack(
            [weights[labels == item].sum(axis=0, dtype=np.int64) for item in range(classes)]
        )

    def of(self, draws: slice) -> IntArray:
        """Of some draws: counts of the shape (classes, draws, columns)."""
        counts = np.repeat(self._everybody[:, None], draws.stop - draws.start, axis=1)
        draw_of, person_of = self._held_out
        some = slice(*np.searchsorted(draw_of, (draws.start, draws.stop)))
        draw, person = draw_of[some] - draws.start, person_of[some]
        np.subtract.at(counts, (self._labels[person], draw), self._weights[person].astype(np.int64))
        return counts


def all_tied(queries: npt.NDArray[np.int64]) -> Confusion:
    """All classes tied for every query, as a constant embedding gives.

    Args:
        queries: Of a shape that begins with (classes,).
    """
    classes = len(queries)
    unit = share_unit(classes)
    return Confusion(np.repeat(queries[:, None] * (unit // classes), classes, axis=1), unit)


def always(class_: int, queries: npt.NDArray[np.int64]) -> Confusion:
    """One class for every query."""
    counts = np.zeros((len(queries), *queries.shape), dtype=np.int64)
    counts[:, class_] = queries
    return Confusion(counts, 1)


def _sums(parts: Counts) -> Counts:
    """The sum along the second axis; faster than NumPy's where that is short."""
    total: Counts = parts[:, 0].copy()
    for place in range(1, parts.shape[1]):
        total += parts[:, place]
    return total


def _chunks(start: int, stop: int, weights: Weights) -> Iterator[slice]:
    """Persons from start to stop in parts of which no column's weights reach a field."""
    while start < stop:
        end = min(start + _PERSONS, stop)
        while weights[start:end].sum(axis=0, dtype=np.int64).max() >= _FIELD:
            end = (start + end) // 2
        yield slice(start, end)
        start = end


def _count_single(
    counts: npt.NDArray[np.int32],
    nearest: npt.NDArray[np.uint8],
    weights: npt.NDArray[np.float32],
    unit: int,
    *,
    add: bool,
) -> None:
    """Write or add the decisions for a single class to the counts of a true class.

    Two classes share a product.
    """
    classes, draws = len(counts), len(nearest)
    chosen = np.zeros((-(-classes // 2), *nearest.shape), dtype=np.float32)
    second_field = np.empty(nearest.shape, dtype=np.float32)
    for class_ in range(classes):
        hit = nearest == 1 << class_
        if class_ % 2 == 0:
            chosen[class_ // 2] = hit
        else:
            np.multiply(hit, np.float32(_FIELD), out=second_field)
            chosen[class_ // 2] += second_field
    products = chosen.reshape(-1, nearest.shape[1]) @ weights
    fields = products.astype(np.int32).reshape(-1, draws, weights.shape[1])
    for class_ in range(classes):
        both = fields[class_ // 2]
        count = None if add else counts[class_]
        if class_ % 2 == 1:
            count = np.right_shift(both, _FIELD_BITS, out=count)
        else:
            count = np.bitwise_and(both, _FIELD - 1, out=count)
        if unit > 1:
            count *= unit
        if add:
            counts[class_] += count


def _add_ties(
    counts: npt.NDArray[np.int32],
    nearest: npt.NDArray[np.uint8],
    weights: npt.NDArray[np.float32],
    predictions: Predictions,
) -> None:
    """Add the shares of tied decisions to the counts of a true class."""
    assert _FIELD * predictions.unit <= _FLOAT32_WHOLE
    tied = np.where(is_tie(nearest), nearest, 0)
    for class_ in range(len(counts)):
        shares = predictions.shares(class_).astype(np.float32)[tied]
        counts[class_] += (shares @ weights).astype(np.int32)
