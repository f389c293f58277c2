"""Files appear whole or not at all."""

import errno
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import python

from oneshot_emotic import write_submission
from oneshot_emotic.errors import InputError, Problem, printable, some
from oneshot_emotic.files import (
    _exchange,
    json_text,
    new_folder,
    remove_leftovers,
    sha256_of_file,
    write_bytes,
    write_text,
)

#: Also the beginning of what runs in a process of its own.
PREAMBLE = """
import os, signal, sys
from pathlib import Path
from oneshot_emotic.files import new_folder, write_bytes
root = Path(sys.argv[1])
def folder_of(path):
    return new_folder(path, marker="m", contents=frozenset("mn"))
def write_folder(path, content):
    with folder_of(path) as folder:
        (folder / "m").write_bytes(content)
def wait():
    print("writing", flush=True)
    sys.stdin.read()
"""


def folder_of(path):
    return new_folder(path, marker="m", contents=frozenset("mn"))


def write_folder(path, content):
    with folder_of(path) as folder:
        (folder / "m").write_bytes(content)


def names(path):
    return sorted(item.name for item in path.iterdir())


texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@given(values)
def test_json_text_is_that_of_the_standard_library(value):
    assert json_text(value) == json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def test_write_replaces_and_leaves_nothing_beside(tmp_path, monkeypatch):
    path = tmp_path / "a" / "b.txt"
    write_text(path, "one")
    write_text(path, "zwei ä\n")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_bytes(path, b"new")
    assert path.read_bytes() == "zwei ä\n".encode()
    assert names(path.parent) == ["b.txt"]


posix = pytest.mark.skipif(os.name != "posix", reason="files of POSIX")


@posix
class TestWhatIsNoRegularFile:
    """As with the shell's `>`: a device, a pipe and a descriptor are written through."""

    @pytest.fixture
    def null(self, tmp_path):
        path = tmp_path / "null"
        try:
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
            path.write_bytes(b"")
        except (OSError, AttributeError):
            pytest.skip("no device can be made here")
        return path

    def test_a_device(self, null, tmp_path):
        (tmp_path / "link").symlink_to("null")
        for path in (null, tmp_path / "link"):
            write_bytes(path, b"x" * 100_000)
        assert stat.S_ISCHR(null.lstat().st_mode)
        assert (tmp_path / "link").is_symlink()
        assert names(tmp_path) == ["link", "null"]

    def test_a_full_device(self, null, tmp_path):
        path = tmp_path / "full"
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
        with pytest.raises(OSError, match="No space left") as caught:
            write_bytes(path, b"x")
        assert caught.value.filename == str(path)

    def test_a_pipe(self, tmp_path):
        path, got = tmp_path / "pipe", []
        os.mkfifo(path)
        reader = Thread(target=lambda: got.append(path.read_bytes()), daemon=True)
        reader.start()
        write_bytes(path, b"x" * 300_000)
        reader.join(30)
        assert got == [b"x" * 300_000]
        assert stat.S_ISFIFO(path.lstat().st_mode)

    def test_a_pipe_whose_reader_goes(self, tmp_path):
        path = tmp_path / "pipe"
        os.mkfifo(path)
        Thread(target=lambda: os.close(os.open(path, os.O_RDONLY)), daemon=True).start()
        with pytest.raises(BrokenPipeError) as caught:
            write_bytes(path, b"x" * 3_000_000)
        assert caught.value.filename == str(path)

    @pytest.mark.skipif(not os.path.lexists("/dev/stdout"), reason="no /dev/stdout")
    @pytest.mark.parametrize("path", ["/dev/fd/1", "link"])
    def test_standard_output_that_is_a_file(self, tmp_path, path):
        """To replace the file would lose what is printed before and after.

        Never /dev/stdout itself: were this broken, the whole machine would lose that link.
        """
        (tmp_path / "link").symlink_to("/dev/stdout")
        code = (
            "import sys\nfrom pathlib import Path\n"
            "from oneshot_emotic.files import write_bytes\n"
            "print('before', flush=True)\nwrite_bytes(Path(sys.argv[1]), b'written\\n')\n"
            "print('after')"
        )
        with (tmp_path / "out").open("wb") as out:
            command = [sys.executable, "-c", code, path]
            subprocess.run(command, stdout=out, check=True, cwd=tmp_path, timeout=60)
        assert (tmp_path / "out").read_text() == "before\nwritten\nafter\n"

    def test_a_link_is_followed(self, tmp_path):
        (tmp_path / "a").mkdir()
        (tmp_path / "a/file").write_bytes(b"old")
        (tmp_path / "second").symlink_to("a/file")
        (tmp_path / "first").symlink_to(tmp_path / "second")
        (tmp_path / "dangling").symlink_to("b/new")
        before = (tmp_path / "a/file").stat().st_ino
        write_bytes(tmp_path / "first", b"new")
        write_bytes(tmp_path / "dangling", b"new")
        assert (tmp_path / "a/file").read_bytes() == (tmp_path / "b/new").read_bytes() == b"new"
        assert (tmp_path / "a/file").stat().st_ino != before  # replaced whole
        assert names(tmp_path) == ["a", "b", "dangling", "first", "second"]
        assert all((tmp_path / x).is_symlink() for x in ("first", "second", "dangling"))
        assert names(tmp_path / "a") == ["file"] and names(tmp_path / "b") == ["new"]

    @pytest.mark.parametrize(
        ("name", "numbers"),
        [
            ("loop", [errno.ELOOP]),
            ("folder", [errno.EISDIR]),
            ("to-folder", [errno.EISDIR]),
            ("file/below", [errno.ENOTDIR]),
            ("socket", [errno.ENXIO, errno.EOPNOTSUPP]),  # Linux, macOS
        ],
    )
    def test_what_cannot_be_written_is_named(self, tmp_path, monkeypatch, name, numbers):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "loop").symlink_to("pool")
        (tmp_path / "pool").symlink_to("loop")
        (tmp_path / "folder").mkdir()
        (tmp_path / "to-folder").symlink_to("folder")
        (tmp_path / "file").touch()
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("socket")
        before = names(tmp_path)
        with pytest.raises(OSError) as caught:
            write_bytes(tmp_path / name, b"x")
        assert caught.value.errno in numbers
        assert caught.value.filename == str(tmp_path / name)
        assert names(tmp_path) == before


