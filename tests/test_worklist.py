"""A list of work that is done once, whatever happens on the way."""

from __future__ import annotations

import json
import shutil

import pytest

from oneshot_emotic.errors import InputError
from oneshot_emotic.worklist import WorkList


@pytest.fixture
def work(tmp_path):
    identity = {"format": "a/1", "of": "ten items"}
    contents = frozenset({"done.json", "data.txt"})
    return WorkList(tmp_path / "out", "done.json", contents, identity, "is of others", 10, 4)


def test_from_beginning_to_end(work):
    assert not work.is_finished() and list(work.starts) == [0, 4, 8]
    made = []
    with pytest.raises(KeyError), work.held(0, lambda: {}["no"]):
        raise AssertionError  # killed before the work was known: it begins anew
    with work.held(0, lambda: made.append(1)):
        assert work.results() == {}
        work.note(4, {"crc32": 1})
        work.note(0, [])
    assert not work.is_finished()
    shutil.copytree(work.folder / "parts", work.folder.parent / "kept")
    with work.held(0, lambda: made.append(2)):
        assert list(work.results().items()) == [(0, []), (4, {"crc32": 1})]
        work.finish({"items": 10})
    assert made == [1] and work.is_finished()
    assert [path.name for path in work.folder.iterdir()] == ["done.json"]
    document = json.loads((work.folder / "done.json").read_text())
    assert document == {"format": "a/1", "of": "ten items", "items": 10}
    # killed between the document and the tidying
    shutil.copytree(work.folder.parent / "kept", work.folder / "parts")
    assert work.is_finished()


@pytest.mark.parametrize("content", ["", '{"crc32": 12', "[" * 100_000, "\x00"])
def test_a_result_that_is_none_is_not_done(work, content):
    with work.held(0):
        (work.folder / "parts/0000004.json").write_text(content)
        assert work.results() == {}


def test_one_run_at_a_time(work, tmp_path):
    with work.held(0):
        with pytest.raises(InputError, match="another run is preparing this folder"), work.held(0):
            raise AssertionError
        work.finish({})
    # one that looked before the other was finished
    with pytest.raises(InputError, match="another run is preparing this folder"), work.held(0):
        raise AssertionError
    assert [path.name for path in work.folder.iterdir()] == ["done.json"]


def test_other_work_and_other_files_are_left_alone(work):
    with work.held(0):
        pass
    other = WorkList(**{**vars(work), "identity": {"format": "a/1", "of": "other items"}})
    parted = WorkList(**{**vars(work), "part": 5})
    for wrong in (other, parted):
        with pytest.raises(InputError, match="is of others"):
            wrong.is_finished()
    (work.folder / ".data.txt.0123abcd.partial").touch()
    assert not work.is_finished()
    (work.folder / "thesis.txt").touch()
    with pytest.raises(InputError, match=r"already holds other files: thesis\.txt"):
        work.is_finished()
    work.folder.rename(work.folder.with_name("away"))
    work.folder.touch()
    with pytest.raises(InputError, match="is a file"):
        work.is_finished()


def test_room_is_needed_for_what_is_not_done(work, monkeypatch):
    work.folder.mkdir()
    usage = shutil.disk_usage(work.folder)._replace(free=400)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(InputError, match="GB are needed"), work.held(500):
        raise AssertionError
    with work.held(399):
        work.note(0, 1)
    with work.held(590):  # a third is done
        pass
    with pytest.raises(InputError, match="GB are needed"), work.held(610):
        raise AssertionError
