"""A tiny stand-in with prepared pictures, made once for all tests of the baselines."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from click.testing import CliRunner

from oneshot_emotic.cli.main import main
from oneshot_emotic.prepared import prepare
from oneshot_emotic.splits import Task

SIZE = 32
PERSONS = 160


def cli(*arguments: object) -> str:
    """Run a command line; its output."""
    result = CliRunner().invoke(main, [str(x) for x in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@cache
def folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix="oneshot-emotic-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@cache
def stand_in() -> Path:
    """An EMOTIC copy: pictures, annotations, the known truth of Sem2Vec."""
    root = folder() / "stand-in"
    cli("synth", root, "--persons", PERSONS, "--workers", 1)
    return root


@cache
def dataset() -> Path:
    path = folder() / "dataset"
    cli("build", stand_in(), "-o", path, "--no-images")
    return path


def task(name: str = "cat-6-6") -> Task:
    from oneshot_emotic import load_task

    return load_task(name, dataset())


@cache
def prepared() -> Path:
    return prepare(stand_in(), size=SIZE).folder


def data():
    """Pictures and Sem2Vec of the stand-in; one thread, so that every process sums alike."""
    import torch

    torch.set_num_threads(1)
    from oneshot_emotic_baselines.data import load_person_data

    prepared()
    return load_person_data(stand_in(), size=SIZE)


def small_resnet(name, pretraining, files):
    """Two convolutions with batch normalisation and a last layer called `fc`, as a ResNet has."""
    from torch import nn

    network = nn.Sequential()
    for place, (before, after) in enumerate(((3, 8), (8, 16))):
        network.add_module(f"conv{place}", nn.Conv2d(before, after, 3, stride=2, bias=False))
        network.add_module(f"bn{place}", nn.BatchNorm2d(after))
        network.add_module(f"relu{place}", nn.ReLU())
    network.add_module("pool", nn.AdaptiveAvgPool2d(1))
    network.add_module("flat", nn.Flatten())
    network.add_module("fc", nn.Linear(16, 1000))
    return network


def small():
    """A fixture: the small network in place of a ResNet; most tests are of what is around it."""
    from pytest import MonkeyPatch

    with MonkeyPatch.context() as patched:
        patched.setattr("oneshot_emotic_baselines.model.resnet", small_resnet)
        yield


def settings(recipe: str = "sem-ib-dml", **changes: object):
    """Settings of a training run that takes seconds."""
    from oneshot_emotic_baselines.settings import Settings

    values: dict[str, object] = {
        "weights": "none",
        "epochs": 2,
        "batch_size": 8,
        "per_class": 2,
        "persons_per_epoch": 16,
        "embedding": 16,
        "validation_draws": 5,
    }
    return Settings(recipe, "cat-6-6", **{**values, **changes})


class StopError(Exception):
    """What a test stops a run with."""


def kill_when(there: Path, *command: object) -> None:
    """Run Python with `command`, and kill it as soon as a file is there."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, *map(str, command)], env=environment)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None and not there.exists():
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL


def files_of(path: Path) -> dict[str, bytes]:
    """Every file under a folder with its bytes."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }
