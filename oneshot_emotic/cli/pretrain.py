"""`oneshot-emotic pretrain`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oneshot_emotic.cli.needs import needs_extra
from oneshot_emotic.cli.options import FOLDER, workers_option
from oneshot_emotic.cli.progress import echo, growing_bar
from oneshot_emotic.cli.training_options import (
    device_option,
    pretraining_options,
    settings_options,
    size_option,
)


@click.command()
@click.argument("root", type=FOLDER)
@click.option("-o", "--output", type=FOLDER, help="Default: ROOT/pretrained-SIZE.")
@click.option(
    "--branch", "branches", type=click.Choice(["image", "body"]), multiple=True, help="Only this."
)
@size_option
@settings_options("backbone")
@pretraining_options
@device_option
@workers_option
@needs_extra
def command(
    root: Path,
    output: Path | None,
    branches: tuple[str, ...],
    device: str,
    workers: int,
    **chosen: Any,
) -> None:
    """Pretrain the trunks of a stand-in's networks on drawings.

    Draws people of no stand-in, in poses, light and rooms that follow no emotion, and trains a
    network a branch to say what is drawn: the counterpart of ImageNet weights. `train --weights
    stand-in` begins with them. ROOT is the stand-in that they are to serve; nothing in it is read.
    A trunk that is there is kept.
    """
    from oneshot_emotic_baselines import pretraining
    from oneshot_emotic_baselines.settings import PretrainSettings

    settings = PretrainSettings(**chosen)
    folder = output or pretraining.default_folder(root, settings.size)
    with growing_bar("trunks") as progress:
        files = pretraining.pretrain(
            folder,
            settings,
            branches=[name for name in pretraining.BRANCHES if name in branches or not branches],
            device=device,
            workers=workers,
            progress=progress,
        )
    for path in files:
        echo(f"{path}: {pretraining.described(path)}")
