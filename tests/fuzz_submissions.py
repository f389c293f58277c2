"""Damaged submissions by the thousand: each gives scores or a message, in little memory and time.

    python tests/fuzz_submissions.py --cases 20000 --workers 2 --state /tmp/fuzz

Runs every form; `--form .npz` one alone. Case N of a seed is always the same, whatever came before
it, so that a run goes on where the last one with the same --state stopped, and a finding is seen
again with `--only N`. Prints a table and exits with status 1 when there are findings.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_mutations import DAMAGE, bytes_damage, folder_damage
from made import persons_of

from oneshot_emotic.cli.main import main as command_line
from oneshot_emotic.dataset.load import TaskLoader
from oneshot_emotic.errors import InputError
from oneshot_emotic.files import json_text
from oneshot_emotic.scoring.evaluate import evaluate_aligned
from oneshot_emotic.submission.check import check_embeddings_file, examine
from oneshot_emotic.submission.embeddings_file import read_embeddings_file, write_submission
from oneshot_emotic.submission.folder import read_submission_folder, write_submission_document

FOLDER = "folder"
FORMS = (*DAMAGE, FOLDER)
#: No case may take more.
MAX_SECONDS = 20
MAX_MEGABYTES = 2_000
#: Cases between two notes of how far a run has come.
CHUNK = 250
#: Draws that most cases are scored with.
DRAWS = 20
#: Of so many cases, one goes through the whole command line.
COMMAND_LINE = 100


@dataclass
class Tally:
    """What came of the cases so far."""

    done: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    largest: float = 0.0
    findings: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.done += other.done
        self.outcomes.update(other.outcomes)
        self.slowest = max(self.slowest, other.slowest)
        self.largest = max(self.largest, other.largest)
        self.findings += other.findings


class TooSlow(BaseException):
    """A case took more than `MAX_SECONDS`; no code may catch it by accident."""


def make_bases(folder: Path, persons: int = 60) -> None:
    """A small synthetic data set, and sound submissions of every form to damage."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for arguments in (
            ["synth", folder / "stand-in", "--annotations-only", "--persons", persons],
            ["build", folder / "stand-in", "-o", folder / "dataset"],
        ):
            command_line.main(list(map(str, arguments)), standalone_mode=False)
    load = TaskLoader(str(folder / "dataset"))
    rng = np.random.default_rng(1)
    for names in (["cat-6-6"], ["lev-6-4-valence"], ["cat-6-6", "cat-6-4"]):
        tasks = [load("", "", name) for name in names]
        persons = persons_of(tasks)
        for number, dtype in enumerate(("float16", "float32", "float64")):
            for suffix in DAMAGE:
                vectors = (persons, rng.normal(size=(len(persons), 3)))
                path = folder / "bases" / suffix / f"{'-'.join(names)}-{number}{suffix}"
                write_submission(path, vectors, tasks, {"name": "A model"}, dtype)
    submission = folder / "bases" / FOLDER
    names = {"cat-6-6": ["a.npz", "b.npz", "c.safetensors"], "cat-6-4": ["d.npz"],
             "lev-7-3-valence": ["e.safetensors", "f.npz"]}  # fmt: skip
    for task, runs in ((load("", "", name), runs) for name, runs in names.items()):
        for file in runs:
            vectors = (task.novel.sample_ids, rng.normal(size=(len(task.novel), 3)))
            write_submission(submission / file, vectors, task)
        identity = task.dataset
    files = {name: runs if len(runs) > 1 else runs[0] for name, runs in names.items()}
    shared = [load("", "", name) for name in ("lev-6-4-valence", "lev-6-4-arousal")]
    persons = persons_of(shared)
    vectors = (persons, rng.normal(size=(len(persons), 3)))
    write_submission(submission / "g.npz", vectors, shared)
    files |= {task.name: "g.npz" for task in shared}
    dataset = {"name": identity.name, "fingerprint": identity.fingerprint}
    write_submission_document(submission, dataset, {"name": "A", "authors": ["B"]}, files)


def prepare(folder: Path, place: Path, form: str, seed: int, number: int) -> Path:
    """Write the damaged submission of a case."""
    rng = random.Random(f"{form} {seed} {number}")
    base = folder / "bases" / form
    if form == FOLDER:
        target = place / "a-model"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(base, target)
        with contextlib.suppress(Exception):  # as below: what has been done until then stays
            folder_damage(rng, target)
        return target
    target = place / f"a{form}"
    target.unlink(missing_ok=True)
    content = rng.choice(sorted(base.iterdir())).read_bytes()
    try:
        content = DAMAGE[form](rng, content)
    except Exception:  # damage upon damage that the structure no longer bears
        content = bytes_damage(rng, content)
    target.write_bytes(content)
    return target


def check_text(text: str) -> None:
    """Refuse what a terminal would obey."""
    if not text.strip() or not all(line.isprintable() for line in text.split("\n")):
        raise AssertionError(f"not a message: {text[:500]!a}")


