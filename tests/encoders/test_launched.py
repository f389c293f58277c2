"""Two processes on a CPU (gloo) give the files that one gives, also after a kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest
from conftest import REPOSITORY

pytest.importorskip("accelerate")

MODULE = """
import os, signal, time
import numpy as np
class Make:
    identity, batch_size = "made", 20
    def embed(self, images, bodies):
        with open("calls-" + os.environ.get("RANK", "0"), "a") as calls:
            print(len(bodies), file=calls)
        if os.environ.get("KILL") and os.environ["RANK"] == "1":
            os.kill(os.getpid(), signal.SIGKILL)
        return np.stack([np.ravel(body.resize((3, 3))) for body in bodies])
class Nameless(Make):
    identity = None
"""


@pytest.fixture
def launch(small_copy, tmp_path, monkeypatch):
    """Run the command in processes as a launcher starts them; their output and exit statuses."""
    root, dataset = small_copy
    (tmp_path / "made_here.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def run(processes, folder, encoder="made_here:Make"):
        command = [sys.executable, "-m", "oneshot_emotic", "run", encoder, "--data", root]
        command += ["--dataset", dataset, "--features", folder, "--task", "cat-6-6"]
        command += ["-o", folder / "preds.safetensors"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        started = []
        for rank in range(processes):
            several = {"WORLD_SIZE": processes, "RANK": rank, "LOCAL_RANK": rank}
            several |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
            environment = {**os.environ, **{key: str(x) for key, x in several.items()}}
            started.append(
                subprocess.Popen(
                    command,
                    cwd=tmp_path,
                    env=environment if processes > 1 else None,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        found = []
        for process in reversed(started):
            out, err = process.communicate(timeout=120)
            found.insert(0, (out, err, process.returncode))
            if process.returncode:
                for other in started:  # as a launcher does
                    other.kill()
        return found

    return run


def files_of(folder):
    return {x.name: x.read_bytes() for x in folder.rglob("*") if x.is_file()}


def calls(folder, rank):
    path = folder / f"calls-{rank}"
    counts = [int(x) for x in path.read_text().split()] if path.exists() else []
    path.unlink(missing_ok=True)
    return counts


def test_two_processes_give_the_files_of_one(launch, tmp_path):
    ((one, _, status),) = launch(1, tmp_path / "one")
    assert status == 0 and calls(tmp_path, 0) == [20, 20, 20, 4] * 2 + [20, 12]
    (first, said, _), (second, nothing, _) = launch(2, tmp_path / "two")
    assert first.replace("two", "one") == one and "made_here:Make, 1-shot" in one
    assert second == "" and "embedding" not in nothing and "Traceback" not in said + nothing
    # Of the three parts, the first and the third; the second.
    assert calls(tmp_path, 0) == [20, 20, 20, 4, 20, 12] and calls(tmp_path, 1) == [20, 20, 20, 4]
    assert files_of(tmp_path / "two") == files_of(tmp_path / "one")


def test_killed_and_gone_on(launch, tmp_path, monkeypatch):
    launch(1, tmp_path / "whole")
    monkeypatch.setenv("KILL", "1")
    assert [status for *_, status in launch(2, tmp_path / "cut")] == [-signal.SIGKILL] * 2
    monkeypatch.delenv("KILL")
    calls(tmp_path, 0), calls(tmp_path, 1)
    assert [status for *_, status in launch(2, tmp_path / "cut")] == [0, 0]
    assert calls(tmp_path, 1) == [20, 20, 20, 4]
    assert files_of(tmp_path / "cut") == files_of(tmp_path / "whole")


def test_an_encoder_without_a_name_works_alone(launch, tmp_path):
    _, (_, said, status) = launch(2, tmp_path / "out", "made_here:Nameless")
    assert status == 2 and "an encoder without `identity` runs in one process alone" in said
