"""Short runs of what the scripts beside do at length: damaged submissions, kill -9."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from made import python

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the scripts fork")


def script(name, *arguments):
    return python(HERE / name, *arguments, cwd=HERE, timeout=None).stdout


@pytest.mark.parametrize(
    ("cases", "forms"),
    [(10, [".npz", "folder"]), pytest.param(400, [], marks=pytest.mark.long)],
    ids=["short", "all forms"],
)
def test_damaged_submissions_give_scores_or_a_message(tmp_path, cases, forms):
    chosen = [part for form in forms for part in ("--form", form)]
    output = script("fuzz_submissions.py", "--cases", cases, "--state", tmp_path, *chosen)
    lines = output.splitlines()
    assert lines and (not forms or [line.split()[0] for line in lines] == forms)
    assert all(f" {cases}  " in line and "refused" in line for line in lines)
    # what is done is not done again
    again = script("fuzz_submissions.py", "--cases", cases, "--state", tmp_path, "--form", ".npz")
    assert again.split(";")[0] == next(x for x in lines if x.startswith(".npz")).split(";")[0]


@pytest.mark.parametrize(
    ("commands", "moments"),
    [
        (["build"], 4),
        pytest.param(["build", "submit", "leaderboard"], 20, marks=pytest.mark.long),
    ],
)
def test_killed_commands_leave_the_old_or_the_new(commands, moments):
    chosen = [part for command in commands for part in ("--command", command)]
    output = script("kill_commands.py", "--moments", moments, *chosen)
    assert [line.split(":")[0] for line in output.splitlines()] == commands
    assert output.count("completed after 1") == len(commands)
