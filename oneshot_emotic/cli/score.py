"""`oneshot-emotic score`."""

from __future__ import annotations

from pathlib import Path

import click

from oneshot_emotic.cli.options import FOLDER, caching_loader, task_choice
from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.tasks import TASKS


@click.command()
@click.argument("files", type=FOLDER, nargs=-1, required=True)
@click.option(
    "--dataset",
    metavar="NAME|DIR",
    help="Where the tasks come from, in place of the data set that the files name.",
)
@click.option("--task", type=task_choice, help="The task, for a file that names none.")
@click.option(
    "--shots",
    type=click.IntRange(1, 5),
    multiple=True,
    default=(1, 5),
    show_default=True,
    help="Support persons a class; may be given several times.",
)
@click.option("--json", "json_file", type=FOLDER, help="Write the scores to this file; - prints.")
def command(
    files: tuple[Path, ...],
    dataset: str | None,
    task: str | None,
    shots: tuple[int, ...],
    json_file: Path | None,
) -> None:
    """Score files of embeddings.

    FILES are of the forms .json, .json.gz, .npz, .safetensors and .parquet, each for one task of
    the same submission (docs/submission.md).
    """
    from oneshot_emotic.files import json_text, write_text
    from oneshot_emotic.report import (
        INTERVAL_NOTE,
        OVERALL_NOTE,
        overall_report,
        task_report,
    )
    from oneshot_emotic.scoring.evaluate import evaluate_aligned, evaluate_controls
    from oneshot_emotic.scoring.scores import merged
    from oneshot_emotic.submission.check import Checked, check_predictions
    from oneshot_emotic.submission.forms import read_predictions

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
    checked.sort(key=lambda item: list(TASKS).index(item.task.name))
    parts = [evaluate_aligned(item.aligned, item.task, shots) for item in checked]
    names = {item.name for item in checked}
    scores = merged(parts, name=names.pop() if len(names) == 1 else None)
    text = json_text(scores.to_dict())
    if json_file is not None and str(json_file) == "-":
        click.echo(text, nl=False)
        return
    for item in checked:
        controls = evaluate_controls(item.task, shots)
        click.echo(task_report(scores, item.task.name, controls))
    if len(checked) > 1:
        click.echo(overall_report(scores))
        click.echo(OVERALL_NOTE)
    click.echo(INTERVAL_NOTE)
    if json_file is not None:
        write_text(json_file, text)
        click.echo(f"scores: {json_file}")
