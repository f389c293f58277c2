"""What `tasks` and `check-submission` write for other programs."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest
from made import submission_folder

FINDINGS = {"path", "good", "notes", "problems"}


def test_tasks(run, task, tmp_path):
    text = run("tasks", "--json", "-").output
    found = json.loads(text)
    assert found.keys() == {"format", "dataset", "tasks"}
    assert found["format"] == "oneshot-emotic-tasks/1"
    assert found["dataset"] == task.dataset.to_dict()
    assert len(found["tasks"]) == 8
    six = found["tasks"]["cat-6-6"]
    assert six.keys() == {"base", "novel", "left_out", "unscorable"}
    assert six["novel"] == task.novel.counts and sum(six["base"].values()) == len(task.base)
    assert list(six["novel"]) == list(task.classes)
    assert six["left_out"] == {} and six["unscorable"] is None
    assert "cat-6-6" in run("tasks", "--json", tmp_path / "tasks.json").output
    assert (tmp_path / "tasks.json").read_text() == text


def test_check_submission(run, task, tmp_path):
    good = submission_folder(tmp_path / "good", task, np.ones((len(task.novel), 2)))
    bad = submission_folder(tmp_path / "bad", task, np.ones((len(task.novel), 2)))
    (bad / "cat-6-6.npz").write_bytes(b"x")
    (bad / "notes.txt").write_text("x")
    found = json.loads(run("check-submission", good, "--json", "-").output)
    assert found["format"] == "oneshot-emotic-check/1"
    (checked,) = found["checked"]
    assert checked.keys() == FINDINGS and checked["path"] == str(good)
    assert len(checked["good"]) == 2 and checked["problems"] == []
    file = tmp_path / "found.json"
    output = run("check-submission", good, bad, "--json", file, status=2).output
    assert "2 problems:" in output and "good  " in output
    first, second = json.loads(file.read_text())["checked"]
    assert first == checked and second.keys() == FINDINGS
    assert [x.keys() for x in second["problems"]] == [{"what", "where", "remedy"}] * 2
    digest, strange = sorted(second["problems"], key=lambda x: x["where"])
    assert digest["where"] == f"{bad}/cat-6-6.npz" and digest["what"].startswith("has the SHA-256")
    assert strange == {
        "what": "is not named in submission.json",
        "where": f"{bad}/notes.txt",
        "remedy": "Remove it, or name it there",
    }
    missing = tmp_path / "none"
    output = run("check-submission", missing, "--json", file, status=2).output
    assert "there is no such file" in output
    (only,) = json.loads(file.read_text())["checked"]
    assert "there is no such file" in only["problems"][0]["what"]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode elsewhere")
@pytest.mark.parametrize("to", ["-", "found.json"])
def test_a_file_name_that_is_no_unicode(run, task, tmp_path, monkeypatch, to):
    monkeypatch.chdir(tmp_path)
    folder = submission_folder(tmp_path / "good", task, np.ones((len(task.novel), 2)))
    (folder / os.fsdecode(b"\xff")).write_text("x")
    run("check-submission", folder, "--json", to, status=2)
    if to != "-":
        (checked,) = json.loads((tmp_path / to).read_text())["checked"]
        assert checked["problems"][0]["where"] == f"{folder}/\\udcff"
