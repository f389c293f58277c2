"""Options of the commands that train: every setting of training, weights, device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import click

from oneshot_emotic.errors import InputError, Problem

Function = TypeVar("Function", bound=Callable[..., Any])

_PRETRAINING = ("imagenet", "places365")

#: Setting -> its option and the help. What `Settings` refuses is refused there.
_SETTINGS = {
    "base": (
        "--base",
        "The base persons: full as in the paper, or clean, without those in an image with a novel "
        "person.",
    ),
    "backbone": ("--backbone", "The ResNet of the image and body branches."),
    "seed": (
        "--seed",
        "Default: 0. Of first weights and batches, and a network's held-out images.",
    ),
    "epochs": ("--epochs", "Passes over the base persons; the best is taken."),
    "persons_per_epoch": ("--persons-per-epoch", "Default: as many as there are base persons."),
    "batch_size": ("--batch-size", "Persons a step, over all processes together."),
    "optimiser": ("--optimiser", "rmsprop as in the paper."),
    "learning_rate": ("--lr", "Default: the paper's, 3.5e-4, and 3.5e-6 for LEV-6:4."),
    "step_epochs": ("--step-epochs", "Epochs after which the learning rate falls to a tenth."),
    "weight_decay": ("--weight-decay", "Default: none, as in the paper."),
    "validation_share": (
        "--validation-share",
        "Share of the base persons held out to choose the epoch; 0 takes the last one.",
    ),
    "precision": ("--precision", "auto: bf16 on a GPU."),
    "compile": ("--compile/--no-compile", "torch.compile the network."),
}
#: Those that are a head's alone on the command line.
_OF_HEADS = {
    "hidden": ("--hidden", "Units of a hidden layer; default: none, the head is linear."),
    "embedding": ("--embedding", "Dimensions of the embedding."),
}

device_option = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N."
)
weights_option = click.option(
    "--weights",
    multiple=True,
    metavar="none|imagenet=FILE|places365=FILE",
    help="Begin with local weights of torchvision's form, or from scratch (none). Default: "
    "ImageNet weights are downloaded, Places-365 weights must be given.",
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


def weight_files(given: tuple[str, ...]) -> tuple[dict[str, Path], bool]:
    """What `--weights` says: pretraining -> file, and True for training from scratch.

    Raises:
        InputError: It is none of the forms, or both at once.
    """
    files = {}
    problems = []
    for text in given:
        name, _, path = text.partition("=")
        if text == "none":
            continue
        if name not in _PRETRAINING or not path:
            problems.append(
                Problem(f"--weights is none, imagenet=FILE or places365=FILE, not {text!r}")
            )
        elif not Path(path).is_file():
            problems.append(Problem("there is no such weights file", path))
        else:
            files[name] = Path(path)
    if "none" in given and files:
        problems.append(Problem("--weights none does not go with a weights file"))
    if problems:
        raise InputError(problems)
    return files, "none" in given
