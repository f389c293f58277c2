"""Several training runs of a task: one row from the files to the page, and what is no run."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256

import numpy as np
import pytest
from conftest import REPOSITORY
from made import submission_folder
from pages import Page

from oneshot_emotic import evaluate, load_task, write_submission
from oneshot_emotic.dataset.load import TaskLoader
from oneshot_emotic.errors import InputError
from oneshot_emotic.leaderboard import recompute
from oneshot_emotic.leaderboard.cache import ScoreCache
from oneshot_emotic.scoring.runs import combine_runs
from oneshot_emotic.scoring.scores import merged
from oneshot_emotic.submission.folder import read_submission_folder
from oneshot_emotic.submission.runs import seeds

SAID = ("--seen-unseen-names", "no", "--seen-test-images", "no")


@pytest.fixture(scope="module")
def tasks():
    return [load_task("cat-6-6"), load_task("cat-6-4")]


def vectors(task, seed):
    """Whole numbers, so that float16 holds them."""
    rng = np.random.default_rng([seed, len(task.classes)])
    noise = rng.integers(-4, 5, size=(len(task.novel), len(task.classes)))
    return 3.0 * np.eye(len(task.classes))[task.novel_labels] + noise


@pytest.fixture(scope="module")
def files(tmp_path_factory, tasks):
    """Three runs of cat-6-6 and two of cat-6-4, of one model."""
    folder = tmp_path_factory.mktemp("runs")
    for task, runs in zip(tasks, (3, 2), strict=True):
        for seed in range(runs):
            path = folder / f"{task.name}-{seed}.npz"
            write_submission(path, (task.novel.sample_ids, vectors(task, seed)), task, "Mine")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def by_hand(tasks):
    """The row, each file scored alone."""

    def scored(task, seed):
        return evaluate((task.novel.sample_ids, vectors(task, seed)), task, (1, 5))

    six, four = tasks
    parts = [merged([scored(six, seed), scored(four, seed)]) for seed in range(2)]
    return combine_runs([*parts, scored(six, 2)]).named("Mine")


@pytest.fixture(scope="module")
def root(tmp_path_factory, files):
    """A checkout into which the files were submitted."""
    from oneshot_emotic.cli.main import main

    root = tmp_path_factory.mktemp("checkout")
    (root / "submissions").mkdir()
    (root / "leaderboard").mkdir()
    reported = (REPOSITORY / "leaderboard/reported.json").read_text()
    (root / "leaderboard/reported.json").write_text(reported)
    words = ["submit", *files, "--root", root, "--date", "2026-01-01", "--base", "clean", *SAID]
    main(list(map(str, words)), standalone_mode=False)
    return root


def content(path):
    return json.loads(path.read_text())


class TestTheWholeRoad:
    def test_score_and_compare(self, files, by_hand, run, tmp_path):
        output = run("score", *files, "--json", tmp_path / "s.json").output
        assert content(tmp_path / "s.json") == by_hand.to_dict()
        assert "cat-6-6: means of 3 runs" in output and "cat-6-4: means of 2 runs" in output
        run("compare", files[0].parent, files[0], "--json", tmp_path / "c.json", "--shots", 1)
        result = content(tmp_path / "c.json")
        assert result["a"]["digest"] == by_hand.digest
        with_seeds = by_hand.tasks["cat-6-6"][1].balanced_accuracy
        assert with_seeds.evidence.run_variance > 0
        # Of the files in order, the first is of cat-6-4.
        alone = content(tmp_path / "s.json")["tasks"]["cat-6-4"]["1"]["runs"]
        assert alone == 2 and result["differences"][0]["what"] == "cat-6-4"

    def test_submission_folder(self, root, tasks, run):
        folder = root / "submissions/mine"
        names = {"cat-6-6": ["cat-6-6.run-1", "cat-6-6.run-2", "cat-6-6.run-3"]}
        names["cat-6-4"] = ["cat-6-4.run-1", "cat-6-4.run-2"]
        document, submission = content(folder / "submission.json"), read_submission_folder(folder)
        for task in tasks:
            references = document["tasks"][task.name]
            assert [x["file"] for x in references] == [f"{x}.safetensors" for x in names[task.name]]
            for number, reference in enumerate(references):
                stored = (folder / reference["file"]).read_bytes()
                assert sha256(stored).hexdigest() == reference["sha256"]
                (file,) = [x for x in submission.files() if x.reference == reference]
                assert file.tasks == (task.name,)
                _, array = file.read().embeddings
                assert np.array_equal(array, vectors(task, number))
        output = run("check-submission", folder).output
        assert output.count("good  ") == 6
        assert "2 to 3 seeds" in output and "leave training out" not in output

    def test_the_board(self, root, by_hand, run):
        run("leaderboard", root, "--no-cache")
        scores = content(root / "leaderboard/scores/mine.json")
        assert scores == by_hand.to_dict()
        page = (root / "leaderboard/README.md").read_text()
        (row,) = [x for x in page.splitlines() if x.startswith("| 1 ") and "Mine" in x]
        assert [x.strip() for x in row.split("|")][4:6] == ["clean", "2 to 3 seeds"]
        run("leaderboard", root, "--format", "site", "-o", root / "site")
        html = Page((root / "site/index.html").read_text())
        assert html.tables[0][1][3:5] == ["clean", "2 to 3 seeds"]
        assert "& clean & 2 to 3 seeds &" in run("leaderboard", root, "--format", "latex").output
        head, *lines = run("leaderboard", root, "--format", "csv").output.splitlines()
        rows = [dict(zip(head.split(","), line.split(","), strict=True)) for line in lines]
        found = {(x["task"], x["runs"], x["base"]) for x in rows if x["submission"] == "mine"}
        assert found == {("cat-6-6", "3", "clean"), ("cat-6-4", "2", "clean")}
        board = json.loads(run("leaderboard", root, "--format", "json").output)["verified"][0]
        mine = board["submissions"]["mine"]
        assert (mine["base"], mine["seen_test_images"]) == ("clean", False)
        assert mine["tasks"]["cat-6-6"]["1"]["runs"] == 3

    def test_kept_file_by_file(self, root, tmp_path, by_hand, monkeypatch, tasks, files):
        """A new run is the only one that is scored; side by side gives the same."""
        keep, load = ScoreCache(tmp_path / "cache"), TaskLoader()
        folder = submission_folder(tmp_path / "part", tasks[0], vectors(tasks[0], 1))
        recompute.recompute_boards([folder], load, cache=keep)
        scored, evaluate_aligned = [], recompute.evaluate_aligned
        monkeypatch.setattr(
            recompute, "evaluate_aligned", lambda *x: scored.append(1) or evaluate_aligned(*x)
        )
        mine = root / "submissions/mine"
        again = [recompute.recompute_boards([mine], load, cache=keep) for _ in range(2)]
        assert len(scored) == 5  # other bytes than those of the .npz, so all of them, once
        assert again[0] == again[1]
        (row,) = again[1][0].rows
        assert row.scores == by_hand and row.scores.overall("cat") == by_hand.overall("cat")
        two = recompute.recompute_boards([mine, folder], load, processes=2)
        assert two[0].rows[0].scores == by_hand


REFERENCE = {"file": "a.npz", "sha256": "0" * 64}


def references(count):
    return [{"file": f"{n}.npz", "sha256": f"{n:064}"} for n in range(count)]


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        (references(1), "tasks.cat-6-6: has 1 entries; at least 2 are needed"),
        ([], "tasks.cat-6-6: has 0 entries; at least 2 are needed"),
        (references(21), "tasks.cat-6-6: has 21 entries; at most 20 are allowed"),
        ([REFERENCE, REFERENCE], "tasks.cat-6-6: names the same file for several runs: a.npz"),
        ([REFERENCE, {**REFERENCE, "file": "b.npz"}], "names the same sha256 for several runs: 00"),
        ([*references(2), {**REFERENCE, "file": "../a.npz"}], "tasks.cat-6-6.2.file: '../a.npz'"),
        ([*references(2), {**REFERENCE, "file": "/a.npz"}], "tasks.cat-6-6.2.file: '/a.npz' does"),
        ([*references(2), "a.npz"], "tasks.cat-6-6.2: 'a.npz' is not of type 'object'"),
        ([references(2), references(2)], "tasks.cat-6-6.0: "),
        ([REFERENCE, {"file": "b.npz"}], "tasks.cat-6-6.1: 'sha256' is a required property"),
        ({"run-1": REFERENCE}, "tasks.cat-6-6: 'file' is a required property"),
        ("a.npz", "tasks.cat-6-6: 'a.npz' is not of type 'object'"),
        (3, "tasks.cat-6-6: 3 is not of type 'object'"),
        ([{}, {"file": []}, {"file": {}, "sha256": None}, None], "tasks.cat-6-6.3: None is not"),
    ],
)
def test_what_is_no_list_of_runs(tmp_path, task, runs, message, run):
    folder = submission_folder(tmp_path / "a-model", task, np.ones((len(task.novel), 2)))
    document = content(folder / "submission.json")
    document["tasks"]["cat-6-6"] = runs
    (folder / "submission.json").write_text(json.dumps(document))
    with pytest.raises(InputError) as error:
        read_submission_folder(folder)
    assert message in str(error.value)
    assert "Traceback" not in run("check-submission", folder, status=2).output


def test_one_changed_run_is_named(tmp_path, root, run):
    import shutil

    folder = shutil.copytree(root / "submissions/mine", tmp_path / "mine")
    path = folder / "cat-6-6.run-2.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    for command in ("check-submission", "score"):
        output = run(command, folder, status=2).output
        assert f"{path}: has the SHA-256" in output and "run-1.safetensors: has" not in output


class TestSubmit:
    def submit(self, run, tmp_path, *files, status=2):
        (tmp_path / "root/submissions").mkdir(parents=True, exist_ok=True)
        words = ("--root", tmp_path / "root", "--name", "A", *SAID)
        return run("submit", *files, *words, status=status).output

    def test_the_same_embeddings_are_no_other_run(self, tmp_path, task, run, files):
        copy = tmp_path / "copy.safetensors"
        write_submission(copy, (task.novel.sample_ids, vectors(task, 0)), task, "Mine")
        output = self.submit(run, tmp_path, files[2], copy)
        assert f"{copy}: holds the same embeddings as {files[2]}" in output
        assert f"{copy}: holds the same embeddings" in run("score", files[2], copy, status=2).output

    def test_nor_such_that_are_the_same_when_stored(self, tmp_path, task, run):
        for number in range(2):
            array = vectors(task, 0) + 1e-9 * number
            path = tmp_path / f"{number}.npz"
            write_submission(path, (task.novel.sample_ids, array), task, "A", "float64")
        output = self.submit(run, tmp_path, tmp_path / "0.npz", tmp_path / "1.npz")
        assert "1.npz: holds the same embeddings as" in output
        assert list((tmp_path / "root/submissions").iterdir()) == []

    def test_too_many(self, tmp_path, task, run):
        for number in range(21):
            path = tmp_path / "files" / f"{number}.npz"
            write_submission(path, (task.novel.sample_ids, vectors(task, number)), task)
        output = self.submit(run, tmp_path, tmp_path / "files")
        assert "21 files of cat-6-6: a task has at most 20 runs" in output

    def test_of_several_models(self, tmp_path, task, run, files):
        other = tmp_path / "other.npz"
        write_submission(other, (task.novel.sample_ids, vectors(task, 7)), task, "Theirs")
        for command in ("score", "compare"):
            chosen = (other, files[2])
            if command == "compare":
                (tmp_path / "both").mkdir()
                for path in chosen:
                    (tmp_path / "both" / path.name).write_bytes(path.read_bytes())
                chosen = (tmp_path / "both", files[2])
            output = run(command, *chosen, status=2).output
            assert "files of cat-6-6 are of several models: Mine, Theirs" in output


@pytest.mark.parametrize(
    ("runs", "words"),
    [([1, 1], "1 seed"), ([3], "3 seeds"), ([3, 1, 2], "1 to 3 seeds"), ([2, 2, 2], "2 seeds")],
)
def test_seeds(runs, words):
    assert seeds(runs) == words


@pytest.mark.parametrize("base", ["all", "Full", "", None, 1])
def test_the_card_names_a_base_that_there_is(tmp_path, task, base):
    folder = submission_folder(tmp_path / "a-model", task, np.ones((len(task.novel), 2)))
    document = content(folder / "submission.json")
    document["model"]["base"] = base
    (folder / "submission.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"model\.base: .* is not one of"):
        read_submission_folder(folder)


def test_other_training_seeds_on_the_card_are_noted(root, run, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(root / "submissions/mine", folder)
    for listed, noted in (([0, 1, 2], False), ([7], True), ([], True)):
        document = content(folder / "submission.json")
        document["model"]["training_seeds"] = listed
        (folder / "submission.json").write_text(json.dumps(document))
        output = run("check-submission", folder).output
        assert ("note  the model card lists other training seeds than that" in output) == noted
