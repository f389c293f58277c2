"""From a checkout's submissions to boards: every figure computed from the embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from oneshot_emotic.errors import InputError, Problem, memory_for, noting
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
from oneshot_emotic.submission.check import LoadTask, check_embeddings_file, check_fingerprint
from oneshot_emotic.submission.embeddings_file import referenced
from oneshot_emotic.submission.folder import (
    SubmissionFile,
    SubmissionFolder,
    read_submission_folder,
)
from oneshot_emotic.submission.runs import row_of_files
from oneshot_emotic.tasks import TASKS

Progress = Callable[[str], None]

#: For fewer tasks a pool of processes takes longer to start than it saves.
_FEW = 6


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
        with noting(problems):
            submissions.append(read_submission_folder(folder))
    with noting(problems):
        boards = score_submissions(submissions, load, progress, cache, processes)
    if problems:
        raise InputError(problems)
    return boards


def score_submissions(
    submissions: Sequence[SubmissionFolder],
    load: LoadTask,
    progress: Progress = lambda line: None,
    cache: ScoreCache | None = None,
    processes: int | None = None,
) -> list[Board]:
    """`recompute_boards` of sound submissions that have been read.

    Raises:
        InputError: Their embeddings are not sound; all problems.
    """
    problems: list[Problem] = []
    every = [file for submission in submissions for file in submission.files()]
    known = {} if cache is None else _find_all(every, load, cache)
    files = [file for file in every if file not in known]
    whole, through = len({file.submission.folder for file in files}), 0
    results = zip(files, _score_all(files, load, processes or available_processors()), strict=True)
    for submission, group in groupby(results, key=lambda pair: pair[0].submission):
        for file, result in group:
            if isinstance(result, InputError):
                problems += result.problems
                continue
            known[file] = result
            for name, scores in zip(file.tasks, result, strict=True):
                if cache is not None:
                    task, several = _task(submission, name, load), _several(submission, name)
                    cache.keep(scores, task, _source(file), whole=several)
        through += 1
        progress(f"[{through}/{whole}] {submission.slug} scored")
    if problems:
        # What concerns a whole submission comes with every one of its tasks; once is enough.
        raise InputError(dict.fromkeys(problems))
    rows: dict[DatasetIdentity, list[Row]] = {}
    tasks: dict[DatasetIdentity, dict[str, Task]] = {}
    for submission, of_submission in groupby(every, key=lambda file: file.submission):
        parts = [scores for file in of_submission for scores in known[file]]
        scores = row_of_files(parts, submission.model["name"])
        row = Row(submission.slug, submission.model, scores, submission_digest(submission))
        rows.setdefault(scores.dataset, []).append(row)
        of_board = tasks.setdefault(scores.dataset, {})
        of_board.update({name: _task(submission, name, load) for name in scores.tasks})
    boards = []
    for identity in sorted(rows, key=lambda x: (x.name, x.label_rule, x.fingerprint)):
        of_board = {name: tasks[identity][name] for name in TASKS if name in tasks[identity]}
        images = {name: task.image_names for name, task in of_board.items()}
        controls = _controls(of_board, cache)
        boards.append(Board(identity, tuple(rows[identity]), controls, images))
    return boards


def _score_all(
    files: Sequence[SubmissionFile], load: LoadTask, processes: int
) -> Iterator[list[Scores] | InputError]:
    """Score files, side by side where there are many."""
    processes = min(processes, len(files))
    if processes < 2 or len([task for file in files for task in file.tasks]) < _FEW:
        yield from (_score(file, load) for file in files)
        return
    ready = 0
    with process_pool(processes, _begin, (load,)) as pool:
        try:
            for result in pool.map(_score_here, files):
                yield result
                ready += 1
        except BrokenExecutor as error:
            # They are begun in the order given, so these were at work, or next.
            lost = files[ready : ready + processes]
            error.add_note(f"at work on {', '.join(str(file.path) for file in lost)}")
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_load: LoadTask | None = None


def _begin(load: LoadTask) -> None:
    """Begin a worker process: it has one processor, and reads tasks for itself."""
    global _load
    use_workers(1)
    _load = load


def _score_here(file: SubmissionFile) -> list[Scores] | InputError:
    assert _load is not None
    return _score(file, _load)


def _score(file: SubmissionFile, load: LoadTask) -> list[Scores] | InputError:
    """The scores of a file on each of its tasks, or what is wrong with it."""
    try:
        with memory_for(str(file.path)):
            found = []
            for item in check_embeddings_file(file.read(), load):
                scores = evaluate_aligned(item.aligned, item.task, LEADERBOARD_SHOTS)
                # Of many rows, all evidence would take gigabytes.
                needed = _several(file.submission, item.task.name)
                found.append(scores if needed else with_evidence(scores, _that_ranks))
            return found
    except InputError as error:
        return error


def _task(submission: SubmissionFolder, name: str, load: LoadTask) -> Task:
    return load(submission.dataset["name"], submission.dataset["fingerprint"], name)


def _several(submission: SubmissionFolder, task: str) -> bool:
    """Whether a task has several runs."""
    return len(submission.references[task]) > 1


def _source(file: SubmissionFile) -> str:
    """What scores are kept under; for other tasks, the same bytes might not be sound."""
    return " ".join((file.reference["sha256"], *(file.tasks if len(file.tasks) > 1 else ())))


def _that_ranks(_task: str, _shots: int, name: str, evidence: Evidence) -> Evidence | None:
    return evidence if name == "balanced_accuracy" else None


def _find_all(
    files: Sequence[SubmissionFile], load: LoadTask, cache: ScoreCache
) -> dict[SubmissionFile, list[Scores]]:
    """The scores of files by earlier runs, if their bytes are what submission.json says.

    A file that is not sound is not found: then scoring it says what is wrong.
    """

    def find(file: SubmissionFile) -> list[Scores]:
        try:
            with referenced(file.reference, file.submission.folder):
                tasks = [_task(file.submission, name, load) for name in file.tasks]
            for task in tasks:
                assert task.dataset is not None
                check_fingerprint(file.submission.dataset, task.dataset, str(file.path))
        except InputError:
            return []
        each = [(task, _several(file.submission, task.name)) for task in tasks]
        kept = (cache.find(task, _source(file), whole=several) for task, several in each)
        return [scores for scores in kept if scores is not None]

    with ThreadPoolExecutor(2) as beside:  # hashing leaves Python's lock to the others
        found = zip(files, beside.map(find, files), strict=True)
        return {file: parts for file, parts in found if len(parts) == len(file.tasks)}


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
