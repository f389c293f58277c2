"""From a checkout's submissions to boards: every figure computed again from the embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.leaderboard.board import Board, Row
from oneshot_emotic.scoring.evaluate import (
    LEADERBOARD_SHOTS,
    evaluate_aligned,
    evaluate_controls,
)
from oneshot_emotic.scoring.scores import merged
from oneshot_emotic.splits import DatasetIdentity, Task
from oneshot_emotic.submission.check import LoadTask, check_embeddings
from oneshot_emotic.submission.folders import SubmissionFolder, read_submission_folder
from oneshot_emotic.tasks import TASKS

Progress = Callable[[str], None]


def recompute_boards(
    folders: Sequence[Path], load: LoadTask, progress: Progress = lambda slug: None
) -> list[Board]:
    """Score every submission.

    Args:
        folders: The submission folders.
        load: Gives the tasks of the data sets that submissions name.
        progress: Called with the slug of each submission as it begins.

    Returns:
        A board for each data set, sorted by name, label rule and fingerprint.

    Raises:
        InputError: A submission is not sound; the problems of all submissions.
    """
    problems: list[Problem] = []
    rows: dict[DatasetIdentity, list[Row]] = {}
    tasks: dict[DatasetIdentity, dict[str, Task]] = {}
    for folder in folders:
        progress(folder.name)
        try:
            row, row_tasks = _row(read_submission_folder(folder), load)
        except InputError as error:
            problems.extend(error.problems)
        else:
            rows.setdefault(row.scores.dataset, []).append(row)
            tasks.setdefault(row.scores.dataset, {}).update(row_tasks)
    if problems:
        raise InputError(problems)
    return [
        _board(identity, rows[identity], tasks[identity])
        for identity in sorted(rows, key=lambda x: (x.name, x.label_rule, x.fingerprint))
    ]


def _row(submission: SubmissionFolder, load: LoadTask) -> tuple[Row, dict[str, Task]]:
    problems: list[Problem] = []
    parts = []
    tasks = {}
    stated = submission.dataset
    for name in (name for name in TASKS if name in submission.references):
        where = str(submission.folder / submission.references[name]["file"])
        try:
            task = load(stated["name"], stated["fingerprint"], name)
            checked = check_embeddings(submission.embeddings(name), task, stated, where)
        except InputError as error:
            problems.extend(error.problems)
        else:
            tasks[name] = task
            parts.append(evaluate_aligned(checked.aligned, task, LEADERBOARD_SHOTS))
    if problems:
        # What concerns the whole submission comes with every task; once is enough.
        raise InputError(dict.fromkeys(problems))
    scores = merged(parts, name=submission.model["name"])
    return Row(submission.slug, submission.model, scores), tasks


def _board(identity: DatasetIdentity, rows: Sequence[Row], tasks: dict[str, Task]) -> Board:
    controls = {
        name: evaluate_controls(tasks[name], LEADERBOARD_SHOTS) for name in TASKS if name in tasks
    }
    return Board(identity, tuple(rows), controls)
