"""The programs and the notebook of examples/."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("torch")

import tiny
from conftest import REPOSITORY

EXAMPLES = REPOSITORY / "examples"


def printed(program, *arguments, cwd):
    """Run a program on the tiny stand-in; the lines it prints."""
    command = [sys.executable, EXAMPLES / program, tiny.stand_in(), "--dataset", tiny.dataset()]
    command = list(map(str, (*command, *arguments)))
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def scored_alike(line, output, run, name="My ResNet-18"):
    """The printed figure is the one that `score` finds in the file written."""
    figure = line.split("1-shot balanced accuracy ")[1].split(" %")[0]
    again = run("score", output, "--dataset", tiny.dataset()).output
    return f"{figure} [" in again and name in again


def test_own_model(tmp_path, run):
    output = tmp_path / "preds.safetensors"
    first, scores = printed("own_model.py", "--epochs", 1, "-o", output, cwd=tmp_path)
    assert first.startswith("epoch 1: 0.") and first.endswith(" on held-out base classes")
    assert scored_alike(scores, output, run)


@pytest.mark.parametrize("program", ["own_model", "frozen_timm", "lightning_model"])
def test_an_output_of_no_format_is_refused_before_anything_is_read(tmp_path, program):
    if program == "lightning_model":
        pytest.importorskip("lightning", reason="the extra [examples] is not installed")
    command = [sys.executable, EXAMPLES / f"{program}.py", tmp_path / "nowhere", "-o", "x.txt"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and "x.txt: its name ends in none of" in result.stderr


def test_lightning_model(tmp_path, run):
    """Its checkpoint is chosen by the figure on held-out base classes, which is logged."""
    pytest.importorskip("lightning", reason="the extra [examples] is not installed")
    arguments = ("--epochs", 1, "--workers", 0, "-o", "preds.safetensors")
    *_, scores = printed("lightning_model.py", *arguments, cwd=tmp_path)
    assert scored_alike(scores, tmp_path / "preds.safetensors", run)
    log = (tmp_path / "lightning_logs/version_0/metrics.csv").read_text().splitlines()
    rows = [dict(zip(log[0].split(","), line.split(","), strict=True)) for line in log[1:]]
    logged = {name: float(value) for row in rows for name, value in row.items() if value}
    (same,) = (x for x in logged if x.endswith("/1-shot/balanced_accuracy"))
    assert logged["one_shot"] == logged[same]


def test_frozen_timm(tmp_path, run):
    """A local checkpoint and a head; what it writes is scored alike."""
    timm, output = pytest.importorskip("timm"), tmp_path / "preds.safetensors"
    from safetensors.torch import save_file

    save_file(timm.create_model("test_vit").state_dict(), tmp_path / "vit.safetensors")
    encoder = f"timm:test_vit@{tmp_path}/vit.safetensors"
    arguments = ("--encoder", encoder, "-o", output)
    first, frozen, scores = printed("frozen_timm.py", *arguments, cwd=tmp_path)
    assert first.startswith("epoch ") and ", without it 0." in first
    assert scored_alike(scores, output, run, "timm:test_vit@vit")
    assert not scored_alike(frozen, output, run, "timm:test_vit@vit")
    (kept,) = (tiny.stand_in() / "features").iterdir()  # made once
    assert kept.is_dir()


def test_first_look(tmp_path):
    """The notebook shows what is stored in it."""
    pytest.importorskip("ipykernel", reason="the extra [examples] is not installed")
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    stored = nbformat.read(EXAMPLES / "first_look.ipynb", as_version=4)
    notebook = nbformat.read(EXAMPLES / "first_look.ipynb", as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert shown(notebook) == shown(stored)
    assert "balanced_accuracy  2" in shown(stored)


def shown(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.get("text") or output["data"]["text/plain"] for output in outputs)
