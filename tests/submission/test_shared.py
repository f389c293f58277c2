"""One file of embeddings for several tasks: every road it goes, and what is no such file."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256

import numpy as np
import pytest
from conftest import REPOSITORY

from oneshot_emotic import evaluate, load_task, write_submission
from oneshot_emotic.dataset.load import TaskLoader
from oneshot_emotic.errors import InputError
from oneshot_emotic.leaderboard import recompute
from oneshot_emotic.leaderboard.cache import ScoreCache
from oneshot_emotic.scoring.scores import merged
from oneshot_emotic.submission import embeddings_file
from oneshot_emotic.submission.check import check_embeddings_file
from oneshot_emotic.submission.embeddings_file import SUFFIXES, read_embeddings_file
from oneshot_emotic.submission.folder import read_submission_folder, write_submission_document

SAID = ("--seen-unseen-names", "no", "--seen-test-images", "no")
NAMES = ["cat-6-4", "lev-7-3-valence"]


@pytest.fixture(scope="module")
def tasks():
    return [load_task(name) for name in NAMES]


def vectors(tasks, seed=0):
    """Whole numbers, so that float16 holds them, for everyone novel in one of the tasks."""
    rng = np.random.default_rng(seed)
    persons = sorted({x for task in tasks for x in task.novel.sample_ids})
    return {sample_id: rng.integers(-9, 9, 5).astype(float) for sample_id in persons}


def part(found, task):
    return {sample_id: found[sample_id] for sample_id in task.novel.sample_ids}


@pytest.fixture(scope="module")
def by_hand(tasks):
    """The scores of the same vectors, given to each task alone."""
    found = vectors(tasks)
    return merged([evaluate(part(found, task), task, (1, 5)) for task in tasks], "Mine")


@pytest.fixture
def shared(tmp_path, tasks):
    write_submission(tmp_path / "mine.npz", vectors(tasks), tasks, "Mine")
    return tmp_path / "mine.npz"


@pytest.fixture
def folder(tmp_path, tasks):
    """A submission of two runs that both tasks share."""
    folder = tmp_path / "submissions/a-model"
    for seed, name in enumerate(("a.npz", "b.safetensors")):
        write_submission(folder / name, vectors(tasks, seed), tasks)
    document(folder, {name: ["a.npz", "b.safetensors"] for name in NAMES}, tasks[0])
    return folder


def document(folder, files, task):
    dataset = {"name": task.dataset.name, "fingerprint": task.dataset.fingerprint}
    write_submission_document(folder, dataset, {"name": "Mine"}, files)


def problems(folder):
    return [str(x) for x in found_by(lambda: recompute.recompute_boards([folder], TaskLoader()))]


def found_by(call):
    with pytest.raises(InputError) as caught:
        call()
    return caught.value.problems


class TestTheWholeRoad:
    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_every_format_scores_as_files_of_their_own_do(
        self, tmp_path, tasks, by_hand, run, suffix
    ):
        path = tmp_path / f"mine{suffix}"
        found = vectors(tasks)
        write_submission(path, found, tasks[::-1], "Mine")
        file = read_embeddings_file(path)
        assert file.tasks == tuple(NAMES)
        for item, task in zip(check_embeddings_file(file, TaskLoader()), tasks, strict=True):
            assert item.task.name == task.name
            expected = list(part(found, task).values())
            assert np.array_equal(item.aligned, expected)
        if suffix == ".npz":
            assert json.loads(run("score", path, "--json", "-").output) == by_hand.to_dict()
            chosen = json.loads(
                run("score", path, "--task", "lev-7-3-valence", "--json", "-").output
            )
            assert chosen["tasks"] == {
                "lev-7-3-valence": by_hand.to_dict()["tasks"]["lev-7-3-valence"]
            }

    def test_each_task_is_as_exact_as_alone(self, tmp_path, tasks):
        """The digest of a task's values does not depend on those of persons of another task."""
        found, (cat, lev) = vectors(tasks), tasks
        (only_cat, *_) = sorted(set(cat.novel.sample_ids) - set(lev.novel.sample_ids))
        found[only_cat] = found[only_cat] + 1e-12  # float64 alone holds it
        write_submission(tmp_path / "a.npz", found, tasks, dtype="float64")
        items = check_embeddings_file(read_embeddings_file(tmp_path / "a.npz"), TaskLoader())
        assert [x.aligned.dtype for x in items] == [np.float64, np.float32]

    def test_the_bytes_of_a_single_task_are_those_of_before(self, tmp_path, tasks):
        for number, given in enumerate((tasks[0], tasks[:1], tuple(tasks[:1]))):
            write_submission(tmp_path / f"{number}.json", vectors(tasks[:1]), given, "Mine")
        texts = {path.read_bytes() for path in tmp_path.iterdir()}
        assert len(texts) == 1 and json.loads(texts.pop())["task"] == "cat-6-4"

    def test_compare_and_check(self, shared, tasks, run, tmp_path):
        write_submission(tmp_path / "four.json", part(vectors(tasks), tasks[1]), tasks[1], "Other")
        options = ("--shots", 1, "--json", "-")
        (line,) = json.loads(run("compare", shared, tmp_path / "four.json", *options).output)[
            "differences"
        ]
        assert (line["what"], line["mean"]) == ("lev-7-3-valence", 0.0)
        output = run("check-submission", shared).output
        assert "cat-6-4, all 612" in output and "lev-7-3-valence, all 1,217" in output

    def test_submit_stores_it_once(self, shared, tasks, by_hand, run, tmp_path):
        root = tmp_path / "root"
        (root / "submissions").mkdir(parents=True)
        shutil.copytree(REPOSITORY / "leaderboard", root / "leaderboard")
        output = run("submit", shared, "--root", root, *SAID).output
        mine = root / "submissions/mine"
        assert "shared by 2" in output and "float16" in output
        assert sorted(x.name for x in mine.iterdir()) == ["shared.safetensors", "submission.json"]
        digest = sha256((mine / "shared.safetensors").read_bytes()).hexdigest()
        named = json.loads((mine / "submission.json").read_text())["tasks"]
        assert list(named) == NAMES
        assert list(named.values()) == [{"file": "shared.safetensors", "sha256": digest}] * 2
        (file,) = read_submission_folder(mine).files()
        assert file.read().tasks == tuple(NAMES)
        run("leaderboard", root)
        scores = json.loads((root / "leaderboard/scores/mine.json").read_text())
        assert scores == by_hand.to_dict()
        assert json.loads(run("score", mine, "--json", "-").output) == by_hand.to_dict()
        again = ("--replace", "--slug", "mine", "--task", "cat-6-4")
        run("submit", mine, "--root", root, *again, *SAID)
        assert sorted(x.name for x in mine.iterdir()) == ["cat-6-4.safetensors", "submission.json"]

    def test_submit_of_files_that_are_shared_by_some(self, shared, tasks, run, tmp_path):
        """A second run of one task alone: each task has files of its own."""
        (tmp_path / "root/submissions").mkdir(parents=True)
        other = tmp_path / "other.npz"
        write_submission(other, part(vectors(tasks, 3), tasks[0]), tasks[0], "Mine")
        run("submit", shared, other, "--root", tmp_path / "root", *SAID)
        files = read_submission_folder(tmp_path / "root/submissions/mine").files()
        assert [(x.tasks, x.path.name) for x in files] == [
            (("cat-6-4",), "cat-6-4.run-1.safetensors"),
            (("lev-7-3-valence",), "lev-7-3-valence.safetensors"),
            (("cat-6-4",), "cat-6-4.run-2.safetensors"),
        ]

    def test_a_type_that_keeps_the_figures_of_every_task(self, tmp_path, tasks, run):
        """float16 would do for the second task, not for what the first has besides."""
        (tmp_path / "root/submissions").mkdir(parents=True)
        found, (cat, lev) = vectors(tasks), tasks
        for sample_id in set(cat.novel.sample_ids) - set(lev.novel.sample_ids):
            found[sample_id] = found[sample_id] * 1e5
        write_submission(tmp_path / "a.npz", found, tasks, "Mine")
        output = run("submit", tmp_path / "a.npz", "--root", tmp_path / "root", *SAID).output
        assert "x float32" in output and "float16" not in output

    def test_several_runs_and_the_cache(self, folder, tasks, tmp_path, monkeypatch):
        runs = [
            merged([evaluate(part(vectors(tasks, seed), task), task, (1, 5)) for task in tasks])
            for seed in range(2)
        ]
        cache, load, hashed = ScoreCache(tmp_path / "cache"), TaskLoader(), []
        digest_of = embeddings_file.sha256_of_stream
        monkeypatch.setattr(
            embeddings_file, "sha256_of_stream", lambda x: hashed.append(1) or digest_of(x)
        )
        first = recompute.recompute_boards([folder], load, cache=cache)
        assert len(hashed) == 4  # each once to look for it, once as it is read
        monkeypatch.setattr(recompute, "evaluate_aligned", lambda *_: pytest.fail("scored again"))
        assert recompute.recompute_boards([folder], load, cache=cache) == first
        assert len(hashed) == 6
        (row,) = first[0].rows
        for name in NAMES:
            figure = row.scores.tasks[name][1]
            assert figure.runs == 2
            means = [run.tasks[name][1].balanced_accuracy.mean for run in runs]
            assert figure.balanced_accuracy.mean == pytest.approx(sum(means) / 2, abs=1e-15)

    def test_what_was_kept_for_both_does_not_pass_for_one(self, folder, tasks, tmp_path):
        cache, load = ScoreCache(tmp_path / "cache"), TaskLoader()
        document(folder, dict.fromkeys(NAMES, "a.npz"), tasks[0])
        (folder / "b.safetensors").unlink()
        recompute.recompute_boards([folder], load, cache=cache)
        document(folder, {"lev-7-3-valence": "a.npz"}, tasks[0])
        call = lambda: recompute.recompute_boards([folder], load, cache=cache)  # noqa: E731
        (problem,) = found_by(call)
        assert "is for the task 'cat-6-4', 'lev-7-3-valence', not 'lev-7-3-valence'" in problem.what

    def test_one_document_for_both(self, shared, tasks, tmp_path, run, by_hand):
        digest = sha256(shared.read_bytes()).hexdigest()
        task = tasks[0]
        dataset = {"name": "synthetic", "fingerprint": task.dataset.fingerprint}
        content = {"format": "oneshot-emotic/1", "task": NAMES, "dataset": dataset,
                   "model": {"name": "Mine"},
                   "embeddings": {"file": "mine.npz", "sha256": digest}}  # fmt: skip
        (tmp_path / "preds.json").write_text(json.dumps(content))
        assert json.loads(run("score", tmp_path, "--json", "-").output) == by_hand.to_dict()


