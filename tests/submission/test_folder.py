"""Submission folders: what is read, what is refused."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from made import submission_folder

from oneshot_emotic.errors import InputError
from oneshot_emotic.submission.folder import find_submissions, read_submission_folder


@pytest.fixture
def folder(tmp_path, task):
    path = tmp_path / "submissions" / "a-model"
    return submission_folder(path, task, np.ones((len(task.novel), 3)))


def change(folder, **changes):
    path = folder / "submission.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_read(folder, task):
    submission = read_submission_folder(folder)
    assert submission.slug == "a-model"
    assert submission.model == {"name": "Model a-model"}
    (file,) = submission.files()
    assert file.tasks == ("cat-6-6",)
    ids, array = file.read().embeddings
    assert set(ids) == set(task.novel.sample_ids)
    assert array.shape == (len(task.novel), 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {}}, "'name' is a required property"),
        ({"tasks": {}}, "tasks"),
        ({"tasks": {"cat-9": {"file": "a.npz", "sha256": "0" * 64}}}, "'cat-9' is not one of"),
        ({"format": "x"}, "was expected"),
        ({"rank": 1}, "'rank' was unexpected"),
        ({"model": {"name": "A", "parameters": 1e9}}, "a whole number is needed"),
        ({"model": {"name": "A", "training_seeds": [1, -0.0]}}, "a whole number is needed"),
    ],
)
def test_refused_metadata(folder, changes, message):
    change(folder, **changes)
    with pytest.raises(InputError, match=message):
        read_submission_folder(folder)


def test_other_files_are_refused(folder):
    (folder / "run.py").write_text("print(1)")
    with pytest.raises(InputError, match=r"run\.py: is not named in submission\.json"):
        read_submission_folder(folder)


@pytest.mark.parametrize("name", ["A-Model", "a_model", "-a", "a" * 65])
def test_folder_names(folder, name):
    renamed = folder.rename(folder.parent / name)
    with pytest.raises(InputError, match="small letters"):
        read_submission_folder(renamed)


@pytest.mark.parametrize("name", ["submission.json", "cat-6-6.npz"])
def test_links(folder, tmp_path, name):
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(InputError, match="is a link, not a file"):
        read_submission_folder(folder).files()[0].read()


@pytest.mark.parametrize("name", ["submission.json", "cat-6-6.npz"])
def test_pipes_and_folders_do_not_hang(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(InputError, match="is not a file"):
        read_submission_folder(folder).files()[0].read()
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(InputError, match="is a folder, not a file"):
        read_submission_folder(folder).files()[0].read()


@pytest.mark.parametrize("name", ["submission.json", "cat-6-6.npz", "more", "a/b"])
def test_loops_of_links(folder, name, run):
    path = folder / name
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(path.parent / "second")
    (path.parent / "second").symlink_to(path)
    output = run("check-submission", folder, status=2).output
    named = "a: is not named" if name == "a/b" else f"{name}: is "
    assert named in output
    assert "Traceback" not in run("score", path, status=2).output
    assert "loop of links" in run("score", path, status=2).output


@pytest.mark.parametrize(
    "file",
    [
        "/etc/passwd.npz",
        "../a.npz",
        "a/../b.npz",
        "..npz",
        "a.npz\n",
        "a.json",
        "a.parquet",
        "",
        {},
    ],
)
def test_names_that_lead_elsewhere(folder, file):
    change(folder, tasks={"cat-6-6": {"file": file, "sha256": "0" * 64}})
    with pytest.raises(InputError, match=r"tasks\.cat-6-6\.file"):
        read_submission_folder(folder)


def test_found_in_order(folder):
    for name in ("z", "b"):
        (folder.parent / name).mkdir()
    (folder.parent / "README.md").write_text("x")
    (folder.parent / ".hidden").write_text("x")
    assert [path.name for path in find_submissions(folder.parent)] == ["a-model", "b", "z"]
    (folder.parent / "stray.json").write_text("{}")
    (folder.parent / "link").symlink_to(folder)
    with pytest.raises(InputError) as error:
        find_submissions(folder.parent)
    assert len(error.value.problems) == 2


def test_no_submissions_folder(tmp_path):
    with pytest.raises(InputError, match="there is no such folder"):
        find_submissions(tmp_path / "submissions")
