"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from oneshot_emotic.processes import available_processors
from oneshot_emotic.tasks import task_definition
from oneshot_emotic.untrusted.limits import MAX_BYTES

Function = TypeVar("Function", bound=Callable[..., Any])

FOLDER = click.Path(path_type=Path)


class _TaskName(click.ParamType):  # type: ignore[type-arg]
    """A task by its name."""

    name = "task"

    def convert(self, value: str, *_: object) -> str:
        """The name, if there is such a task."""
        return task_definition(value).name


TASK = _TaskName()

data_option = click.option(
    "--data",
    "root",
    type=FOLDER,
    required=True,
    help="The EMOTIC copy or stand-in that holds the images.",
)
annotations_option = click.option(
    "--annotations", type=FOLDER, help="The annotations file, where it is elsewhere."
)
dataset_option = click.option(
    "--dataset",
    default="synthetic",
    show_default=True,
    metavar="NAME|DIR|ORG/NAME[@REVISION]",
    help="`synthetic`, `emotic`, a dataset folder, or a dataset repository on the Hub.",
)
tasks_option = click.option(
    "--task", "names", type=TASK, multiple=True, help="Default: every task that can be scored."
)
#: How many processors to use never changes a result.
workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=available_processors,
    help="Parallel workers; default: the processors available.",
)
json_option = click.option(
    "--json", "json_file", type=FOLDER, help="Write the result as JSON to this file; - prints it."
)
shots_option = click.option(
    "--shots",
    type=click.IntRange(1, 5),
    multiple=True,
    default=(1, 5),
    show_default=True,
    help="Support persons per class; may be given several times.",
)
max_bytes_option = click.option(
    "--max-bytes",
    type=click.IntRange(1),
    default=MAX_BYTES,
    show_default=True,
    help="Refuse larger files, larger content of compressed ones, and larger embeddings.",
)


def embeddings_options(function: Function) -> Function:
    """`--dataset`, `--task` and `--max-bytes`, of commands that read files of embeddings."""
    function = max_bytes_option(function)
    help_text = "The task, for a file that names none; of a file of several, the only one taken."
    function = click.option("--task", type=TASK, help=help_text)(function)
    return click.option(
        "--dataset",
        metavar="NAME|DIR|ORG/NAME",
        help="Where the tasks come from, in place of the data set that the files name.",
    )(function)
