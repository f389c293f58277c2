"""Queries of draw 0 beside the supports they were compared with, as in Figure 3 of the paper."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oneshot_emotic.rng import CounterStream
from oneshot_emotic.scoring.arrays import IntArray
from oneshot_emotic.scoring.knn import decide
from oneshot_emotic.scoring.preparation import PreparedEmbeddings
from oneshot_emotic.splits import Task


@dataclass(frozen=True)
class Example:
    """A query of draw 0.

    Attributes:
        query: Its sample_id.
        label: Its class.
        taken: The class it was taken for; the first of equals.
        nearest: The support person of that class.
        other: For a right one the nearest support person of another class, for a wrong one that of
            its own class.
        other_label: The class of `other`.
        further: How many times as far `other` is, to three decimals; None where the nearest is at
            the same place.
    """

    query: str
    label: str
    taken: str
    nearest: str
    other: str
    other_label: str
    further: float | None

    @property
    def right(self) -> bool:
        """True where the query was recognised."""
        return self.taken == self.label


def taken_classes(prepared: PreparedEmbeddings, task: Task) -> IntArray:
    """The class that each novel person was taken for in draw 0 with one shot, the first of equals.

    Of shape (persons,); -1 for who is no query.
    """
    decisions = decide(prepared, task.novel_labels, task.novel_images, task.support[:1, :1])
    bits = decisions.nearest[0].astype(np.int64)
    taken = np.full(len(task.novel), -1, dtype=np.int64)
    # The lowest bit; 0 has none.
    taken[decisions.persons] = np.frexp((bits & -bits).astype(np.float64))[1] - 1
    return taken


def examples(prepared: PreparedEmbeddings, task: Task, taken: IntArray) -> list[Example]:
    """Of every class a right query and a wrong one, where there are such, chosen by lot.

    Args:
        prepared: The embeddings.
        task: The task.
        taken: From `taken_classes`.
    """
    lot = CounterStream(f"oneshot-emotic/report/examples/{task.name}").permutation(len(task.novel))
    chosen: dict[tuple[int, bool], int] = {}
    for place in lot:
        if taken[place] >= 0:
            label = int(task.novel_labels[place])
            chosen.setdefault((label, label == taken[place]), place)
    return [
        _example(prepared, task, chosen[label, right], int(taken[chosen[label, right]]))
        for label in range(len(task.classes))
        for right in (True, False)
        if (label, right) in chosen
    ]


def _example(prepared: PreparedEmbeddings, task: Task, query: int, taken: int) -> Example:
    supports = task.support[0, 0].astype(np.int64)
    rows = prepared.row_of[supports]
    distances = prepared.squared_distances(np.full_like(rows, prepared.row_of[query]), rows)
    label = int(task.novel_labels[query])
    if taken == label:
        rivals = [place for place in range(len(supports)) if place != label]
        other = min(rivals, key=lambda place: float(distances[place]))
    else:
        other = label
    nearest = float(distances[taken])
    further = math.sqrt(float(distances[other]) / nearest) if nearest > 0 else None
    names = task.novel.sample_ids
    return Example(
        names[query],
        task.classes[label],
        task.classes[taken],
        names[supports[taken]],
        names[supports[other]],
        task.classes[other],
        None if further is None else round(further, 3),
    )
