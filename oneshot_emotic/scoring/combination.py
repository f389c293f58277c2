"""Late fusion: several embeddings of the same persons side by side, as one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from oneshot_emotic.errors import InputError, Problem, counted, some
from oneshot_emotic.scoring.arrays import FloatArray
from oneshot_emotic.scoring.embeddings import EmbeddingArray, Embeddings, vectors_of

#: The least and the greatest weight; model.schema.json says so too.
WEIGHTS = (1e-9, 1e9)

#: Rows converted at once.
_CHUNK = 1024


def combine(
    parts: Sequence[Embeddings],
    weights: Sequence[float] | None = None,
    *,
    as_is: bool = False,
) -> tuple[list[str], FloatArray]:
    """Late fusion of several embeddings of the same persons, for `evaluate`.

    Of each part i, each vector x_i is brought to unit Euclidean length and multiplied by the square
    root of the part's weight w_i over the largest weight; then they are concatenated. So the
    squared distance of two persons is the weighted sum of those in the parts:

        |x - y|^2  =  sum over i of  w_i / max(w) * | x_i / |x_i|  -  y_i / |y_i| |^2

    Only ratios of weights matter to a nearest neighbour; those of the heaviest part stay as they
    are. A vector of zeros stays one.

    Choose weights on held-out base persons, as the novel ones of `task.base.split`: weights chosen
    by a figure on novel persons are a selection on the test set.

    Args:
        parts: Two or more, each as `evaluate` takes it; the persons may be any, in any order, but
            the same in all.
        weights: A number from 1e-9 to 1e9 each; equal ones where there are none.
        as_is: Leaves vectors at the length that they have, so that x_i and y_i stand in the formula
            undivided.

    Returns:
        The sample_ids of the first part, and an array of shape (persons, dimensions of all parts),
        the same bytes on any machine.

    Raises:
        InputError: The parts are of different persons or no embeddings, or the weights are not
            one each, within their bounds.

    Example:
        >>> from oneshot_emotic import combine
        >>> combine([{"a": [3.0, 4.0]}, {"a": [0.0, 2.0]}], weights=[1, 4])
        (['a'], array([[0.3, 0.4, 0. , 1. ]]))
    """
    parts = [*parts]
    checked = checked_weights(weights, len(parts))
    found = [vectors_of(part, f"part {number}") for number, part in enumerate(parts, 1)]
    sample_ids, _ = found[0]
    arrays = []
    for number, (ids, array) in enumerate(found, 1):
        place = {sample_id: row for row, sample_id in enumerate(ids)}
        if strange := sorted(place.keys() ^ sample_ids):
            what = (
                f"is of other persons than part 1: {counted(len(strange), 'person')} in one of "
                f"them alone, such as {some(strange)}"
            )
            raise InputError(Problem(what, f"part {number}", "Give the same persons in all parts"))
        arrays.append(array[[place[sample_id] for sample_id in sample_ids]])
    return sample_ids, side_by_side(arrays, checked, as_is=as_is)


def checked_weights(weights: Sequence[float] | None, parts: int) -> list[float]:
    """A weight for each part.

    Raises:
        InputError: There are fewer than two parts, a weight is out of bounds, or there are not
            as many as parts.
    """
    if parts < 2:
        raise InputError(f"two or more are combined, not {parts}")
    if weights is None:
        return [1.0] * parts
    if len(weights) != parts:
        what = f"{counted(len(weights), 'weight')} for {parts} parts"
        raise InputError(Problem(what, remedy="Give one each, in the order of the parts"))
    try:
        numbers = list(map(float, weights))
    except (TypeError, ValueError, OverflowError):
        numbers = [math.nan]
    least, most = WEIGHTS
    if not all(least <= number <= most for number in numbers):
        raise InputError(f"weights are from {least:g} to {most:g}, not {some(weights, 8)}")
    return numbers


def side_by_side(
    arrays: Sequence[EmbeddingArray], weights: Sequence[float], *, as_is: bool = False
) -> FloatArray:
    """`combine` for arrays of the same persons in the same order, and checked weights."""
    rows, heaviest = len(arrays[0]), max(weights)
    *starts, width = np.cumsum([0, *(array.shape[1] for array in arrays)]).tolist()
    result = np.empty((rows, width))
    for left, array, weight in zip(starts, arrays, weights, strict=True):
        columns = slice(left, left + array.shape[1])
        factor = math.sqrt(weight / heaviest)
        for start in range(0, rows, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            wide = array[chunk].astype(np.float64)
            result[chunk, columns] = (wide if as_is else _at_unit_length(wide)) * factor
    return result


def _at_unit_length(rows: FloatArray) -> FloatArray:
    """Each row over its Euclidean norm, the squares added in the order of the dimensions."""
    # A power of two changes no digit, and keeps squares away from the ends of float64's range.
    _, exponent = np.frexp(np.abs(rows).max(axis=1, keepdims=True))
    rows = np.ldexp(rows, -exponent)
    lengths = np.sqrt(np.cumsum(rows * rows, axis=1)[:, -1:])
    result: FloatArray = rows / np.where(lengths == 0, 1.0, lengths)
    return result
