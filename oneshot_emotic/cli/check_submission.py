"""`oneshot-emotic check-submission`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from oneshot_emotic.cli.options import FOLDER, embeddings_options, json_option
from oneshot_emotic.cli.progress import echo, say, write_result
from oneshot_emotic.errors import InputError, memory_for

FORMAT = "oneshot-emotic-check/1"


@click.command()
@click.argument("paths", metavar="PATH...", type=FOLDER, nargs=-1, required=True)
@embeddings_options
@json_option
def command(
    paths: tuple[Path, ...],
    dataset: str | None,
    task: str | None,
    max_bytes: int,
    json_file: Path | None,
) -> None:
    """Check a submission: list all its problems at once, or say what is good.

    PATH is a folder with a submission.json, or a file of embeddings. Exit status 2 when something
    is wrong.
    """
    from oneshot_emotic.cli.submissions import named
    from oneshot_emotic.dataset.load import TaskLoader
    from oneshot_emotic.files import check_not_input
    from oneshot_emotic.submission.check import Findings, examine

    check_not_input(json_file, paths)
    load = TaskLoader(dataset)
    found: dict[str, Findings] = {}
    for path in paths:
        try:
            with memory_for(str(path)):
                findings = examine(named(path), load, task, dataset is not None, max_bytes)
        except InputError as error:
            findings = Findings(problems=list(error.problems))
        found[str(path)] = findings
    problems = [problem for findings in found.values() for problem in findings.problems]
    checked = [{"path": path, **asdict(findings)} for path, findings in found.items()]
    printed = write_result(json_file, {"format": FORMAT, "checked": checked})
    for findings in () if printed else found.values():
        for line in findings.good:
            echo(f"good  {line}")
        for line in findings.notes:
            echo(f"note  {line}")
    if problems:
        say("1 problem:" if len(problems) == 1 else f"{len(problems):,} problems:")
        raise InputError(problems)
    if not printed:
        echo("nothing wrong")
