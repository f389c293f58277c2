"""`oneshot-emotic prepare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oneshot_emotic.cli.options import FOLDER, annotations_option, workers_option
from oneshot_emotic.cli.progress import echo, growing_bar, say
from oneshot_emotic.cli.training_options import size_option
from oneshot_emotic.errors import InputError, Problem, some


@click.command()
@click.argument("root", type=FOLDER)
@click.option("-o", "--output", type=FOLDER, help="Default: ROOT/prepared-SIZE[-whole].")
@size_option
@click.option(
    "--keep-proportions",
    "proportions",
    is_flag=True,
    help="Whole images alone, as high and wide as they are, the longer side of SIZE pixels; for "
    "dsct.",
)
@annotations_option
@click.option("--check", is_flag=True, help="Read a finished folder through and check every pixel.")
@workers_option
def command(
    root: Path, output: Path | None, size: int, proportions: bool, check: bool, **options: Any
) -> None:
    """Decode every image once, for training: full images and body crops.

    Writes memory-mapped arrays, about 12 GB for EMOTIC at 256 pixels. A run that was stopped goes
    on where it was.
    """
    from oneshot_emotic.prepared import (
        damaged_chunks,
        default_folder,
        prepare,
        read_prepared,
    )

    if check:
        folder = output or default_folder(root, size, proportions)
        prepared = read_prepared(folder)
        with growing_bar("checking") as progress:
            bad = damaged_chunks(prepared, progress)
        if bad:
            raise InputError(
                Problem(
                    f"{len(bad)} chunks are not what was written: {some(bad)}",
                    str(folder),
                    "Remove the folder and run `oneshot-emotic prepare` again",
                )
            )
        echo(f"{folder}: sound, every pixel as it was written")
        return
    with growing_bar("preparing") as progress:
        options |= {"size": size, "proportions": proportions, "progress": progress}
        prepared = prepare(root, output, **options)
    if grey := prepared.without_picture:
        say(f"warning: {len(grey):,} images are missing or broken, and grey here: {some(grey)}")
    if proportions:
        count = len(prepared.image_ids)
        echo(f"{prepared.folder}: {count:,} whole images, {size} pixels on the longer side")
        return
    echo(
        f"{prepared.folder}: {len(prepared.images):,} images and {len(prepared.bodies):,} bodies "
        f"of {prepared.size} x {prepared.size} pixels"
    )
