"""The control rows: what can be had without looking at a picture."""

from __future__ import annotations

import numpy as np

from oneshot_emotic.scoring.confusion import Confusion, IntArray, share_unit

CONTROLS: dict[str, str] = {
    "chance": "Chance",
    "majority": "Always the majority class",
}


def chance(queries: IntArray) -> Confusion:
    """All classes tied for every query, as a constant embedding gives.

    Args:
        queries: Queries by (draw, class).
    """
    classes = queries.shape[1]
    unit = share_unit(classes)
    counts = np.repeat(queries[:, :, None] * (unit // classes), classes, axis=2)
    return Confusion(counts, unit)


def majority(queries: IntArray, persons: IntArray) -> Confusion:
    """The class with most novel persons, for every query; the first of equals.

    Args:
        queries: Queries by (draw, class).
        persons: Novel persons of each class.
    """
    classes = queries.shape[1]
    counts = np.zeros((*queries.shape, classes), dtype=np.int64)
    counts[:, :, int(np.argmax(persons))] = queries
    return Confusion(counts, 1)
