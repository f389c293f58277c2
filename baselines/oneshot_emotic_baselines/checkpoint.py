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
from typing import Annotated, Any, NotRequired, TypedDict

import msgspec
import torch
from safetensors.torch import load, save

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.files import write_bytes

FORMAT = "oneshot-emotic-checkpoint/3"

#: The entry of the metadata; one alone, since their order in a file is left to chance.
_ENTRY = "oneshot-emotic"


_Text = Annotated[str, msgspec.Meta(max_length=1000)]


class _Words(TypedDict):
    """What a checkpoint holds besides tensors."""

    settings: dict[str, Any]
    classes: Annotated[list[_Text], msgspec.Meta(min_length=2, max_length=1000)]
    dataset: dict[str, _Text | int] | None
    pretraining: dict[_Text, _Text]
    size: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    epoch: int
    best_epoch: int
    best: float | None
    history: list[dict[str, Any]]
    optimiser: NotRequired[list[Any]]
    scheduler: NotRequired[dict[str, Any]]


def write_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint; a reader sees the old file or the new one, and equal contents are equal.

    Args:
        path: Where.
        content: The fields of `_Words`, and `network`, its state_dict; to go on from it, also
            `optimiser` and `scheduler`, their state_dicts.
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
        words = msgspec.convert(json.loads(entry["words"], parse_constant=_refuse), _Words)
        network: dict[str, torch.Tensor] = {}
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in tensors.items():
            place, _, name = key.partition(".")
            if place == "network":
                network[name] = value
            else:
                number, _, name = name.partition(".")
                state.setdefault(int(number), {})[name] = value
    except MemoryError:
        raise
    except Exception as error:  # whatever damage makes of safetensors and JSON
        what = f"is not a checkpoint of this version, or is damaged: {error}"
        raise InputError(Problem(what, str(path), "Train it again")) from None
    content: dict[str, Any] = {**words, "network": network}
    if "optimiser" in words:
        content["optimiser"] = {"param_groups": words["optimiser"], "state": state}
    return content


def _refuse(number: str) -> None:
    raise ValueError(f"holds {number}")


def _digest(words: str, tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over the words, and over the tensors as the library writes them, in its order."""
    return hashlib.sha256(words.encode("utf-8") + save(dict(tensors))).hexdigest()
