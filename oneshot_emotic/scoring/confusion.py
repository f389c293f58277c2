"""Who was taken for what, in whole numbers.

A query with t nearest classes gives each of them 1/t of itself (protocol rule 5). Shares are
counted in units of 1/lcm(1..classes), so that all sums are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.knn import FloatArray, nearest_classes, prepare
from oneshot_emotic.scoring.queries import query_mask

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Confusion:
    """Confusion matrices of all draws.

    Attributes:
        counts: Shares of queries by (draw, true class, predicted class), in units of 1/`unit`;
            int64 of shape (draws, classes, classes).
        unit: How many units make one query.
    """

    counts: IntArray
    unit: int


def share_unit(classes: int) -> int:
    """The least number that every possible count of tied classes divides."""
    return math.lcm(*range(1, classes + 1))


def classify(
    embeddings: FloatArray,
    labels: IntArray,
    images: IntArray,
    support: npt.NDArray[np.int32],
) -> Confusion:
    """Classify every query of every draw.

    Args:
        embeddings: Of shape (persons, dimensions), finite.
        labels: The class of each person as a number from 0, of shape (persons,).
        images: The image of each person as a number from 0, of shape (persons,).
        support: Places of the support persons, of shape (draws, shots, classes), -1 for none.
    """
    draws, _, classes = support.shape
    unit = share_unit(classes)
    prepared = prepare(embeddings)
    counts = np.zeros((draws, classes, classes), dtype=np.int64)
    is_query = query_mask(images, support)
    for true_class in range(classes):
        members = np.flatnonzero(labels == true_class)
        for draw, chosen, nearest in nearest_classes(prepared, support, members):
            shares = unit // np.count_nonzero(nearest, axis=1)
            shares *= is_query[draw, members[chosen]]
            for predicted in range(classes):
                counts[draw, true_class, predicted] += np.where(
                    nearest[:, predicted], shares, 0
                ).sum(axis=1)
    return Confusion(counts, unit)


def query_counts(labels: IntArray, images: IntArray, support: npt.NDArray[np.int32]) -> IntArray:
    """Queries by (draw, class)."""
    is_query = query_mask(images, support)
    columns = [is_query[:, labels == item].sum(axis=1) for item in range(support.shape[2])]
    return np.stack(columns, axis=1).astype(np.int64)
