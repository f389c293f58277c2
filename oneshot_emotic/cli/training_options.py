"""Options that `train` and `reproduce` share: where the data is, and every setting of training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from oneshot_emotic.cli.options import FOLDER
from oneshot_emotic.errors import InputError, Problem

Function = TypeVar("Function", bound=Callable[..., Any])

_PRETRAINING = ("imagenet", "places365")


def data_options(function: Function) -> Function:
    """`--data`, `--size`, `--prepared`, `--sem2vec`."""
    return _all(
        click.option(
            "--data",
            "root",
            type=FOLDER,
            required=True,
            help="The EMOTIC copy or stand-in that holds the images.",
        ),
        size_option,
        click.option("--prepared", type=FOLDER, help="Default: ROOT/prepared-SIZE."),
        click.option(
            "--sem2vec", type=FOLDER, help="The Sem2Vec table; default: looked for in ROOT."
        ),
    )(function)


def size_option(function: Function) -> Function:
    """`--size`: the side of the prepared pictures."""
    return click.option(
        "--size",
        type=click.IntRange(8, 4096),
        default=256,
        show_default=True,
        help="Side of the prepared pictures in pixels.",
    )(function)


def weights_option(function: Function) -> Function:
    """`--weights`: local files of pretrained weights, or none."""
    return click.option(
        "--weights",
        multiple=True,
        metavar="none|imagenet=FILE|places365=FILE",
        help="Begin with local weights of torchvision's form, or from scratch (none). Default: "
        "ImageNet weights are downloaded, Places-365 weights must be given.",
    )(function)


def settings_options(function: Function) -> Function:
    """Every setting of `oneshot_emotic_baselines.settings.Settings` that a user may change."""
    return _all(
        click.option(
            "--backbone",
            type=click.Choice(["resnet18", "resnet50"]),
            default="resnet18",
            show_default=True,
        ),
        click.option("--epochs", type=click.IntRange(1), default=12, show_default=True),
        click.option(
            "--persons-per-epoch",
            type=click.IntRange(0),
            default=0,
            help="Default: as many as there are base persons.",
        ),
        click.option("--batch-size", type=click.IntRange(2), default=32, show_default=True),
        click.option(
            "--optimiser",
            type=click.Choice(["rmsprop", "sgd", "adamw"]),
            default="rmsprop",
            show_default=True,
            help="rmsprop as in the paper.",
        ),
        click.option(
            "--lr",
            "learning_rate",
            type=float,
            default=0.0,
            help="Default: the paper's, 3.5e-4, and 3.5e-6 for LEV-6:4.",
        ),
        click.option(
            "--step-epochs",
            type=click.IntRange(1),
            default=4,
            show_default=True,
            help="Epochs after which the learning rate falls to a tenth.",
        ),
        click.option("--weight-decay", type=float, default=0.0, show_default=True),
        click.option(
            "--validation-share",
            type=float,
            default=0.1,
            show_default=True,
            help="Share of the base persons held out to choose the epoch; 0 takes the last one.",
        ),
        click.option(
            "--precision",
            type=click.Choice(["auto", "bf16", "float32"]),
            default="auto",
            show_default=True,
            help="auto: bf16 on a GPU.",
        ),
        click.option("--compile/--no-compile", default=False, help="torch.compile the network."),
        device_option,
    )(function)


def device_option(function: Function) -> Function:
    """`--device`."""
    return click.option(
        "--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N."
    )(function)


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


def _all(*decorators: Callable[[Any], Any]) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate
