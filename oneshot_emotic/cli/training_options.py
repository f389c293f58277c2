"""Options of the commands that train: every setting of training, weights, device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import click

from oneshot_emotic.cli.options import FOLDER
from oneshot_emotic.errors import InputError, Problem

Function = TypeVar("Function", bound=Callable[..., Any])

_PRETRAINING = ("imagenet", "places365", "image", "body", "scene")

#: Setting -> its option and the help. What `Settings` refuses is refused there.
_SETTINGS = {
    "base": (
        "--base",
        "The base persons: full as in the paper, or clean, without those in an image with a novel "
        "person.",
    ),
    "backbone": (
        "--backbone",
        "The network of the image and body branches: resnet18, resnet50, maxvit_t (224 pixels), "
        "maxvit_64 (64 pixels) or timm:NAME[?img_size=N]; of dsct resnet50, or resnet18 in its "
        "reduced variant.",
    ),
    "seed": (
        "--seed",
        "Default: 0. Of first weights and batches, and a network's held-out images.",
    ),
    "epochs": ("--epochs", "Passes over the base persons; the best is taken."),
    "persons_per_epoch": ("--persons-per-epoch", "Default: as many as there are base persons."),
    "batch_size": ("--batch-size", "Persons a step, over all processes together."),
    "per_class": ("--per-class", "Persons a class that the sampler draws at a time."),
    "balanced": (
        "--balanced/--no-balanced",
        "As many persons of each class in every batch; those left over go to the classes in turn.",
    ),
    "ways": ("--ways", "Classes in a balanced batch, drawn anew each time; default: all."),
    "shots": ("--shots", "Persons of a class in a batch that make its prototype (proto)."),
    "optimiser": ("--optimiser", "rmsprop as in the paper."),
    "learning_rate": ("--lr", "Default: the paper's, 3.5e-4, and 3.5e-6 for LEV-6:4."),
    "schedule": ("--schedule", "How the learning rate falls: in steps, or as a cosine to nothing."),
    "step_epochs": ("--step-epochs", "Epochs after which the learning rate falls by --gamma."),
    "gamma": ("--gamma", "What the learning rate is multiplied by then."),
    "warmup": ("--warmup", "Share of all steps in which the learning rate rises to its height."),
    "trunk_lr": (
        "--trunk-lr",
        "Learning rate of the pretrained layers, as a share of the others'; 0 freezes them.",
    ),
    "weight_decay": ("--weight-decay", "Default: none, as in the paper."),
    "clip": ("--clip", "The greatest length of the gradient; default: none."),
    "metric_loss": (
        "--metric-loss",
        "The triplet loss, or any other of pytorch-metric-learning as it is by default there; "
        "`oneshot-emotic baselines --metric-losses` lists them.",
    ),
    "margin": ("--margin", "Of the triplet loss."),
    "epsilon": ("--epsilon", "Of the Multi-Similarity miner."),
    "metric_weight": ("--metric-weight", "Share of the metric loss; the rest is cross entropy."),
    "masked": (
        "--masked",
        "Miner and triplet loss in tensors of a fixed shape: the same but for rounding, and no "
        "waiting for a GPU. auto: on a GPU.",
    ),
    "embedding": ("--embedding", "Dimensions of the embedding."),
    "flip": ("--flip", "Probability that a person is mirrored."),
    "shift": ("--shift", "The most that a picture is moved, as a share of its side."),
    "validation_share": (
        "--validation-share",
        "Share of the base persons held out to choose the epoch; 0 takes the last one.",
    ),
    "validation_draws": ("--validation-draws", "One-shot episodes cut from them."),
    "select": (
        "--select",
        "Choose the epoch by held-out persons, by held-out classes (not trained on), or take the "
        "last.",
    ),
    "precision": ("--precision", "auto: bf16 on a GPU."),
    "compile": ("--compile/--no-compile", "torch.compile the network; on one GPU CUDA graphs."),
    "deterministic": (
        "--deterministic/--no-deterministic",
        "The same sums every time on a GPU, or the quickest.",
    ),
}
#: Those that are a head's alone on the command line.
_OF_HEADS = {
    "hidden": ("--hidden", "Units of a hidden layer; default: none, the head is linear."),
}
_OF_PRETRAINING = {
    "persons": "Figures drawn.",
    "labels": "drawn: learn what the drawing knows; none: learn to know a picture again.",
    "seed": "Of figures, first weights and batches.",
    "epochs": "Passes over the pictures.",
    "batch_size": "Pictures a step.",
    "learning_rate": "The highest, of AdamW.",
}
_PRETRAINED = "stand-in"  # trunks of `pretrain`

device_option = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N."
)
weights_option = click.option(
    "--weights",
    multiple=True,
    metavar="none|stand-in[=FOLDER]|imagenet=FILE|places365=FILE|image=FILE|body=FILE|scene=FILE",
    help="Begin with local weights of the network's own form, in place of what the recipe names or "
    "in one branch (scene: Deformable DETR's on COCO, a file or folder of transformers), with "
    "those of `oneshot-emotic pretrain` (stand-in), or from scratch (none). Default: ImageNet "
    "weights are downloaded, Places-365 "
    "weights must be given.",
)


def size_option(function: Function) -> Function:
    """`--size`: the side of the prepared pictures."""
    from oneshot_emotic_baselines.settings import SIZE

    return click.option(
        "--size",
        type=click.IntRange(8, 4096),
        default=SIZE,
        show_default=True,
        help="Side of the prepared pictures in pixels; 256 as in the paper.",
    )(function)


def settings_options(*names: str, of: str = "Settings") -> Callable[[Function], Function]:
    """These settings of `Settings` or `HeadSettings`, with the defaults there."""
    from oneshot_emotic_baselines import settings

    kind = getattr(settings, of)
    types = get_type_hints(kind)

    def decorate(function: Function) -> Function:
        for name in reversed(names or tuple(_SETTINGS)):
            (flag, text), default = (_SETTINGS | _OF_HEADS)[name], getattr(kind, name)
            choices = get_args(types[name])
            function = click.option(
                flag,
                name,
                type=click.Choice(choices) if choices else types[name],
                default=default,
                show_default=bool(default),  # 0 and False stand for what the text says
                help=text,
            )(function)
        return function

    return decorate


def pretraining_options(function: Function) -> Function:
    """What else decides a trunk; the defaults are those of `PretrainSettings`."""
    from oneshot_emotic_baselines.settings import PretrainSettings

    for name, text in reversed(_OF_PRETRAINING.items()):
        flag, default = f"--{name.replace('_', '-')}", getattr(PretrainSettings, name)
        kind = type(default) if name != "labels" else click.Choice(["drawn", "none"])
        function = click.option(flag, type=kind, default=default, show_default=True, help=text)(
            function
        )
    return function


def config_option(function: Function) -> Function:
    """`--config`: settings from a file; those on the command line win."""

    def read(ctx: click.Context, _: click.Parameter, path: Path | None) -> None:
        if path is not None:
            ctx.default_map = config_settings(path)

    help_text = "Settings from a TOML file, by their names in Python; the command line wins."
    return click.option(
        "--config",
        type=FOLDER,
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=read,
        help=help_text,
    )(function)


def config_settings(path: Path) -> dict[str, Any]:
    """The settings in a TOML file.

    Raises:
        InputError: It cannot be read, is no TOML, or holds other names or types than `Settings`.
    """
    import tomllib

    import msgspec
    from oneshot_emotic_baselines.settings import Settings

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(Problem(f"cannot be read as TOML: {error}", str(path))) from None
    kinds = {k: v for k, v in get_type_hints(Settings).items() if k != "recipe"}
    problems = []
    for name, value in content.items():
        try:
            if name not in kinds:
                raise ValueError("there is no such setting")
            msgspec.convert(value, kinds[name])
        except ValueError as error:  # msgspec's are, too
            problems.append(Problem(f"{name}: {error}", str(path)))
    if problems:
        raise InputError(problems)
    if "weights" in content:  # the option may be given several times
        content["weights"] = [content["weights"]] if content["weights"] != "default" else []
    return content


def weight_files(given: tuple[str, ...]) -> tuple[dict[str, Path], str]:
    """What `--weights` says: pretraining -> file, and the setting `weights`.

    Of `stand-in=FOLDER` the folder is among the files, under `stand-in`.

    Raises:
        InputError: It is none of the forms, or several that do not go together.
    """
    from oneshot_emotic_baselines.weights import weights_at

    files = {}
    problems = []
    kinds = set()
    for text in given:
        name, _, path = text.partition("=")
        if name == _PRETRAINED:
            kinds.add(name)
            if path:
                files[name] = Path(path)
        elif text == "none":
            kinds.add(text)
        elif name not in _PRETRAINING or not path:
            forms = f"none, stand-in, stand-in=FOLDER or {'=FILE, '.join(_PRETRAINING)}=FILE"
            problems.append(Problem(f"--weights is {forms}, not {text!r}"))
        elif not weights_at(Path(path)).is_file():
            problems.append(Problem("there is no such weights file", path))
        else:
            files[name] = Path(path)
    if kinds and (len(kinds) > 1 or set(files) - kinds):
        problems.append(Problem("--weights none or stand-in does not go with other weights"))
    if problems:
        raise InputError(problems)
    return files, max(kinds, default="default")