@posix
@pytest.mark.parametrize("where", ["gone", "/proc"])
def test_a_place_that_cannot_hold_files_is_an_error(tmp_path, where):
    if where == "/proc" and not Path(where).is_dir():
        pytest.skip("no /proc")
    code = (
        f"{PREAMBLE}\n"
        "if sys.argv[1] == 'gone': os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
        "else: os.chdir(sys.argv[1])\n"
        "for make in (write_bytes, write_folder):\n"
        "    try: make(Path('out'), b'x')\n"
        "    except OSError as error: print(error.filename, type(error).__name__)\n"
    )
    done = python("-c", code, where, cwd=tmp_path, timeout=30)
    lines = [line.split()[-2:] for line in done.stdout.splitlines()]
    assert [line[0].split("/")[-1] for line in lines] == ["out", "out"], done.stderr
    assert all(line[1] in ("FileNotFoundError", "PermissionError") for line in lines)


def test_a_lock_that_is_never_had_is_an_error(tmp_path, monkeypatch):
    tries = iter(range(1000))
    monkeypatch.setattr("oneshot_emotic.files._lock", lambda descriptor: next(tries) < 0)
    with pytest.raises(OSError) as caught:
        write_bytes(tmp_path / "out", b"x")
    assert caught.value.filename == str(tmp_path / "out")


def test_errors_name_the_file_as_it_will_be(tmp_path):
    """Not the hidden one, and not nothing where the system gave no name."""

    for error, expected in (
        (lambda new: OSError(errno.ENOSPC, "full"), str(tmp_path / "out")),
        (lambda new: OSError(errno.ENOSPC, "full", str(new / "m")), str(tmp_path / "out/m")),
        (lambda new: OSError(errno.EAGAIN, "no process could be started"), None),
    ):
        with pytest.raises(OSError) as caught, folder_of(tmp_path / "out") as new:
            raise error(new)
        assert caught.value.filename == expected
    assert names(tmp_path) == []


@pytest.mark.parametrize("exchange", [True, False])
def test_a_new_folder_appears_when_done(tmp_path, monkeypatch, exchange):
    """Where the system can exchange two names, and where it cannot."""
    if not exchange:
        monkeypatch.setattr("oneshot_emotic.files._exchange", lambda one, other: False)
    target = tmp_path / "out"
    write_folder(target, b"1")
    with folder_of(target) as folder:
        for name in "mn":
            (folder / name).write_text("2")
        assert (target / "m").read_text() == "1"
    assert names(target) == ["m", "n"]
    with pytest.raises(RuntimeError), folder_of(target) as folder:
        (folder / "m").write_text("3")
        raise RuntimeError
    assert (target / "m").read_text() == "2"
    assert names(tmp_path) == ["out"]


def test_an_empty_folder_is_taken_and_a_full_one_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    write_folder(tmp_path / "empty", b"")
    for name in ("full", "mixed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").touch()
    (tmp_path / "mixed/m").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name in ("full", "mixed", "file", "link"):
        with pytest.raises(InputError, match=name), folder_of(tmp_path / name):
            pytest.fail("must not get here")
    assert names(tmp_path / "full") == ["x"]


