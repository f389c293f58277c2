"""The classifier: nearest support embedding by Euclidean distance, decided as in float64.

The truth is the plain float64 computation: the squared differences of the embeddings as submitted,
summed dimension by dimension. Matrix products in float32 are a quick way to most of
it. Where they leave two classes closer than their rounding error the plain computation decides, so
that the machine's linear algebra library decides nothing. Embeddings that leave much undecided get
their products in float64 first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError
from oneshot_emotic.scoring.arrays import IntArray
from oneshot_emotic.scoring.decisions import MOST_CLASSES, Decisions, is_tie
from oneshot_emotic.scoring.preparation import PreparedEmbeddings
from oneshot_emotic.scoring.queries import held_out
from oneshot_emotic.scoring.workers import side_by_side, workers

__all__ = ["decide", "nearest_classes"]

Floating = np.dtype[Any]
Distances = npt.NDArray[np.floating]

#: Queries of one product at most, and draws of one pass over it: small enough for the cache.
_QUERIES, _DRAWS = 1024, 32
#: Numbers of one product at most: 32 MiB of float32.
_BLOCK = 1 << 23
#: Decisions settled at once.
_DECISIONS = 1 << 15
#: Share of open decisions above which a block is done again in float64.
_MANY_OPEN = 1 / 16
_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
_ROUNDOFF: dict[Floating, float] = {_SINGLE: 2.0**-24, _DOUBLE: 2.0**-53}
#: Below this a product may lose all its digits, whichever way the processor treats such numbers.
_SMALLEST: dict[Floating, float] = {
    np.dtype(np.float32): 2.0**-126,
    np.dtype(np.float64): 2.0**-1022,
}
#: The distance to a support person that a class does not have.
_NOBODY = 2.0**120


def decide(
    prepared: PreparedEmbeddings,
    labels: IntArray,
    images: IntArray,
    support: npt.NDArray[np.int32],
) -> Decisions:
    """Classify all queries of all draws.

    Args:
        prepared: The embeddings of all persons.
        labels: The class of each person, of shape (persons,).
        images: The image of each person as a number from 0, of shape (persons,).
        support: Places of the support persons, of shape (draws, shots, classes), -1 for none.

    Returns:
        The nearest classes; with k shots, of the nearest of all shots x classes support persons.
    """
    persons = np.argsort(labels, kind="stable")
    nearest, tied = nearest_classes(prepared, support, persons)
    draw, person = held_out(images, support)
    column = np.empty(len(persons), dtype=np.int64)
    column[persons] = np.arange(len(persons))
    nearest[draw, column[person]] = 0
    asked = len(support) - np.bincount(column[person], minlength=len(persons))
    return Decisions(nearest, persons, labels[persons], asked, tied, support.shape[2])


def nearest_classes(
    prepared: PreparedEmbeddings, support: npt.NDArray[np.int32], persons: IntArray
) -> tuple[npt.NDArray[np.uint8], IntArray]:
    """The classes whose support embeddings are nearest, for every draw and some persons.

    Args:
        prepared: The embeddings of all persons.
        support: Places of the support persons, of shape (draws, shots, classes), -1 for none.
        persons: Places of the persons to classify, queries or not.

    Returns:
        One bit a class, as in `Decisions.nearest`, and the columns with a tie, ascending.
    """
    if support.shape[2] > MOST_CLASSES:
        raise InputError(f"{support.shape[2]} classes, more than {MOST_CLASSES}")
    anchors = _anchors(prepared, support)
    query_rows = prepared.row_of[persons]
    nearest = np.empty((len(support), len(persons)), dtype=np.uint8)
    tied = np.zeros(len(persons), dtype=bool)
    many = workers()
    step = max(1, min(_QUERIES, _BLOCK // len(anchors.rows), -(-len(persons) // many)))
    starts = range(0, len(persons), step)

    def classify_every_nth(first: int) -> None:
        products: dict[Floating, _Products] = {}
        for start in starts[first::many]:
            chosen = slice(start, start + step)
            _classify(
                prepared, anchors, products, query_rows[chosen], nearest[:, chosen], tied[chosen]
            )

    with side_by_side() as pool:
        list(pool.map(classify_every_nth, range(many)))
    return nearest, np.flatnonzero(tied)


def _classify(
    prepared: PreparedEmbeddings,
    anchors: _Anchors,
    products: dict[Floating, _Products],
    query_rows: IntArray,
    nearest: npt.NDArray[np.uint8],
    tied: npt.NDArray[np.bool_],
) -> None:
    """Write the nearest classes of some queries, of shape (draws, queries), and who is tied."""
    for dtype in _ROUNDOFF:
        if dtype not in products:
            products[dtype] = _Products(prepared, anchors, dtype)
        block = products[dtype].of(query_rows)
        draws, columns = _quick_decisions(block, anchors, nearest)
        if draws.size <= _MANY_OPEN * nearest.size or not block.relative:
            break
    for first in range(0, len(draws), _DECISIONS):
        part = slice(first, first + _DECISIONS)
        settled = _settled(block, anchors, prepared, draws[part], columns[part])
        nearest[draws[part], columns[part]] = settled
        tied[columns[part][is_tie(settled)]] = True


@dataclass(frozen=True)
class _Anchors:
    """The support embeddings, each different one once.

    Attributes:
        rows: Rows of the prepared embeddings, sorted by class and first use.
        places: Where in `rows` each support person is, of shape (draws, shots, classes); one past
            the end for none.
    """

    rows: IntArray
    places: IntArray


def _anchors(prepared: PreparedEmbeddings, support: npt.NDArray[np.int32]) -> _Anchors:
    rows: list[IntArray] = []
    places = np.empty(support.shape, dtype=np.int64)
    known = 0
    for class_ in range(support.shape[2]):
        used = support[:, :, class_].ravel()
        there = used >= 0
        distinct, first, place = np.unique(
            prepared.row_of[used[there]], return_index=True, return_inverse=True
        )
        # In the order of first use, the rows of successive draws mostly follow each other.
        order = np.argsort(first)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        of_class = np.full(len(used), -1, dtype=np.int64)
        of_class[there] = known + rank[place]
        places[:, :, class_] = of_class.reshape(support.shape[:2])
        rows.append(distinct[order])
        known += len(distinct)
    places[places < 0] = known
    return _Anchors(np.concatenate(rows), places)


@dataclass(frozen=True)
class _Block:
    """The squared distances of some queries q and all anchors s, less |q|^2.

    Attributes:
        distances: Of shape (anchors + 1, queries); the last row stands for nobody.
        query_rows: The rows of the queries.
        query_lengths, anchor_lengths: Euclidean norms.
        relative: A distance is off by at most `relative` (|q| + |s|)^2 + `absolute`; both 0 where
            the products are exact.
    """

    distances: Distances
    query_rows: IntArray
    query_lengths: npt.NDArray[np.float64]
    anchor_lengths: npt.NDArray[np.float64]
    relative: float
    absolute: float


class _Products:
    """Distances of blocks of queries, in one type, in memory that is used again."""

    def __init__(self, prepared: PreparedEmbeddings, anchors: _Anchors, dtype: Floating) -> None:
        self.prepared, self.dtype = prepared, dtype
        points = prepared.centred(anchors.rows, dtype)
        squares = np.empty(len(points), dtype=dtype)
        for start in range(0, len(points), _QUERIES):
            wide = points[start : start + _QUERIES].astype(np.float64)
            squares[start : start + _QUERIES] = np.einsum("ij,ij->i", wide, wide)
        self.squares = squares[:, None]
        self.points = points
        self.points *= -2
        self.lengths = np.append(prepared.lengths[anchors.rows], 0.0)
        self.memory = np.empty(0, dtype=dtype)

    def of(self, query_rows: IntArray) -> _Block:
        """The distances of some queries; valid until the next call."""
        shape = (len(self.points) + 1, len(query_rows))
        if self.memory.size < shape[0] * shape[1]:
            self.memory = np.empty(shape[0] * shape[1], dtype=self.dtype)
        distances = self.memory[: shape[0] * shape[1]].reshape(shape)
        queries = self.prepared.centred(query_rows, self.dtype)
        np.matmul(self.points, queries.T, out=distances[:-1])
        distances[:-1] += self.squares
        distances[-1] = _NOBODY
        # A dot product of n terms, added in any order, is off by at most n u sum|x y| (Higham,
        # "Accuracy and Stability of Numerical Algorithms", section 3.1), and 2 sum|x y| is at most
        # (|q| + |s|)^2 / 2. Rounding the rows, their squares and the last sum adds less than 6 u;
        # the plain computation in float64 is itself off by (n + 2) 2^-53.
        dimensions = self.points.shape[1]
        exact = self.dtype in self.prepared.exact
        relative = (dimensions / 2 + 8) * _ROUNDOFF[self.dtype]
        relative += (dimensions + 2) * _ROUNDOFF[_DOUBLE]
        return _Block(
            distances,
            query_rows,
            self.prepared.lengths[query_rows],
            self.lengths,
            0.0 if exact else relative * (1 + 2.0**-8),
            0.0 if exact else 8 * dimensions * _SMALLEST[self.dtype],
        )


def _quick_decisions(
    block: _Block, anchors: _Anchors, nearest: npt.NDArray[np.uint8]
) -> tuple[IntArray, IntArray]:
    """Write the nearest class by the distances of a block; draws and columns that are still open.

    Distances are compared with what they may be off. For the best distance D of a query q, the
    anchor is within |q| + sqrt(D) of the origin, so that (|q| + |s|)^2 <= 8 |q|^2 + 2 D: a bound
    without |s|, which one wild anchor would spoil for all.
    """
    distances, dtype = block.distances, block.distances.dtype
    draws, _, classes = anchors.places.shape
    width = distances.shape[1]
    shape = (min(_DRAWS, draws), width)
    best, second, other = (np.empty(shape, dtype=dtype) for _ in range(3))
    memory = [np.empty(shape, dtype=dtype) for _ in range(classes)]
    less = np.empty(shape, dtype=bool)
    factor = dtype.type(1 + 4 * block.relative + 16 * _ROUNDOFF[dtype])
    margin = 24 * block.relative * np.square(block.query_lengths) + 4 * block.absolute
    # Rounded up, since it is added in the distances' own type.
    margin = (margin * (1 + 2.0**-20)).astype(dtype)
    open_draws, open_columns = [], []
    for start in range(0, draws, _DRAWS):
        rows = slice(start, min(start + _DRAWS, draws))
        many = rows.stop - rows.start
        b, s, o, lt = best[:many], second[:many], other[:many], less[:many]
        bits = lt.view(np.uint8)
        code = nearest[rows]
        for class_ in range(classes):
            x = _distances_to_class(
                distances, anchors.places[rows, :, class_], memory[class_][:many]
            )
            if class_ == 0:
                first = x
                code[...] = 1
            elif class_ == 1:
                np.less(x, first, out=lt)
                np.minimum(first, x, out=b)
                np.maximum(first, x, out=s)
            else:
                np.less(x, b, out=lt)
                np.maximum(b, x, out=o)
                np.minimum(s, o, out=s)
                np.minimum(b, x, out=b)
            if class_:
                # The last class to be less is the nearest, and has the greatest bit.
                np.multiply(bits, np.uint8(1 << class_), out=bits)
                np.maximum(code, bits, out=code)
        if block.relative:
            np.multiply(b, factor, out=o)
            # A factor above 1 makes a distance below 0 less; |b| is at most |q|^2 there.
            np.maximum(o, b, out=o)
            o += margin
            np.less_equal(s, o, out=lt)
        else:
            np.less_equal(s, b, out=lt)
        place = np.flatnonzero(lt)
        open_draws.append(start + place // width)
        open_columns.append(place % width)
    return np.concatenate(open_draws), np.concatenate(open_columns)


def _distances_to_class(distances: Distances, places: IntArray, out: Distances) -> Distances:
    """The distances of a class's nearest shot for some draws, of shape (draws, queries)."""
    nearest = _rows(distances, places[:, 0], out)
    for shot in range(1, places.shape[1]):
        nearest = np.minimum(nearest, _rows(distances, places[:, shot], None), out=out)
    return nearest