def command(*arguments: object, known: Sequence[int] = (0, 2)) -> str:
    """What the command line makes of it: one of the known statuses, with a message."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            status = command_line.main(list(map(str, arguments)), standalone_mode=False) or 0
        except SystemExit as end:
            status = end.code
    if status not in known:
        raise AssertionError(f"status {status}: {output.getvalue()[:500]!a}")
    check_text(output.getvalue().replace("\t", " "))
    return f"command line: {status}"


def outcome(path: Path, load: Any, folder: Path, whole: bool) -> str:
    """`scored` or `refused`; anything else is raised."""
    if whole:
        words = ["check-submission"] if path.is_dir() else ["score", "--shots", "1"]
        return command(*words, path, "--dataset", folder / "dataset")
    try:
        if path.is_dir():
            found = examine(path, load)
            if found.problems:
                raise InputError(found.problems)
            files = [file.read() for file in read_submission_folder(path).files()]
        else:
            files = [read_embeddings_file(path)]
        for file in files:
            for item in check_embeddings_file(file, load, None if file.tasks else "cat-6-6", True):
                scores = evaluate_aligned(item.aligned, item.task, (1,))
                json_text(scores.to_dict()).encode("utf-8")
    except InputError as error:
        check_text(str(error))
        return "refused"
    return "scored"


def run_cases(folder: Path, form: str, seed: int, numbers: range, note: Path) -> Tally:
    """Run some cases in this process, noting each before it begins."""
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    load = _loader(str(folder / "dataset"))
    tally = Tally()

    def too_slow(*_: object) -> None:
        raise TooSlow

    signal.signal(signal.SIGALRM, too_slow)
    memory = Path("/dev/shm")  # files written over and over are slow on a disk
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as place,
        note.open("wb", buffering=0) as noting,
    ):
        for number in numbers:
            noting.seek(0)
            noting.write(b"%09d" % number)
            path = prepare(folder, Path(place), form, seed, number)
            started = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS)
            try:
                what = outcome(path, load, folder, number % COMMAND_LINE == 0)
            except TooSlow:
                what = "too slow"
            except MemoryError:
                what = "refused for want of memory"
            except BaseException as error:
                what = f"{type(error).__name__}"
                _found(tally, number, what, traceback.format_exc(limit=-4))
            signal.setitimer(signal.ITIMER_REAL, 0)
            tally.done += 1
            tally.outcomes[what] += 1
            tally.slowest = max(tally.slowest, time.perf_counter() - started)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            if what == "too slow" or peak > max(MAX_MEGABYTES, tally.largest):
                _found(tally, number, what, f"{peak:.0f} MiB")
            tally.largest = max(tally.largest, peak)
    return tally


def _found(tally: Tally, number: int, what: str, detail: str) -> None:
    tally.findings.append({"number": number, "what": what, "detail": detail})


@cache
def _loader(dataset: str) -> Any:
    """Tasks with the first of their draws alone: enough to score, and quicker."""
    whole = TaskLoader(dataset)

    @cache
    def load(name: str, fingerprint: str, task: str) -> Any:
        loaded = whole(name, fingerprint, task)
        return replace(loaded, support=loaded.support[:DRAWS])

    return load


def run_form(folder: Path, form: str, seed: int, cases: int, workers: int, state: Path) -> Tally:
    """Run all cases of a form, in chunks that are noted as they end."""
    memory = state / f"{form.strip('.')}-{seed}.json"
    chunks: dict[str, Any] = json.loads(memory.read_text()) if memory.exists() else {}
    todo = [n for n in range(0, cases, CHUNK) if f"{n}-{min(n + CHUNK, cases)}" not in chunks]
    while todo:
        context = multiprocessing.get_context("forkserver")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            runs = {}
            for begin in todo:
                numbers = range(begin, min(begin + CHUNK, cases))
                note = state / f"{form.strip('.')}-{begin}.running"
                runs[begin] = (pool.submit(run_cases, folder, form, seed, numbers, note), note)
            for begin, (future, note) in runs.items():
                try:
                    tally = future.result()
                except BrokenProcessPool:  # a crash, or the kernel's killer
                    number = int(note.read_text()) if note.exists() else begin
                    tally = Tally(outcomes=Counter({"crash": 1}))
                    _found(tally, number, "crash", "the process died; run this chunk alone")
                key = f"{begin}-{min(begin + CHUNK, cases)}"
                chunks[key] = {**vars(tally), "outcomes": dict(tally.outcomes)}
                todo.remove(begin)
                memory.write_text(json.dumps(chunks))
                note.unlink(missing_ok=True)
                if "crash" in tally.outcomes:
                    break
    total = Tally()
    for chunk in chunks.values():
        total.add(Tally(**{**chunk, "outcomes": Counter(chunk["outcomes"])}))
    return total


def main() -> None:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--form", choices=FORMS, action="append")
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--state", type=Path, default=Path(tempfile.gettempdir()) / "fuzz")
    parser.add_argument("--only", type=int, help="Run this one case here, and show its traceback.")
    options = parser.parse_args()
    folder = options.state / "data"
    if not (folder / "bases" / FOLDER / "submission.json").exists():
        make_bases(folder)
    forms = options.form or FORMS
    if options.only is not None:
        for form in forms:
            path = prepare(folder, options.state, form, options.seed, options.only)
            whole = options.only % COMMAND_LINE == 0
            print(path, outcome(path, _loader(str(folder / "dataset")), folder, whole))
        return
    findings = 0
    for form in forms:
        started = time.perf_counter()
        tally = run_form(folder, form, options.seed, options.cases, options.workers, options.state)
        outcomes = ", ".join(f"{what} {count:,}" for what, count in sorted(tally.outcomes.items()))
        print(
            f"{form:13} {tally.done:7,}  {outcomes}; slowest {tally.slowest:.2f} s, "
            f"largest {tally.largest:.0f} MiB; {time.perf_counter() - started:.0f} s in all",
            flush=True,
        )
        for finding in tally.findings[:10]:
            print(f"  case {finding['number']}: {finding['what']}\n{finding['detail']}")
        findings += len(tally.findings)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
