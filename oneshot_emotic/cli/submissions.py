"""Embeddings that the user names, read and checked, all problems of all files at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oneshot_emotic.dataset.loader import TaskLoader
from oneshot_emotic.errors import InputError, Problem, memory_for
from oneshot_emotic.scoring.evaluate import evaluate_aligned
from oneshot_emotic.scoring.scores import Scores
from oneshot_emotic.submission.check import Checked, check_predictions
from oneshot_emotic.submission.forms import read_predictions
from oneshot_emotic.submission.limits import MAX_BYTES
from oneshot_emotic.tasks import TASKS


def checked_files(
    files: Sequence[Path],
    dataset: str | None = None,
    task: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> list[Checked]:
    """Files of embeddings, in the order of their tasks.

    Args:
        files: Of any form.
        dataset: Where the tasks come from, in place of the data set that the files name.
        task: The task, for a file that names none.
        max_bytes: Bound on what is read of one file.

    Raises:
        InputError: A file is not sound; the problems of all of them.
    """
    checked, _, problems = read_and_check(files, dataset, task, max_bytes)
    if problems:
        raise InputError(problems)
    return checked


def scores_of(checked: Checked, shots: Sequence[int]) -> Scores:
    """The scores of a file.

    Raises:
        InputError: There is not enough memory for it.
    """
    with memory_for(checked.task.name):
        return evaluate_aligned(checked.aligned, checked.task, shots)


def read_and_check(
    files: Sequence[Path], dataset: str | None, task: str | None, max_bytes: int
) -> tuple[list[Checked], list[Mapping[str, Any]], list[Problem]]:
    """The files that are sound in the order of their tasks, all model cards, all problems."""
    load = TaskLoader(dataset)
    checked: list[Checked] = []
    cards: list[Mapping[str, Any]] = []
    problems: list[Problem] = []
    for file in files:
        try:
            with memory_for(str(file)):
                predictions = read_predictions(file, max_bytes)
                cards.append(predictions.model)
                checked.append(check_predictions(predictions, load, task, dataset is not None))
        except InputError as error:
            problems.extend(error.problems)
    return sorted(checked, key=lambda item: list(TASKS).index(item.task.name)), cards, problems