class TestLeftovers:
    """What killed runs left is cleared by the next; what a live run is writing is not."""

    def start(self, tmp_path, code):
        """A process that says when it is in the middle of writing, and waits."""
        process = subprocess.Popen(
            [sys.executable, "-c", f"{PREAMBLE}\n{code}", str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout.readline() == b"writing\n"
        return process

    FOLDER = "with folder_of(root / 'out') as folder: (folder / 'm').write_text('theirs'); wait()"
    FILE = "os.fsync = lambda _: wait()\nwrite_bytes(root / 'out', b'theirs')"

    @pytest.mark.parametrize("code", [FOLDER, FILE])
    def test_killed(self, tmp_path, code):
        process = self.start(tmp_path, code)
        process.kill()
        process.wait()
        assert len(names(tmp_path)) == 1 and names(tmp_path)[0].startswith(".out.")
        self.write(tmp_path, code)
        assert names(tmp_path) == ["out"]

    @pytest.mark.parametrize("code", [FOLDER, FILE])
    def test_alive(self, tmp_path, code):
        process = self.start(tmp_path, code)
        self.write(tmp_path, code)
        assert len(names(tmp_path)) == 2  # theirs goes on
        process.communicate(b"go on", timeout=30)
        assert process.returncode == 0
        assert names(tmp_path) == ["out"]
        out = tmp_path / "out"
        assert (out / "m" if out.is_dir() else out).read_text() == "theirs"

    def write(self, tmp_path, code):
        (write_bytes if code is self.FILE else write_folder)(tmp_path / "out", b"ours")

    def test_moved_away_is_brought_back(self, tmp_path):
        """The one moment where a system that cannot exchange names has neither folder."""
        (tmp_path / ".out.0123abcd.old").mkdir()
        (tmp_path / ".out.0123abcd.old/m").write_text("old")
        (tmp_path / ".out.0123abcd.partial").mkdir()
        (tmp_path / ".other.0123abcd.partial").touch()
        (tmp_path / ".out.mine").touch()
        remove_leftovers(tmp_path / "out")
        assert names(tmp_path) == [".other.0123abcd.partial", ".out.mine", "out"]
        assert (tmp_path / "out/m").read_text() == "old"

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="becomes another user")
    def test_anothers_in_a_folder_for_all(self):
        """Nobody can keep others from writing, as in /tmp."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o1777)
            (folder / ".out.0123abcd.partial").touch()
            if (process := os.fork()) == 0:
                os.setuid(12345)
                try:
                    write_bytes(folder / "out", b"x")
                finally:
                    os._exit(0 if (folder / "out").exists() else 1)
            assert os.waitpid(process, 0)[1] == 0
            assert names(folder) == [".out.0123abcd.partial", "out"]

    def test_no_link_is_followed(self, tmp_path):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine/thesis").touch()
        (tmp_path / ".out.0123abcd.partial").symlink_to(tmp_path / "mine")
        write_bytes(tmp_path / "out", b"x")
        assert (tmp_path / "mine/thesis").exists()


def test_the_exchange_swaps_in_one_step(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if not _exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this system cannot exchange names")
    assert names(tmp_path / "a") == ["b"] and names(tmp_path / "b") == ["a"]


def test_many_at_once(tmp_path):
    """Processes that replace the same folder and file: one of theirs stands, whole, at the end."""
    code = (
        f"{PREAMBLE}\n"
        "for n in range(30):\n"
        "    text = f'{os.getpid()} {n}' * 999\n"
        "    write_bytes(root / 'file', text.encode())\n"
        "    with folder_of(root / 'out') as folder:\n"
        "        for name in 'mn': (folder / name).write_text(text)\n"
        "    assert len(set((root / 'file').read_text().split())) > 0\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    assert names(tmp_path) == ["file", "out"]
    assert (tmp_path / "out/m").read_text() == (tmp_path / "out/n").read_text()
    assert len((tmp_path / "file").read_text()) > 999


def test_a_full_disk_leaves_the_old_file(tmp_path):
    """A limit on the size of files stands for the disk: the system refuses the write half-way."""
    code = (
        f"{PREAMBLE}\nimport resource\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "for make, name in ((write_bytes, 'file'), (write_folder, 'out')):\n"
        "    try: make(root / name, bytes(9000))\n"
        "    except OSError as error: print(error.filename, error.strerror)\n"
    )
    write_bytes(tmp_path / "file", b"old")
    write_folder(tmp_path / "out", b"old")
    result = python("-c", code, tmp_path)
    listed = [f"{tmp_path / name} File too large\n" for name in ("file", "out")]
    assert result.stdout == "".join(listed)
    assert (tmp_path / "file").read_text() == (tmp_path / "out/m").read_text() == "old"
    assert names(tmp_path) == ["file", "out"]


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


def test_what_is_read_is_not_written_over(tmp_path, task, run):
    write_submission(tmp_path / "a.npz", {x: [1.0] for x in task.novel.sample_ids}, task)
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "link").symlink_to("a.npz")
    os.link(tmp_path / "a.npz", tmp_path / "hard")
    for name in ("a.npz", "link", "hard"):
        output = run("score", tmp_path / "a.npz", "--json", tmp_path / name, status=2).output
        assert f"{name}: is read by this command too" in output
    (tmp_path / "b.npz").write_bytes(content)
    run("compare", tmp_path / "b.npz", tmp_path / "a.npz", "--json", tmp_path / "a.npz", status=2)
    run("synth", tmp_path / "st", "--annotations-only", "--persons", 60)
    mat = tmp_path / "st/Annotations/Annotations.mat"
    annotations = mat.read_bytes()
    run("build", tmp_path / "st", "-o", tmp_path / "ds", "--quirks", mat, status=2)
    assert mat.read_bytes() == annotations and (tmp_path / "a.npz").read_bytes() == content
