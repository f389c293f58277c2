"""`oneshot-emotic embed`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from oneshot_emotic.cli.needs import needs_baselines
from oneshot_emotic.cli.options import (
    FOLDER,
    TASK,
    annotations_option,
    data_option,
    dataset_option,
    workers_option,
)
from oneshot_emotic.cli.progress import echo, growing_bar, progress_bar, say
from oneshot_emotic.cli.training_options import device_option
from oneshot_emotic.embedders import EMBEDDERS
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.tasks import TASKS


@click.command()
@click.argument("embedder", metavar="[" + "|".join(EMBEDDERS) + "|CHECKPOINT]")
@data_option
@annotations_option
@dataset_option
@click.option(
    "--task",
    "tasks",
    type=TASK,
    multiple=True,
    help="Default: every task that can be scored.",
)
@click.option(
    "-o", "--output", type=FOLDER, required=True, help="Folder for the files, one a task."
)
@click.option(
    "--format",
    "suffix",
    type=click.Choice(["json", "json.gz", "npz", "safetensors", "parquet"]),
    default="safetensors",
    show_default=True,
)
@click.option(
    "--dtype", type=click.Choice(["float16", "float32"]), default="float32", show_default=True
)
@click.option(
    "--prepared", type=FOLDER, help="For a checkpoint: prepared pictures; default: ROOT/prepared-*."
)
@click.option(
    "--sem2vec", type=FOLDER, help="For a checkpoint: the Sem2Vec table; default: found in ROOT."
)
@device_option
@workers_option
@needs_baselines
def command(
    embedder: str,
    root: Path,
    annotations: Path | None,
    dataset: str,
    tasks: tuple[str, ...],
    output: Path,
    suffix: str,
    dtype: str,
    workers: int,
    **for_checkpoint: Any,
) -> None:
    """Embed a data set's novel persons with a built-in embedder or a checkpoint.

    Writes OUTPUT/<task>.<format>, ready for `oneshot-emotic score`. A CHECKPOINT, from
    `oneshot-emotic train`, embeds the task it was trained on.
    """
    if embedder in EMBEDDERS:
        places = (root, annotations, dataset, tasks, output)
        embed_tasks(embedder, *places, suffix=suffix, dtype=dtype, workers=workers)
        return
    checkpoint = Path(embedder)
    if not checkpoint.is_file():
        known = ", ".join(EMBEDDERS)
        raise InputError(
            Problem(f"{embedder!r} is neither a built-in embedder ({known}) nor a checkpoint file")
        )
    from oneshot_emotic_baselines.embed import embed_checkpoint

    from oneshot_emotic.submission.embeddings_file import write_submission

    with growing_bar("embedding") as progress:
        task, vectors, card = embed_checkpoint(
            checkpoint, root, dataset, tasks=tasks, progress=progress, **for_checkpoint
        )
    path = output / f"{task.name}.{suffix}"
    write_submission(path, vectors, task, card, dtype)
    echo(f"{path}: {len(vectors):,} persons")


def embed_tasks(
    embedder: str,
    root: Path,
    annotations: Path | None,
    dataset: str,
    tasks: Sequence[str],
    output: Path,
    *,
    suffix: str,
    dtype: str,
    workers: int,
) -> list[Path]:
    """Embed and write; the paths written, in the order of the tasks."""
    from oneshot_emotic.dataset.folder import read_task
    from oneshot_emotic.dataset.locate import dataset_folder
    from oneshot_emotic.embedders.run import embed_copy
    from oneshot_emotic.submission.embeddings_file import write_submission

    folder = dataset_folder(dataset)
    loaded = [read_task(folder, name) for name in (tasks or TASKS)]
    chosen = [task for task in loaded if tasks or not task.unscorable]
    wanted = sorted({sample_id for task in chosen for sample_id in task.novel.sample_ids})
    with progress_bar(f"embedding ({embedder})", len(wanted)) as progress:
        result = embed_copy(
            EMBEDDERS[embedder](),
            wanted,
            root,
            annotations=annotations,
            workers=workers,
            progress=progress,
        )
    if result.without_picture:
        say(
            f"warning: {len(result.without_picture):,} persons have no sound picture and were "
            f"embedded from a grey one: {some(result.without_picture)}"
        )
    vector_of = dict(zip(wanted, result.vectors, strict=True))
    written = []
    for task in chosen:
        path = output / f"{task.name}.{suffix}"
        vectors = {sample_id: vector_of[sample_id] for sample_id in task.novel.sample_ids}
        write_submission(path, vectors, task, EMBEDDERS[embedder].card, dtype)
        echo(f"{path}: {len(vectors):,} persons")
        written.append(path)
    return written
