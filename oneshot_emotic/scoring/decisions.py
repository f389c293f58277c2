"""The classifier's decisions, one byte each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.arrays import IntArray

#: Classes that fit a byte of one bit a class.
MOST_CLASSES = 8


@dataclass(frozen=True)
class Decisions:
    """The nearest classes of every novel person in every draw.

    Attributes:
        nearest: One bit a class: bit c is set when a support person of class c is as near as any,
            so more than one bit means an exact tie; 0 where the person is no query of the draw.
            uint8 of shape (draws, persons), the persons sorted by class.
        persons: Places of these persons, of shape (persons,).
        labels: The true class of each of them, of shape (persons,), ascending.
        asked: In how many draws each of them is a query, of shape (persons,).
        tied: Those of them who are tied in some draw, as columns of `nearest`, ascending.
        classes: How many classes there are.
    """

    nearest: npt.NDArray[np.uint8]
    persons: IntArray
    labels: IntArray
    asked: IntArray
    tied: IntArray
    classes: int

    @property
    def unit(self) -> int:
        """In how many units a query is counted: 1, or a number that 1/t of it is whole for any t.

        A query with t nearest classes gives each of them 1/t of itself (protocol rule 5). In whole
        units all sums are exact.
        """
        return share_unit(self.classes) if self.tied.size else 1

    def shares(self) -> IntArray:
        """What a byte of `nearest` gives to each class in units, of shape (256, classes)."""
        bytes_ = np.arange(256, dtype=np.uint8)
        nearest = np.unpackbits(bytes_[:, None], axis=1, bitorder="little")[:, : self.classes]
        tied = nearest.sum(axis=1, dtype=np.int64)
        result: IntArray = nearest * (self.unit // np.maximum(tied, 1))[:, None]
        return result

    def confusion(self) -> IntArray:
        """The confusion matrix of each draw in units, of shape (classes, classes, draws)."""
        codes = 1 << np.arange(self.classes)
        if self.tied.size:
            codes = np.unique(self.nearest)
        ends = np.searchsorted(self.labels, range(self.classes + 1)).tolist()
        counts = np.zeros((len(codes), self.classes, len(self.nearest)), dtype=np.int64)
        for place, code in enumerate(codes):
            is_taken = self.nearest == code
            for label in range(self.classes):
                of_class = is_taken[:, ends[label] : ends[label + 1]]
                counts[place, label] = np.count_nonzero(of_class, axis=1)
        confusion: IntArray = np.einsum("klr,kc->lcr", counts, self.shares()[codes])
        return confusion


def share_unit(classes: int) -> int:
    """lcm(1, ..., classes)."""
    return math.lcm(*range(1, classes + 1))


def is_tie(nearest: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """True where more than one bit is set."""
    # The lowest bit taken away; 0 stays 0.
    result: npt.NDArray[np.bool_] = (nearest & (nearest - (nearest != 0))) != 0
    return result
