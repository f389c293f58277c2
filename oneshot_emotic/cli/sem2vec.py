"""`oneshot-emotic sem2vec`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oneshot_emotic.cli.needs import needs_extra
from oneshot_emotic.cli.options import FOLDER, annotations_option
from oneshot_emotic.cli.progress import echo, growing_bar, say
from oneshot_emotic.cli.training_options import device_option
from oneshot_emotic.errors import some


@click.command()
@click.argument("root", type=FOLDER)
@click.option(
    "--model",
    required=True,
    help="An ADE20K segmenter of transformers: its id on the hub, or a local folder.",
)
@click.option("-o", "--output", type=FOLDER, help="Default: ROOT/sem2vec-MODEL.")
@click.option(
    "--min-area",
    type=float,
    default=1.0,
    show_default=True,
    help="Least area of a class: pixels, or below 1 a share of the image. One pixel in the paper.",
)
@click.option("--batch-size", type=click.IntRange(1), default=8, show_default=True)
@annotations_option
@device_option
@needs_extra
def command(root: Path, device: str, **options: Any) -> None:
    """Run an ADE20K segmenter over the images and write what is in them.

    Writes the table that training reads, sem2vec.csv, and the area of each class beside. A run
    that was stopped goes on where it was. A table from elsewhere of the form image_id,
    ade20k_classes needs no run. With several GPUs: torchrun --nproc-per-node N -m oneshot_emotic
    sem2vec ...
    """
    from oneshot_emotic_baselines.distributed import join_processes, leave_processes
    from oneshot_emotic_baselines.segment import segment
    from oneshot_emotic_baselines.sem2vec import TABLE

    main = join_processes(device).main
    with growing_bar("segmenting") as progress:
        told = progress if main else lambda done, total: None
        folder, missing = segment(root, device=device, progress=told, **options)
    if main:
        if missing:
            say(
                f"warning: {len(missing):,} images are missing or broken and have no classes: "
                f"{some(missing)}"
            )
        echo(f"{folder / TABLE}: written")
    leave_processes()