class TestPersons:
    def test_one_too_few_and_one_too_many(self, tmp_path, tasks, run):
        found = vectors(tasks)
        (gone, *_) = found
        base = next(x for x in tasks[0].base.sample_ids if x not in found)
        (tmp_path / "a.json").write_text("")
        content = {"format": "oneshot-emotic/1", "task": NAMES,
                   "dataset": {"name": "synthetic", "fingerprint": tasks[0].dataset.fingerprint},
                   "embeddings": {x: list(y) for x, y in found.items() if x != gone}
                   | {"train/i/nobody.jpg#0": [1.0] * 5, base: [1.0] * 5}}  # fmt: skip
        (tmp_path / "a.json").write_text(json.dumps(content))
        lines = run("check-submission", tmp_path / "a.json", status=2).output.splitlines()
        assert lines[0] == "2 problems:" and len(lines) == 3
        assert (
            f"no embedding for 1 of the {len(found):,} novel persons of cat-6-4, lev-7-3-valence"
            in lines[1]
        )
        assert f"such as {gone}" in lines[1]
        assert (
            "2 sample_ids of nobody novel in cat-6-4, lev-7-3-valence (1 of base persons)"
            in lines[2]
        )

    def test_from_python(self, tmp_path, tasks):
        found, path = vectors(tasks), tmp_path / "a.npz"
        message = "of nobody novel in lev-7-3-valence"
        with pytest.raises(InputError, match=message):
            write_submission(path, found, tasks[1:])
        for given, message in (
            (tasks[:1] * 2, "different tasks of one data set"),
            ([], "the task is a NoneType"),
            (NAMES, "'cat-6-4' is a task's name, not a task"),
            ([tasks[0], tasks[0].base.split(by="class", share=0.3)[1]], "of a published data set"),
        ):
            with pytest.raises(InputError, match=message):
                write_submission(path, found, given)
        assert not path.exists()


