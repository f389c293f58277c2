"""Embeddings on the Hub: uploaded, fetched by commit and digest, kept, refused."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess

import numpy as np
import pytest
from hub.loopback import Blob
from made import SAID, empty_checkout, persons_of

from oneshot_emotic import write_submission
from oneshot_emotic.dataset.load import load_task
from oneshot_emotic.submission import remote

REPO = "lab/embeddings"
CARD = [*SAID, "--base", "none"]


@pytest.fixture
def checkout(tmp_path):
    return empty_checkout(tmp_path / "checkout")


@pytest.fixture
def predictions(tmp_path):
    tasks = [load_task(name) for name in ("cat-6-6", "cat-6-4")]
    persons = persons_of(tasks)
    array = np.random.default_rng(0).normal(size=(len(persons), 3))
    path = tmp_path / "preds.safetensors"
    write_submission(path, (persons, array), tasks, {"name": "Remote"})
    return path


@pytest.fixture
def client(client, tmp_path):
    client.environment["ONESHOT_EMOTIC_CACHE"] = str(tmp_path / "cache")
    return client


@pytest.fixture
def submitted(client, checkout, predictions):
    options = ["--root", checkout, "--upload", REPO, *CARD]
    client.cli("submit", predictions, *options)
    return checkout / "submissions/remote"


def kept(tmp_path):
    return sorted((tmp_path / "cache/oneshot-emotic/embeddings").glob("*.safetensors"))


def test_uploaded_fetched_once_and_then_offline(
    client, hub, server, checkout, submitted, predictions, tmp_path
):
    assert [path.name for path in submitted.iterdir()] == ["submission.json"]
    reference = json.loads((submitted / "submission.json").read_text())["tasks"]["cat-6-6"]
    state = hub.state()[REPO]
    assert reference["revision"] == state["history"][-1] and not state["private"]
    assert state["files"][reference["revision"]][reference["file"]] == reference["sha256"]
    assert reference["file"] == "remote/shared.safetensors"
    # The same bytes as in a folder.
    other = tmp_path / "other"
    shutil.copytree(checkout, other, ignore=shutil.ignore_patterns("remote"))
    client.cli("submit", predictions, "--root", other, *CARD)
    held = other / "submissions/remote/shared.safetensors"
    assert not kept(tmp_path)
    client.cli("leaderboard", checkout)
    assert [path.read_bytes() for path in kept(tmp_path)] == [held.read_bytes()]
    assert "cat-6-4" in client.cli("check-submission", submitted).stdout
    client.cli("leaderboard", other)
    for name in ("README.md", "scores/remote.json"):
        found = [(root / "leaderboard" / name).read_text() for root in (checkout, other)]
        assert found[0] == found[1]
    hub.fault("", "drop-before")  # from here on nothing answers
    client.cli("leaderboard", checkout, "--check")
    client.cli("score", submitted, "--shots", 1)
    kept(tmp_path)[0].unlink()
    result = client.cli("leaderboard", checkout, "--check", status=2)
    assert f"{REPO}@" in result.stderr and "Look at the connection" in result.stderr


def test_the_commit_counts_and_not_what_came_later(client, hub, checkout, submitted):
    """The file is moved and another one takes its name: the row stays what it was."""
    client.cli("leaderboard", checkout)
    repo = hub.repos[REPO]
    files = dict(repo.commits[repo.head])
    blob = files.pop("remote/shared.safetensors")
    files["elsewhere.safetensors"] = blob
    files["remote/shared.safetensors"] = Blob(b"other", True)
    repo.add(files)
    shutil.rmtree(checkout.parent / "cache/oneshot-emotic/embeddings")
    assert "up to date" in client.cli("leaderboard", checkout, "--check").stdout


def changed(submitted, **values):
    path = submitted / "submission.json"
    document = json.loads(path.read_text())
    for reference in document["tasks"].values():
        reference |= values
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sha256": "0" * 64}, "not 000000000000... as stated"),
        ({"repo": "lab/unknown", "file": "remote/shared.safetensors"}, "public dataset repository"),
        ({"file": "remote/moved.safetensors"}, "the Hub has no such file at this revision"),
        ({"revision": "0" * 40}, "has no such revision"),
        ({"repo": "lab/unknown"}, "there is no such dataset repository on the Hub to be read"),
        ({"repo": "../etc"}, "does not match"),
        ({"repo": "lab/x@main"}, "does not match"),
        ({"revision": "main"}, "does not match"),
        ({"file": "../../x.safetensors"}, "does not match"),
        ({"file": "a/../x.safetensors"}, "does not match"),
        ({"file": "weights.pkl"}, "does not match"),
        ({"token": "x"}, "Additional properties"),
    ],
)
def test_what_is_not_there_is_one_message(client, checkout, submitted, tmp_path, values, message):
    changed(submitted, **values)
    result = client.cli("leaderboard", checkout, status=2)
    assert message in result.stderr
    assert not kept(tmp_path)


def test_bytes_changed_on_the_way_are_not_kept(client, hub, checkout, submitted, tmp_path):
    hub.fault("_lfs|shared.safetensors", "flip")
    assert "as stated" in client.cli("leaderboard", checkout, status=2).stderr
    assert not kept(tmp_path)


def test_what_only_we_may_read_is_nobodys(client, hub, checkout, submitted):
    """No token goes to a repository that a stranger names, though there is one."""
    hub.repos[REPO].private = True
    result = client.cli("leaderboard", checkout, status=2)
    assert "to be read" in result.stderr


def test_gated(client, hub, checkout, submitted):
    hub.repos[REPO].gated = "auto"
    result = client.cli("leaderboard", checkout, status=2)
    assert (
        "must be a public dataset repository" in result.stderr and "HF_TOKEN" not in result.stderr
    )


def test_another_reference_is_not_served_from_the_cache(client, checkout, submitted):
    """The same bytes under a repository that there is not."""
    client.cli("leaderboard", checkout)
    changed(submitted, repo="lab/unknown")
    assert "lab/unknown" in client.cli("leaderboard", checkout, status=2).stderr


def test_a_damaged_copy_is_fetched_again(client, checkout, submitted, tmp_path):
    client.cli("leaderboard", checkout)
    (path,) = kept(tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert (
        "fetched again next time" in client.cli("leaderboard", checkout, "--check", status=2).stderr
    )
    client.cli("leaderboard", checkout, "--check")


def test_too_large(client, hub, checkout, submitted):
    result = client.cli("check-submission", submitted, "--max-bytes", 1000, status=2)
    assert "more than the 1,000 that are read" in result.stdout + result.stderr
    assert not [line for line in hub.requests if "_lfs" in line and line.startswith("GET")]


def test_upload_is_refused_before_the_work(client, stranger, hub, checkout, predictions):
    options = ["--root", checkout, *CARD]
    result = stranger.cli("submit", predictions, *options, "--upload", REPO, status=2)
    assert "there is no token for the Hub" in result.stderr and "scoring" not in result.stderr
    result = client.cli("submit", predictions, *options, "--upload", "x", status=2)
    assert "a repository is ORG/NAME, not 'x'" in result.stderr
    client.cli("submit", predictions, *options, "--upload", REPO)
    hub.repos[REPO].private = True
    again = [*options, "--upload", REPO, "--replace"]
    assert "is not public" in client.cli("submit", predictions, *again, status=2).stderr
    assert (checkout / "submissions/remote/submission.json").exists()


def test_a_failed_upload_leaves_no_folder_and_is_completed(client, hub, checkout, predictions):
    options = ["--root", checkout, "--upload", REPO, *CARD]
    hub.fault("/commit/", "500")
    client.cli("submit", predictions, *options, status=2)
    assert not list((checkout / "submissions").iterdir())
    hub.faults.clear()
    client.cli("submit", predictions, *options)
    client.cli("submit", predictions, *options, "--replace")
    assert len(hub.state()[REPO]["history"]) == 2


def test_the_cache_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "MAX_CACHE_BYTES", 25)
    for number in range(4):
        path = tmp_path / str(number)
        path.write_bytes(bytes(10))
        os.utime(path, (number, 10 - number))  # the first was used last
    (tmp_path / "killed").mkdir()
    (tmp_path / "at work").mkdir()
    os.utime(tmp_path / "killed", (0, 0))
    remote._make_room(tmp_path, tmp_path / "3")
    (tmp_path / "at work").rmdir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "3"]


class TestPullRequest:
    @pytest.fixture
    def repository(self, checkout, tmp_path, monkeypatch):
        for name in ("AUTHOR", "COMMITTER"):
            monkeypatch.setenv(f"GIT_{name}_NAME", "A")
            monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.org")
        origin = tmp_path / "origin.git"
        for command in (
            ["init", "-q", "--bare", origin],
            ["-C", checkout, "init", "-q", "-b", "main"],
            ["-C", checkout, "remote", "add", "origin", origin],
            ["-C", checkout, "add", "."],
            ["-C", checkout, "commit", "-qm", "start"],
        ):
            subprocess.run(["git", *map(str, command)], check=True)
        return origin

    def path_with(self, tmp_path, **programs):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "git").symlink_to(shutil.which("git"))
        for name, text in programs.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(stat.S_IRWXU)
        return str(folder)

    @pytest.mark.skipif(os.name != "posix", reason="makes a shell script")
    def test_it_is_opened(self, repository, checkout, predictions, run, tmp_path, monkeypatch):
        said = tmp_path / "said"
        path = self.path_with(tmp_path, gh=f'echo "$@" > {said}; echo https://example.org/pull/7')
        monkeypatch.setenv("PATH", path)
        options = ["--root", checkout, *CARD, "--pull-request", "--name", "-x $(id)"]
        result = run("submit", predictions, *options)
        assert "https://example.org/pull/7" in result.output
        assert said.read_text().startswith(
            "pr create --head submission/x-id --title Submission: -x"
        )
        # Again, with the row replaced: the branch is there, and no other submission comes along.
        run("submit", predictions, *options, "--replace", "--backbone", "ViT")
        monkeypatch.undo()
        shown = subprocess.run(
            ["git", "-C", repository, "log", "--stat", "--format=%s", "submission/x-id"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert shown.count("Submission: -x $(id)") == 2 and shown.count(" 2 files changed") == 1

    @pytest.mark.skipif(os.name != "posix", reason="makes links")
    def test_without_gh_it_says_what_to_do(
        self, repository, checkout, predictions, run, tmp_path, monkeypatch
    ):
        monkeypatch.setenv("PATH", self.path_with(tmp_path))
        result = run("submit", predictions, "--root", checkout, *CARD, "--pull-request")
        assert "there is no gh here" in result.output
        assert "git push -u origin submission/remote" in result.output

    @pytest.mark.skipif(os.name != "posix", reason="makes links")
    def test_a_branch_that_was_made_for_it_is_taken(
        self, repository, checkout, predictions, run, tmp_path, monkeypatch
    ):
        subprocess.run(["git", "-C", checkout, "switch", "-qc", "my-model"], check=True)
        monkeypatch.setenv("PATH", self.path_with(tmp_path))
        result = run("submit", predictions, "--root", checkout, *CARD, "--pull-request")
        assert "git switch" not in result.output and "push -u origin my-model" in result.output

    def test_no_repository(self, checkout, predictions, run):
        options = ["--root", checkout, *CARD, "--pull-request"]
        assert "is no git repository" in run("submit", predictions, *options, status=2).output
