"""`oneshot-emotic check-submission`."""

from __future__ import annotations

from pathlib import Path

import click

from oneshot_emotic.cli.options import FOLDER, embeddings_options
from oneshot_emotic.cli.progress import echo, say
from oneshot_emotic.errors import InputError, Problem, memory_for


@click.command()
@click.argument("paths", metavar="PATH...", type=FOLDER, nargs=-1, required=True)
@embeddings_options
def command(paths: tuple[Path, ...], dataset: str | None, task: str | None, max_bytes: int) -> None:
    """Check a submission: list all its problems at once, or say what is good.

    PATH is a folder with a submission.json, or a file of embeddings. Exit status 2 when something
    is wrong.
    """
    from oneshot_emotic.cli.submissions import named
    from oneshot_emotic.dataset.load import TaskLoader
    from oneshot_emotic.submission.check import examine

    load = TaskLoader(dataset)
    problems: list[Problem] = []
    for path in paths:
        try:
            with memory_for(str(path)):
                findings = examine(named(path), load, task, dataset is not None, max_bytes)
        except InputError as error:
            problems += error.problems
            continue
        for line in findings.good:
            echo(f"good  {line}")
        for line in findings.notes:
            echo(f"note  {line}")
        problems += findings.problems
    if problems:
        say("1 problem:" if len(problems) == 1 else f"{len(problems):,} problems:")
        raise InputError(problems)
    echo("nothing wrong")
