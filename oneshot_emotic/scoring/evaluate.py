"""Scoring embeddings on a task: the whole of protocol 1 from vectors to figures."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from oneshot_emotic.errors import InputError
from oneshot_emotic.scoring.controls import control_confusions
from oneshot_emotic.scoring.diagnostics import diagnose
from oneshot_emotic.scoring.embeddings import (
    EmbeddingArray,
    Embeddings,
    aligned_embeddings,
    check_arguments,
    embeddings_digest,
)
from oneshot_emotic.scoring.figures import score_confusion, score_decisions
from oneshot_emotic.scoring.knn import decide
from oneshot_emotic.scoring.preparation import prepare
from oneshot_emotic.scoring.scores import Scores, ShotScores
from oneshot_emotic.splits import DatasetIdentity, Task
from oneshot_emotic.tasks import MAX_SHOTS

#: The shots of the leaderboard: the first ranks, the second is shown.
LEADERBOARD_SHOTS = (1, 5)


def evaluate(
    embeddings: Embeddings,
    task: Task,
    shots: int | Iterable[int] = (1,),
    *,
    intervals: bool = True,
) -> Scores:
    """Score embeddings on a task by protocol 1.

    Args:
        embeddings: A mapping from sample_id to vector, a tuple (sample_ids, array of shape
            (persons, dimensions)), or a pandas table indexed by sample_id; NumPy, torch or plain
            lists. Exactly the task's novel persons.
        task: From `load_task`.
        shots: Support persons a class: a number from 1 to 5, or several.
        intervals: False leaves out the 95 % intervals.

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
    check_arguments(embeddings, task)
    check_scorable(task)
    return evaluate_aligned(aligned_embeddings(embeddings, task), task, shots, intervals)


def evaluate_aligned(
    aligned: EmbeddingArray, task: Task, shots: int | Iterable[int], intervals: bool = True
) -> Scores:
    """`evaluate` for embeddings that `aligned_embeddings` has put in order."""
    figures = {}
    with ThreadPoolExecutor(1) as beside:  # hashing leaves Python's lock to the others
        digest = beside.submit(embeddings_digest, aligned, task)
        prepared = prepare(aligned)
        for count in checked_shots(shots):
            decisions = decide(
                prepared, task.novel_labels, task.novel_images, task.support[:, :count]
            )
            scores, confusion = score_decisions(decisions, task, count, intervals)
            found = diagnose(aligned, prepared, decisions, confusion, task, count)
            figures[count] = replace(scores, diagnostics=found)
    return Scores(_identity(task), {task.name: figures}, {task.name: digest.result()})


def evaluate_controls(task: Task, shots: int | Iterable[int]) -> dict[str, dict[int, ShotScores]]:
    """The figures of the control rows that the task has, without intervals: by name and shots."""
    check_scorable(task)
    rows: dict[str, dict[int, ShotScores]] = {}
    for count in checked_shots(shots):
        for name, confusion in control_confusions(task, count):
            rows.setdefault(name, {})[count] = score_confusion(confusion, task)
    return rows


def check_scorable(task: Task) -> None:
    """Refuse a task that has too few classes on its data set.

    Raises:
        InputError: It has.
    """
    if task.unscorable:
        raise InputError(task.unscorable)


def checked_shots(shots: int | Iterable[int]) -> tuple[int, ...]:
    """The numbers of shots, each once, ascending.

    Raises:
        InputError: One is out of range, or there is none.
    """
    try:
        several = shots if isinstance(shots, Iterable) else [shots]
        wanted = sorted({operator.index(count) for count in several})
    except TypeError:
        wanted = []
    if not wanted or wanted[0] < 1 or wanted[-1] > MAX_SHOTS:
        raise InputError(f"shots must be from 1 to {MAX_SHOTS}, not {shots!r}")
    return tuple(wanted)


def _identity(task: Task) -> DatasetIdentity:
    if task.dataset is None:
        raise InputError(
            f"{task.name} does not belong to a data set", remedy="Load it with load_task"
        )
    return task.dataset
