"""A publication killed at any moment leaves nothing half there, and the next run completes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub.clients import client_environment
from hub.tiny import tiny_tasks

from oneshot_emotic.dataset.folder import write_dataset

HERE = Path(__file__).parent


@pytest.fixture
def hub_process():
    process = subprocess.Popen(
        [sys.executable, str(HERE / "loopback.py")], stdout=subprocess.PIPE, text=True
    )
    yield process.stdout.readline().split()[0].removeprefix("HF_ENDPOINT=")
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    ("moments", "options"), [(12, []), pytest.param(100, ["--long"], marks=pytest.mark.long)]
)
def test_killed_at_random_moments(hub_process, tmp_path, moments, options):
    folder = tmp_path / "ds"
    folder.mkdir()
    write_dataset(folder, tiny_tasks(), "emotic", "argmax")
    environment = client_environment(hub_process, tmp_path / "home")
    # Each would cost every client a reading of all certificates.
    del environment["HTTP_PROXY"], environment["HTTPS_PROXY"]
    result = subprocess.run(
        [
            *(sys.executable, str(HERE / "kill_publish.py"), str(folder)),
            *("--moments", str(moments), "--seed", str(moments), *options),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
        env={**environment, "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
    )
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["killed"] == sum(figures["stages"].values()) == moments
    assert figures["completed"] >= 1
    assert figures["stages"]["repository"] >= 1  # some kills came in the middle
