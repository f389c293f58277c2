"""The control rows: what can be had without looking at a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from oneshot_emotic.scoring.arrays import IntArray
from oneshot_emotic.scoring.confusion import Confusion, QueryCounts, all_tied, always
from oneshot_emotic.scoring.resampling import Weights


@dataclass(frozen=True)
class Control:
    """A control row.

    Attributes:
        title: What it is called in tables.
        confusion: From queries of shape (classes, ...) and the persons of each class.
    """

    title: str
    confusion: Callable[[IntArray, IntArray], Confusion]


class ControlCounts:
    """A control row's confusion matrices, each person counted by its weight.

    Args:
        control: The control.
        labels: The class of each person, of shape (persons,).
        held_out: From `queries.held_out`.
        classes: How many classes there are.
        weights: Of shape (persons, columns).
    """

    def __init__(
        self,
        control: Control,
        labels: IntArray,
        held_out: tuple[IntArray, IntArray],
        classes: int,
        weights: Weights,
    ) -> None:
        self._control = control
        self._queries = QueryCounts(labels, held_out, classes, weights)
        self._persons = np.bincount(labels, minlength=classes).astype(np.int64)

    def of(self, draws: slice) -> Confusion:
        """Of some draws: counts of the shape (classes, classes, draws, columns)."""
        return self._control.confusion(self._queries.of(draws), self._persons)


CONTROLS: dict[str, Control] = {
    "chance": Control("Chance", lambda queries, _: all_tied(queries)),
    # The class with most novel persons; the first of equals.
    "majority": Control(
        "Always the majority class", lambda queries, persons: always(int(persons.argmax()), queries)
    ),
}
