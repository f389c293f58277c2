"""Scoring embeddings on a task: the whole of protocol 1 from vectors to figures."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.scoring import controls, metrics
from oneshot_emotic.scoring.confusion import Confusion, classify, query_counts
from oneshot_emotic.scoring.embeddings import (
    Embeddings,
    FloatArray,
    aligned_embeddings,
    embeddings_digest,
)
from oneshot_emotic.scoring.scores import Scores, ShotScores
from oneshot_emotic.scoring.statistics import exact_mean, summarise
from oneshot_emotic.splits import DatasetIdentity, Task
from oneshot_emotic.tasks import MAX_SHOTS

#: The shots of the leaderboard: the first ranks, the second is shown.
LEADERBOARD_SHOTS = (1, 5)


def evaluate(embeddings: Embeddings, task: Task, shots: Iterable[int] = (1,)) -> Scores:
    """Score embeddings on a task by protocol 1.

    Args:
        embeddings: A mapping from sample_id to vector, or a tuple (sample_ids, array of shape
            (persons, dimensions)); NumPy, torch or plain lists. Exactly the task's novel persons.
        task: From `load_task`.
        shots: Support persons a class, each number from 1 to 5.

    Returns:
        The scores; `scores[1].balanced_accuracy.mean` is the figure that ranks.

    Raises:
        InputError: The embeddings do not fit the task (all problems at once), the task cannot be
            scored on its data set, or a number of shots is out of range.

    Example:
        >>> import numpy as np
        >>> from oneshot_emotic import evaluate, load_task
        >>> task = load_task("cat-6-6")
        >>> constant = (task.novel.sample_ids, np.ones((len(task.novel), 8)))
        >>> round(evaluate(constant, task)[1].balanced_accuracy.mean, 4)
        0.1667
    """
    check_scorable(task)
    return evaluate_aligned(aligned_embeddings(embeddings, task), task, shots)


def evaluate_aligned(aligned: FloatArray, task: Task, shots: Iterable[int]) -> Scores:
    """`evaluate` for embeddings that `aligned_embeddings` has put in order."""
    wanted = checked_shots(shots)
    figures = {
        count: _figures(
            classify(aligned, task.novel_labels, task.novel_images, task.support[:, :count]), task
        )
        for count in wanted
    }
    return Scores(
        _identity(task), {task.name: figures}, {task.name: embeddings_digest(aligned, task)}
    )


def evaluate_controls(task: Task, shots: Iterable[int]) -> dict[str, dict[int, ShotScores]]:
    """The figures of the control rows (`controls.CONTROLS`) on a task."""
    check_scorable(task)
    persons = np.bincount(task.novel_labels, minlength=len(task.classes)).astype(np.int64)
    rows: dict[str, dict[int, ShotScores]] = {name: {} for name in controls.CONTROLS}
    for count in checked_shots(shots):
        queries = query_counts(task.novel_labels, task.novel_images, task.support[:, :count])
        rows["chance"][count] = _figures(controls.chance(queries), task)
        rows["majority"][count] = _figures(controls.majority(queries, persons), task)
    return rows


def check_scorable(task: Task) -> None:
    """Refuse a task that has too few classes on its data set.

    Raises:
        InputError: It has.
    """
    if task.unscorable:
        raise InputError(Problem(task.unscorable))


def checked_shots(shots: Iterable[int]) -> tuple[int, ...]:
    """The numbers of shots, each once, ascending.

    Raises:
        InputError: One is out of range, or there is none.
    """
    wanted = sorted(set(shots))
    if not wanted or wanted[0] < 1 or wanted[-1] > MAX_SHOTS:
        raise InputError(Problem(f"shots must be from 1 to {MAX_SHOTS}, not {wanted}"))
    return tuple(wanted)


def _figures(confusion: Confusion, task: Task) -> ShotScores:
    recall = metrics.recall(confusion)
    rates = metrics.confusion_rates(confusion)
    known = ~np.isnan(rates)
    mean_rates = tuple(
        tuple(
            exact_mean(rates[known[:, row, column], row, column].tolist())
            if known[:, row, column].any()
            else None
            for column in range(len(task.classes))
        )
        for row in range(len(task.classes))
    )
    error = None
    if task.table.dimension is not None:
        levels = [int(name) for name in task.classes]
        error = summarise(metrics.mean_absolute_error(confusion, levels))
    return ShotScores(
        classes=task.classes,
        draws=task.draws,
        balanced_accuracy=summarise(metrics.balanced_accuracy(confusion)),
        accuracy=summarise(metrics.accuracy(confusion)),
        macro_f1=summarise(metrics.macro_f1(confusion)),
        mean_absolute_error=error,
        recall={name: summarise(recall[:, index]) for index, name in enumerate(task.classes)},
        confusion=mean_rates,
    )


def _identity(task: Task) -> DatasetIdentity:
    if task.dataset is None:
        raise InputError(
            Problem(f"{task.name} does not belong to a data set", remedy="Load it with load_task")
        )
    return task.dataset
