"""`oneshot-emotic ids`."""

from __future__ import annotations

import click

from oneshot_emotic.cli.options import TASK, dataset_option
from oneshot_emotic.cli.progress import echo_document


@click.command()
@click.argument("task", type=TASK)
@dataset_option
@click.option("--base", is_flag=True, help="The base persons, with their class after a tab.")
def command(task: str, dataset: str, base: bool) -> None:
    """List the persons a task needs embeddings for.

    One sample_id a line: {partition}/{folder}/{filename}#{ordinal}.
    """
    from oneshot_emotic.dataset.load import load_task

    loaded = load_task(task, dataset)
    if base:
        base_persons = zip(loaded.base.sample_ids, loaded.base.labels, strict=True)
        lines = [f"{sample_id}\t{label}\n" for sample_id, label in base_persons]
    else:
        lines = [f"{sample_id}\n" for sample_id in loaded.novel.sample_ids]
    echo_document("".join(lines))
