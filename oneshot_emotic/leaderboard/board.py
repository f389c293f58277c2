"""The values that the leaderboard is rendered from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oneshot_emotic.scoring.comparison import difference
from oneshot_emotic.scoring.scores import Overall, Scores, ShotScores
from oneshot_emotic.splits import DatasetIdentity
from oneshot_emotic.tasks import TASKS


@dataclass(frozen=True)
class Row:
    """A submission's row: all of it recomputed from its embeddings but the model card."""

    slug: str
    model: Mapping[str, Any]
    scores: Scores


@dataclass(frozen=True)
class Board:
    """All rows of one data set.

    Attributes:
        dataset: The data set.
        rows: In any order.
        controls: Task name -> control -> shots -> figures.
    """

    dataset: DatasetIdentity
    rows: tuple[Row, ...]
    controls: Mapping[str, Mapping[str, Mapping[int, ShotScores]]]

    def control_scores(self, control: str) -> Scores:
        """A control's figures in the form of a submission's scores."""
        return Scores(self.dataset, {task: rows[control] for task, rows in self.controls.items()})


@dataclass(frozen=True)
class Ranked:
    """A row in its place.

    Attributes:
        rank: None for a row that lacks a task of the family.
        row: The row.
        overall: The family's overall figure; None for a row that lacks a task.
        tied_with_best: True when the paired interval does not separate it from the first row.
    """

    rank: int | None
    row: Row
    overall: Overall | None
    tied_with_best: bool


def ranked(rows: tuple[Row, ...], family: str) -> list[Ranked]:
    """Rows with a task of the family, best first, with their ranks.

    A row that the paired interval does not separate from the one above shares its rank (protocol
    rule 7). A row that lacks a task of the family has no overall figure and no rank, and stands
    last.
    """
    there = sorted(
        (row for row in rows if tasks_of_family(row.scores, family)), key=lambda row: row.slug
    )
    overall = {row.slug: row.scores.overall(family) for row in there}
    complete = [(row, figure) for row in there if (figure := overall[row.slug]) is not None]
    complete.sort(key=lambda pair: -pair[1].mean)  # equal ones stay in the order of their slugs
    result: list[Ranked] = []
    for place, (row, figure) in enumerate(complete):
        rank: int | None = place + 1
        if place and not _separated(complete[place - 1][1], figure):
            rank = result[-1].rank
        tied = not _separated(complete[0][1], figure)
        result.append(Ranked(rank, row, figure, tied))
    return result + [Ranked(None, row, None, False) for row in there if overall[row.slug] is None]


def _separated(better: Overall, worse: Overall) -> bool:
    apart = difference(better, worse)
    return apart is not None and apart.separated


def tasks_of_family(scores: Scores, family: str) -> list[str]:
    """The tasks of a family that the scores have, in order."""
    return [
        name for name, table in TASKS.items() if table.family == family and name in scores.tasks
    ]
