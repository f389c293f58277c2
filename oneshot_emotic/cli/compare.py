"""`oneshot-emotic compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from oneshot_emotic.cli.options import (
    FOLDER,
    max_bytes_option,
    shots_option,
    task_choice,
)
from oneshot_emotic.cli.progress import echo, echo_document, echo_lines
from oneshot_emotic.errors import printable

if TYPE_CHECKING:
    from oneshot_emotic.scoring.scores import Scores


@click.command()
@click.argument("a", type=FOLDER)
@click.argument("b", type=FOLDER)
@click.option("--task", type=task_choice, help="Compare on this task alone.")
@click.option("--dataset", metavar="NAME|DIR|ORG/NAME", help="Where the tasks come from.")
@shots_option
@max_bytes_option
@click.option("--json", "json_file", type=FOLDER, help="Write the result to this file; - prints.")
def command(
    a: Path,
    b: Path,
    task: str | None,
    dataset: str | None,
    shots: tuple[int, ...],
    max_bytes: int,
    json_file: Path | None,
) -> None:
    """Say which of two submissions is better, and how surely.

    A and B are files of embeddings, folders of them, or submission folders, on the same data set;
    several files of a task in a folder are its runs (training seeds).
    Both are scored on the same draws and images, so the difference is better known than either.
    """
    from oneshot_emotic.files import check_not_input, json_text, write_text
    from oneshot_emotic.report import comparison_report
    from oneshot_emotic.scoring.comparison import compare

    check_not_input(json_file, (a, b))
    first, second = (_scores(path, dataset, task, shots, max_bytes) for path in (a, b))
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
    if json_file is not None and str(json_file) == "-":
        echo_document(json_text(content))
        return
    if json_file is not None:  # before anything is printed: that may fail
        write_text(json_file, json_text(content))
    names = (printable(first.name or str(a)), printable(second.name or str(b)))
    echo_lines(comparison_report(lines, *names))
    if json_file is not None:
        echo(f"comparison: {json_file}")


def _scores(
    path: Path, dataset: str | None, task: str | None, shots: tuple[int, ...], max_bytes: int
) -> Scores:
    from oneshot_emotic.cli.submissions import checked_files, scores_of

    return scores_of(checked_files([path], dataset, task, max_bytes), shots)
