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
from oneshot_emotic.scoring.scores import Scores, merged
from oneshot_emotic.splits import DatasetIdentity, Task
from oneshot_emotic.submission.check import LoadTask, check_embeddings
from oneshot_emotic.submission.folders import DOCUMENT, SubmissionFolder, read_submission_folder
from oneshot_emotic.tasks import TASKS

Progress = Callable[[str], None]


#: What was scored already, by the bytes of submission.json, which name the embeddings' digests.
Scored = dict[bytes, tuple[Scores, dict[str, Task]]]


def recompute_boards(
    folders: Sequence[Path],
    load: LoadTask,
    progress: Progress = lambda slug: None,
    scored: Scored | None = None,
) -> list[Board]:
    """Score every submission.

    Args:
        folders: The submission folders.
        load: Gives the tasks of the data sets that submissions name.
        progress: Called with the slug of each submission as it begins.
        scored: Taken from and added to, so that a second set of folders costs what differs.

    Returns:
        A board for each data set, sorted by name, label rule and fingerprint.

    Raises:
        InputError: A submission is not sound; the problems of all submissions.
    """
    problems: list[Problem] = []
    rows: dict[DatasetIdentity, list[Row]] = {}
    tasks: dict[DatasetIdentity, dict[str, Task]] = {}
    for folder in folders:
        try:
            submission = read_submission_folder(folder)
            key = (folder / DOCUMENT).read_bytes()
            if scored is None or key not in scored:
                progress(folder.name)
                result = score_submission(submission, load)
                if scored is not None:
                    scored[key] = result
            else:
                result = scored[key]
            scores, row_tasks = result
        except InputError as error:
            problems.extend(error.problems)
        else:
            row = Row(submission.slug, submission.model, scores)
            rows.setdefault(scores.dataset, []).append(row)
            tasks.setdefault(scores.dataset, {}).update(row_tasks)
    if problems:
        raise InputError(problems)
    return [
        _board(identity, rows[identity], tasks[identity])
        for identity in sorted(rows, key=lambda x: (x.name, x.label_rule, x.fingerprint))
    ]


def score_submission(
    submission: SubmissionFolder,
    load: LoadTask,
    shots: Sequence[int] = LEADERBOARD_SHOTS,
    only: Sequence[str] | None = None,
) -> tuple[Scores, dict[str, Task]]:
    """Score a submission folder.

    Args:
        submission: The folder.
        load: Gives the tasks of the data set that it names.
        shots: Support persons a class.
        only: Tasks to score; all that it has when None.

    Returns:
        The scores, and the tasks by name.

    Raises:
        InputError: The submission is not sound, or has none of the tasks; all problems.
    """
    problems: list[Problem] = []
    parts = []
    tasks = {}
    stated = submission.dataset
    wanted = [name for name in TASKS if name in submission.references]
    if only is not None:
        wanted = [name for name in wanted if name in only]
    if not wanted:
        raise InputError(
            Problem(f"no embeddings for {', '.join(only or ())}", str(submission.folder))
        )
    for name in wanted:
        where = str(submission.folder / submission.references[name]["file"])
        try:
            task = load(stated["name"], stated["fingerprint"], name)
            checked = check_embeddings(submission.embeddings(name), task, stated, where)
        except InputError as error:
            problems.extend(error.problems)
        else:
            tasks[name] = task
            parts.append(evaluate_aligned(checked.aligned, task, shots))
    if problems:
        # What concerns the whole submission comes with every task; once is enough.
        raise InputError(dict.fromkeys(problems))
    return merged(parts, name=submission.model["name"]), tasks


def _board(identity: DatasetIdentity, rows: Sequence[Row], tasks: dict[str, Task]) -> Board:
    controls = {
        name: evaluate_controls(tasks[name], LEADERBOARD_SHOTS) for name in TASKS if name in tasks
    }
    return Board(identity, tuple(rows), controls)
