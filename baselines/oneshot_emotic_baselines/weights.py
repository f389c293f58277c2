"""Networks of pictures and the weights they begin with: downloaded, of a local file, or none."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torchvision
from safetensors import SafetensorError, safe_open
from torch import nn

from oneshot_emotic.encoders.named import timm_network
from oneshot_emotic.errors import InputError, Problem, printable, some
from oneshot_emotic.files import sha256_of_file
from oneshot_emotic_baselines.recipes import (
    BACKBONES,
    TORCHVISION,
    Backbone,
    Branch,
    Pretraining,
    resolved,
)

#: Mean and standard deviation that torchvision's ImageNet weights expect, of values in 0..1.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

#: The entry of a safetensors file's metadata that says in JSON what its weights were trained on.
ABOUT = "oneshot-emotic"

#: Pretraining, or a branch, -> a local file of its weights. A branch's own goes first.
WeightFiles = Mapping[str, Path]


def files_of_branch(
    files: WeightFiles, branch: Branch, pretraining: Pretraining | None
) -> WeightFiles:
    """The files as one branch sees them: its own, if there is one, is that of its pretraining."""
    return {**files, pretraining: files[branch]} if pretraining and branch in files else files


def resnet(name: Backbone, pretraining: Pretraining | None, files: WeightFiles) -> nn.Module:
    """A torchvision ResNet without its last layer's weights being of use.

    Args:
        name: Which.
        pretraining: What to begin with; None for random weights.
        files: Local files; one named here is used in place of a download.

    Raises:
        InputError: There is no such file, it is not of this network, or nothing can be downloaded.
    """
    network: nn.Module = torchvision.models.get_model(name, weights=None)
    if pretraining is None:
        return network
    if pretraining in files:
        state = read_weights(files[pretraining])
        where = str(files[pretraining])
    elif pretraining == "imagenet":
        state, where = download(name), "torchvision"
    elif pretraining != "places365":
        remedy = "`oneshot-emotic pretrain` makes it"
        raise InputError(Problem(f"no file of the weights {pretraining} was given", remedy=remedy))
    else:
        raise InputError(
            Problem(
                f"the recipe begins with {name} weights of Places-365, which no library provides",
                remedy=f"Get {name}_places365.pth.tar from the Places-365 project and give "
                "--weights places365=FILE, or train from scratch with --weights none",
            )
        )
    load_into(network, state, where)
    return network


class Trunk(nn.Module):
    """Any network from pictures to numbers, in the form of a ResNet: with a last layer `fc`."""

    def __init__(self, network: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        """Put it after what makes of our normalised pictures those that it expects.

        Args:
            network: With `num_features`, the numbers that it makes of a picture.
            mean: Of the pictures that it expects, each channel.
            std: Likewise their standard deviation.
        """
        super().__init__()
        self.network = network
        scale = [ours / wanted for ours, wanted in zip(STD, std, strict=True)]
        moved = [(a - b) / c for a, b, c in zip(MEAN, mean, std, strict=True)]
        self.register_buffer("scale", torch.tensor(scale).view(3, 1, 1), persistent=False)
        self.register_buffer("moved", torch.tensor(moved).view(3, 1, 1), persistent=False)
        self.fc: nn.Module = nn.Linear(int(network.num_features), 1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """What `fc` makes of the network's numbers."""
        return self.fc(self.network(pictures * self.scale + self.moved))


def other_trunk(name: str, pretraining: Pretraining | None, files: WeightFiles) -> Trunk:
    """A network of timm, or one of `BACKBONES`.

    Args:
        name: `timm:NAME[?img_size=N]`, or its name.
        pretraining: None for random weights; else its own pretrained ones, whatever they saw.
        files: Local files; one is used in place of its own weights.

    Raises:
        InputError: There is no such network, or its weights cannot be had.
    """
    file = files.get(pretraining) if pretraining else None
    if pretraining not in (None, "imagenet") and file is None:
        raise InputError(Problem(f"no file of the weights {pretraining} was given", name))
    if name in BACKBONES:
        own: nn.Module = resolved(BACKBONES[name])(pretraining is not None and file is None)
        if file is not None:
            load_into(own, read_weights(file), str(file))
        return Trunk(own, MEAN, STD)
    rest, mark, size = name.removeprefix("timm:").partition("?")
    if file is not None:
        rest = f"{rest}@{file}"
    network, config = timm_network(f"{rest}{mark}{size}", pretrained=pretraining is not None)
    return Trunk(network, config["mean"], config["std"])


def describe(
    pretraining: Mapping[Any, Pretraining], files: WeightFiles, backbone: str = "resnet18"
) -> dict[str, str]:
    """Branch -> where its weights came from, for checkpoints and model cards."""
    origins = {}
    for branch, name in pretraining.items():
        file = files.get(branch, files.get(name))
        source = "torchvision IMAGENET1K_V1"
        if file is not None:
            what = about(file).get("about", printable(file.name))
            source = f"{what}, sha256 {sha256_of_file(file)[:12]}"
        elif backbone not in TORCHVISION:
            source = _own_weights(backbone)
        # Of a branch's own file, or a network's own weights, nobody has said what they are of.
        named = branch not in files and (file is not None or backbone in TORCHVISION)
        unsaid = source if file is None else f"own file {source}"
        origins[str(branch)] = f"{name} ({source})" if named else unsaid
    return origins


