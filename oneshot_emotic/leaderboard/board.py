"""The values that the leaderboard is rendered from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oneshot_emotic.scoring.scores import Scores, ShotScores
from oneshot_emotic.splits import DatasetIdentity


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


def ranked(rows: tuple[Row, ...], family: str) -> list[tuple[int | None, Row]]:
    """Rows with a task of the family, best first, with their ranks.

    Equal overall figures share a rank. A row that lacks a task of the family has no overall figure
    and no rank, and stands last.
    """
    figures = [
        (row.scores.overall(family), row) for row in rows if tasks_of_family(row.scores, family)
    ]
    complete = sorted(
        ((value, row) for value, row in figures if value is not None),
        key=lambda item: (-item[0], item[1].slug),
    )
    values = [value for value, _ in complete]
    result: list[tuple[int | None, Row]] = [
        (1 + values.index(value), row) for value, row in complete
    ]
    result += [
        (None, row)
        for value, row in sorted(figures, key=lambda item: item[1].slug)
        if value is None
    ]
    return result


def tasks_of_family(scores: Scores, family: str) -> list[str]:
    """The tasks of a family that the scores have, in order."""
    from oneshot_emotic.tasks import TASKS

    return [
        name for name, table in TASKS.items() if table.family == family and name in scores.tasks
    ]
