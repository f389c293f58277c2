"""Scores kept between runs: taken only for the same bytes, data set, protocol and package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from conftest import REPOSITORY
from made import empty_checkout, python, small_checkout, submission_folder

from oneshot_emotic import evaluate, load_task
from oneshot_emotic.dataset.load import TaskLoader
from oneshot_emotic.errors import InputError
from oneshot_emotic.leaderboard import cache as cache_module
from oneshot_emotic.leaderboard import recompute
from oneshot_emotic.leaderboard.cache import ScoreCache
from oneshot_emotic.leaderboard.recompute import recompute_boards
from oneshot_emotic.scoring.comparison import difference
from oneshot_emotic.submission.folder import DOCUMENT

SHOTS = (1, 5)


@pytest.fixture(scope="module")
def scores(task):
    """Scores of random embeddings, slightly better than chance so that nothing is all the same."""
    vectors = np.random.default_rng(0).normal(size=(len(task.novel), 8))
    vectors[:, 0] += task.novel_labels
    return evaluate((task.novel.sample_ids, vectors), task, SHOTS)


def small_submissions(root, task, count):
    rng = np.random.default_rng(0)
    return [
        submission_folder(root / f"s{n}", task, rng.normal(size=(len(task.novel), 4)))
        for n in range(count)
    ]


KEY = "a" * 64


def kept(root, task, scores):
    """A cache in which the scores are kept, if it keeps any."""
    cache = ScoreCache(root)
    cache.keep(scores, task, KEY)
    return cache


def refuse(*arguments, **options):
    raise AssertionError("scored again")


def test_scores_come_back_as_they_were(tmp_path, task, level_task, scores):
    found = kept(tmp_path / "cache", task, scores).find(task, KEY)
    assert found == scores
    for count in SHOTS:
        before, after = scores[count], found[count]
        assert after.to_dict() == before.to_dict()
        again, made = after.balanced_accuracy.evidence, before.balanced_accuracy.evidence
        assert np.array_equal(again.terms, made.terms)
        assert np.array_equal(again.query_terms, made.query_terms)
        assert np.array_equal(again.draws[0].values, made.draws[0].values)
        assert (again.images, again.scale, again.variance) == (
            made.images,
            made.scale,
            made.variance,
        )
        assert difference(after.balanced_accuracy, before.balanced_accuracy).p == 1


def test_anything_else_is_not_found(tmp_path, task, scores, monkeypatch):
    cache = kept(tmp_path / "cache", task, scores)
    changes = ({"name": "other"}, {"label_rule": "rarest"}, {"protocol": 2},
               {"fingerprint": "0" * 64})  # fmt: skip
    for change in changes:
        other = replace(task, dataset=replace(task.dataset, **change))
        assert cache.find(other, KEY) is None
    assert cache.find(task, "b" * 64) is None
    assert cache.find(task, KEY, whole=True) is None
    assert cache.find(task, KEY) is not None
    monkeypatch.setattr(cache_module, "package_digest", lambda: "f" * 64)
    assert cache.find(task, KEY) is None
    assert ScoreCache(tmp_path / "cache").find(task, KEY) is None


def test_the_package_digest_is_of_its_source(tmp_path):
    """A copy of the package has the same digest; one byte changed anywhere, another."""
    copy = tmp_path / "oneshot_emotic"
    shutil.copytree(REPOSITORY / "oneshot_emotic", copy, ignore=shutil.ignore_patterns("bundled"))
    code = "from oneshot_emotic.leaderboard.cache import package_digest; print(package_digest())"

    def digest():
        return python("-c", code, cwd=tmp_path).stdout.strip()

    before = digest()
    assert before == cache_module.package_digest()
    path = copy / "scoring" / "metrics.py"
    path.write_text(path.read_text() + "\n")
    assert digest() != before


@pytest.mark.parametrize("damage", ["cut", "bit", "other's", "empty"])
def test_a_damaged_file_is_as_good_as_none(tmp_path, task, scores, damage):
    cache = kept(tmp_path / "cache", task, scores)
    (path,) = cache.folder.glob("*.scores")
    content = path.read_bytes()
    place = len(content) // 2
    changed = {
        "cut": content[:-100],
        "bit": content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
        "empty": b"",
    }
    if damage in changed:
        path.write_bytes(changed[damage])
    else:
        cache.keep(replace(scores, name="other"), task, "b" * 64)
        (other,) = set(cache.folder.glob("*.scores")) - {path}
        shutil.copyfile(other, path)
    assert cache.find(task, KEY) is None
    assert kept(tmp_path / "cache", task, scores).find(task, KEY) is not None


LONG_AGO = time.time() - 40 * 24 * 3600


def made_long_ago(root):
    """Everything below a folder, and itself, was used last 40 days ago."""
    for path in [*root.rglob("*"), root]:
        os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)


def test_what_nobody_used_for_long_is_removed(tmp_path, task, scores, monkeypatch):
    root = tmp_path / "cache"
    for version in "01":
        monkeypatch.setattr(cache_module, "package_digest", lambda version=version: version * 64)
        kept(root, task, scores)
    (root / ("0" * 16) / f".{'a' * 64}.scores.0123abcd.partial").touch()  # of a killed run
    made_long_ago(root / ("0" * 16))
    monkeypatch.undo()
    kept(root, task, scores)
    assert not (root / ("0" * 16)).exists() and (root / ("1" * 16)).exists()


def test_what_is_not_its_own_is_left_alone(tmp_path, run, monkeypatch):
    """Whatever a user has where the cache may be, and has not touched for long."""
    checkout = small_checkout(tmp_path / "checkout")
    place = tmp_path / "place"
    theirs = ["scores/thesis/chapter.tex", "scores/0123456789abcdef/notes.txt", "notes.txt"]
    theirs += [f"oneshot-emotic/{name}" for name in ("README.md", "scores/mine/a.json")]
    for name in theirs:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("mine")
    for folder in (place, place / "oneshot-emotic"):
        folder.chmod(0o700)
    made_long_ago(place)
    monkeypatch.setenv("ONESHOT_EMOTIC_CACHE", str(place))
    run("leaderboard", checkout)
    assert all((place / name).read_text() == "mine" for name in theirs)
    made = [path for path in place.rglob("*") if path.is_file() and path.read_bytes() != b"mine"]
    ours = place / "oneshot-emotic" / "leaderboard-scores"
    assert made and all(path.is_relative_to(ours) for path in made)


@pytest.mark.skipif(os.name != "posix", reason="makes links")
def test_strange_things_inside_are_left_alone(tmp_path, task, scores, monkeypatch):
    root = tmp_path / "cache"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / f"{'a' * 64}.scores").touch()
    monkeypatch.setattr(cache_module, "package_digest", lambda: "f" * 64)
    kept(root, task, scores)
    strange = ["0" * 16 + "/notes.txt", "1" * 16 + "/folder/x", "experiment/x.json", "a.json"]
    strange += ["2" * 17 + f"/{'a' * 64}.scores", "A" * 16 + f"/{'a' * 64}.scores"]
    for name in strange:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / ("0" * 16) / f"{'b' * 64}.scores").touch()
    (root / ("3" * 16)).symlink_to(elsewhere)
    (root / ("4" * 16)).mkdir()
    (root / ("4" * 16) / f"{'a' * 64}.scores").symlink_to(elsewhere)
    made_long_ago(root)
    before = {path for path in tmp_path.rglob("*") if "f" * 16 not in str(path)}
    monkeypatch.undo()
    kept(root, task, scores)
    assert {path for path in before if not os.path.lexists(path)} == set()


@pytest.mark.parametrize("content", [None, b"", b"Signature: 8a477f597d28d172789f06886806bc55\n"])
def test_a_folder_that_was_not_made_for_it_is_not_used(tmp_path, task, scores, content):
    root = tmp_path / "cache"
    root.mkdir(mode=0o700)
    (root / "notes.txt").touch()
    if content is not None:
        (root / "CACHEDIR.TAG").write_bytes(content)
    before = sorted(root.rglob("*"))
    assert "not a folder that was made for them" in kept(root, task, scores).refusal
    assert sorted(root.rglob("*")) == before


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
class TestWhoMayWrite:
    """Scores that somebody else could have put there are not believed."""

    @pytest.fixture
    def place(self, tmp_path, task, scores):
        """A folder with a cache in which something is kept."""
        place = tmp_path / "place"
        place.mkdir(mode=0o755)
        kept(place / "oneshot-emotic/leaderboard-scores", task, scores)
        assert self.found(place, task)
        return place

    def found(self, place, task):
        cache = ScoreCache(place / "oneshot-emotic/leaderboard-scores")
        return cache.find(task, KEY) is not None

    PARTS = (".", "oneshot-emotic", "oneshot-emotic/leaderboard-scores", "version")

    def part(self, place, name):
        if name == "version":
            return ScoreCache(place / "oneshot-emotic" / "leaderboard-scores").folder
        return place / name

    @pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
    @pytest.mark.parametrize("name", PARTS)
    def test_others_may(self, place, task, name, mode):
        self.part(place, name).chmod(mode)
        assert not self.found(place, task)
        self.part(place, name).chmod(0o755)
        assert self.found(place, task)

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="gives a folder away")
    @pytest.mark.parametrize("name", PARTS)
    def test_it_is_anothers(self, place, task, name):
        os.chown(self.part(place, name), 12345, -1)
        assert not self.found(place, task)

    def test_in_a_folder_for_all_where_none_may_move_what_is_anothers(self, place, task):
        place.chmod(0o1777)  # as /tmp
        assert self.found(place, task)

    def test_what_it_makes_is_the_users_alone(self, tmp_path, task, scores):
        old = os.umask(0)
        try:
            cache = kept(tmp_path / "a/b/cache", task, scores)
        finally:
            os.umask(old)
        assert cache.find(task, KEY)
        for folder in (tmp_path / "a", tmp_path / "a/b", tmp_path / "a/b/cache", cache.folder):
            assert folder.stat().st_mode & 0o077 == 0

    def test_one_line_says_so(self, place, tmp_path, run, monkeypatch):
        monkeypatch.setenv("ONESHOT_EMOTIC_CACHE", str(place))
        checkout = small_checkout(tmp_path / "checkout")
        (place / "oneshot-emotic").chmod(0o777)
        before = sorted(place.rglob("*"))
        output = run("leaderboard", checkout).output
        [line] = [line for line in output.splitlines() if "warning" in line]
        assert f"{place / 'oneshot-emotic'} may be written by others" in line
        assert sorted(place.rglob("*")) == before


def test_a_second_run_scores_nothing_and_gives_the_same(tmp_path, task, monkeypatch):
    folders = small_submissions(tmp_path, task, 2)
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


def test_what_is_wrong_is_found_out_whatever_is_cached(tmp_path, task):
    (folder,) = small_submissions(tmp_path, task, 1)
    cache = ScoreCache(tmp_path / "cache")
    recompute_boards([folder], TaskLoader(), cache=cache)

    def refused(message):
        with pytest.raises(InputError, match=message):
            recompute_boards([folder], TaskLoader(), cache=cache)

    path, document = folder / f"{task.name}.npz", folder / DOCUMENT
    content, text = path.read_bytes(), document.read_text()
    document.write_text(text.replace(task.dataset.fingerprint, "0" * 64))
    refused("fingerprint")
    document.write_text(text)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused("changed after the digest")
    path.unlink()
    (tmp_path / "b.npz").write_bytes(content)
    path.symlink_to(tmp_path / "b.npz")
    refused("is a link")


def test_only_what_is_new_is_scored(tmp_path, task, monkeypatch):
    folders = small_submissions(tmp_path, task, 2)
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
    checkout, folder = small_checkout(tmp_path / "checkout"), tmp_path / "cache"
    monkeypatch.setenv("ONESHOT_EMOTIC_CACHE", str(folder))
    run("leaderboard", checkout, "--no-cache")
    run("leaderboard", checkout, "--check")
    assert not folder.exists()
    run("leaderboard", checkout)
    assert list(folder.rglob("leaderboard-scores/*/*.scores"))
    monkeypatch.setattr(recompute, "evaluate_aligned", refuse)
    assert "0 files changed" in run("leaderboard", checkout).output
    for option in ("--no-cache", "--check"):
        with pytest.raises(AssertionError, match="scored again"):
            run("leaderboard", checkout, option)
    # A cache that cannot be written costs time and nothing else.
    monkeypatch.undo()
    monkeypatch.setenv("ONESHOT_EMOTIC_CACHE", str(checkout / "leaderboard/README.md"))
    assert "0 files changed" in run("leaderboard", checkout).output


def test_a_planted_cache_does_not_pass_the_check(tmp_path, run, monkeypatch):
    """A row is made better in the cache alone, then the page is written from there."""
    checkout, folder = small_checkout(tmp_path / "checkout"), tmp_path / "cache"
    monkeypatch.setenv("ONESHOT_EMOTIC_CACHE", str(folder))
    run("leaderboard", checkout)
    task = load_task("cat-6-4")
    document = json.loads((checkout / "submissions/random" / DOCUMENT).read_text())
    source = document["tasks"][task.name]["sha256"]
    cache = ScoreCache(cache_module.default_cache_folder())
    scores = cache.find(task, source)
    better = replace(scores[1].balanced_accuracy, mean=0.99)
    figures = {
        **scores.tasks[task.name],
        1: replace(scores[1], balanced_accuracy=better),
    }
    cache.keep(replace(scores, tasks={task.name: figures}), task, source)
    assert "files changed" in run("leaderboard", checkout).output
    assert "99.0" in (checkout / "leaderboard/README.md").read_text()
    assert "99.0" in run("leaderboard", checkout, "--check", status=1).output


def test_side_by_side_gives_the_same_and_the_same_problems(tmp_path, task):
    folders = small_submissions(tmp_path, task, 6)
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
    small_submissions(empty_checkout(tmp_path) / "submissions", task, 3)
    command = [sys.executable, "-m", "oneshot_emotic", "leaderboard", str(tmp_path)]
    environment = {"ONESHOT_EMOTIC_CACHE": str(tmp_path / "cache")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    both = [subprocess.Popen(command, env=os.environ | environment, **pipes) for _ in range(2)]
    outputs = [process.communicate()[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert "up to date" in python(*command[1:], "--check", **environment).stdout
    hidden = list(tmp_path.rglob(".*"))
    assert hidden == []
