"""The programs of examples/ on a tiny stand-in."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("torch")

import tiny
from conftest import REPOSITORY


def ran(program, *options):
    """The lines that a program prints on the tiny stand-in."""
    command = [sys.executable, REPOSITORY / "examples" / program, tiny.stand_in(), *options]
    command += ["--dataset", tiny.dataset()]
    result = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    return result.stdout.splitlines()


def figure_of(scores):
    return scores.split("1-shot balanced accuracy ")[1].split(" %")[0]


def test_own_model(tmp_path, run):
    """Trained, validated and scored; what it writes is scored alike."""
    output = tmp_path / "preds.safetensors"
    first, scores = ran("own_model.py", "--epochs", 1, "-o", output)
    assert first.startswith("epoch 1: 0.") and first.endswith(" on held-out base classes")
    again = run("score", output, "--dataset", tiny.dataset()).output
    assert f"{figure_of(scores)} [" in again and "My ResNet-18" in again


def test_frozen_timm(tmp_path, run):
    """A local checkpoint and a head; what it writes is scored alike."""
    timm, output = pytest.importorskip("timm"), tmp_path / "preds.safetensors"
    from safetensors.torch import save_file

    save_file(timm.create_model("test_vit").state_dict(), tmp_path / "vit.safetensors")
    encoder = f"timm:test_vit@{tmp_path}/vit.safetensors"
    first, frozen, scores = ran("frozen_timm.py", encoder, "-o", output)
    assert first.startswith("epoch ") and ", without it 0." in first
    again = run("score", output, "--dataset", tiny.dataset()).output
    assert f"{figure_of(scores)} [" in again and "timm:test_vit + linear head" in again
    assert figure_of(frozen) != figure_of(scores)
    (kept,) = (tiny.stand_in() / "features").iterdir()  # made once
    assert kept.is_dir()
