"""`oneshot-emotic run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oneshot_emotic.cli.options import (
    FOLDER,
    TASK,
    annotations_option,
    data_option,
    dataset_option,
    shots_option,
)
from oneshot_emotic.cli.progress import echo, echo_document, growing_bar, say
from oneshot_emotic.cli.score import print_tables
from oneshot_emotic.errors import some

if TYPE_CHECKING:
    from oneshot_emotic.encoders.protocol import Encoder


@click.command()
@click.argument("encoder", metavar="timm:NAME[@FILE]|hf:NAME|hf:FOLDER|MODULE:FACTORY|BUILT-IN")
@data_option
@annotations_option
@dataset_option
@click.option(
    "--task", "names", type=TASK, multiple=True, help="Default: every task that can be scored."
)
@click.option(
    "--view",
    type=click.Choice(["both", "body", "image"]),
    default="both",
    show_default=True,
    help="What the network is shown: the body crop, the full image, or each, side by side.",
)
@shots_option
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option(
    "--batch-size",
    type=click.IntRange(1, 64),
    default=64,
    show_default=True,
    help="Persons at once.",
)
@click.option("--features", type=FOLDER, help="Where the vectors are kept; default: ROOT/features.")
@click.option("-o", "--output", type=FOLDER, help="Write files of embeddings here, one a task.")
@click.option("--json", "json_file", type=FOLDER, help="Write the scores to this file; - prints.")
def command(
    encoder: str,
    root: Path,
    dataset: str,
    names: tuple[str, ...],
    shots: tuple[int, ...],
    output: Path | None,
    json_file: Path | None,
    **options: Any,
) -> None:
    """Score a frozen encoder by its name: from pictures to figures.

    The vectors of all persons are made once and kept; a run that was stopped goes on, and the next
    one makes none. ENCODER is a network of timm (timm:NAME, or timm:NAME@FILE with weights of a
    file) or of transformers (hf:NAME or hf:FOLDER), or your own: MODULE:FACTORY is called without
    arguments and returns an object with embed(images, bodies). BUILT-IN is colour-gradient or
    hog-colour.
    """
    from oneshot_emotic.encoders.evaluate import chosen_tasks, features_of
    from oneshot_emotic.files import json_text, write_text
    from oneshot_emotic.scoring.evaluate import evaluate
    from oneshot_emotic.scoring.scores import merged
    from oneshot_emotic.submission.embeddings_file import write_submission

    card: dict[str, Any] = {}

    def loaded(found: Encoder) -> None:
        card.update(getattr(found, "card", {}))
        card.setdefault("name", encoder[:80])
        if getattr(found, "identity", None) is None:
            say(f"note: {encoder} has no `identity`, so its vectors are not kept")

    tasks = chosen_tasks(names, dataset)
    with growing_bar(f"embedding ({encoder})") as progress:
        found = features_of(encoder, root, tasks, loaded=loaded, progress=progress, **options)
    if grey := found.without_picture:
        say(f"warning: {len(grey):,} persons have no sound picture: grey ones for {some(grey)}")
    vectors = {task.name: found.of(task.novel.sample_ids) for task in tasks}
    scores = merged([evaluate(vectors[x.name], x, shots) for x in tasks]).named(card["name"])
    if output is not None:
        for task in tasks:
            write_submission(output / f"{task.name}.safetensors", vectors[task.name], task, card)
    if json_file is not None and str(json_file) != "-":
        write_text(json_file, json_text(scores.to_dict()))
    if str(json_file) == "-":
        echo_document(json_text(scores.to_dict()))
    else:
        print_tables(scores, tasks, shots)
    if output is not None:
        echo(f"{output}: {len(tasks)} files, for `oneshot-emotic submit {output}`", err=True)
