"""A publication killed at any moment leaves nothing half there, and the next run completes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub.clients import client_environment
from made import small_dataset


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("moments", [15, pytest.param(200, marks=pytest.mark.long)])
def test_killed_at_random_moments(server, tmp_path, moments):
    folder = tmp_path / "ds"
    small_dataset(folder)
    environment = client_environment(server.url, tmp_path / "home")
    # Each would cost every client a reading of all certificates.
    del environment["HTTP_PROXY"], environment["HTTPS_PROXY"]
    script = Path(__file__).with_name("kill_publish.py")
    result = subprocess.run(
        [sys.executable, str(script), str(folder), "--moments", str(moments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
        env={**environment, "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    stages = (found[stage] for stage in ("nothing", "repository", "committed", "tagged"))
    assert found["killed"] == sum(stages) == moments
    assert found["completed"] >= 1
    assert found["repository"] >= 1  # some kills came in the middle
