"""`oneshot-emotic ids`."""

from __future__ import annotations

import click

from oneshot_emotic.cli.options import TASK, dataset_option
from oneshot_emotic.cli.progress import echo_document


@click.command()
@click.argument("tasks", metavar="TASK...", type=TASK, nargs=-1, required=True)
@dataset_option
@click.option("--base", is_flag=True, help="The base persons, with their class after a tab.")
def command(tasks: tuple[str, ...], dataset: str, base: bool) -> None:
    """List the persons that a task, or several, need embeddings for.

    One sample_id a line: {partition}/{folder}/{filename}#{ordinal}.
    """
    from oneshot_emotic.dataset.load import load_task

    lines: set[str] = set()
    for loaded in (load_task(task, dataset) for task in tasks):
        if base:
            persons = zip(loaded.base.sample_ids, loaded.base.labels, strict=True)
            lines.update(f"{sample_id}\t{label}\n" for sample_id, label in persons)
        else:
            lines.update(f"{sample_id}\n" for sample_id in loaded.novel.sample_ids)
    echo_document("".join(sorted(lines)))
