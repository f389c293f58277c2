"""Embeddings that the user names, read and checked, all problems of all files at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from oneshot_emotic.cli.options import caching_loader
from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.submission.check import Checked, check_predictions
from oneshot_emotic.submission.forms import read_predictions
from oneshot_emotic.tasks import TASKS


def checked_files(
    files: Sequence[Path], dataset: str | None = None, task: str | None = None
) -> list[Checked]:
    """Files of embeddings, in the order of their tasks.

    Args:
        files: Of any form.
        dataset: Where the tasks come from, in place of the data set that the files name.
        task: The task, for a file that names none.

    Raises:
        InputError: A file is not sound; the problems of all of them.
    """
    load = caching_loader(dataset)
    checked: list[Checked] = []
    problems: list[Problem] = []
    for file in files:
        try:
            checked.append(
                check_predictions(read_predictions(file), load, task, dataset is not None)
            )
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return sorted(checked, key=lambda item: list(TASKS).index(item.task.name))