def _own_weights(backbone: str) -> str:
    """The weights that a network which is no ResNet of torchvision's brings itself."""
    if backbone in BACKBONES:
        return f"weights of {backbone}"
    import timm

    config = timm.get_pretrained_cfg(backbone.removeprefix("timm:").partition("?")[0])
    return f"timm:{config.architecture}.{config.tag}"


def about(path: Path) -> dict[str, str]:
    """What a file of `pretrain` says of itself; empty for any other file."""
    if path.suffix != ".safetensors":
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            content = json.loads((file.metadata() or {}).get(ABOUT, "{}"))
    except (OSError, ValueError, SafetensorError):
        return {}
    words = content if isinstance(content, dict) else {}
    return {name: text for name, text in words.items() if isinstance(text, str)}


def weights_at(path: Path) -> Path:
    """The file of weights itself, where a folder of `transformers` is given."""
    names = ("model.safetensors", "pytorch_model.bin") if path.is_dir() else ()
    return next((path / name for name in names if (path / name).is_file()), path)


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """A state_dict from a file: as torch.save or safetensors write it, bare or under "state_dict".

    A leading "module." of the names, as data-parallel training leaves it, is taken off. Nothing in
    the file is run: only tensors and plain values are read.

    Raises:
        InputError: There is no such file, or it is none of these forms.
    """
    if not path.is_file():
        raise InputError(Problem("there is no such weights file", str(path)))
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load

            content: Any = load(path.read_bytes())
        else:
            if zipfile.is_zipfile(path):  # torch writes members as they are
                with zipfile.ZipFile(path) as archive:
                    if any(x.compress_type != zipfile.ZIP_STORED for x in archive.infolist()):
                        raise ValueError(
                            "an archive with packed members, which torch does not write"
                        )
            content = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # whatever damage makes of unpickler and zip reader
        raise InputError(_not_loaded(path, error)) from None
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(
        isinstance(value, torch.Tensor) for value in content.values()
    ):
        raise InputError(Problem("holds no state_dict of tensors", str(path)))
    return {str(key).removeprefix("module."): value for key, value in content.items()}


def _not_loaded(path: Path, error: Exception) -> Problem:
    """Why a file was not loaded; how else it could be, where it is whole and names an object."""
    text = str(error).strip()
    if named := re.search(r"GLOBAL (\S+) whose module \S+ is blocked", text):
        return Problem(f"names {named[1]}, with which a file can do anything", str(path))
    if named := re.search(r"GLOBAL (\S+) was not an allowed global", text):
        return Problem(
            f"holds {named[1]} besides weights, and is not loaded for safety: Python objects in a "
            "file can run any program as you",
            str(path),
            "Only if you trust whoever made it, take the weights out once, which runs what is in "
            'it: torch.save(torch.load(FILE, weights_only=False)["state_dict"], NEW)',
        )
    reason = text.split("WeightsUnpickler error:")[-1].strip().split("\n")[0]
    return Problem(f"is not a weights file, or is damaged: {reason}", str(path))


def load_into(network: nn.Module, state: Mapping[str, torch.Tensor], where: str) -> None:
    """Fill a network but for its last layers, which the baselines replace.

    Raises:
        InputError: Names or shapes do not fit; all of them are counted.
    """
    own, given = (
        {key: value for key, value in x.items() if not key.startswith(("fc.", "classifier."))}
        for x in (network.state_dict(), state)
    )
    fill(network, own, given, where)


def fill(
    network: nn.Module,
    own: Mapping[str, torch.Tensor],
    given: Mapping[str, torch.Tensor],
    where: str,
) -> None:
    """Put weights in the place of a network's own.

    Args:
        network: The network.
        own: Those of its weights that are to be replaced.
        given: By what.
        where: The file.

    Raises:
        InputError: Names or shapes do not fit; all of them are counted. Or they cannot be used.
    """
    # Files older than PyTorch 0.4.1 lack the counters of batch normalisation; nothing uses them.
    counters = {key for key in own if key.endswith("num_batches_tracked")}
    problems = []
    if missing := sorted(set(own) - set(given) - counters):
        problems.append(f"{len(missing)} weights are missing, such as {some(missing)}")
    if strange := sorted(set(given) - set(own)):
        problems.append(f"{len(strange)} weights are unknown, such as {some(strange)}")
    shapes = sorted(k for k in set(own) & set(given) if own[k].shape != given[k].shape)
    if shapes:
        problems.append(f"{len(shapes)} weights have another shape, such as {some(shapes)}")
    if problems:
        raise InputError(
            Problem(f"is not of this network: {'; '.join(problems)}", where, "Check --backbone")
        )
    try:
        network.load_state_dict(given, strict=False)
    except RuntimeError as error:  # sparse, quantised or without values
        raise InputError(Problem(f"its weights cannot be used: {error}", where)) from None


def download(name: str) -> dict[str, torch.Tensor]:
    """ImageNet weights of one of torchvision's networks.

    Raises:
        InputError: They cannot be had.
    """
    weights = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"]
    try:
        state: dict[str, torch.Tensor] = weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong hash a RuntimeError
        reason = getattr(error, "reason", None) or error
        raise InputError(
            Problem(
                f"the ImageNet weights of {name} could not be downloaded: {reason}",
                remedy=f"Fetch {weights.url} on another machine and give --weights imagenet=FILE, "
                "or train from scratch with --weights none",
            )
        ) from None
    return state
