"""Embeddings that the user names, read and checked, all problems of all files at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from oneshot_emotic.dataset.load import TaskLoader
from oneshot_emotic.errors import InputError, Problem, memory_for
from oneshot_emotic.scoring.evaluate import evaluate_aligned
from oneshot_emotic.scoring.scores import Scores
from oneshot_emotic.submission.check import Checked, check_embeddings_file
from oneshot_emotic.submission.embeddings_file import (
    SUFFIXES,
    EmbeddingsFile,
    read_embeddings_file,
)
from oneshot_emotic.submission.folder import DOCUMENT, read_submission_folder
from oneshot_emotic.submission.runs import repeated_runs, row_of_files
from oneshot_emotic.tasks import TASKS
from oneshot_emotic.untrusted.limits import MAX_BYTES

#: Folders of other kinds that may be named in place of embeddings, by what only they hold.
_OTHERS = {
    "SYNTHETIC.json": "a stand-in that `synth` made",
    "manifest.json": "a dataset folder that `build` made",
}


def checked_files(
    paths: Sequence[Path],
    dataset: str | None = None,
    task: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> list[Checked]:
    """Files of embeddings, in the order of their tasks.

    Args:
        paths: Files of embeddings, folders of them, or submission folders.
        dataset: Where the tasks come from, in place of the data set that the files name.
        task: The task, for a file that names none; of a folder, the only one that is read.
        max_bytes: Bound on what is read of one file.

    Raises:
        InputError: A file is not sound; the problems of all of them.
    """
    return checked_with_cards(paths, dataset, task, max_bytes)[0]


def checked_with_cards(
    paths: Sequence[Path], dataset: str | None, task: str | None, max_bytes: int
) -> tuple[list[Checked], list[Mapping[str, Any]]]:
    """`checked_files`, and the model cards of the files."""
    checked, cards, problems = read_and_check(paths, dataset, task, max_bytes)
    for name, runs in by_task(checked).items():
        if len(models := models_of(runs)) > 1:
            what = f"files of {name} are of several models: {', '.join(models)}"
            remedy = "Compare them with `oneshot-emotic compare`; the runs of a model have one name"
            problems.append(Problem(what, remedy=remedy))
    if problems:
        raise InputError(problems)
    return checked, cards


def scores_of(checked: Sequence[Checked], shots: Sequence[int]) -> Scores:
    """The scores of files as one row: several of a task are its runs.

    Raises:
        InputError: They are for several data sets, or there is not enough memory for one.
    """
    parts = []
    for item in checked:
        with memory_for(item.task.name):
            parts.append(evaluate_aligned(item.aligned, item.task, shots))
    models = models_of(checked)
    return row_of_files(parts, models[0] if len(models) == 1 else None)


def by_task(checked: Sequence[Checked]) -> dict[str, list[Checked]]:
    """The files of each task."""
    names = dict.fromkeys(item.task.name for item in checked)
    return {name: [item for item in checked if item.task.name == name] for name in names}


def read_and_check(
    paths: Sequence[Path],
    dataset: str | None,
    task: str | None,
    max_bytes: int,
    *,
    own: bool = True,
) -> tuple[list[Checked], list[Mapping[str, Any]], list[Problem]]:
    """The files that are sound in the order of their tasks, all model cards, all problems."""
    load = TaskLoader(dataset)
    checked: list[Checked] = []
    cards: list[Mapping[str, Any]] = []
    problems: list[Problem] = []
    for path in paths:
        for file in _files(path, task, max_bytes, own, problems):
            cards.append(file.model)
            try:
                checked += check_embeddings_file(file, load, task, dataset is not None)
            except InputError as error:
                problems.extend(error.problems)
    checked.sort(key=lambda item: list(TASKS).index(item.task.name))
    for runs in by_task(checked).values():
        problems += repeated_runs([(run.where, run.aligned) for run in runs])
    return checked, cards, list(dict.fromkeys(problems))


def models_of(checked: Sequence[Checked]) -> list[str]:
    """The names of the models that files say they are of, each once."""
    return sorted({item.name for item in checked if item.name is not None})


def named(folder: Path) -> Path:
    """A folder with its own name: "." and ".." have none."""
    return folder if folder.name not in ("", "..") else folder.resolve()


def _files(
    path: Path, task: str | None, max_bytes: int, own: bool, problems: list[Problem]
) -> Iterator[EmbeddingsFile]:
    """The files of embeddings that a path means; what is wrong goes to `problems`."""
    try:
        if not path.is_dir():
            with memory_for(str(path)):
                file = read_embeddings_file(path, max_bytes, own=own)
            yield file
        elif (path / DOCUMENT).exists():
            yield from _submission(path, task, max_bytes)
        else:
            yield from _folder(path, task, max_bytes, own, problems)
    except InputError as error:
        problems.extend(error.problems)


def _submission(folder: Path, task: str | None, max_bytes: int) -> Iterator[EmbeddingsFile]:
    submission = read_submission_folder(named(folder))
    wanted = [file for file in submission.files() if task is None or task in file.tasks]
    if not wanted:
        raise InputError(Problem(f"has no embeddings for {task}", str(folder)))
    for file in wanted:
        yield file.read(max_bytes)


def _folder(
    folder: Path, task: str | None, max_bytes: int, own: bool, problems: list[Problem]
) -> Iterator[EmbeddingsFile]:
    """Those of a folder; not those that a preds.json beside them refers to."""
    for marker, what in _OTHERS.items():
        if (folder / marker).is_file():
            remedy = (
                "Name files of embeddings; `run` and `embed` make them from a stand-in's pictures"
            )
            raise InputError(Problem(f"is {what}, and holds no embeddings", str(folder), remedy))
    found = [path for path in sorted(folder.iterdir()) if path.name.lower().endswith(SUFFIXES)]
    found.sort(key=lambda path: not path.name.lower().endswith((".json", ".json.gz")))
    seen: set[Path] = set()
    read = 0
    for path in found:
        if path in seen:
            continue
        try:
            with memory_for(str(path)):
                file = read_embeddings_file(path, max_bytes, own=own)
        except InputError as error:
            problems.extend(error.problems)
            read += 1
            continue
        if file.refers_to is not None:
            seen.add(file.refers_to)
        if task is None or not file.tasks or task in file.tasks:
            read += 1
            yield file
    if not read:
        what = "holds no files of embeddings" + (f" for {task}" if task else "")
        raise InputError(Problem(what, str(folder), f"Their names end in {', '.join(SUFFIXES)}"))
