"""A board of many submissions: one new row, nothing new, and everything from nothing.

python benchmarks/board.py [--submissions 200] [--tasks 8] [--dimensions 64] [--carried 150]

With --carried, so many of them are on the same splits under another name, which are then taken
away: what `--check` takes where those rows are carried over and the others computed.

Random embeddings for the synthetic stand-in, different ones for every submission and task. The
single score is the command `score` on the same files of one submission, start to end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import machine

from oneshot_emotic import load_task, write_submission
from oneshot_emotic.dataset.folder import write_dataset
from oneshot_emotic.dataset.locate import DATA_VARIABLE
from oneshot_emotic.submission.folder import write_submission_document
from oneshot_emotic.tasks import TASKS

ROOT = Path(__file__).parents[1]


def make_submission(
    folder: Path, number: int, tasks: int, dimensions: int, dataset: str | Path = "synthetic"
) -> list[Path]:
    """A submission of random embeddings; its files."""
    files = {}
    for place, name in enumerate(list(TASKS)[:tasks]):
        task = load_task(name, dataset)
        rng = np.random.default_rng([number, place])
        vectors = rng.normal(size=(len(task.novel), dimensions)).astype(np.float16)
        write_submission(folder / f"{name}.safetensors", (task.novel.sample_ids, vectors), task)
        files[name] = f"{name}.safetensors"
        assert task.dataset is not None
        stated = {"name": task.dataset.name, "fingerprint": task.dataset.fingerprint}
    write_submission_document(folder, stated, {"name": f"Random {number}"}, files)
    return [folder / file for file in files.values()]


def command(cache: Path, *arguments: str | Path, data: Path | str = "") -> float:
    """Seconds that a command takes, as a process."""
    code = "import sys; from oneshot_emotic.cli.main import main; main(sys.argv[1:])"
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "ONESHOT_EMOTIC_CACHE": str(cache), DATA_VARIABLE: str(data)},
        capture_output=True,
        text=True,
    )
    took = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return took


def carried(root: Path, scratch: Path, rows: int, given: argparse.Namespace) -> None:
    """Print what a check takes with rows that cannot be computed here."""
    splits = scratch / "splits"
    splits.mkdir()
    write_dataset(splits, {name: load_task(name) for name in TASKS}, "elsewhere", "argmax")
    for number in range(given.submissions):
        folder = root / "submissions" / f"random-{number:03}"
        there = splits if number < rows else "synthetic"
        make_submission(folder, number, given.tasks, given.dimensions, there)
    command(scratch / "cache", "leaderboard", root, data=splits)
    files = [x for x in (root / "leaderboard/evidence").iterdir() if x.name.startswith("random")]
    size = statistics.median(path.stat().st_size for path in files)
    print(f"  evidence of a row: {size / 1e6:.2f} MB")
    times = [command(scratch / "cache", "leaderboard", root, "--check") for _ in range(3)]
    computed = given.submissions - rows
    print(f"  --check, {rows} carried and {computed} computed: {statistics.median(times):.2f} s")
    times = [command(scratch / "cache", "leaderboard", root) for _ in range(3)]
    print(f"  {rows} carried and {computed} kept from before: {statistics.median(times):.2f} s")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--submissions", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=8)
    parser.add_argument("--dimensions", type=int, default=64)
    parser.add_argument("--carried", type=int, default=0)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        root, cache = Path(scratch) / "checkout", Path(scratch) / "cache"
        (root / "leaderboard").mkdir(parents=True)
        shutil.copy(ROOT / "leaderboard/reported.json", root / "leaderboard")
        if given.carried:
            carried(root, Path(scratch), given.carried, given)
            return
        for number in range(given.submissions - 1):
            folder = root / "submissions" / f"random-{number:03}"
            files = make_submission(folder, number, given.tasks, given.dimensions)
        single = statistics.median(command(cache, "score", *files) for _ in range(3))
        print(f"  one score of {given.tasks} tasks: {single:.2f} s")
        took = command(cache, "leaderboard", root)
        each = took / (given.submissions - 1)
        print(
            f"  {given.submissions - 1} submissions from nothing: {took:.0f} s, {each:.2f} s each, "
            f"{each / single:.2f} x a single score"
        )
        times = []
        for turn in range(3):
            number = given.submissions - 1 + turn
            new = root / "submissions" / f"random-{number:03}"
            make_submission(new, number, given.tasks, given.dimensions)
            times.append(command(cache, "leaderboard", root))
            if turn < 2:
                shutil.rmtree(new)
        print(f"  one of {given.submissions} new: {statistics.median(times):.2f} s")
        again = statistics.median(command(cache, "leaderboard", root) for _ in range(3))
        print(f"  nothing new: {again:.2f} s")


if __name__ == "__main__":
    main()
