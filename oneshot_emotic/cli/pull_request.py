"""From a submission folder to a pull request, by the user's own git and gh."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from oneshot_emotic.cli.progress import echo, say
from oneshot_emotic.errors import InputError


def open_pull_request(target: Path, name: str) -> None:
    """Commit the folder on a branch of its own, push it and open the pull request.

    Where there is no gh, or one of the commands fails, those that are left are printed.

    Args:
        target: The submission's folder in a checkout.
        name: The model's name.

    Raises:
        InputError: A command failed.
    """
    root, slug = target.parents[1], target.name
    branch, title = f"submission/{slug}", f"Submission: {name}"
    current = _answer(root, "branch", "--show-current")
    default = _answer(root, "rev-parse", "--abbrev-ref", "origin/HEAD")
    switch: list[Sequence[str]] = []
    everybodys = ("", "main", "master", default.removeprefix("origin/"))
    if current not in everybodys and not current.startswith("submission/"):
        branch = current  # one that the user made for it
    if branch != current:
        if _answer(root, "rev-parse", "--verify", "-q", branch):  # of an attempt before
            switch = [("git", "switch", branch)]
        else:  # from the default branch, so that no other submission comes with it
            start = ("--no-track", default) if default else ()
            switch = [("git", "switch", "-c", branch, *start)]
    commands: list[Sequence[str]] = [
        *switch,
        ("git", "add", f"submissions/{slug}"),
        ("git", "commit", "-m", title, "--", f"submissions/{slug}"),
        ("git", "push", "-u", "origin", branch),
        ("gh", "pr", "create", "--head", branch, "--title", title, "--body", ""),
    ]
    lacking = [program for program in ("git", "gh") if shutil.which(program) is None]
    if lacking:
        say(f"note: there is no {' and no '.join(lacking)} here. In {root.resolve()}, run")
        _print(commands[:-1])
        say("and open the pull request on the repository's page")
        return
    for place, command in enumerate(commands):
        if command[1] == "commit" and not _answer(root, "diff", "--cached", "--name-only"):
            continue
        say(shlex.join(command))
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        if done.returncode:
            _print(commands[place:])
            why = (done.stderr or done.stdout).strip().splitlines()
            what = f"`{shlex.join(command)}` failed: {why[-1] if why else done.returncode}"
            raise InputError(what, root, "The commands that are left are above")
    echo(done.stdout.strip() or f"{branch}: the pull request is open")


def _answer(root: Path, *arguments: str) -> str:
    """What git says; empty where it fails, or where there is none."""
    if shutil.which("git") is None:
        return ""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return "" if done.returncode else done.stdout.strip()


def _print(commands: Sequence[Sequence[str]]) -> None:
    for command in commands:
        echo(f"  {shlex.join(command)}")
