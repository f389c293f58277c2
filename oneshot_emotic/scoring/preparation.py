"""Embeddings made ready for the classifier: different rows, centred, scaled, rounded to float32."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.arrays import IntArray
from oneshot_emotic.scoring.embeddings import EmbeddingArray

#: Bits that a sum of products may take before it is rounded.
SIGNIFICAND: dict[np.dtype[Any], int] = {np.dtype(np.float32): 24, np.dtype(np.float64): 53}
#: Rows converted at once, and rows looked at for the middle.
_CHUNK, _SAMPLE = 1024, 255
#: Pairs whose distance is computed at once.
_PAIRS = 512


@dataclass(frozen=True)
class PreparedEmbeddings:
    """Embeddings made ready for products; `prepare` makes them.

    Attributes:
        rows: The different embeddings as submitted, without constant dimensions; float32 or
            float64 of shape (rows, dimensions).
        row_of: The row of each person, of shape (persons,).
        exponent: `rows` times 2^-exponent is at most 1 apart in any dimension; such a factor
            changes no comparison of distances.
        middle: What is taken from the scaled rows to bring them around the origin, of shape
            (dimensions,); any value would do.
        quick: The scaled and centred rows rounded to float32.
        lengths: Euclidean norm of each scaled and centred row, in float64.
        exact: The types in which products of centred rows are free of rounding, as for one-hot or
            integer embeddings.
    """

    rows: EmbeddingArray
    row_of: IntArray
    exponent: int
    middle: npt.NDArray[np.float64]
    quick: npt.NDArray[np.float32]
    lengths: npt.NDArray[np.float64]
    exact: frozenset[np.dtype[Any]]

    def wide(self, places: IntArray) -> npt.NDArray[np.float64]:
        """Rows as submitted in float64, scaled if their squares might leave its range."""
        if self.rows.dtype == np.float32:
            return self.rows[places].astype(np.float64)
        return _scaled(self.rows[places], self.exponent)

    def centred(self, places: IntArray, dtype: np.dtype[Any]) -> npt.NDArray[np.floating]:
        """Centred rows in float32 or float64."""
        if dtype == np.float32:
            return self.quick[places]
        return _scaled(self.rows[places], self.exponent) - self.middle

    def squared_distances(self, one: IntArray, other: IntArray) -> npt.NDArray[np.float64]:
        """The distances that decide, of pairs of rows; each different pair is computed once.

        Squared differences summed dimension by dimension in float64.

        Args:
            one: Rows, of shape (pairs,).
            other: Rows, of the same shape.

        Returns:
            Squared distances, times a power of two that is the same for all, of shape (pairs,).
        """
        pairs, pair_of = np.unique(one * len(self.rows) + other, return_inverse=True)
        first, second = np.divmod(pairs, len(self.rows))
        total = np.empty(len(pairs))
        for start in range(0, len(pairs), _PAIRS):
            chunk = slice(start, start + _PAIRS)
            difference = self.wide(first[chunk])
            difference -= self.wide(second[chunk])
            difference *= difference
            # A running sum is added in the order of the dimensions, which `sum` is not.
            np.cumsum(difference, axis=1, out=difference)
            total[chunk] = difference[:, -1]
        result: npt.NDArray[np.float64] = total[pair_of]
        return result


def prepare(embeddings: EmbeddingArray) -> PreparedEmbeddings:
    """Make embeddings, finite and of shape (persons, dimensions), ready for `nearest_classes`."""
    low, high = embeddings.min(axis=0), embeddings.max(axis=0)
    varying = low != high
    if not varying.all():
        embeddings = np.ascontiguousarray(embeddings[:, varying])
        low, high = low[varying], high[varying]
    rows, row_of = _different_rows(embeddings)
    if rows.shape[1] == 0:
        rows, low, high = np.zeros((1, 1)), np.zeros(1), np.zeros(1)
    # Halves, since the largest difference may be beyond the largest number.
    half_span = float((high.astype(np.float64) / 2 - low.astype(np.float64) / 2).max())
    exponent = math.frexp(half_span)[1] + 1
    exact = _exact_types(rows)
    # Medians, so that a few wild rows do not move the middle away from all others; whole numbers
    # stay whole numbers when it is zero.
    sample = _scaled(rows[:: max(1, len(rows) // _SAMPLE)], exponent)
    middle = np.zeros(rows.shape[1]) if exact else np.median(sample, axis=0)
    quick = np.empty(rows.shape, dtype=np.float32)
    lengths = np.empty(len(rows))
    for chunk in _chunks(len(rows)):
        wide = _scaled(rows[chunk], exponent) - middle
        quick[chunk] = wide
        lengths[chunk] = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    return PreparedEmbeddings(rows, row_of, exponent, middle, quick, lengths, exact)


def _scaled(rows: EmbeddingArray, exponent: int) -> npt.NDArray[np.float64]:
    wide = rows.astype(np.float64)
    if abs(exponent) < 1000:
        wide *= 2.0**-exponent  # the same as ldexp, and faster
        return wide
    result: npt.NDArray[np.float64] = np.ldexp(wide, -exponent)
    return result


def _chunks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, _CHUNK):
        yield slice(start, min(start + _CHUNK, rows))


def _different_rows(array: EmbeddingArray) -> tuple[EmbeddingArray, IntArray]:
    """The different rows in the order of their first place, and the row of each place."""
    array = np.ascontiguousarray(array)
    if not _may_hold_equal_rows(array):
        return array, np.arange(len(array))
    known: dict[bytes, int] = {}
    row_of = np.fromiter(
        (
            known.setdefault(hashlib.blake2b(row, digest_size=16).digest(), len(known))
            for row in array.view(np.uint8)
        ),
        dtype=np.int64,
        count=len(array),
    )
    first = np.zeros(len(known), dtype=np.int64)
    first[row_of[::-1]] = np.arange(len(array))[::-1]
    return array[first], row_of


def _may_hold_equal_rows(array: EmbeddingArray) -> bool:
    """False only if all rows differ: equal rows give equal sums of words times fixed factors."""
    factors = np.arange(1, 2 * array.shape[1], 2, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    words = array.view(np.dtype(f"u{array.itemsize}"))
    sums = np.empty(len(array), dtype=np.uint64)
    for chunk in _chunks(len(array)):
        sums[chunk] = (words[chunk] * factors).sum(axis=1)
    return len(np.unique(sums)) < len(array)


def _exact_types(rows: EmbeddingArray) -> frozenset[np.dtype[Any]]:
    """The types in which no sum of products of these rows is rounded.

    All values are multiples of 2^low and below 2^high: products are multiples of 2^(2 low), and
    three times a sum of `dimensions` of them (|s|^2 - 2 q s) must stay below 2^bits such units.
    """
    # A few rows tell most embeddings apart from whole numbers.
    exact = frozenset(SIGNIFICAND)
    for part in (rows[:16], rows):
        if exact:
            needed = _product_bits(part)
            exact = frozenset(dtype for dtype in exact if needed <= SIGNIFICAND[dtype])
    return exact


def _product_bits(rows: EmbeddingArray) -> int:
    mantissa, exponent = np.frexp(rows[rows != 0].astype(np.float64))
    if mantissa.size == 0:
        return 0
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    trailing = np.frexp((whole & -whole).astype(np.float64))[1] - 1
    low = int((exponent - 53 + trailing).min())
    high = int(exponent.max())
    return 2 * (high - low) + math.ceil(math.log2(3 * rows.shape[1]))
