"""Kill -9 at random moments of commands that write: what is there is old or new, never a part.

    python tests/kill_commands.py --command build --moments 200

Each command runs in a fork of this process and is killed after a random part of the time that it
takes, over and over on the same folders, so that what one killed run leaves is there for the next.
Now and then, and at the end, it runs through: then all is new and nothing hidden is left. Half of
the kills are at a random operation on a file instead of a random time, where damage would be.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_emotic import evaluate, load_task, write_submission
from oneshot_emotic.cli.main import main as command_line
from oneshot_emotic.dataset.locate import DATA_VARIABLE

COMMANDS = ("build", "submit", "leaderboard")
#: Of so many kills, one is followed by a run that ends.
COMPLETE_EVERY = 20

Tree = dict[str, str]


@dataclass(frozen=True)
class Plan:
    """A command to kill.

    Attributes:
        arguments: Its command line.
        area: The folder it writes in.
        old: Puts the area into the state before the command.
        whole: True where all files change together; False where each does alone.
    """

    arguments: list[str]
    area: Path
    old: Callable[[], None]
    whole: bool


def tree(area: Path) -> Tree:
    """Path -> digest of every file that is not hidden."""
    return {
        str(path.relative_to(area)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(area.rglob("*"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(area).parts)
    }


def hidden(area: Path) -> list[str]:
    """What killed runs may leave."""
    return sorted(str(path) for path in area.rglob(".*"))


def run_here(arguments: list[str]) -> int:
    """A command line in this process, silent."""
    nowhere = io.StringIO()
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        return command_line.main(arguments, standalone_mode=False) or 0


def _is_operation(event: str, details: Any) -> bool:
    if event == "open":
        return isinstance(details[2], int) and bool(details[2] & os.O_ACCMODE)
    return event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree")


def run_forked(
    arguments: list[str], kill_at: int | None = None, count_to: int | None = None
) -> int:
    """Start a command line in a fork.

    Args:
        arguments: The command line.
        kill_at: At which of its operations on files it kills itself.
        count_to: The descriptor to which it writes, at its end, how many it has done.
    """
    if process := os.fork():
        return process
    seen = 0

    def hook(event: str, details: Any) -> None:
        nonlocal seen
        if _is_operation(event, details):
            seen += 1
            if seen == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    status = 70
    sys.addaudithook(hook)
    try:
        status = run_here(arguments)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        if count_to is not None:
            os.write(count_to, str(seen).encode())
        os._exit(status)


def operations(arguments: list[str]) -> int:
    """How many operations on files a command does."""
    reading, writing = os.pipe()
    os.waitpid(run_forked(arguments, count_to=writing), 0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        return int(stream.read())


def kill_often(plan: Plan, moments: int, seed: int) -> Counter[str]:
    """Kill a command at random moments, and look each time at what is there.

    Returns:
        What was found how often: `old`, `new`, `between` (some files old, some new), and how often
        something hidden was left.

    Raises:
        AssertionError: A file is neither old nor new, or a run that was let through went wrong.
    """
    rng = random.Random(seed)
    plan.old()
    old = tree(plan.area)
    started = time.perf_counter()
    assert run_forked_through(plan.arguments) == 0
    taken = time.perf_counter() - started
    new = tree(plan.area)
    assert new != old
    plan.old()
    steps = operations(plan.arguments)
    plan.old()
    found: Counter[str] = Counter(steps=steps)
    for moment in range(moments):
        by_step = moment % 2 == 0
        process = run_forked(plan.arguments, rng.randint(1, steps) if by_step else None)
        if not by_step:
            time.sleep(rng.uniform(0, taken))
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        ended = os.WIFEXITED(status)
        assert not ended or os.WEXITSTATUS(status) == 0
        found["ended before the kill" if ended else "killed"] += 1
        now = tree(plan.area)
        found[state_of(now, old, new, plan.whole)] += 1
        found["left something hidden"] += bool(hidden(plan.area))
        if moment % COMPLETE_EVERY == COMPLETE_EVERY - 1 or moment == moments - 1:
            assert run_forked_through(plan.arguments) == 0
            assert tree(plan.area) == new
            assert hidden(plan.area) == []
            found["completed after"] += 1
            plan.old()
        elif now != old and rng.random() < 0.7:
            plan.old()
    return found


def state_of(now: Tree, old: Tree, new: Tree, whole: bool) -> str:
    """Which of the states that may be; anything else is an error."""
    if now == old:
        return "old"
    if now == new:
        return "new"
    assert not whole, f"neither old nor new: {sorted(now)}"
    for name in {*now, *old, *new}:
        assert now.get(name) in (old.get(name), new.get(name)), f"{name} is a part"
    return "between"


def run_forked_through(arguments: list[str]) -> int:
    """The exit status of a command in a fork."""
    _, status = os.waitpid(run_forked(arguments), 0)
    return os.waitstatus_to_exitcode(status)


def make_plan(command: str, folder: Path) -> Plan:
    """A command on small synthetic data."""
    for library in ("pandas", "pyarrow.parquet", "scipy.io"):
        importlib.import_module(library)  # here, so that every fork has them
    folder.mkdir(parents=True, exist_ok=True)
    stand_in, dataset = folder / "stand-in", folder / "dataset"
    small = ["synth", str(stand_in), "--annotations-only", "--persons", "30"]
    assert run_forked_through(small) == 0
    named = ["build", str(stand_in), "-o", str(dataset), "--name", "synthetic-small"]
    assert run_forked_through(named) == 0
    if command == "build":
        return _build_plan(folder, stand_in, dataset)
    os.environ[DATA_VARIABLE] = str(dataset)  # where submissions that name it look for it
    rng = np.random.default_rng(3)
    task = load_task("cat-6-6", dataset)
    files = []
    for number in range(3):
        path = folder / f"cat-6-6-{number}.npz"
        vectors = rng.normal(size=(len(task.novel), 4))
        write_submission(path, (task.novel.sample_ids, vectors), task)
        files.append(str(path))
    evaluate((task.novel.sample_ids, vectors), task)  # libraries are loaded before the forks
    return (_submit_plan if command == "submit" else _leaderboard_plan)(folder, files)


def _build_plan(folder: Path, stand_in: Path, dataset: Path) -> Plan:
    area = folder / "build-area"

    def old() -> None:
        _empty(area, "out")
        shutil.copytree(dataset, area / "out")  # of another name, so of other bytes

    return Plan(["build", str(stand_in), "-o", str(area / "out")], area, old, whole=True)


def _submit_plan(folder: Path, files: list[str]) -> Plan:
    root = folder / "submit-area"
    area = root / "submissions"
    area.mkdir(parents=True)
    words = ["--root", str(root), "--name", "A", "--date", "2026-01-01",
             "--seen-unseen-names", "no", "--seen-test-images", "no", "--replace"]  # fmt: skip
    assert run_forked_through(["submit", files[0], *words]) == 0
    shutil.copytree(area / "a", folder / "submitted")

    def old() -> None:
        _empty(area, "a")
        shutil.copytree(folder / "submitted", area / "a")

    return Plan(["submit", *files[1:], *words], area, old, whole=True)  # two runs


def _leaderboard_plan(folder: Path, files: list[str]) -> Plan:
    """Two submissions, of which the old board has one with other embeddings."""
    repository = Path(__file__).parent.parent
    root = folder / "board"
    area = root / "leaderboard"
    said = ["--root", str(root), "--seen-unseen-names", "no", "--seen-test-images", "no"]
    (root / "submissions").mkdir(parents=True)
    area.mkdir()
    shutil.copy(repository / "leaderboard" / "reported.json", area)
    for file, name in zip(files, ("one", "two", "one"), strict=True):
        words = ["--name", name, "--date", "2026-01-01", "--replace"]
        assert run_forked_through(["submit", file, *said, *words]) == 0
        if file == files[0]:
            assert run_forked_through(["leaderboard", str(root)]) == 0
            shutil.copytree(area, folder / "old-board")

    def old() -> None:
        shutil.rmtree(area)
        shutil.copytree(folder / "old-board", area)

    return Plan(["leaderboard", str(root)], area, old, whole=False)


def _empty(area: Path, name: str) -> None:
    """Remove the result, but not what killed runs left."""
    area.mkdir(exist_ok=True)
    shutil.rmtree(area / name, ignore_errors=True)


def main() -> None:
    """Kill, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--command", choices=COMMANDS, action="append")
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in options.command or COMMANDS:
        with tempfile.TemporaryDirectory() as folder:
            plan = make_plan(name, Path(folder) / "work")
            started = time.perf_counter()
            found = kill_often(plan, options.moments, options.seed)
        listed = ", ".join(f"{what} {count}" for what, count in sorted(found.items()))
        print(f"{name}: {listed}; {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
