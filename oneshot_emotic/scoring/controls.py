"""The control rows: what can be had without looking at a picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oneshot_emotic.scoring.arrays import IntArray
from oneshot_emotic.scoring.decisions import share_unit
from oneshot_emotic.scoring.queries import held_out
from oneshot_emotic.splits import Task

#: The control rows with their titles in tables.
CONTROLS = {
    "chance": "Chance",
    "majority": "Always the majority class",
    "constant": "Always the best level",
}


def control_names(task: Task) -> list[str]:
    """The control rows that a task has: the constant level is for levels alone."""
    return [name for name in CONTROLS if task.levels or name != "constant"]


def control_confusions(task: Task, shots: int) -> Iterator[tuple[str, IntArray]]:
    """The control rows of a task, with the confusion matrix of each draw.

    Returns:
        Names of `CONTROLS` and counts of shape (classes, classes, draws), in any unit.
    """
    queries = _queries(task, shots)
    yield "chance", all_tied(queries)
    # The class with most novel persons, and the level that is nearest to all; the first of equals.
    yield "majority", always(int(np.bincount(task.novel_labels).argmax()), queries)
    if task.levels:
        away = np.abs(np.subtract.outer(task.levels, task.levels))
        yield "constant", always(int(away.sum(axis=0).argmin()), queries)


def all_tied(queries: IntArray) -> IntArray:
    """All classes tied for every query of shape (classes, ...), as a constant embedding gives."""
    classes = len(queries)
    return np.repeat(queries[:, None] * (share_unit(classes) // classes), classes, axis=1)


def always(class_: int, queries: IntArray) -> IntArray:
    """One class for every query."""
    counts = np.zeros((len(queries), *queries.shape), dtype=np.int64)
    counts[:, class_] = queries
    return counts


def _queries(task: Task, shots: int) -> IntArray:
    """Queries of each class in each draw, of shape (classes, draws)."""
    draw, person = held_out(task.novel_images, task.support[:, :shots])
    everybody = np.bincount(task.novel_labels, minlength=len(task.classes))
    queries = np.repeat(everybody[:, None], task.draws, axis=1)
    np.subtract.at(queries, (task.novel_labels[person], draw), 1)
    return queries
