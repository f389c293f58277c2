"""Checkpoint files: tensors and plain values only, written whole or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.files import write_bytes
from oneshot_emotic_baselines.data import BaseSplit
from oneshot_emotic_baselines.settings import Settings

FORMAT = "oneshot-emotic-checkpoint/1"

#: What a checkpoint holds as tensors; all else is words and numbers.
_WEIGHTS = ("network", "optimiser", "scheduler")


def checkpoint_content(
    settings: Settings,
    split: BaseSplit,
    pretraining: Mapping[str, str],
    network: nn.Module,
    size: int,
    state: Mapping[str, Any],
) -> dict[str, Any]:
    """What a checkpoint holds.

    Args:
        settings: All of them.
        split: For the base classes, and the data set the run belongs to.
        pretraining: Branch -> where its first weights came from.
        network: Its weights.
        size: Side of the pictures it was trained on.
        state: `epoch`, `best_epoch`, `best`, `history`.
    """
    return {
        "format": FORMAT,
        "settings": settings.to_dict(),
        "classes": list(split.classes),
        "dataset": split.dataset.to_dict() if split.dataset else None,
        "pretraining": dict(pretraining),
        "size": size,
        "network": dict(network.state_dict()),
        **state,
    }


def write_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint; a reader sees the old file or the new one.

    Equal contents give equal bytes: words and numbers go in as one JSON text (a pickle depends on
    which of them are the same object), and through memory (torch.save writes a file's name down).
    """
    weights = {key: content[key] for key in _WEIGHTS if key in content}
    words = {key: value for key, value in content.items() if key not in _WEIGHTS}
    stream = io.BytesIO()
    torch.save({"words": json.dumps(words), **weights}, stream)
    write_bytes(path, stream.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint without running anything that it holds.

    Returns:
        What `checkpoint_content` says; a file to resume from has `optimiser` and `scheduler` too.

    Raises:
        InputError: It is not there, or not a checkpoint of this format.
    """
    if not path.is_file():
        raise InputError(Problem("there is no such checkpoint", str(path)))
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file makes of the unpickler
        raise InputError(Problem(f"is not a checkpoint: {error}", str(path))) from None
    try:
        words = json.loads(content["words"])
        if words["format"] != FORMAT or not isinstance(content["network"], dict):
            raise ValueError
    except (ValueError, TypeError, KeyError):
        raise InputError(Problem(f"is not of the format {FORMAT}", str(path))) from None
    return {**words, **{key: content[key] for key in _WEIGHTS if key in content}}
