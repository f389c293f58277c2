"""The distances that decide: squared differences summed dimension by dimension in float64."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.arrays import IntArray
from oneshot_emotic.scoring.preparation import PreparedEmbeddings

#: Pairs computed at once.
_PAIRS = 512


def squared_distances(
    prepared: PreparedEmbeddings, one: IntArray, other: IntArray
) -> npt.NDArray[np.float64]:
    """The plain computation for pairs of rows, each different pair once.

    Args:
        prepared: The embeddings.
        one: Rows, of shape (pairs,).
        other: Rows, of the same shape.

    Returns:
        Squared distances, times a power of two that is the same for all, of shape (pairs,).
    """
    pairs, pair_of = np.unique(one * len(prepared.rows) + other, return_inverse=True)
    first, second = np.divmod(pairs, len(prepared.rows))
    total = np.empty(len(pairs))
    for start in range(0, len(pairs), _PAIRS):
        chunk = slice(start, start + _PAIRS)
        difference = prepared.wide(first[chunk])
        difference -= prepared.wide(second[chunk])
        difference *= difference
        # A running sum is added in the order of the dimensions, which `sum` is not.
        np.cumsum(difference, axis=1, out=difference)
        total[chunk] = difference[:, -1]
    result: npt.NDArray[np.float64] = total[pair_of]
    return result
