"""Two processes on a CPU (gloo) give what one gives: losses, statistics, weights."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines.checkpoint import load_checkpoint  # noqa: E402

_CODE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import torch
import oneshot_emotic_baselines.model, tiny
from pathlib import Path
from oneshot_emotic_baselines.data import base_split, load_person_data
from oneshot_emotic_baselines.train import train
from oneshot_emotic import load_task

torch.set_num_threads(1)
oneshot_emotic_baselines.model.resnet = tiny.small_resnet
task = load_task("cat-6-6", sys.argv[3])
data = load_person_data(sys.argv[2], size=tiny.SIZE)
settings = tiny.settings(
    epochs=3, batch_size=16, persons_per_epoch=48, optimiser="sgd",
    **json.loads(sys.argv[5]),
)
train(settings, base_split(task), data, sys.argv[4], device="cpu")
"""


def run_in(processes, output, **changes):
    tiny.prepared()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = []
    for rank in range(processes):
        environment = {
            **os.environ,
            **({"WORLD_SIZE": str(processes), "RANK": str(rank)} if processes > 1 else {}),
            "LOCAL_RANK": str(rank),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "OMP_NUM_THREADS": "1",
        }
        data = [tiny.stand_in(), tiny.dataset()]
        arguments = [Path(__file__).parent, *data, output, json.dumps(changes)]
        command = [sys.executable, "-c", _CODE, *map(str, arguments)]
        started.append(subprocess.Popen(command, env=environment))
    assert [process.wait(timeout=240) for process in started] == [0] * processes
    with (output / "log.csv").open() as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One process's folder and log, made once for each metric loss."""

    @cache
    def made(metric_loss, rate):
        folder = tmp_path_factory.mktemp("alone") / "one"
        return folder, run_in(1, folder, metric_loss=metric_loss, learning_rate=rate)

    return made


@pytest.mark.parametrize(
    ("metric_loss", "masked", "rate"),
    [
        ("TripletMarginLoss", "off", 0.05),
        ("TripletMarginLoss", "on", 0.05),
        ("NormalizedSoftmaxLoss", "off", 0.01),  # with weights of its own
    ],
)
def test_two_processes_give_the_losses_of_one(alone, tmp_path, metric_loss, masked, rate):
    """By plain gradient descent: a factor common to all gradients shows in the weights."""
    (folder, one), changes = alone(metric_loss, rate), {"masked": masked, "learning_rate": rate}
    two = run_in(2, tmp_path / "two", metric_loss=metric_loss, **changes)
    assert len(one) == len(two) == 3
    for of_one, of_two in zip(one, two, strict=True):
        for name in list(of_one)[2:5]:
            assert float(of_two[name]) == pytest.approx(float(of_one[name]), rel=1e-5), name
    weights = [load_checkpoint(x / "checkpoint.safetensors") for x in (folder, tmp_path / "two")]
    assert weights[0]["epoch"] == weights[1]["epoch"]
    for name, value in weights[0]["network"].items():
        assert torch.allclose(value, weights[1]["network"][name], rtol=1e-4, atol=1e-5), name


def test_a_batch_that_cannot_be_parted_is_refused(tmp_path, monkeypatch):
    from oneshot_emotic_baselines import train as module
    from oneshot_emotic_baselines.data import base_split
    from oneshot_emotic_baselines.distributed import Processes

    from oneshot_emotic.errors import InputError

    three = Processes(0, 3, torch.device("cpu"))
    monkeypatch.setattr(module, "join_processes", lambda device: three)
    with pytest.raises(InputError, match="a batch of 8 cannot be shared evenly by 3 processes"):
        module.train(tiny.settings(), base_split(tiny.task()), tiny.data(), tmp_path)