def _rows(distances: Distances, places: IntArray, out: Distances | None) -> Distances:
    """`distances[places]`, without copying where the places are evenly apart."""
    steps = np.diff(places)
    step = int(steps[0]) if steps.size else 1
    if step > 0 and (steps == step).all():
        return distances[places[0] : places[-1] + 1 : step]
    return np.take(distances, places, axis=0, out=out, mode="clip")


def _settled(
    block: _Block,
    anchors: _Anchors,
    prepared: PreparedEmbeddings,
    draws: IntArray,
    columns: IntArray,
) -> npt.NDArray[np.uint8]:
    """The nearest classes of open decisions, of shape (decisions,)."""
    places = anchors.places[draws]
    distances = block.distances[places, columns[:, None, None]].astype(np.float64)
    reach = block.query_lengths[columns][:, None, None] + block.anchor_lengths[places]
    error = block.relative * reach * reach + block.absolute
    limit = (distances + error).min(axis=(1, 2), keepdims=True)
    close = distances - error <= limit
    if block.relative:
        several = np.flatnonzero(np.count_nonzero(close.any(axis=1), axis=1) > 1)
        if several.size:
            close[several] = _nearest_exactly(
                close[several],
                block.query_rows[columns[several]],
                np.append(anchors.rows, -1)[places[several]],
                prepared,
            )
    return np.packbits(close.any(axis=1), axis=1, bitorder="little")[:, 0]


def _nearest_exactly(
    close: npt.NDArray[np.bool_],
    query_rows: IntArray,
    support_rows: IntArray,
    prepared: PreparedEmbeddings,
) -> npt.NDArray[np.bool_]:
    """Which of the close support persons are nearest by the plain computation."""
    decision, shot, class_ = np.nonzero(close)
    distances = np.full(close.shape, np.inf)
    distances[decision, shot, class_] = prepared.squared_distances(
        query_rows[decision], support_rows[decision, shot, class_]
    )
    nearest: npt.NDArray[np.bool_] = distances == distances.min(axis=(1, 2), keepdims=True)
    return nearest & close
