"""From a checkout's submissions to boards: every figure computed from the embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from oneshot_emotic.errors import InputError, Problem, memory_for
from oneshot_emotic.leaderboard.board import Board, Row
from oneshot_emotic.leaderboard.cache import ScoreCache
from oneshot_emotic.processes import available_processors, process_pool
from oneshot_emotic.scoring.controls import control_names
from oneshot_emotic.scoring.evaluate import (
    LEADERBOARD_SHOTS,
    evaluate_aligned,
    evaluate_controls,
)
from oneshot_emotic.scoring.scores import Scores, ShotScores
from oneshot_emotic.scoring.workers import use_workers
from oneshot_emotic.splits import DatasetIdentity, Task
from oneshot_emotic.submission.check import LoadTask, check_embeddings, check_fingerprint
from oneshot_emotic.submission.embeddings_file import check_referenced
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
    known = {} if cache is None else dict(_find_all(every, load, cache))
    units = [unit for unit in every if unit not in known]
    unsound: dict[_Unit, InputError] = {}
    for unit, result in _score_all(units, load, processes or available_processors(), progress):
        if isinstance(result, InputError):
            unsound[unit] = result
            continue
        known[unit] = result
        if cache is not None:
            task = _task(unit, load)
            figures = dict(result.tasks[unit.task])
            digest = result.embeddings[unit.task]
            source = unit.reference["sha256"]
            cache.keep(task, LEADERBOARD_SHOTS, source, figures, digest, whole=unit.is_of_several)
    # In the order of the files, whichever was ready first.
    problems += [x for unit in units if unit in unsound for x in unsound[unit].problems]
    if problems:
        # What concerns a whole submission comes with every one of its tasks; once is enough.
        raise InputError(dict.fromkeys(problems))
    rows: dict[DatasetIdentity, list[Row]] = {}
    tasks: dict[DatasetIdentity, dict[str, Task]] = {}
    for submission, group in groupby(every, key=lambda unit: unit.submission):
        of_submission = list(group)
        scores = row_of_files((known[unit] for unit in of_submission), submission.model["name"])
        rows.setdefault(scores.dataset, []).append(Row(submission.slug, submission.model, scores))
        of_board = tasks.setdefault(scores.dataset, {})
        of_board.update({unit.task: _task(unit, load) for unit in of_submission})
    return [
        Board(identity, tuple(rows[identity]), _controls(tasks[identity], cache))
        for identity in sorted(rows, key=lambda x: (x.name, x.label_rule, x.fingerprint))
    ]


def _score_all(
    units: Sequence[_Unit], load: LoadTask, processes: int, progress: Progress
) -> Iterator[tuple[_Unit, Scores | InputError]]:
    """Score files, side by side where there are many, and say when a submission is through."""
    left: dict[Path, int] = {}
    for unit in units:
        left[unit.submission.folder] = left.get(unit.submission.folder, 0) + 1
    whole, through = len(left), 0
    for unit, result in _side_by_side(units, load, processes):
        yield unit, result
        folder = unit.submission.folder
        left[folder] -= 1
        if not left[folder]:
            through += 1
            progress(f"[{through}/{whole}] {folder.name} scored")


def _side_by_side(
    units: Sequence[_Unit], load: LoadTask, processes: int
) -> Iterator[tuple[_Unit, Scores | InputError]]:
    processes = min(processes, len(units))
    if processes < 2 or len(units) < _FEW:
        for unit in units:
            yield unit, _score(unit, load, LEADERBOARD_SHOTS)
        return
    with process_pool(processes, _begin, (load,)) as pool:
        waiting: dict[Future[Scores | InputError], _Unit] = {}
        try:
            for unit in units:
                waiting[pool.submit(_score_here, unit)] = unit
                if len(waiting) >= 4 * processes:
                    yield from _ready(waiting)
            while waiting:
                yield from _ready(waiting)
        except BrokenExecutor as error:
            # They are begun in the order given, so these were at work, or next.
            lost = [unit for future, unit in waiting.items() if not _ended_well(future)]
            error.add_note(f"at work on {', '.join(map(_where, lost[:processes]))}")
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _ready(
    waiting: dict[Future[Scores | InputError], _Unit],
) -> Iterator[tuple[_Unit, Scores | InputError]]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in done:
        result = future.result()
        yield waiting.pop(future), result


def _ended_well(future: Future[Scores | InputError]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


_load: LoadTask | None = None


def _begin(load: LoadTask) -> None:
    """Begin a worker process: it has one processor, and reads tasks for itself."""
    global _load
    use_workers(1)
    _load = load


def _score_here(unit: _Unit) -> Scores | InputError:
    assert _load is not None
    return _score(unit, _load, LEADERBOARD_SHOTS)


def _score(unit: _Unit, load: LoadTask, shots: Sequence[int]) -> Scores | InputError:
    """The scores of a file, or what is wrong with it."""
    where = _where(unit)
    try:
        with memory_for(where):
            task = _task(unit, load)
            embeddings = unit.submission.embeddings(unit.task, unit.run)
            checked = check_embeddings(embeddings, task, unit.submission.dataset, where)
            return evaluate_aligned(checked.aligned, task, shots)
    except InputError as error:
        return error


def _find_all(
    units: Sequence[_Unit], load: LoadTask, cache: ScoreCache
) -> Iterator[tuple[_Unit, Scores]]:
    """The scores of files by earlier runs, if their bytes are what submission.json says.

    A file that is not sound is not found: then scoring it says what is wrong.
    """
    found: list[tuple[_Unit, Scores, Future[bool]]] = []
    with ThreadPoolExecutor(1) as beside:  # hashing leaves Python's lock to the others
        for unit in units:
            scores = _find(unit, load, cache)
            if scores is not None:
                found.append((unit, scores, beside.submit(_is_as_stated, unit)))
    for unit, scores, is_as_stated in found:
        if is_as_stated.result():
            yield unit, scores


def _find(unit: _Unit, load: LoadTask, cache: ScoreCache) -> Scores | None:
    try:
        task = _task(unit, load)
        assert task.dataset is not None
        check_fingerprint(unit.submission.dataset, task.dataset, _where(unit))
    except InputError:
        return None
    source = unit.reference["sha256"]
    found = cache.find(task, LEADERBOARD_SHOTS, source, whole=unit.is_of_several)
    if found is None:
        return None
    figures, embeddings = found
    return Scores(task.dataset, {unit.task: figures}, {unit.task: embeddings})


def _is_as_stated(unit: _Unit) -> bool:
    """True when the file has the digest of submission.json."""
    try:
        check_referenced(unit.reference, unit.submission.folder)
    except InputError:
        return False
    return True


def _task(unit: _Unit, load: LoadTask) -> Task:
    stated = unit.submission.dataset
    return load(stated["name"], stated["fingerprint"], unit.task)


def _where(unit: _Unit) -> str:
    return str(unit.submission.path(unit.task, unit.run))


def _controls(
    tasks: dict[str, Task], cache: ScoreCache | None
) -> dict[str, dict[str, dict[int, ShotScores]]]:
    """Task -> control -> shots -> figures."""
    return {name: _controls_of(tasks[name], cache) for name in TASKS if name in tasks}


def _controls_of(task: Task, cache: ScoreCache | None) -> dict[str, dict[int, ShotScores]]:
    if cache is None:
        return evaluate_controls(task, LEADERBOARD_SHOTS)
    names = control_names(task)
    kept = {name: cache.find(task, LEADERBOARD_SHOTS, f"control {name}") for name in names}
    found = {name: item[0] for name, item in kept.items() if item is not None}
    if len(found) == len(names):
        return found
    computed = evaluate_controls(task, LEADERBOARD_SHOTS)
    for name, figures in computed.items():
        cache.keep(task, LEADERBOARD_SHOTS, f"control {name}", figures, "")
    return computed
