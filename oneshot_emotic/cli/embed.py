"""`oneshot-emotic embed`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from oneshot_emotic.cli.needs import needs_extra
from oneshot_emotic.cli.options import (
    FOLDER,
    annotations_option,
    data_option,
    dataset_option,
    tasks_option,
)
from oneshot_emotic.cli.progress import echo, growing_bar, say
from oneshot_emotic.cli.training_options import device_option
from oneshot_emotic.errors import InputError, Problem, some

_BUILT_IN = ("random", "colour-gradient")


@click.command()
@click.argument("embedder", metavar="[" + "|".join(_BUILT_IN) + "|CHECKPOINT|DIR|hf:OWNER/NAME]")
@data_option
@annotations_option
@dataset_option
@tasks_option
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
@needs_extra
def command(
    embedder: str,
    root: Path,
    annotations: Path | None,
    dataset: str,
    names: tuple[str, ...],
    output: Path,
    suffix: str,
    dtype: str,
    **for_checkpoint: Any,
) -> None:
    """Embed a data set's novel persons with a built-in embedder or a checkpoint.

    Writes OUTPUT/<task>.<format>, ready for `oneshot-emotic score`. A CHECKPOINT, from
    `oneshot-emotic train`, embeds the task it was trained on; so does one that was exported, to a
    folder DIR or to the Hub.
    """
    if embedder in _BUILT_IN:
        places = (root, annotations, dataset, names, output)
        embed_tasks(embedder, *places, suffix=suffix, dtype=dtype)
        return
    if not embedder.startswith("hf:") and not Path(embedder).exists():
        known = ", ".join(_BUILT_IN)
        raise InputError(
            Problem(f"{embedder!r} is neither a built-in embedder ({known}) nor a checkpoint file")
        )
    from oneshot_emotic_baselines.embed import embed_checkpoint
    from oneshot_emotic_baselines.export import checkpoint_at

    from oneshot_emotic.submission.embeddings_file import write_submission

    with growing_bar("embedding") as progress:
        task, vectors, card = embed_checkpoint(
            checkpoint_at(embedder), root, dataset, tasks=names, progress=progress, **for_checkpoint
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
) -> list[Path]:
    """Embed and write; the paths written, in the order of the tasks."""
    from oneshot_emotic.encoders.colour_gradient import ColourGradient
    from oneshot_emotic.encoders.evaluate import chosen_tasks
    from oneshot_emotic.encoders.features import Features, make_features
    from oneshot_emotic.encoders.random_vectors import CARD, random_vectors
    from oneshot_emotic.pictures import open_pictures
    from oneshot_emotic.submission.embeddings_file import write_submission

    chosen = chosen_tasks(tasks, dataset)
    wanted = sorted({sample_id for task in chosen for sample_id in task.novel.sample_ids})
    pictures = open_pictures(root, annotations=annotations)
    pictures.check(wanted)
    with TemporaryDirectory() as kept, growing_bar(f"embedding ({embedder})") as progress:
        if embedder == "random":
            card, found = CARD, Features(tuple(wanted), random_vectors(wanted))
        else:
            encoder, some_of = ColourGradient(), pictures.of(wanted)
            found = make_features(encoder, encoder.identity, some_of, Path(kept), progress)
            card = encoder.card
        embeddings = [found.of(task.novel.sample_ids) for task in chosen]
    if grey := found.without_picture:
        say(f"warning: {len(grey):,} persons have no sound picture: grey ones for {some(grey)}")
    written = []
    for task, vectors in zip(chosen, embeddings, strict=True):
        path = output / f"{task.name}.{suffix}"
        write_submission(path, vectors, task, card, dtype)
        echo(f"{path}: {len(task.novel):,} persons")
        written.append(path)
    return written
