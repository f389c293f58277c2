"""`oneshot-emotic score`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from oneshot_emotic.cli.options import FOLDER, embeddings_options, json_option, shots_option
from oneshot_emotic.cli.progress import echo, echo_document, echo_lines, say, write_result

if TYPE_CHECKING:
    from oneshot_emotic.scoring.scores import Scores
    from oneshot_emotic.splits import Task


@click.command()
@click.argument("files", type=FOLDER, nargs=-1, required=True)
@embeddings_options
@shots_option
@json_option
@click.option("--verbose", is_flag=True, help="Show what may explain the figures.")
@click.option("--latex", is_flag=True, help="Print a row for a LaTeX table instead of the tables.")
def command(
    files: tuple[Path, ...],
    dataset: str | None,
    task: str | None,
    shots: tuple[int, ...],
    max_bytes: int,
    json_file: Path | None,
    verbose: bool,
    latex: bool,
) -> None:
    """Score files of embeddings.

    FILES are .json, .json.gz, .npz, .safetensors or .parquet, each for a task of the same
    submission, or for several that share it; `write_submission` in Python writes them. Or a folder
    of such files. Several files of a task are its runs (training seeds): the figures are their
    means.
    """
    from oneshot_emotic.cli.submissions import by_task, checked_files, models_of, scores_of
    from oneshot_emotic.files import check_not_input
    from oneshot_emotic.report import latex_rows

    check_not_input(json_file, files)
    checked = checked_files(files, dataset, task, max_bytes)
    scores = scores_of(checked, shots)
    if len(models := models_of(checked)) > 1:
        say(f"warning: files of several models are scored as one: {', '.join(models)}")
    if write_result(json_file, scores.to_dict()):  # before anything is printed: that may fail
        return
    if latex:
        echo_document(latex_rows(scores))
    else:
        runs_of = {name: len(runs) for name, runs in by_task(checked).items()}
        print_tables(scores, [item.task for item in checked], shots, runs_of, verbose=verbose)
    if json_file is not None:
        echo(f"scores: {json_file}", err=latex)


def print_tables(
    scores: Scores,
    tasks: Sequence[Task],
    shots: tuple[int, ...],
    runs_of: Mapping[str, int] = MappingProxyType({}),
    *,
    verbose: bool = False,
) -> None:
    """A table a task with the control rows, the overall figures of several, and the notes.

    Args:
        scores: The scores.
        tasks: Theirs.
        shots: Support persons a class, for the control rows.
        runs_of: Task -> training runs, where there are several.
        verbose: Show what may explain the figures.
    """
    from oneshot_emotic.report import (
        INTERVAL_NOTE,
        OVERALL_NOTE,
        overall_report,
        task_report,
        verbose_report,
    )
    from oneshot_emotic.scoring.evaluate import evaluate_controls

    for name, task in {task.name: task for task in tasks}.items():
        if (runs := runs_of.get(name, 1)) > 1:
            echo(f"{name}: means of {runs} runs (training seeds)")
        echo_lines(task_report(scores, name, evaluate_controls(task, shots)))
        if verbose:
            echo_lines(verbose_report(scores, name))
    if len(scores.tasks) > 1:
        echo_lines(overall_report(scores))
        echo(OVERALL_NOTE)
    echo(INTERVAL_NOTE)
