"""The programs of examples/ on a tiny stand-in."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("torch")

import tiny
from conftest import REPOSITORY


def test_own_model(tmp_path, run):
    """Trained, validated and scored; what it writes is scored alike."""
    program, output = REPOSITORY / "examples/own_model.py", tmp_path / "preds.safetensors"
    command = [sys.executable, program, tiny.stand_in(), "--dataset", tiny.dataset()]
    command += ["--epochs", "1", "-o", output]
    result = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    first, scores = result.stdout.splitlines()
    assert first.startswith("epoch 1: 0.") and first.endswith(" on held-out base classes")
    figure = scores.split("1-shot balanced accuracy ")[1].split(" %")[0]
    again = run("score", output, "--dataset", tiny.dataset()).output
    assert f"{figure} [" in again and "My ResNet-18" in again
