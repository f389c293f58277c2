"""From a checkout's submissions to boards: every figure computed from the embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from oneshot_emotic.errors import InputError, Problem, memory_for
from oneshot_emotic.leaderboard.board import Board, Row
from oneshot_emotic.leaderboard.cache import ScoreCache, with_evidence
from oneshot_emotic.leaderboard.evidence import submission_digest
from oneshot_emotic.processes import available_processors, process_pool
from oneshot_emotic.scoring.controls import control_names
from oneshot_emotic.scoring.evaluate import (
    LEADERBOARD_SHOTS,
    evaluate_aligned,
    evaluate_controls,
)
from oneshot_emotic.scoring.scores import Scores, ShotScores
from oneshot_emotic.scoring.statistics import Evidence
from oneshot_emotic.scoring.workers import use_workers
from oneshot_emotic.splits import DatasetIdentity, Task
from oneshot_emotic.submission.check import LoadTask, check_embeddings, check_fingerprint
from oneshot_emotic.submission.embeddings_file import referenced
from oneshot_emotic.submission.folder import SubmissionFolder, read_submission_folder
from oneshot_emotic.submission.runs import row_of_files
from oneshot_emotic.tasks import TASKS

Progress = Callable[[str], None]

#: Below so many files a pool of processes takes longer to start than it saves.
_FEW = 6


@dataclass(frozen=True, eq=False)
class _Unit:
    """One embeddings file to score."""

    submission: SubmissionFolder
    task: str
    run: int

    @property
    def reference(self) -> Mapping[str, str]:
        """Its name, and the SHA-256 of its bytes as stated."""
        return self.submission.references[self.task][self.run]

    @property
    def is_of_several(self) -> bool:
        """Whether the task has several runs."""
        return len(self.submission.references[self.task]) > 1

    @property
    def where(self) -> str:
        """The file."""
        return str(self.submission.path(self.task, self.run))

    def load(self, load: LoadTask) -> Task:
        """Its task."""
        stated = self.submission.dataset
        return load(stated["name"], stated["fingerprint"], self.task)


def recompute_boards(
    folders: Sequence[Path],
    load: LoadTask,
    progress: Progress = lambda line: None,
    cache: ScoreCache | None = None,
    processes: int | None = None,
) -> list[Board]:
    """Score every submission.

    Args:
        folders: The submission folders.
        load: Gives the tasks of the data sets that submissions name; it is sent to other processes.
        progress: Told a line whenever all files of a submission are scored.
        cache: Scores of earlier runs, added to.
        processes: How many at the same time; the processors available when None.

    Returns:
        A board for each data set, sorted by name, label rule and fingerprint.

    Raises:
        InputError: A submission is not sound; the problems of all submissions.
    """
    problems: list[Problem] = []
    submissions: list[SubmissionFolder] = []
    for folder in folders:
        try:
            submissions.append(read_submission_folder(folder))
        except InputError as error:
            problems.extend(error.problems)
    every = [_Unit(x, task, run) for x in submissions for task, run in x.files()]
    known = {} if cache is None else _find_all(every, load, cache)
    units = [unit for unit in every if unit not in known]
    whole, through = len({unit.submission.folder for unit in units}), 0
    results = zip(units, _score_all(units, load, processes or available_processors()), strict=True)
    for submission, group in groupby(results, key=lambda pair: pair[0].submission):
        for unit, result in group:
            if isinstance(result, InputError):
                problems += result.problems
                continue
            known[unit] = result
            if cache is not None:
                source = unit.reference["sha256"]
                cache.keep(result, unit.load(load), source, whole=unit.is_of_several)
        through += 1
        progress(f"[{through}/{whole}] {submission.slug} scored")
    if problems:
        # What concerns a whole submission comes with every one of its tasks; once is enough.
        raise InputError(dict.fromkeys(problems))
    rows: dict[DatasetIdentity, list[Row]] = {}
    tasks: dict[DatasetIdentity, dict[str, Task]] = {}
    for submission, of_submission in groupby(every, key=lambda unit: unit.submission):
        files = {unit: known[unit] for unit in of_submission}
        scores = row_of_files(files.values(), submission.model["name"])
        row = Row(submission.slug, submission.model, scores, submission_digest(submission))
        rows.setdefault(scores.dataset, []).append(row)
        of_board = tasks.setdefault(scores.dataset, {})
        of_board.update({unit.task: unit.load(load) for unit in files})
    return [
        Board(
            identity,
            tuple(rows[identity]),
            _controls(tasks[identity], cache),
            {
                name: of[name].image_names
                for of in (tasks[identity],)
                for name in TASKS
                if name in of
            },
        )
        for identity in sorted(rows, key=lambda x: (x.name, x.label_rule, x.fingerprint))
    ]


def _score_all(
    units: Sequence[_Unit], load: LoadTask, processes: int
) -> Iterator[Scores | InputError]:
    """Score files, side by side where there are many."""
    processes = min(processes, len(units))
    if processes < 2 or len(units) < _FEW:
        yield from (_score(unit, load) for unit in units)
        return
    ready = 0
    with process_pool(processes, _begin, (load,)) as pool:
        try:
            for result in pool.map(_score_here, units):
                yield result
                ready += 1
        except BrokenExecutor as error:
            # They are begun in the order given, so these were at work, or next.
            lost = units[ready : ready + processes]
            error.add_note(f"at work on {', '.join(unit.where for unit in lost)}")
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_load: LoadTask | None = None


def _begin(load: LoadTask) -> None:
    """Begin a worker process: it has one processor, and reads tasks for itself."""
    global _load
    use_workers(1)
    _load = load


def _score_here(unit: _Unit) -> Scores | InputError:
    assert _load is not None
    return _score(unit, _load)


def _score(unit: _Unit, load: LoadTask) -> Scores | InputError:
    """The scores of a file, or what is wrong with it."""
    try:
        with memory_for(unit.where):
            task = unit.load(load)
            embeddings = unit.submission.embeddings(unit.task, unit.run)
            checked = check_embeddings(embeddings, task, unit.submission.dataset, unit.where)
            scores = evaluate_aligned(checked.aligned, task, LEADERBOARD_SHOTS)
            # Of many rows, all evidence would take gigabytes.
            return scores if unit.is_of_several else with_evidence(scores, _that_ranks)
    except InputError as error:
        return error


def _that_ranks(_task: str, _shots: int, name: str, evidence: Evidence) -> Evidence | None:
    return evidence if name == "balanced_accuracy" else None


def _find_all(units: Sequence[_Unit], load: LoadTask, cache: ScoreCache) -> dict[_Unit, Scores]:
    """The scores of files by earlier runs, if their bytes are what submission.json says.

    A file that is not sound is not found: then scoring it says what is wrong.
    """

    def find(unit: _Unit) -> Scores | None:
        try:
            with referenced(unit.reference, unit.submission.folder):
                task = unit.load(load)
            assert task.dataset is not None
            check_fingerprint(unit.submission.dataset, task.dataset, unit.where)
        except InputError:
            return None
        return cache.find(task, unit.reference["sha256"], whole=unit.is_of_several)

    with ThreadPoolExecutor(2) as beside:  # hashing leaves Python's lock to the others
        found = zip(units, beside.map(find, units), strict=True)
        return {unit: scores for unit, scores in found if scores is not None}


def _controls(
    tasks: Mapping[str, Task], cache: ScoreCache | None
) -> dict[str, dict[str, Mapping[int, ShotScores]]]:
    """Task -> control -> shots -> figures."""
    result: dict[str, dict[str, Mapping[int, ShotScores]]] = {}
    for name, task in tasks.items():
        sources = {control: f"control {control}" for control in control_names(task)}
        kept = {x: cache.find(task, source) for x, source in sources.items()} if cache else {}
        found = {control: scores.tasks[name] for control, scores in kept.items() if scores}
        result[name] = found
        if len(found) < len(sources):
            result[name] = dict(evaluate_controls(task, LEADERBOARD_SHOTS))
            for control, figures in result[name].items():
                if cache is not None and task.dataset is not None:
                    scores = Scores(task.dataset, {name: figures})
                    cache.keep(scores, task, sources[control])
    return result
