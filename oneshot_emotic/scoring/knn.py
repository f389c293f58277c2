"""The classifier: nearest support embedding by Euclidean distance, decided as in float64.

The truth is the plain float64 computation: the squared differences of the embeddings exactly as
submitted, summed dimension by dimension. Matrix products are only a quick way to most of it: where
they leave two classes closer than their rounding error, the distances are computed that plain way,
so that the machine's linear algebra library decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_UNIT_ROUNDOFF = 2.0**-53
_EXACT_BITS = 53
#: Numbers held at once by the widest intermediate array: 32 MiB of float64.
_BLOCK = 1 << 22


@dataclass(frozen=True)
class PreparedEmbeddings:
    """Embeddings made ready for products; `prepare` makes them.

    Attributes:
        rows: The different embeddings, without constant dimensions and scaled by a power of two,
            which changes no comparison of distances. Shape (rows, dimensions).
        row_of: The row of each person, of shape (persons,).
        centred: The rows moved so that their middle is the origin, for the products.
        exact: True when the products are free of rounding, as for one-hot or integer embeddings.
    """

    rows: FloatArray
    row_of: IntArray
    centred: FloatArray
    exact: bool


def prepare(embeddings: FloatArray) -> PreparedEmbeddings:
    """Make embeddings, finite and of shape (persons, dimensions), ready for `nearest_classes`."""
    varying = embeddings.min(axis=0) != embeddings.max(axis=0)
    kept = np.ascontiguousarray(embeddings[:, varying])
    rows, row_of = _different_rows(kept)
    if rows.shape[1] == 0:
        return PreparedEmbeddings(rows, row_of, rows, exact=True)
    # Halves, since the largest difference may be beyond the largest number.
    half_span = float((rows.max(axis=0) / 2 - rows.min(axis=0) / 2).max())
    rows = np.ldexp(rows, -math.frexp(half_span)[1])
    if _products_are_exact(rows):
        return PreparedEmbeddings(rows, row_of, rows, exact=True)
    middle = (rows.max(axis=0) + rows.min(axis=0)) / 2
    return PreparedEmbeddings(rows, row_of, rows - middle, exact=False)


def nearest_classes(
    prepared: PreparedEmbeddings, support: npt.NDArray[np.int32], queries: IntArray
) -> Iterator[tuple[slice, slice, npt.NDArray[np.bool_]]]:
    """The classes whose support embeddings are nearest, for every query and draw.

    Args:
        prepared: The embeddings of all persons.
        support: Places of the support persons, of shape (draws, shots, classes), -1 for none.
        queries: Places of the persons to classify.

    Yields:
        Blocks (draws, queries, nearest), where `nearest` has the shape (draws, classes, queries)
        and is True for every class whose nearest support person is as near as any: more than one
        True means an exact tie.
    """
    support_rows = np.where(support >= 0, prepared.row_of[support], -1)
    used, flat_places = np.unique(support_rows, return_inverse=True)
    # `places` leads into `used`; row -1 (no support) comes first there when there is one.
    places = flat_places.reshape(support_rows.shape)
    anchors = prepared.centred[used]
    norms = np.einsum("ij,ij->i", anchors, anchors)
    norms[used < 0] = math.inf
    reach = math.sqrt(float(norms[used >= 0].max(initial=0.0)))

    draws, shots, classes = support.shape
    query_step = max(1, min(512, _BLOCK // max(1, len(used))))
    draw_step = max(1, _BLOCK // (query_step * shots * classes))
    for start in range(0, len(queries), query_step):
        chosen = slice(start, min(start + query_step, len(queries)))
        rows = prepared.row_of[queries[chosen]]
        points = prepared.centred[rows]
        # |q - s|^2 less |q|^2, which is the same for all supports of a query.
        scores = anchors @ points.T
        scores *= -2.0
        scores += norms[:, None]
        slack = _rounding(points, reach, prepared)
        for first in range(0, draws, draw_step):
            block = slice(first, min(first + draw_step, draws))
            nearest = _nearest_in_block(
                scores, places[block], support_rows[block], rows, slack, prepared
            )
            yield block, chosen, nearest


def _different_rows(array: FloatArray) -> tuple[FloatArray, IntArray]:
    """The different rows in the order of their first place, and the row of each place."""
    known: dict[bytes, int] = {}
    row_of = np.fromiter(
        (known.setdefault(row.tobytes(), len(known)) for row in array),
        dtype=np.int64,
        count=len(array),
    )
    first = np.zeros(len(known), dtype=np.int64)
    first[row_of[::-1]] = np.arange(len(array))[::-1]
    return array[first], row_of


def _products_are_exact(rows: FloatArray) -> bool:
    """True when every sum of products of these rows fits a float64 without rounding.

    All values are multiples of 2^low and below 2^high: products are multiples of 2^(2 low), and
    three times a sum of `dimensions` of them (|s|^2 - 2 q s) stays below 2^53 such units.
    """
    mantissa, exponent = np.frexp(rows[rows != 0])
    whole = np.ldexp(mantissa, _EXACT_BITS).astype(np.int64)
    trailing = np.frexp((whole & -whole).astype(np.float64))[1] - 1
    low = int((exponent - _EXACT_BITS + trailing).min())
    high = int(exponent.max())
    return 2 * (high - low) + math.ceil(math.log2(3 * rows.shape[1])) <= _EXACT_BITS


def _rounding(points: FloatArray, reach: float, prepared: PreparedEmbeddings) -> FloatArray:
    """How far two scores of a query may be apart although their distances are in the other order.

    A sum of n products in any order is off by at most about n u sum|x_i y_i| (Higham, "Accuracy
    and Stability of Numerical Algorithms", section 3.1), here at most n u (|q| + |s|)^2 in all for
    the products and again for the plain computation; 8 (n + 8) leaves room for the constants.
    """
    if prepared.exact:
        return np.zeros(len(points))
    lengths = np.sqrt(np.einsum("ij,ij->i", points, points))
    factor = 8.0 * (points.shape[1] + 8) * _UNIT_ROUNDOFF
    result: FloatArray = factor * np.square(lengths + reach)
    return result


def _nearest_in_block(
    scores: FloatArray,
    places: IntArray,
    support_rows: IntArray,
    query_rows: IntArray,
    slack: FloatArray,
    prepared: PreparedEmbeddings,
) -> npt.NDArray[np.bool_]:
    """The nearest classes of a block, of shape (draws, classes, queries)."""
    shots = places.shape[1]
    by_class = scores[places[:, 0]]
    for shot in range(1, shots):
        np.minimum(by_class, scores[places[:, shot]], out=by_class)
    limit = by_class.min(axis=1)
    limit += slack
    nearest: npt.NDArray[np.bool_] = by_class <= limit[:, None, :]
    if prepared.exact:
        return nearest
    draw, query = np.nonzero(np.count_nonzero(nearest, axis=1) > 1)
    if draw.size:
        nearest[draw, :, query] = _nearest_exactly(
            scores, places, support_rows, query_rows, limit, draw, query, prepared.rows
        )
    return nearest


def _nearest_exactly(
    scores: FloatArray,
    places: IntArray,
    support_rows: IntArray,
    query_rows: IntArray,
    limit: FloatArray,
    draw: IntArray,
    query: IntArray,
    rows: FloatArray,
) -> npt.NDArray[np.bool_]:
    """The nearest classes of the decisions (draw, query), of shape (decisions, classes)."""
    close = scores[places[draw], query[:, None, None]] <= limit[draw, query][:, None, None]
    decision, shot, class_ = np.nonzero(close)
    one = query_rows[query[decision]]
    other = support_rows[draw[decision], shot, class_]
    distances = np.full(close.shape, math.inf)
    distances[decision, shot, class_] = _squared_distances(rows, one, other)
    by_class = distances.min(axis=1)
    nearest: npt.NDArray[np.bool_] = by_class == by_class.min(axis=1, keepdims=True)
    return nearest


def _squared_distances(rows: FloatArray, one: IntArray, other: IntArray) -> FloatArray:
    """The plain float64 computation for pairs of rows, each different pair once."""
    pairs, pair_of = np.unique(one * len(rows) + other, return_inverse=True)
    first, second = pairs // len(rows), pairs % len(rows)
    total = np.zeros(len(pairs))
    for column in np.ascontiguousarray(rows.T):
        difference = column[first] - column[second]
        total += difference * difference
    return total[pair_of]
