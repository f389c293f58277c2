"""Who was taken for what in each draw, counted in whole numbers.

Each decision is looked up as a row of small whole numbers, one for each count that it adds to.
Eight bytes of such rows are added at once, as one 64-bit word, with room enough that no number runs
over into the next.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.arrays import IntArray
from oneshot_emotic.scoring.decisions import Decisions

Words = npt.NDArray[np.uint64]


class ConfusionCounts:
    """Confusion matrices of decisions, in units of 1/`Decisions.unit`."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
        self._rows = PackedRows(decisions.shares())
        self._words = np.ascontiguousarray(self._rows.words.T)  # sums along the last axis are quick

    def of(self, draws: slice) -> IntArray:
        """Of some draws: counts of shape (classes, classes, draws)."""
        nearest, classes = self._decisions.nearest[draws], self._decisions.classes
        ends = np.searchsorted(self._decisions.labels, range(classes + 1)).tolist()
        counts = np.zeros((classes, classes, len(nearest)), dtype=np.int64)
        for of_class, start, end in zip(counts, ends[:-1], ends[1:], strict=True):
            for first in range(start, end, self._rows.room):
                chunk = nearest[:, first : min(first + self._rows.room, end)]
                words = [word.take(chunk).sum(axis=1) for word in self._words]
                of_class += self._rows.numbers(np.stack(words, axis=1))
        return counts


class PackedRows:
    """Rows of small whole numbers as words that can be added.

    Args:
        rows: Of shape (kinds, ...).
        together: How many rows will be added at most.

    Attributes:
        words: The rows, of shape (kinds, words).
        room: How many rows may be added.
    """

    def __init__(self, rows: IntArray, together: int = 1) -> None:
        self._shape = rows.shape[1:]
        rows = rows.reshape(len(rows), -1)
        greatest = max(int(rows.max()), 1)
        size = next(size for size in (1, 2, 4) if greatest * together < 256**size)
        self._dtype = np.dtype(f"u{size}")
        self.room = (256**size - 1) // greatest
        self._width, in_word = rows.shape[1], 8 // size
        padded = np.zeros((len(rows), -(-self._width // in_word) * in_word), dtype=self._dtype)
        padded[:, : self._width] = rows
        self.words: Words = padded.view(np.uint64)

    def numbers(self, words: Words) -> npt.NDArray[np.unsignedinteger]:
        """The numbers in sums of words (..., words): of the shape of a row and then (...)."""
        small = np.moveaxis(words.view(self._dtype)[..., : self._width], -1, 0)
        return small.reshape(*self._shape, *small.shape[1:])


def changes_by_label(decisions: Decisions, levels: Sequence[int]) -> IntArray:
    """What a decision adds to the tally of each class, by the person's label and the byte.

    Returns:
        Array of shape (labels, 256, parts, classes); the parts are taken, right and, with levels,
        distance.
    """
    shares, classes = decisions.shares(), decisions.classes
    rows = np.zeros((classes, 256, 3 if levels else 2, classes), dtype=np.int64)
    rows[:, :, 0] = shares
    for label in range(classes):
        rows[label, :, 1, label] = shares[:, label]
        if levels:
            rows[label, :, 2, label] = shares @ np.abs(np.array(levels) - levels[label])
    return rows