def header_of(task, names):
    dataset = {"name": "synthetic", "fingerprint": task.dataset.fingerprint}
    return {"format": "oneshot-emotic/1", "task": names, "dataset": dataset}


@pytest.mark.parametrize("suffix", [".json", ".npz"])
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["cat-6-4", "cat-6-4"], "has non-unique elements"),
        ([], "has 0 entries; at least 1 are needed"),
        (["cat-6-4", "cat-9"], "task.1: 'cat-9' is not one of"),
        (["cat-6-4", 3], "task.1: 3 is not one of"),
        ([["cat-6-4"]], "task.0: ['cat-6-4'] is not one of"),
        ({"cat-6-4": "lev-7-3-valence"}, "task: {'cat-6-4': 'lev-7-3-valence'} is not one of"),
        (None, "task: None is not one of"),
        (["cat-6-4"] * 1_001, "has a list of 1,001 entries; at most 1,000"),
        (["cat-6-4"] * 1_000_000, "bytes of metadata; at most"),
    ],
)
def test_headers_of_strangers(tmp_path, task, names, message, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".json":
        path.write_text(json.dumps({**header_of(task, names), "embeddings": {}}))
    else:
        if len(str(names)) > 10_000_000:
            message = "`header` is not a text"  # longer than any
        text = np.array(json.dumps(header_of(task, names)))
        np.savez(path, ids=np.array(["a"]), embeddings=np.ones((1, 2)), header=text)
    (problem,) = found_by(lambda: read_embeddings_file(path))
    assert message in str(problem) and len(str(problem)) < 600


class TestFoldersOfStrangers:
    def test_sound(self, folder):
        recompute.recompute_boards([folder], TaskLoader())

    @pytest.mark.parametrize(
        ("header", "shown"),
        [
            (["cat-6-4", "lev-6-4-valence"], "'cat-6-4', 'lev-6-4-valence'"),
            ([*NAMES, "lev-6-4-valence"], "'cat-6-4', 'lev-7-3-valence', 'lev-6-4-valence'"),
            (["cat-6-4", "cat-6-4"], "'cat-6-4', 'cat-6-4'"),
            ("cat-6-4", "'cat-6-4'"),
            ([[], {}], "[], {}"),
            (None, "None"),
        ],
    )
    def test_a_header_for_other_tasks(self, folder, tasks, header, shown):
        found = vectors(tasks)
        text = np.array(json.dumps(header_of(tasks[0], header)))
        np.savez(folder / "a.npz", ids=list(found), embeddings=list(found.values()), header=text)
        document(folder, {name: ["a.npz", "b.safetensors"] for name in NAMES}, tasks[0])
        assert problems(folder) == [
            f"{folder}/a.npz: says it is for the task {shown}, not 'cat-6-4', 'lev-7-3-valence'"
        ]

    def test_without_a_header(self, folder, tasks):
        found = vectors(tasks)
        np.savez(folder / "a.npz", ids=list(found), embeddings=list(found.values()))
        document(folder, {name: ["a.npz", "b.safetensors"] for name in NAMES}, tasks[0])
        recompute.recompute_boards([folder], TaskLoader())
        document(folder, {"cat-6-4": "a.npz", "lev-7-3-valence": "b.safetensors"}, tasks[0])
        found = problems(folder)
        assert len(found) == 2 and "says it is for the task" in found[1]
        assert "of nobody novel in cat-6-4" in found[0]

    def test_named_with_two_digests_and_as_two_runs(self, folder, run):
        path = folder / "submission.json"
        content = json.loads(path.read_text())
        a, b = content["tasks"]["lev-7-3-valence"]
        content["tasks"]["lev-7-3-valence"] = [b, {**a, "sha256": "0" * 64}]
        path.write_text(json.dumps(content))
        found = [str(x) for x in found_by(lambda: read_submission_folder(folder))]
        where = f"{folder}/submission.json: tasks: names"
        assert found[0] == f"{where} a.npz with several values of run: 1, 2"
        assert found[1].startswith(f"{where} a.npz with several values of sha256: 000000")
        assert found[2:] == [f"{where} b.safetensors with several values of run: 1, 2"]
        output = run("check-submission", folder, status=2).output
        assert "a.npz: has the SHA-256" in output and "Traceback" not in output
