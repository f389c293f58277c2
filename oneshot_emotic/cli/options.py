"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import click

from oneshot_emotic.processes import available_processors
from oneshot_emotic.splits import Task
from oneshot_emotic.tasks import TASKS

Function = TypeVar("Function", bound=Callable[..., Any])

FOLDER = click.Path(path_type=Path)


def dataset_option(function: Function) -> Function:
    """`--dataset`: where tasks come from."""
    return click.option(
        "--dataset",
        default="synthetic",
        show_default=True,
        metavar="NAME|DIR",
        help="`synthetic`, `emotic`, or a dataset folder.",
    )(function)


def workers_option(function: Function) -> Function:
    """`--workers`: how many processors to use; never changes a result."""
    return click.option(
        "--workers",
        type=click.IntRange(1, 256),
        default=available_processors,
        help="Parallel workers; default: the processors available.",
    )(function)


task_choice = click.Choice(list(TASKS))


def caching_loader() -> Callable[[str, str | None, str], Task]:
    """A loader of tasks that reads each one once."""
    from oneshot_emotic.dataset.load import load_task

    @cache
    def load(dataset: str, fingerprint: str | None, task: str) -> Task:
        return load_task(task, dataset, fingerprint)

    return load
