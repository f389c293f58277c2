"""Files of embeddings as the command line takes them: several, in folders, of several models."""

from __future__ import annotations

import json
from hashlib import sha256

import numpy as np
import pytest
from made import SAID

from oneshot_emotic import load_task, write_submission


@pytest.fixture
def other():
    return load_task("cat-6-4")


@pytest.fixture
def write(tmp_path, task, other, rng):
    """Write cat-6-6 and cat-6-4, each under the name of a model."""

    def both(*names, suffix=".npz", folder=tmp_path / "files"):
        paths = []
        for one, name in zip((task, other), names, strict=True):
            vectors = (one.novel.sample_ids, np.eye(6)[one.novel_labels] + 1)
            paths.append(folder / f"{one.name}{suffix}")
            write_submission(paths[-1], vectors, one, name)
        return paths

    return both


@pytest.fixture
def scores(run, tmp_path):
    """What `score --json` writes."""

    def call(*arguments):
        run("score", *arguments, "--shots", 1, "--json", tmp_path / "scores.json")
        return json.loads((tmp_path / "scores.json").read_text())

    return call


class TestFolders:
    def test_stands_for_its_files(self, write, scores, tmp_path):
        files = write("A", "A")
        (tmp_path / "files/notes.txt").write_text("x")
        (tmp_path / "files/sub").mkdir()
        assert scores(tmp_path / "files") == scores(*files)

    def test_compare(self, write, run, tmp_path):
        files = write("A", "A")
        write("B", "B", folder=tmp_path / "other", suffix=".json")
        text = run("compare", tmp_path / "files", tmp_path / "other", "--shots", 1).output
        assert "cat-6-6" in text and "cat-6-4" in text
        options = ("--task", "cat-6-4", "--shots", 1, "--json", tmp_path / "c.json")
        run("compare", files[0].parent, files[1], *options)
        (line,) = json.loads((tmp_path / "c.json").read_text())["differences"]
        assert line["what"] == "cat-6-4" and line["mean"] == 0.0

    def test_one_task_of_it(self, write, run, scores, tmp_path):
        write("A", "A")
        assert list(scores(tmp_path / "files", "--task", "cat-6-4")["tasks"]) == ["cat-6-4"]
        output = run("score", tmp_path / "files", "--task", "lev-7-3-valence", status=2).output
        assert "holds no files of embeddings for lev-7-3-valence" in output

    def test_what_a_document_refers_to_comes_once(self, write, scores, tmp_path, task):
        files = write("A", "A")
        expected = scores(*files)
        digest = sha256(files[0].read_bytes()).hexdigest()
        dataset = {"name": "synthetic", "fingerprint": task.dataset.fingerprint}
        document = {"format": "oneshot-emotic/1", "task": "cat-6-6", "dataset": dataset,
                    "model": {"name": "A"},
                    "embeddings": {"file": files[0].name, "sha256": digest}}  # fmt: skip
        (tmp_path / "files/preds.json").write_text(json.dumps(document))
        assert scores(tmp_path / "files") == expected

    def test_a_submission_folder(self, write, run, scores, tmp_path):
        files = write("A", "A")
        (tmp_path / "submissions").mkdir()
        run("submit", tmp_path / "files", "--root", tmp_path, *SAID)
        assert scores(tmp_path / "submissions/a") == scores(*files)
        output = run("score", tmp_path / "submissions/a", "--task", "lev-7-3-valence", status=2)
        assert "has no embeddings for lev-7-3-valence" in output.output

    def test_all_problems_at_once(self, write, run, tmp_path):
        files = write("A", "A")
        files[0].write_bytes(b"x")
        (tmp_path / "files/b.json").write_text("{")
        output = run("score", tmp_path / "files", tmp_path / "none", status=2).output
        for text in (
            "cat-6-6.npz: is not a valid",
            "b.json: is not JSON",
            "none: there is no such",
        ):
            assert text in output

    def test_an_empty_one(self, run, tmp_path):
        output = run("score", tmp_path, status=2).output
        assert "holds no files of embeddings" in output and ".safetensors" in output


class TestSeveralModels:
    def test_score_warns(self, write, run, scores):
        files = write("Mine", "Theirs")
        output = run("score", *files, "--shots", 1).output
        assert "warning: files of several models are scored as one: Mine, Theirs" in output
        assert scores(*files)["submission"]["name"] is None
        assert "warning" not in run("score", *write("Mine", "Mine"), "--shots", 1).output

    def test_submit_refuses_them_unless_forced(self, write, run, tmp_path):
        (tmp_path / "submissions").mkdir()
        files = write("Mine", "Theirs")
        arguments = ("submit", *files, "--root", tmp_path, "--name", "Ours", *SAID)
        output = run(*arguments, status=2).output
        assert "the files are of several models: Mine, Theirs" in output and "--force" in output
        assert list((tmp_path / "submissions").iterdir()) == []
        run(*arguments, "--force")
        document = json.loads((tmp_path / "submissions/ours/submission.json").read_text())
        assert document["model"]["name"] == "Ours"

    def test_a_file_without_a_name_is_of_any(self, write, run, tmp_path):
        (tmp_path / "submissions").mkdir()
        files = write("Mine", None)
        run("submit", *files, "--root", tmp_path, *SAID)
        assert (tmp_path / "submissions/mine/submission.json").exists()


class TestMessages:
    def test_bare_vectors(self, task, run, tmp_path):
        vectors = {name: [1.0, 2.0] for name in task.novel.sample_ids}
        for content in (vectors, {"0": [1.0]}):
            (tmp_path / "a.json").write_text(json.dumps(content))
            output = run("score", tmp_path / "a.json", status=2).output
            assert f"a bare object of {len(content)} vectors" in output
            assert "write_submission(path, embeddings, task)" in output
            assert len(output) < 400

    @pytest.mark.parametrize("name", ["no.npz", "no.txt", "no/such", "preds"])
    def test_what_is_not_there(self, run, tmp_path, name):
        output = run("score", tmp_path / name, status=2).output
        assert output == f"error: {tmp_path / name}: there is no such file\n"
