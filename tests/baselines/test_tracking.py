"""The log of a training goes to whoever asked for it, line by line."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines.data import base_split  # noqa: E402
from oneshot_emotic_baselines.tracking import tensorboard_log  # noqa: E402
from oneshot_emotic_baselines.train import train  # noqa: E402

from oneshot_emotic.errors import InputError  # noqa: E402

small = pytest.fixture(scope="module")(tiny.small)


def test_every_epoch_is_told_once(tmp_path, small):
    """In a run that is stopped and goes on, too."""
    told = []

    def stop(line):
        told.append(dict(line))
        if line["epoch"] == 2:
            raise tiny.StopError

    given = (tiny.settings("b-dml", epochs=3), base_split(tiny.task()), tiny.data(), tmp_path)
    with pytest.raises(tiny.StopError):
        train(*given, on_epoch=stop)
    run = train(*given, on_epoch=stop)
    assert told == list(run.history)
    train(*given, on_epoch=stop)
    assert len(told) == 3


def test_tensorboard_is_written(tmp_path):
    """Read back by TensorBoard itself, where it is installed."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for epochs in ((1, 2), (2, 3)):  # the second run goes on after epoch 1
        write = tensorboard_log(tmp_path)
        for epoch in epochs:
            write({"epoch": epoch, "loss": 1 / epoch, "validation": None})
    found = EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    assert found.Tags()["scalars"] == ["loss"]
    lines = [(event.step, event.value) for event in found.Scalars("loss")]
    assert lines == [(epoch, pytest.approx(1 / epoch)) for epoch in (1, 2, 3)]


def test_what_tensorboard_is_told(tmp_path, monkeypatch, run):
    """By the command line, of a network that is no picture's."""
    said = []

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            said.append((folder, purge_step))

        def add_scalar(self, name, value, step):
            said.append((name, step))

        def flush(self):
            pass

    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    tiny.prepared()
    run(
        *("train", "sem-dml", "--task", "cat-6-6", "--data", tiny.stand_in(), "--tensorboard"),
        *("--dataset", tiny.dataset(), "--size", tiny.SIZE, "-o", tmp_path),
        *("--epochs", 1, "--persons-per-epoch", 16, "--batch-size", 8, "--validation-draws", 5),
    )
    folder = tmp_path / "sem-dml/cat-6-6/seed-0/tensorboard"
    names = ("learning_rate", "loss", "triplet", "cross_entropy", "validation")
    assert said == [(str(folder), 1), *((name, 1) for name in names)]


def test_without_tensorboard_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match=r"needs tensorboard.*pip install tensorboard"):
        tensorboard_log(tmp_path)
