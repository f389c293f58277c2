"""What commands print and write: any terminal, any reader, any target, nothing that is obeyed."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from ended import end_here
from hypothesis import given
from hypothesis import strategies as st
from made import empty_checkout, small_checkout, submission_folder
from matlab import image, person, write_mat

from oneshot_emotic import load_task, write_submission
from oneshot_emotic.cli.main import main
from oneshot_emotic.cli.progress import echo, echo_document
from oneshot_emotic.dataset.load import TaskLoader
from oneshot_emotic.errors import InputError
from oneshot_emotic.leaderboard import recompute

HOSTILE = "\x1b[2Ja\x9b31m\u202e\u2066\u200b\rerror: none\x07"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two files of embeddings of cat-6-4."""
    folder = tmp_path_factory.mktemp("embeddings")
    paths = []
    task = load_task("cat-6-4")
    for place in range(2):
        vectors = np.random.default_rng(place).normal(size=(len(task.novel), 4))
        paths.append(folder / f"{place}.npz")
        card = {"name": "Müller – ≈ 模型"}
        write_submission(paths[-1], (task.novel.sample_ids, vectors), task, card)
    return paths


@pytest.fixture
def device(tmp_path):
    """A device that swallows everything."""
    path = tmp_path / "null"
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        path.write_bytes(b"")
    except (OSError, AttributeError):
        pytest.skip("no device can be made here")
    return path


def test_a_device_as_the_output_stays_one(device, files, tmp_path, run):
    one, other = files
    people = [image(f"{n}.jpg", person((("Esteem",),), ((2, 4, 7),))) for n in range(2)]
    write_mat(tmp_path / "copy/Annotations/Annotations.mat", train=people)
    (tmp_path / "copy/emotic/mscoco/images").mkdir(parents=True)
    commands = [
        ("score", one, "--shots", 1, "--json", device),
        ("compare", one, other, "--shots", 1, "--json", device),
        ("leaderboard", small_checkout(tmp_path), "--format", "csv", "-o", device),
        ("build", tmp_path / "copy", "-o", tmp_path / "ds", "--quirks", device),
    ]
    for arguments in commands:
        run(*arguments)
        assert stat.S_ISCHR(device.lstat().st_mode), arguments[0]
    run("check-images", tmp_path / "copy", "-o", device, "--workers", 1, status=1)
    assert stat.S_ISCHR(device.lstat().st_mode)


@pytest.mark.parametrize("given", [True, False])
def test_the_demo_leaves_alone_what_it_has_not_made(tmp_path, run, monkeypatch, given):
    work = tmp_path / ("mine" if given else "oneshot-emotic/demo")
    for name in ("dataset/manifest.json", "embeddings/cat-6-6.safetensors", "scores.json"):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text("years of work")
    before = sorted(work.rglob("*"))
    monkeypatch.setenv("ONESHOT_EMOTIC_CACHE", str(tmp_path))
    result = run("demo", *(("--workdir", work) if given else ()), status=2)
    assert f"{work}: already holds other files" in result.output
    assert sorted(work.rglob("*")) == before


class TestEncodings:
    @pytest.mark.parametrize("charset", ["latin-1", "cp1252", "ascii"])
    def test_what_the_terminal_lacks_is_replaced(self, files, charset):
        arguments = ["score", str(files[0]), "--shots", "1"]
        result = CliRunner(charset=charset).invoke(main, arguments, catch_exceptions=False)
        assert result.exit_code == 0
        text = result.stdout_bytes.decode(charset)  # nothing that it lacks
        names = {"ascii": "M?ller ? ? ??", "latin-1": "Müller ? ? ??", "cp1252": "Müller – ? ??"}
        assert f"{names[charset]}, 1-shot" in text

    @pytest.mark.parametrize("charset", ["latin-1", "ascii"])
    def test_documents_are_utf_8_everywhere(self, files, charset):
        arguments = ["score", str(files[0]), "--shots", "1", "--json", "-"]
        result = CliRunner(charset=charset).invoke(main, arguments, catch_exceptions=False)
        assert json.loads(result.stdout_bytes)["submission"]["name"] == "Müller – ≈ 模型"


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
class TestReaders:
    """A reader that goes away, or a disk that is full, loses no file."""

    def run(self, stdout, *arguments):
        command = [sys.executable, "-m", "oneshot_emotic", *map(str, arguments)]
        return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=90)

    @pytest.fixture
    def closed(self):
        """The writing end of a pipe that nobody reads any more."""
        reading, writing = os.pipe()
        os.close(reading)
        yield writing
        os.close(writing)

    @pytest.mark.parametrize("command", ["score", "compare"])
    def test_a_closed_pipe(self, files, tmp_path, closed, command):
        chosen = files[:1] if command == "score" else files
        path = tmp_path / "out.json"
        done = self.run(closed, command, *chosen, "--shots", 1, "--json", path)
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(path.read_text())["format"].startswith("oneshot-emotic-")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
    def test_a_full_disk_under_what_is_printed(self, files, tmp_path):
        path = tmp_path / "out.json"
        with open("/dev/full", "w") as full:  # noqa: PTH123
            done = self.run(full, "score", files[0], "--shots", 1, "--json", path)
        assert done.returncode == 2
        assert done.stderr == "error: standard output: No space left on device\n"
        assert json.loads(path.read_text())

    def test_both_streams_closed(self, tmp_path, closed):
        """The progress too: what is written is whole."""
        command = [sys.executable, "-m", "oneshot_emotic", "synth", str(tmp_path / "st")]
        command += ["--annotations-only", "--persons", "3"]
        done = subprocess.run(command, stdout=closed, stderr=closed, timeout=90)
        assert done.returncode == 0
        assert (tmp_path / "st/SYNTHETIC.json").exists()


