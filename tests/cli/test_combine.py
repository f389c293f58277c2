"""`combine`: from files and folders of several submissions to one of its own."""

from __future__ import annotations

import json

import numpy as np
import pytest

from oneshot_emotic import combine, evaluate, load_task, write_submission
from oneshot_emotic.report import percent
from oneshot_emotic.scoring.runs import combine_runs
from oneshot_emotic.scoring.scores import merged
from oneshot_emotic.submission.embeddings_file import read_embeddings_file
from oneshot_emotic.submission.folder import read_submission_folder

SAID = {"seen_unseen_names": False, "seen_test_images": False}
NAMES = ["cat-6-6", "cat-6-4"]


@pytest.fixture(scope="module")
def tasks():
    return [load_task(name) for name in NAMES]


def vectors(task, seed, width=6):
    rng = np.random.default_rng([seed, len(task.novel)])
    right = np.eye(6)[task.novel_labels, :width]
    return (right + rng.normal(size=right.shape)).astype(np.float16)


@pytest.fixture(scope="module")
def parts(tmp_path_factory, tasks):
    """One of three runs of both tasks, one of a single run in other formats, a third of both."""
    root = tmp_path_factory.mktemp("parts")
    six, four = tasks
    for task in tasks:
        for seed in range(3):
            path = root / f"a/{task.name}-{seed}.npz"
            card = {"name": "A", "base": "clean", "parameters": 5, **SAID}
            write_submission(path, (task.novel.sample_ids, vectors(task, seed)), task, card)
    card = {"name": "B", "base": "full", "parameters": 6, "seen_unseen_names": True}
    found = (six.novel.sample_ids, vectors(six, 7, 3))
    write_submission(root / "b/six.json.gz", found, six, card, "float64")
    found = (four.novel.sample_ids, vectors(four, 7, 3))
    write_submission(root / "b/four.parquet", found, four, card)
    other = load_task("lev-6-4-valence")
    found = (other.novel.sample_ids, np.ones((len(other.novel), 2)))
    write_submission(root / "b/other.safetensors", found, other, card)
    return root


def expected(tasks, weights=None, **options):
    """The combination of a and b by hand: task -> its runs."""
    return {
        task.name: [
            combine(
                [(task.novel.sample_ids, vectors(task, 7, 3) if of_b else vectors(task, seed))
                 for of_b in (False, True)],
                weights,
                **options,
            )
            for seed in range(3)
        ]
        for task in tasks
    }  # fmt: skip


def files_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


class TestFiles:
    def test_are_those_of_the_python_function(self, parts, tasks, run, tmp_path):
        """Runs paired, formats mixed, what not all have left out; stored as narrow as may be."""
        arguments = ("combine", parts / "a", parts / "b", "--weight", 1, "--weight", 4)
        output = run(*arguments, "-o", tmp_path / "out").output
        assert "note: left out, since not all have it: lev-6-4-valence" in output
        assert f"{tmp_path / 'out'}: 6 files" in output
        by_hand = expected(tasks, [1, 4])
        assert len(files_of(tmp_path / "out")) == 6
        for task in tasks:
            for number, (ids, array) in enumerate(by_hand[task.name], 1):
                path = tmp_path / f"out/{task.name}.run-{number}.safetensors"
                file = read_embeddings_file(path)
                assert file.tasks == (task.name,) and file.model["name"] == "A + B"
                found_ids, found = file.embeddings
                assert list(found_ids) == ids
                assert np.array_equal(found, array.astype(found.dtype))
                assert found.dtype in (np.float16, np.float32)
        card = file.model
        assert card["base"] == "full" and card["parameters"] == 11
        assert card["seen_unseen_names"] is True and "seen_test_images" not in card

    def test_the_table_shows_parts_and_combination(self, parts, tasks, run):
        output = run("combine", parts / "a", parts / "b").output
        assert "A: A\nB: B\n" in output
        by_hand = expected(tasks)
        rows = []
        for task in tasks:
            ids = task.novel.sample_ids
            a = combine_runs([evaluate((ids, vectors(task, seed)), task) for seed in range(3)])
            b = evaluate((ids, vectors(task, 7, 3)), task)
            whole = combine_runs([evaluate(found, task) for found in by_hand[task.name]])
            rows.append((a, b, whole))
            means = [percent(x[1].balanced_accuracy.mean) for x in rows[-1]]
            (line,) = (x for x in output.splitlines() if x.startswith(task.name))
            assert line.split()[1:4] == means
        overall = (merged(column).overall("cat").mean for column in zip(*rows, strict=True))
        (line,) = (x for x in output.splitlines() if x.startswith("overall cat"))
        assert line.split()[2:5] == list(map(percent, overall))

    def test_score_compare_and_submit_take_them(self, parts, run, tmp_path):
        """And what is submitted is what was combined: not a bit is lost on the way."""
        out = tmp_path / "out"
        options = ("--seen-test-images", "no", "--date", "2026-01-01", "--root", tmp_path)
        (tmp_path / "submissions").mkdir()
        both = ("combine", parts / "a", parts / "b", "--task", "cat-6-4")
        run(*both, "--submit", "A + B", *options, "--slug", "at-once")
        run(*both, "-o", out)
        run("submit", out, *options, "--slug", "later")
        one, other = (files_of(tmp_path / f"submissions/{x}") for x in ("at-once", "later"))
        assert one == other and len(one) == 4
        compared = run("compare", out, parts / "a", "--shots", 1).output
        assert "cat-6-4, 1-shot" in compared
        assert "cat-6-4: means of 3 runs" in run("score", out, "--shots", 1).output

    def test_the_same_bytes_again(self, parts, run, tmp_path):
        for name in ("one", "two"):
            run("combine", parts / "a", parts / "b", "-o", tmp_path / name, "--task", "cat-6-4")
        assert files_of(tmp_path / "one") == files_of(tmp_path / "two")

    def test_as_they_are(self, parts, tasks, run, tmp_path):
        arguments = ("combine", parts / "a", parts / "b/four.parquet", "--as-is")
        run(*arguments, "-o", tmp_path / "out", "--task", "cat-6-4")
        ((_, array), *_) = expected(tasks[1:], as_is=True)["cat-6-4"]
        _, found = read_embeddings_file(tmp_path / "out/cat-6-4.run-1.safetensors").embeddings
        assert found.dtype == np.float16 and np.array_equal(found, array)  # as A and B had them

    def test_nothing_is_left_of_one_that_fails(self, parts, run, tmp_path):
        arguments = ("combine", parts / "a", parts / "b", "-o", tmp_path / "out")
        run(*arguments, "--max-bytes", 100_000, status=2)
        assert list(tmp_path.iterdir()) == []
        (tmp_path / "out").mkdir()
        (tmp_path / "out/mine.txt").write_text("x")
        assert "already holds other files: mine.txt" in run(*arguments, status=2).output
        assert files_of(tmp_path / "out") == {"mine.txt": b"x"}


