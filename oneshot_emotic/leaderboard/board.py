"""The values that the leaderboard is rendered from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from oneshot_emotic.scoring.comparison import told_apart
from oneshot_emotic.scoring.scores import Overall, Scores, ShotScores
from oneshot_emotic.splits import DatasetIdentity
from oneshot_emotic.tasks import TASKS


@dataclass(frozen=True)
class Row:
    """A submission's row: all of it recomputed from its embeddings but the model card.

    Attributes:
        slug: The submission's folder name.
        model: Its card.
        scores: Its figures.
        submission: SHA-256 of its submission.json.
    """

    slug: str
    model: Mapping[str, Any]
    scores: Scores
    submission: str = ""


@dataclass(frozen=True)
class Board:
    """All rows of one data set.

    Attributes:
        dataset: The data set.
        rows: In any order.
        controls: Task name -> control -> shots -> figures.
        images: Of each task, the names of its images.
        carried: Where the splits are not here and the board is carried over: its files, by their
            paths in `leaderboard/`.
    """

    dataset: DatasetIdentity
    rows: tuple[Row, ...]
    controls: Mapping[str, Mapping[str, Mapping[int, ShotScores]]]
    images: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    carried: Mapping[str, str] | None = None

    def control_scores(self, control: str) -> Scores:
        """A control's figures in the form of a submission's scores."""
        tasks = {task: rows[control] for task, rows in self.controls.items() if control in rows}
        return Scores(self.dataset, tasks)


@dataclass(frozen=True)
class Ranked:
    """A row in its place.

    Attributes:
        rank: None for a row that lacks a task of the family.
        row: The row.
        overall: The family's overall figure; None for a row that lacks a task.
        tied_with_best: True when it cannot be told apart from the first row.
    """

    rank: int | None
    row: Row
    overall: Overall | None
    tied_with_best: bool


def ranked(rows: tuple[Row, ...], family: str) -> list[Ranked]:
    """Rows with a task of the family, best first, with their ranks.

    A row's rank is 1 + the place of the last row above that it is told apart from, and never less
    than that of the row above (protocol rule 7): so no two rows of a rank are told apart. A row
    that lacks a task of the family has no overall figure and no rank, and stands last.
    """
    there = sorted(
        (row for row in rows if tasks_of_family(row.scores, family)), key=lambda row: row.slug
    )
    overall = {row.slug: row.scores.overall(family) for row in there}
    complete = [(row, figure) for row in there if (figure := overall[row.slug]) is not None]
    complete.sort(key=lambda pair: -pair[1].mean)  # equal ones stay in the order of their slugs
    apart = told_apart([figure for _, figure in complete])
    result: list[Ranked] = []
    rank = 1
    for place, (row, figure) in enumerate(complete):
        above = np.flatnonzero(apart[place, :place])
        if above.size:
            rank = max(rank, int(above[-1]) + 2)
        result.append(Ranked(rank, row, figure, not apart[place, 0]))
    return result + [Ranked(None, row, None, False) for row in there if overall[row.slug] is None]


def tasks_of_family(scores: Scores, family: str) -> list[str]:
    """The tasks of a family that the scores have, in order."""
    return [
        name for name, table in TASKS.items() if table.family == family and name in scores.tasks
    ]
