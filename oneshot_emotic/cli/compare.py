"""`oneshot-emotic compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from oneshot_emotic.cli.options import (
    FOLDER,
    TASK,
    json_option,
    max_bytes_option,
    shots_option,
)
from oneshot_emotic.cli.progress import echo, echo_lines, write_result
from oneshot_emotic.errors import InputError, Problem, printable

if TYPE_CHECKING:
    from oneshot_emotic.scoring.scores import Scores


@click.command()
@click.argument("submissions", metavar="A B", type=FOLDER, nargs=-1)
@click.option("--task", type=TASK, help="Compare on this task alone.")
@click.option("--dataset", metavar="NAME|DIR|ORG/NAME", help="Where the tasks come from.")
@shots_option
@max_bytes_option
@json_option
def command(
    submissions: tuple[Path, ...],
    task: str | None,
    dataset: str | None,
    shots: tuple[int, ...],
    max_bytes: int,
    json_file: Path | None,
) -> None:
    """Say which of two submissions is better, and how surely.

    A and B are files of embeddings, folders of them, or submission folders, on the same data set.
    What has several files, of tasks or of runs (training seeds), is given as a folder.
    Both are scored on the same draws and images, so the difference is better known than either.
    """
    from oneshot_emotic.files import check_not_input
    from oneshot_emotic.report import comparison_report
    from oneshot_emotic.scoring.comparison import compare

    if len(submissions) != 2:
        remedy = "Put the files of each, its tasks and runs, into a folder, and name the folders"
        what = f"two submissions are compared, not {len(submissions)}"
        raise InputError(Problem(what, remedy=remedy))
    check_not_input(json_file, submissions)
    first, second = (_scores(path, dataset, task, shots, max_bytes) for path in submissions)
    lines = list(compare(first, second))
    content = {
        "format": "oneshot-emotic-comparison/1",
        "dataset": first.dataset.to_dict(),
        "a": {"name": first.name, "digest": first.digest},
        "b": {"name": second.name, "digest": second.digest},
        "differences": [
            {"what": line.what, "shots": line.shots, **line.difference.to_dict()} for line in lines
        ],
    }
    if write_result(json_file, content):  # before anything is printed: that may fail
        return
    a, b = submissions
    names = (printable(first.name or str(a)), printable(second.name or str(b)))
    echo_lines(comparison_report(lines, *names))
    if json_file is not None:
        echo(f"comparison: {json_file}")


def _scores(
    path: Path, dataset: str | None, task: str | None, shots: tuple[int, ...], max_bytes: int
) -> Scores:
    from oneshot_emotic.cli.submissions import checked_files, scores_of

    return scores_of(checked_files([path], dataset, task, max_bytes), shots)
