"""Scores kept between runs: taken only for the same bytes, data set, protocol and package."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import REPOSITORY
from made import submission_folder

from oneshot_emotic import evaluate
from oneshot_emotic.dataset.loader import TaskLoader
from oneshot_emotic.errors import InputError
from oneshot_emotic.leaderboard import cache as cache_module
from oneshot_emotic.leaderboard import recompute
from oneshot_emotic.leaderboard.cache import ScoreCache
from oneshot_emotic.leaderboard.recompute import recompute_boards
from oneshot_emotic.scoring.scores import ShotScores
from oneshot_emotic.splits import DatasetIdentity
from oneshot_emotic.submission.folder import DOCUMENT

SHOTS = (1, 5)


@pytest.fixture(scope="module")
def scores(task):
    """Scores of random embeddings, slightly better than chance so that nothing is all the same."""
    vectors = np.random.default_rng(0).normal(size=(len(task.novel), 8))
    vectors[:, 0] += task.novel_labels
    return evaluate((task.novel.sample_ids, vectors), task, SHOTS)


def small_submission(folder, task, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(len(task.novel), 4))
    return submission_folder(folder, task, vectors)


def refuse(*arguments, **options):
    raise AssertionError("scored again")


def test_scores_come_back_as_they_were(tmp_path, task, level_task, scores):
    keep = ScoreCache(tmp_path)
    keep.keep(task, SHOTS, "a" * 64, dict(scores.tasks[task.name]), "digest")
    figures, digest = keep.find(task, SHOTS, "a" * 64)
    assert digest == "digest"
    assert figures == scores.tasks[task.name]
    for count in SHOTS:
        before, after = scores.tasks[task.name][count], figures[count]
        assert after.to_dict() == before.to_dict()
        assert np.array_equal(after.balanced_accuracy.resampled, before.balanced_accuracy.resampled)
    levels = (level_task.novel.sample_ids, level_task.novel_labels[:, None].astype(float))
    content = evaluate(levels, level_task, intervals=False)[1]
    assert ShotScores.from_dict(content.to_dict()) == content


def test_anything_else_is_not_found(tmp_path, task, scores, monkeypatch):
    keep = ScoreCache(tmp_path)
    figures = dict(scores.tasks[task.name])
    keep.keep(task, SHOTS, "a" * 64, figures, "digest")
    identity = task.dataset
    others = [
        DatasetIdentity("other", identity.label_rule, identity.protocol, identity.fingerprint),
        DatasetIdentity(identity.name, "rarest", identity.protocol, identity.fingerprint),
        DatasetIdentity(identity.name, identity.label_rule, 2, identity.fingerprint),
        DatasetIdentity(identity.name, identity.label_rule, identity.protocol, "0" * 64),
    ]
    for other in others:
        assert keep.find(dataclasses.replace(task, dataset=other), SHOTS, "a" * 64) is None
    assert keep.find(task, (1,), "a" * 64) is None
    assert keep.find(task, SHOTS, "b" * 64) is None
    assert keep.find(task, SHOTS, "a" * 64) is not None
    monkeypatch.setattr(cache_module, "package_digest", lambda: "f" * 64)
    assert keep.find(task, SHOTS, "a" * 64) is None
    assert ScoreCache(tmp_path).find(task, SHOTS, "a" * 64) is None


def test_the_package_digest_is_of_its_source(tmp_path):
    """A copy of the package has the same digest; one byte changed anywhere, another."""
    copy = tmp_path / "oneshot_emotic"
    shutil.copytree(REPOSITORY / "oneshot_emotic", copy, ignore=shutil.ignore_patterns("bundled"))
    code = "from oneshot_emotic.leaderboard.cache import package_digest; print(package_digest())"

    def digest():
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    before = digest()
    assert before == cache_module.package_digest()
    path = copy / "scoring" / "metrics.py"
    path.write_text(path.read_text() + "\n")
    assert digest() != before


@pytest.mark.parametrize("damage", ["cut", "digit", "other's", "empty"])
def test_a_damaged_file_is_as_good_as_none(tmp_path, task, scores, damage):
    keep = ScoreCache(tmp_path)
    figures = dict(scores.tasks[task.name])
    keep.keep(task, SHOTS, "a" * 64, figures, "digest")
    (path,) = keep.folder.glob("*.json")
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[:-100])
    elif damage == "digit":
        place = content.rindex(b"0.") + 3
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        keep.keep(task, SHOTS, "b" * 64, {1: figures[1]}, "other")
        (other,) = set(keep.folder.glob("*.json")) - {path}
        shutil.copyfile(other, path)
    assert keep.find(task, SHOTS, "a" * 64) is None
    keep.keep(task, SHOTS, "a" * 64, figures, "digest")
    assert keep.find(task, SHOTS, "a" * 64) is not None


def test_what_nobody_used_for_long_is_removed(tmp_path, task, scores):
    old, recent = tmp_path / ("0" * 16), tmp_path / ("1" * 16)
    for folder in (old, recent):
        folder.mkdir(parents=True)
        (folder / "x.json").write_text("{}")
    long_ago = time.time() - 40 * 24 * 3600
    for path in (old / "x.json", old):
        os.utime(path, (long_ago, long_ago))
    ScoreCache(tmp_path).keep(task, SHOTS, "a" * 64, dict(scores.tasks[task.name]), "d")
    assert not old.exists() and recent.exists()


def test_a_second_run_scores_nothing_and_gives_the_same(tmp_path, task, monkeypatch):
    folders = [small_submission(tmp_path / f"s{n}", task, n) for n in range(2)]
    keep = ScoreCache(tmp_path / "cache")
    first = recompute_boards(folders, TaskLoader(), cache=keep)
    monkeypatch.setattr(recompute, "evaluate_aligned", refuse)
    monkeypatch.setattr(recompute, "evaluate_controls", refuse)
    (second,) = recompute_boards(folders, TaskLoader(), cache=keep)
    assert [second] == first
    for before, after in zip(first[0].rows, second.rows, strict=True):
        assert after.scores.to_dict() == before.scores.to_dict()
        one, other = before.scores.overall("cat"), after.scores.overall("cat")
        assert one == other
    with pytest.raises(AssertionError, match="scored again"):
        recompute_boards(folders, TaskLoader())


def test_a_changed_file_is_found_out_whatever_is_cached(tmp_path, task):
    folder = small_submission(tmp_path / "s", task)
    keep = ScoreCache(tmp_path / "cache")
    recompute_boards([folder], TaskLoader(), cache=keep)
    path = folder / f"{task.name}.npz"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InputError, match="changed after the digest"):
        recompute_boards([folder], TaskLoader(), cache=keep)
    path.unlink()
    (tmp_path / "b.npz").write_bytes(content)
    path.symlink_to(tmp_path / "b.npz")
    with pytest.raises(InputError, match="is a link"):
        recompute_boards([folder], TaskLoader(), cache=keep)


def test_another_fingerprint_is_refused_whatever_is_cached(tmp_path, task):
    folder = small_submission(tmp_path / "s", task)
    keep = ScoreCache(tmp_path / "cache")
    recompute_boards([folder], TaskLoader(), cache=keep)
    path = folder / DOCUMENT
    path.write_text(path.read_text().replace(task.dataset.fingerprint, "0" * 64))
    with pytest.raises(InputError, match="fingerprint"):
        recompute_boards([folder], TaskLoader(), cache=keep)


def test_only_what_is_new_is_scored(tmp_path, task, monkeypatch):
    folders = [small_submission(tmp_path / f"s{n}", task, n) for n in range(2)]
    keep = ScoreCache(tmp_path / "cache")
    recompute_boards(folders[:1], TaskLoader(), cache=keep)
    scored = []
    evaluate_aligned = recompute.evaluate_aligned
    monkeypatch.setattr(
        recompute, "evaluate_aligned", lambda *a: scored.append(1) or evaluate_aligned(*a)
    )
    recompute_boards(folders, TaskLoader(), cache=keep)
    # Another name or author is no other embedding.
    document = json.loads((folders[0] / DOCUMENT).read_text())
    document["model"]["name"] = "Another name"
    (folders[0] / DOCUMENT).write_text(json.dumps(document))
    (board,) = recompute_boards(folders, TaskLoader(), cache=keep)
    assert len(scored) == 1
    assert board.rows[0].scores.name == "Another name"


def test_no_cache_neither_reads_nor_writes(tmp_path, run, monkeypatch):
    shutil.copytree(REPOSITORY / "submissions/random", tmp_path / "submissions/random")
    shutil.copytree(REPOSITORY / "leaderboard", tmp_path / "leaderboard")
    document = json.loads((tmp_path / "submissions/random" / DOCUMENT).read_text())
    document["tasks"] = {"cat-6-4": document["tasks"]["cat-6-4"]}
    (tmp_path / "submissions/random" / DOCUMENT).write_text(json.dumps(document))
    for path in (tmp_path / "submissions/random").glob("*.safetensors"):
        if not path.name.startswith("cat-6-4"):
            path.unlink()
    folder = tmp_path / "cache"
    monkeypatch.setenv("ONESHOT_EMOTIC_CACHE", str(folder))
    run("leaderboard", tmp_path, "--no-cache")
    assert not folder.exists()
    run("leaderboard", tmp_path)
    assert list((folder / "scores").rglob("*.json"))
    monkeypatch.setattr(recompute, "evaluate_aligned", refuse)
    assert "up to date" in run("leaderboard", tmp_path, "--check").output
    with pytest.raises(AssertionError, match="scored again"):
        run("leaderboard", tmp_path, "--check", "--no-cache")
    # A cache that cannot be written costs time and nothing else.
    monkeypatch.undo()
    monkeypatch.setenv("ONESHOT_EMOTIC_CACHE", str(tmp_path / "leaderboard/README.md"))
    assert "up to date" in run("leaderboard", tmp_path, "--check").output


def test_side_by_side_gives_the_same_and_the_same_problems(tmp_path, task):
    folders = [small_submission(tmp_path / f"s{n}", task, n) for n in range(6)]
    alone = recompute_boards(folders, TaskLoader(), processes=1)
    lines = []
    assert recompute_boards(folders, TaskLoader(), lines.append, processes=2) == alone
    assert sorted(line.split()[-2] for line in lines) == [f"s{n}" for n in range(6)]
    for number in (1, 4):
        path = folders[number] / "cat-6-6.npz"
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError) as one:
        recompute_boards(folders, TaskLoader(), processes=1)
    with pytest.raises(InputError) as two:
        recompute_boards(folders, TaskLoader(), processes=2)
    assert one.value.problems == two.value.problems
    assert [problem.where for problem in one.value.problems] == [
        str(folders[number] / "cat-6-6.npz") for number in (1, 4)
    ]


def test_two_processes_at_once(tmp_path, task):
    """Two runs on the same checkout and the same cache: both end well, the files are whole."""
    for number in range(3):
        small_submission(tmp_path / "submissions" / f"s{number}", task, number)
    (tmp_path / "leaderboard").mkdir()
    shutil.copy(REPOSITORY / "leaderboard/reported.json", tmp_path / "leaderboard")
    command = [sys.executable, "-m", "oneshot_emotic", "leaderboard", str(tmp_path)]
    environment = {**os.environ, "ONESHOT_EMOTIC_CACHE": str(tmp_path / "cache")}
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    outputs = [process.communicate()[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    check = subprocess.run(
        [*command, "--check", "--no-cache"], env=environment, capture_output=True, text=True
    )
    assert "up to date" in check.stdout, check.stdout + check.stderr
    hidden = list(tmp_path.rglob(".*"))
    assert hidden == []