class TestShared:
    """Tasks whose files are shared in all parts share those of the combination."""

    @pytest.fixture
    def shared(self, tmp_path, tasks):
        persons = sorted({x for task in tasks for x in task.novel.sample_ids})
        rng = np.random.default_rng(5)
        for name in "abc":
            found = (persons, rng.normal(size=(len(persons), 4)).astype(np.float16))
            write_submission(tmp_path / f"{name}.npz", found, tasks, name)
        return persons

    def test_by_all(self, shared, tasks, run, tmp_path):
        run("combine", *(tmp_path / f"{x}.npz" for x in "abc"), "-o", tmp_path / "out")
        (file,) = files_of(tmp_path / "out")
        read = read_embeddings_file(tmp_path / "out" / file)
        given = [read_embeddings_file(tmp_path / f"{x}.npz").embeddings for x in "abc"]
        ids, found = read.embeddings
        assert read.tasks == tuple(NAMES) and list(ids) == shared
        assert np.array_equal(found, combine(given)[1].astype(found.dtype))

    def test_not_by_all(self, shared, parts, run, tmp_path):
        run("combine", tmp_path / "a.npz", parts / "a", "-o", tmp_path / "out")
        assert len(files_of(tmp_path / "out")) == 6


def test_more_than_nine_runs_keep_their_order(tasks, run, tmp_path):
    """A folder's files are read in the order of their names; the n-th runs go together."""
    (_, four) = tasks
    for name, runs in (("a", 11), ("b", 1)):
        for seed in range(runs):
            found = (four.novel.sample_ids, vectors(four, seed + 50 * (name == "b")))
            write_submission(tmp_path / f"{name}/{seed:02}.npz", found, four, name)
    run("combine", tmp_path / "a", tmp_path / "b", "--as-is", "-o", tmp_path / "out")
    files = sorted((tmp_path / "out").iterdir())
    assert len(files) == 11
    for seed, path in enumerate(files):
        _, found = read_embeddings_file(path).embeddings
        assert np.array_equal(found[:, :6], vectors(four, seed).astype(found.dtype))


class TestSubmission:
    def test_names_its_parts(self, parts, run, tmp_path):
        (tmp_path / "submissions").mkdir()
        arguments = ("combine", parts / "b", parts / "a", "--weight", 0.5, "--weight", 3)
        arguments += ("--task", "cat-6-4")
        output = run(*arguments, "--submit", "Both", "--root", tmp_path, status=2).output
        assert "must say 'seen_test_images'. Give --seen-test-images" in output
        run(*arguments, "--submit", "Both", "--root", tmp_path, "--seen-test-images", "yes")
        folder = tmp_path / "submissions/both"
        model = read_submission_folder(folder).model
        digests = [
            json.loads(run("score", parts / x, *arguments[-2:], "--json", "-").output)["submission"]
            for x in ("b", "a")
        ]
        assert model["parts"] == [
            {"name": "B", "digest": digests[0]["digest"], "weight": 0.5},
            {"name": "A", "digest": digests[1]["digest"], "weight": 3.0},
        ]
        assert model["base"] == "full" and model["parameters"] == 11
        run("check-submission", folder)
        again = run("combine", folder, parts / "a", "--task", "cat-6-4").output
        assert "A: Both" in again