class TestPrintable:
    @given(st.lists(st.text(), max_size=3), st.booleans())
    def test_echo(self, lines, err):
        """Nothing that a terminal obeys, and as many lines as were meant."""
        with pytest.MonkeyPatch.context() as patch:
            stream = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="")
            patch.setattr("sys.stderr" if err else "sys.stdout", stream)
            echo(*lines, err=err)
            text = stream.buffer.getvalue().decode()
        assert text.endswith("\n")
        assert text.count("\n") == max(1, len(lines))
        assert text.replace("\n", "").isprintable()

    @given(st.text())
    def test_a_json_document_means_the_same(self, text):
        with pytest.MonkeyPatch.context() as patch:
            stream = io.TextIOWrapper(io.BytesIO(), "latin-1", newline="")
            patch.setattr("sys.stdout", stream)
            echo_document(json.dumps({"text": text}, ensure_ascii=False) + "\n")
            shown = stream.buffer.getvalue().decode("utf-8")
        assert json.loads(shown) == {"text": text}
        assert shown.rstrip("\n").isprintable()

    @pytest.mark.skipif(os.name != "posix", reason="no such names")
    def test_names_of_files(self, files, tmp_path, run):
        path = tmp_path / f"{HOSTILE}\nnothing wrong.npz"
        path.write_bytes(files[0].read_bytes())
        lines = run("check-submission", path).output
        lines += run("compare", path, files[1], "--shots", 1, "--json", f"{path}.json").output
        lines += run("score", f"{path}.none", status=2).output
        lines += run("score", f"--{HOSTILE}", status=2).output
        lines += run("score", files[0], "--shots", HOSTILE, status=2).output
        assert lines.replace("\n", "").isprintable()
        assert lines.splitlines().count("nothing wrong") == 1

    @pytest.mark.skipif(sys.platform != "linux", reason="no such names")
    def test_a_name_that_is_no_text(self, files, tmp_path, run):
        """File names are bytes; such ones reach Python as lone surrogates."""
        path = tmp_path / os.fsdecode(b"caf\xe9.npz")
        path.write_bytes(files[0].read_bytes())
        assert "caf\\udce9.npz" in run("check-submission", path).output


@pytest.mark.skipif(os.name != "posix", reason="kills by POSIX signals")
class TestWorkerLost:
    def check(self, result):
        [line] = [line for line in result.output.splitlines() if line.startswith("error")]
        assert "a worker process was ended by the system" in line
        assert "fewer --workers" in line and "more memory" in line
        return line

    def test_synth(self, tmp_path, run, monkeypatch):
        monkeypatch.setattr("oneshot_emotic.synthetic.write._draw_batch", end_here)
        self.check(run("synth", tmp_path / "st", "--persons", 150, "--workers", 2, status=3))
        assert list(tmp_path.iterdir()) == []

    def test_leaderboard_says_what_was_at_work(self, tmp_path, run, monkeypatch, task):
        empty_checkout(tmp_path)
        for number in range(recompute._FEW):
            folder = tmp_path / "submissions" / f"s{number}"
            submission_folder(folder, task, np.ones((len(task.novel), 2)))
        monkeypatch.setattr(recompute, "_score_here", end_here)
        result = run("leaderboard", tmp_path, "--no-cache", "--workers", 2, status=3)
        assert "s0/cat-6-6.npz" in self.check(result)


class TestMemory:
    """The message says which file or submission it was."""

    def run_out(self, *arguments, **options):
        raise MemoryError

    def test_a_board(self, tmp_path, task, monkeypatch):
        folder = submission_folder(tmp_path / "large", task, np.ones((len(task.novel), 2)))
        monkeypatch.setattr(recompute, "evaluate_aligned", self.run_out)
        with pytest.raises(InputError, match=r"large/cat-6-6.npz: there is not enough memory"):
            recompute.recompute_boards([folder], TaskLoader())

    @pytest.mark.parametrize("command", ["score", "compare", "check-submission"])
    def test_a_file(self, files, run, monkeypatch, command):
        room = "submission.check" if command == "check-submission" else "cli.submissions"
        monkeypatch.setattr(f"oneshot_emotic.{room}.read_embeddings_file", self.run_out)
        chosen = files if command == "compare" else files[:1]
        output = run(command, *chosen, status=2).output
        assert f"{files[0]}: there is not enough memory" in output

    def test_scoring(self, files, run, monkeypatch):
        monkeypatch.setattr("oneshot_emotic.cli.submissions.evaluate_aligned", self.run_out)
        output = run("score", files[0], status=2).output
        assert "cat-6-4: there is not enough memory" in output
