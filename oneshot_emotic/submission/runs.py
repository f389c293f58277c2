"""Several training runs (seeds) of a task in one submission: a file each, their mean as the row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import Problem
from oneshot_emotic.scoring.embeddings import EmbeddingArray
from oneshot_emotic.scoring.evaluate import LEADERBOARD_SHOTS, evaluate_aligned
from oneshot_emotic.scoring.runs import combine_runs
from oneshot_emotic.scoring.scores import Scores, merged
from oneshot_emotic.splits import Task

Stored = npt.NDArray[np.floating[Any]]

#: The most runs of a task; submission.schema.json says so too.
MAX_RUNS = 20


def row_of_files(files: Iterable[Scores], name: str | None = None) -> Scores:
    """The scores of a row from those of its files.

    Args:
        files: Of one task each. Several of the same task are its runs; the n-th runs of all tasks
            come from the same training.
        name: The row's name.

    Raises:
        InputError: They are of different data sets or numbers of shots.
    """
    runs: list[list[Scores]] = []
    seen: list[str] = []
    for file in files:
        (task,) = file.tasks
        number = seen.count(task)
        if number == len(runs):
            runs.append([])
        runs[number].append(file)
        seen.append(task)
    return combine_runs([merged(run) for run in runs]).named(name)


def repeated_runs(runs: Sequence[tuple[str, Stored]]) -> list[Problem]:
    """What is wrong with runs of a task, each its file and its embeddings, that are the same."""
    problems = []
    for place, (where, array) in enumerate(runs):
        same = [file for file, other in runs[:place] if np.array_equal(array, other)]
        if where in same:
            problems.append(Problem("is given more than once", where))
        elif same:
            what = f"holds the same embeddings as {same[0]}, so it is not another run"
            problems.append(Problem(what, where))
    return problems


def narrowed(
    runs: Sequence[EmbeddingArray],
    task: Task,
    printed: Callable[[Scores], str],
    halve: bool = True,
) -> tuple[list[Stored], list[Scores]]:
    """Embeddings in the smaller of float16 and float32 that keeps their figures.

    Args:
        runs: Of each run of a task, from `aligned_embeddings`.
        task: Their task.
        printed: The figures as people read them; float16 is taken when this text stays the same.
        halve: False takes float32 in any case.

    Returns:
        The arrays to store, and the scores of exactly those.
    """

    def evaluated(arrays: Sequence[EmbeddingArray]) -> list[Scores]:
        values = (array.astype(np.float64) + 0.0 for array in arrays)
        return [evaluate_aligned(array, task, LEADERBOARD_SHOTS) for array in values]

    with np.errstate(over="ignore", under="ignore"):
        halves = [run.astype(np.float16) for run in runs]
        singles = [run.astype(np.float32) for run in runs]
    if halve and all(np.isfinite(half).all() for half in halves):
        scores = evaluated(halves)
        exact = all(map(np.array_equal, halves, runs))
        if exact or printed(row_of_files(scores)) == printed(row_of_files(evaluated(runs))):
            return halves, scores
    return singles, evaluated(singles)


def seeds(runs: Iterable[int]) -> str:
    """How many runs the tasks of a row have: `1 seed`, `3 seeds`, `1 to 3 seeds`."""
    fewest, *_, most = sorted([*runs] * 2)
    if fewest < most:
        return f"{fewest} to {most} seeds"
    return "1 seed" if most == 1 else f"{most} seeds"
