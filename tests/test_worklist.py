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


@pytest.mark.parametrize("content", ["", "[]", "null", '{"crc32": 12', "[" * 100_000, "\x00"])
def test_a_result_that_is_none_is_not_done(work, content):
    with work.held(0):
        (work.folder / "parts/0000004.json").write_text(content)
        assert work.results() == {}


def test_a_changed_result_is_not_done(work):
    path = work.folder / "parts/0000004.json"
    with work.held(0):
        work.note(4, {"crc32": 1, "sizes": [[40, 30], None, [0.1, 1e300]]})
        noted = path.read_text()
        for place, char in enumerate(noted):
            path.write_text(noted[:place] + chr(ord(char) ^ 1) + noted[place + 1 :])
            assert work.results() == {}, path.read_text()
        path.write_text(noted)
        assert work.results() == {4: {"crc32": 1, "sizes": [[40, 30], None, [0.1, 1e300]]}}


@pytest.mark.parametrize("name", ["done.json", "parts/work.json"])
@pytest.mark.parametrize("content", ["", "[]", '{"format": "a/1"', "[" * 100_000])
def test_a_document_that_cannot_be_read_is_damaged(work, name, content):
    (work.folder / "parts").mkdir(parents=True)
    (work.folder / name).write_text(content)
    with pytest.raises(InputError, match=r"is damaged: \w+\.json cannot be read\. Remove it"):
        work.is_finished()


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
    usage = shutil.disk_usage(work.folder.parent)._replace(free=400e6)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: path.exists() and usage)
    message = r"there are 400\.0 MB free, and 500\.0 MB needed"
    with pytest.raises(InputError, match=message), work.held(500_000_000):
        raise AssertionError
    assert not work.folder.exists()
    message = r"there are 0\.4 GB free, and 1\.2 GB needed"
    with pytest.raises(InputError, match=message), work.held(399_000_000, last=801_000_000):
        raise AssertionError
    with work.held(399_000_000):
        work.note(0, 1)
    with work.held(590_000_000):  # a third is done
        pass
    with work.held(450_000_000, last=99_000_000):
        pass
    for needed, last in ((610_000_000, 0), (450_000_000, 101_000_000)):
        with pytest.raises(InputError, match="MB needed"), work.held(needed, last=last):
            raise AssertionError
