"""Files appear whole or not at all."""

import pytest

from oneshot_emotic.errors import InputError, Problem, printable, some
from oneshot_emotic.files import new_folder, sha256_of_file, write_bytes, write_text


def names(path):
    return sorted(item.name for item in path.iterdir())


def test_write_replaces_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "a" / "b.txt"
    write_text(path, "one")
    write_text(path, "zwei ä\n")
    assert path.read_bytes() == "zwei ä\n".encode()
    assert names(path.parent) == ["b.txt"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "b.txt"
    write_bytes(path, b"old")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["b.txt"]


def test_new_folder_appears_when_done(tmp_path):
    target = tmp_path / "out"
    with new_folder(target, marker="m", contents=frozenset({"m", "n"})) as folder:
        (folder / "m").write_text("1")
        assert not target.exists()
    assert names(tmp_path) == ["out"]
    with new_folder(target, marker="m", contents=frozenset({"m", "n"})) as folder:
        (folder / "m").write_text("2")
        (folder / "n").write_text("2")
        assert (target / "m").read_text() == "1"
    assert names(target) == ["m", "n"]
    assert names(tmp_path) == ["out"]


def test_a_failure_leaves_the_old_folder(tmp_path):
    target = tmp_path / "out"
    with new_folder(target, marker="m", contents=frozenset({"m", "n"})) as folder:
        (folder / "m").write_text("1")
    with (
        pytest.raises(RuntimeError),
        new_folder(target, marker="m", contents=frozenset({"m", "n"})) as folder,
    ):
        (folder / "m").write_text("2")
        raise RuntimeError
    assert (target / "m").read_text() == "1"
    assert names(tmp_path) == ["out"]


def test_an_empty_folder_is_taken_and_a_full_one_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty", marker="m", contents=frozenset({"m", "n"})) as folder:
        (folder / "m").touch()
    for name in ("full", "mixed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").touch()
    (tmp_path / "mixed/m").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name in ("full", "mixed", "file", "link"):
        with (
            pytest.raises(InputError, match=name),
            new_folder(tmp_path / name, marker="m", contents=frozenset({"m"})),
        ):
            pytest.fail("must not get here")
    assert names(tmp_path / "full") == ["x"]


def test_digest(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of_file(tmp_path / "a").startswith("ba7816bf8f01cfea414140de5dae2223b00361a3")


def test_messages():
    error = InputError([Problem(f"wrong {n}", "file.json", "Mend it") for n in range(25)])
    lines = str(error).splitlines()
    assert lines[0] == "file.json: wrong 0. Mend it"
    assert len(lines) == 21
    assert lines[-1] == "... and 5 more problems like these"
    assert printable("a\nb\x1b\u202e") == "a\\nb\\x1b\\u202e"
    assert len(printable("x" * 900)) == 500
    assert some(range(5)) == "0, 1, 2 and 2 more"
    assert some(["a"]) == "a"
