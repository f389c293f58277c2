"""Checkpoint files: tensors and words in a safetensors file, whole or not at all.

Any reader of safetensors opens one: weights are `network.NAME`, and while a run goes on there are
`optimiser.NUMBER.NAME` too. The words are JSON in the file's metadata, with a digest over them and
all tensors. Nothing in a file is run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import msgspec
import torch
from safetensors.torch import load, save
from torch import nn

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.files import write_bytes
from oneshot_emotic_baselines.data import BaseSplit
from oneshot_emotic_baselines.settings import Settings

FORMAT = "oneshot-emotic-checkpoint/2"

#: The entry of the metadata; one alone, since their order in a file is left to chance.
_ENTRY = "oneshot-emotic"


class _Words(TypedDict):
    """What a checkpoint holds besides tensors."""

    settings: dict[str, Any]
    classes: list[str]
    dataset: dict[str, Any] | None
    pretraining: dict[str, str]
    size: int
    epoch: int
    best_epoch: int
    best: float | None
    history: list[dict[str, Any]]
    optimiser: NotRequired[list[Any]]
    scheduler: NotRequired[dict[str, Any]]


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
        "settings": settings.to_dict(),
        "classes": list(split.classes),
        "dataset": split.dataset.to_dict() if split.dataset else None,
        "pretraining": dict(pretraining),
        "size": size,
        "network": dict(network.state_dict()),
        **state,
    }


def write_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint; a reader sees the old file or the new one, and equal contents are equal.

    Args:
        path: Where.
        content: From `checkpoint_content`; to go on from it, also `optimiser` and `scheduler`,
            their state_dicts.
    """
    words = {key: value for key, value in content.items() if key != "network"}
    tensors = {f"network.{name}": tensor for name, tensor in content["network"].items()}
    if "optimiser" in content:
        words["optimiser"] = content["optimiser"]["param_groups"]
        for number, state in content["optimiser"]["state"].items():
            tensors |= {f"optimiser.{number}.{name}": value for name, value in state.items()}
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    text = json.dumps(words)
    entry = {"format": FORMAT, "sha256": _digest(text, tensors), "words": text}
    write_bytes(path, save(tensors, {_ENTRY: json.dumps(entry)}))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint.

    Returns:
        What `write_checkpoint` was given, `optimiser` and `scheduler` where they were.

    Raises:
        InputError: It is not there, not a checkpoint of this format, or not as it was written.
    """
    if not path.is_file():
        raise InputError(Problem("there is no such checkpoint", str(path)))
    try:
        held = path.read_bytes()
        tensors = dict(sorted(load(held).items()))  # the library gives them in any order
        header = json.loads(held[8 : 8 + int.from_bytes(held[:8], "little")])
        entry = json.loads(header["__metadata__"][_ENTRY])
        if entry["format"] != FORMAT:
            raise ValueError(f"of the format {entry['format']}, not {FORMAT}")
        if entry["sha256"] != _digest(entry["words"], tensors):
            raise ValueError("its content is not what was written")
        words = msgspec.convert(json.loads(entry["words"]), _Words)
    except MemoryError:
        raise
    except Exception as error:  # whatever damage makes of safetensors and JSON
        what = f"is not a checkpoint of this version, or is damaged: {error}"
        raise InputError(Problem(what, str(path), "Train it again")) from None
    content: dict[str, Any] = {**words, "network": _under("network", tensors)}
    if "optimiser" in words:
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in _under("optimiser", tensors).items():
            number, _, name = name.partition(".")
            state.setdefault(int(number), {})[name] = value
        content["optimiser"] = {"param_groups": words["optimiser"], "state": state}
    return content


def _under(place: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    begin = f"{place}."
    return {k.removeprefix(begin): v for k, v in tensors.items() if k.startswith(begin)}


def _digest(words: str, tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over the words, and over name, type, shape and bytes of each tensor."""
    digest = hashlib.sha256(words.encode("utf-8"))
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
