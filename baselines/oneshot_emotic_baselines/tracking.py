"""A training's log, epoch by epoch, where other programs show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from oneshot_emotic.errors import InputError, Problem


def tensorboard_log(folder: Path) -> Callable[[Mapping[str, Any]], None]:
    """What `train` can be given as `on_epoch`: writes FOLDER/tensorboard.

    Args:
        folder: The run's folder. A run that goes on adds to what it had written.

    Raises:
        InputError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        remedy = "pip install tensorboard, or leave out --tensorboard"
        what = "this needs tensorboard, which is not installed"
        raise InputError(Problem(what, remedy=remedy)) from None

    writers: list[Any] = []

    def write(line: Mapping[str, Any]) -> None:
        epoch = line["epoch"]
        if not writers:  # what a stopped run wrote of this epoch and later ones is not shown
            writers.append(SummaryWriter(str(folder / "tensorboard"), purge_step=epoch))
        for name, value in line.items():
            if name != "epoch" and value is not None:
                writers[0].add_scalar(name, value, epoch)
        writers[0].flush()

    return write
