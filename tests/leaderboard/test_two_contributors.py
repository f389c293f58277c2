"""Two pull requests at once: a folder each, merged in either order."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest
from made import small_checkout, submission_folder

from oneshot_emotic.dataset.load import load_task


def git(folder, *arguments):
    name = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *name, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def main_branch(tmp_path_factory):
    root = small_checkout(tmp_path_factory.mktemp("main") / "main")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-qm", "Start")
    return root


def test_two_clones_merge_without_conflict_into_the_same_board(main_branch, tmp_path, run):
    clones = []
    for number, slug in enumerate(("ada", "ben")):
        clone = tmp_path / slug
        subprocess.run(["git", "clone", "-q", str(main_branch), str(clone)], check=True)
        git(clone, "switch", "-qc", slug)
        task = load_task("cat-6-4")
        array = np.random.default_rng(number).normal(size=(len(task.novel), 4))
        submission_folder(clone / "submissions" / slug, task, array)
        run("leaderboard", clone)  # to look at; what is committed is the folder
        git(clone, "add", f"submissions/{slug}")
        git(clone, "commit", "-qm", slug)
        clones.append((slug, clone))
    boards = []
    for order in (clones, clones[::-1]):
        merged = tmp_path / "-".join(slug for slug, _ in order)
        subprocess.run(["git", "clone", "-q", str(main_branch), str(merged)], check=True)
        for slug, clone in order:
            git(merged, "pull", "-q", "--no-rebase", "--no-edit", str(clone), slug)
            run("leaderboard", merged)  # as board.yml does after each merge
            git(merged, "add", "leaderboard")
            git(merged, "commit", "-qm", "Leaderboard made again")
        assert "up to date" in run("leaderboard", merged, "--check").output
        folder = merged / "leaderboard"
        boards.append({x.relative_to(folder): x.read_bytes() for x in folder.rglob("*.*")})
    assert boards[0] == boards[1]
    names = {path.stem for path in boards[0] if path.parent.name == "scores"}
    assert names == {"ada", "ben", "random"}
    assert json.loads(boards[0][next(x for x in boards[0] if x.name == "ada.json")])["tasks"]