def test_a_part_of_zeros_is_named(tasks, run, tmp_path):
    (_, four) = tasks
    for name, array in (("a", vectors(four, 1)), ("b", vectors(four, 2)), ("c", np.zeros((1, 6)))):
        found = (four.novel.sample_ids, np.broadcast_to(array, (len(four.novel), 6)))
        write_submission(tmp_path / f"{name}.npz", found, four, name.upper())
    files = [tmp_path / f"{name}.npz" for name in "abc"]
    output = run("combine", *files).output
    notes = [line for line in output.splitlines() if line.startswith("note: ")]
    assert notes == [f"note: {files[2]}: all vectors are zeros, so C counts for nothing there"]


class TestRefused:
    @pytest.mark.parametrize(
        ("output", "words"),
        [
            ("a", "is or lies in {root}/a, which is combined. Give another output folder"),
            ("a/new", "is or lies in {root}/a, which is combined"),
            ("link/new", "is or lies in {root}/a, which is combined"),
            ("b.npz", "is or lies in {root}/b.npz, which is combined"),
            ("old/new", "is or lies in a submission folder. Give another output folder"),
            ("old", "is or lies in a submission folder"),
            (
                "submissions/new",
                "is the place of submission folders. Give another output",
            ),
            ("submissions", "is the place of submission folders"),
            (
                "notes.txt/x/y",
                "{root}/notes.txt is a file, not a folder. Give another out",
            ),
        ],
    )
    def test_an_output_that_is_anothers_place(self, tasks, run, tmp_path, output, words):
        """Before any work: but for the last, the inputs are not even read."""
        (_, four) = tasks
        (tmp_path / "a").mkdir()
        (tmp_path / "link").symlink_to("a")
        for folder in ("old", "submissions"):
            (tmp_path / folder).mkdir()
        (tmp_path / "old/submission.json").write_text("{}")
        (tmp_path / "notes.txt").write_text("x")
        if output.startswith("notes"):
            for number, name in enumerate(("a/a.npz", "b.npz")):
                found = (four.novel.sample_ids, vectors(four, number))
                write_submission(tmp_path / name, found, four, name[0])
        before = sorted(tmp_path.rglob("*"))
        arguments = (tmp_path / "a", tmp_path / "b.npz", "-o", tmp_path / output)
        said = run("combine", *arguments, status=2).output.replace("\n", " ")
        assert f"{tmp_path / output}: {words.format(root=tmp_path)}" in said
        assert sorted(tmp_path.rglob("*")) == before

    def test_a_damaged_or_strange_part_as_score_refuses_it(self, parts, run, tmp_path):
        (tmp_path / "c").mkdir()
        (tmp_path / "c/a.npz").write_bytes(b"x" * 100)
        (tmp_path / "d.json").write_text('{"format": ')
        arguments = (parts / "a", tmp_path / "c", tmp_path / "d.json", tmp_path / "e")
        output = run("combine", *arguments, "-o", tmp_path / "out", status=2).output
        words = ["c/a.npz: is not a valid .npz file", "d.json: is not JSON", "e: there is no such"]
        assert all(word in output for word in words) and not (tmp_path / "out").exists()

    def test_a_part_without_a_name_that_shows(self, tasks, run, tmp_path):
        """The file's name stands in; where that is no name either, the part's place."""
        four = tasks[1]
        for number, name in enumerate(("_.npz", "b\u202e.npz", "c.npz")):
            write_submission(tmp_path / name, (four.novel.sample_ids, vectors(four, number)), four)
        files = [tmp_path / name for name in ("_.npz", "b\u202e.npz", "c.npz")]
        output = run("combine", *files, "-o", tmp_path / "out").output
        assert "A: _.npz\nB: b\\u202e.npz\nC: c.npz\n" in output
        file = read_embeddings_file(tmp_path / "out/cat-6-4.safetensors")
        assert file.model["name"] == "_.npz + b\\u202e.npz + c.npz"

    def test_the_same_part_twice(self, parts, run):
        output = run("combine", parts / "a", parts / "b", parts / "a", status=2).output
        assert f"{parts / 'a'}: holds the same embeddings as A. Give it once, with" in output

    def test_other_numbers_of_runs(self, parts, tasks, run, tmp_path):
        for seed in range(2):
            found = (tasks[0].novel.sample_ids, vectors(tasks[0], seed + 20))
            write_submission(tmp_path / f"c/{seed}.npz", found, tasks[0], "C")
        output = run("combine", parts / "a", tmp_path / "c", status=2).output
        assert "cat-6-6: different numbers of runs: A has 3, C has 2. Give as many" in output
