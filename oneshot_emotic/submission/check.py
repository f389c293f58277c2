"""Checks files of embeddings and submissions against their tasks: every problem found at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.escaping import is_plain_https
from oneshot_emotic.scoring.embeddings import EmbeddingArray, shared_embeddings
from oneshot_emotic.splits import DatasetIdentity, Task
from oneshot_emotic.submission.embeddings_file import EmbeddingsFile, read_embeddings_file
from oneshot_emotic.submission.folder import DOCUMENT, inspect_submission_folder
from oneshot_emotic.submission.model_card import missing_fields
from oneshot_emotic.submission.runs import seeds
from oneshot_emotic.tasks import TASKS
from oneshot_emotic.untrusted.limits import MAX_BYTES

#: Gives a task: (stated name of the data set, stated fingerprint, task name) -> Task. The stated
#: ones are empty for a file without a header, where the user has given the data set.
LoadTask = Callable[[str, str, str], Task]


@dataclass(frozen=True)
class Checked:
    """Embeddings that fit their task.

    Attributes:
        task: The task.
        aligned: The embeddings, in the order of the task's novel persons.
        name: The model's, where the file says it.
        where: The file.
    """

    task: Task
    aligned: EmbeddingArray
    name: str | None
    where: str


def check_embeddings_file(
    file: EmbeddingsFile,
    load: LoadTask,
    task: str | None = None,
    dataset_given: bool = False,
) -> Iterator[Checked]:
    """Check a file of embeddings against its tasks.

    Args:
        file: The file, as read.
        load: Gives tasks.
        task: The task, for a file that names none; of a file that names several, the only one
            that is wanted.
        dataset_given: True when `load` knows the data set without being told.

    Returns:
        A task each, in the order of the file's; made when its turn comes, of what is checked.

    Raises:
        InputError: The file does not fit; all of its problems.
    """
    where = str(file.path)
    problems = []
    names = file.tasks or ((task,) if task else ())
    if not names:
        remedy = "Add a header, or give the task with --task"
        problems.append(Problem("names no task", where, remedy))
    elif task is not None and task not in names:
        what = f"is for the task {', '.join(map(repr, names))}, not {task!r}"
        problems.append(Problem(what, where))
    if file.dataset is None and not dataset_given:
        remedy = "Add a header, or give it with --dataset"
        problems.append(Problem("names no data set", where, remedy))
    if problems:
        raise InputError(problems)
    stated = file.dataset or {}
    tasks = [load(stated.get("name", ""), stated.get("fingerprint", ""), name) for name in names]
    if unscorable := [Problem(x.unscorable, where) for x in tasks if x.unscorable]:
        raise InputError(unscorable)
    if file.dataset is not None and (identity := tasks[0].dataset) is not None:
        # With other splits, every other problem would only be an echo of this one.
        check_fingerprint(file.dataset, identity, where)
    with np.errstate(invalid="ignore"):  # some NaN of a damaged file would warn when widened
        arrays = shared_embeddings(file.embeddings, tasks, where)
    return (
        Checked(of, array, file.model.get("name"), where)
        for of, array in zip(tasks, arrays, strict=True)
        if task in (None, of.name)
    )


def check_fingerprint(stated: Mapping[str, str], identity: DatasetIdentity, where: str) -> None:
    """Refuse embeddings made for other splits.

    Raises:
        InputError: The fingerprints differ.
    """
    if stated["fingerprint"] == identity.fingerprint:
        return
    what = (
        f"was made for the data set {stated['name']!r} with the fingerprint "
        f"{stated['fingerprint'][:12]}..., but {identity.name!r} ({identity.label_rule}) here has "
        f"{identity.fingerprint[:12]}..."
    )
    remedy = (
        "Make the embeddings for these splits, or give the data set they were made for with "
        "--dataset"
    )
    raise InputError(Problem(what, where, remedy))


@dataclass
class Findings:
    """What an examination found.

    Attributes:
        good: What is in order, a line each.
        notes: What is allowed but a reader of the leaderboard may miss.
        problems: Everything that is wrong.
    """

    good: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def examine(
    path: Path,
    load: LoadTask,
    task: str | None = None,
    dataset_given: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Findings:
    """Examine a submission folder, or one file of embeddings.

    Args:
        path: A folder with a submission.json, or a file of embeddings.
        load: Gives tasks.
        task: The task, for a file that names none.
        dataset_given: True when `load` knows the data set without being told.
        max_bytes: As for `read_embeddings_file`.
    """
    findings = Findings()
    try:
        if path.is_dir():
            _folder(path, load, max_bytes, findings)
        else:
            file = read_embeddings_file(path, max_bytes, own=False)
            findings.good += _lines(file, check_embeddings_file(file, load, task, dataset_given))
            _card(file.model, findings)
    except InputError as error:
        findings.problems.extend(error.problems)
    # What concerns the whole submission comes with every task; once is enough.
    findings.problems[:] = dict.fromkeys(findings.problems)
    return findings


def _folder(folder: Path, load: LoadTask, max_bytes: int, findings: Findings) -> None:
    submission, problems = inspect_submission_folder(folder)
    findings.problems += problems
    if not problems:
        findings.good.append(f"{folder / DOCUMENT}: as the schema says")
    for reference in submission.files():
        try:
            file = reference.read(max_bytes)
            findings.good += _lines(file, check_embeddings_file(file, load))
        except InputError as error:
            findings.problems += error.problems
    if counts := [len(runs) for runs in submission.references.values()]:
        findings.notes.append(_runs(counts))
        listed = submission.model.get("training_seeds")
        # A single file may come from several, such as an ensemble's.
        if isinstance(listed, list) and len(listed) != max(counts) > 1:
            told = ", ".join(map(str, listed)) or "none"
            findings.notes.append(f"the model card lists other training seeds than that: {told}")
    _card(submission.model, findings)
    if missing := [name for name in TASKS if name not in submission.references]:
        findings.notes.append(f"no embeddings for {', '.join(missing)}: no overall figure there")


def _runs(counts: Sequence[int]) -> str:
    left_out = "the intervals leave training out"
    if max(counts) == 1:
        return f"1 seed: {left_out}"
    return seeds(counts) + (f": for tasks with 1, {left_out}" if min(counts) == 1 else "")


def _lines(file: EmbeddingsFile, checked: Iterable[Checked]) -> Iterator[str]:
    vectors = file.embeddings[1] if isinstance(file.embeddings, tuple) else None
    kind = f", {vectors.dtype}" if isinstance(vectors, np.ndarray) else ""
    for item in checked:
        persons, dimensions = item.aligned.shape
        yield (
            f"{file.path}: {item.task.name}, all {persons:,} novel persons, "
            f"{dimensions:,} dimensions{kind}"
        )


def _card(model: Mapping[str, Any], findings: Findings) -> None:
    if missing := missing_fields(model):
        findings.notes.append(f"the model card does not say {', '.join(missing)}")
    findings.notes.extend(
        f"the model card's {key} will not become a link: it is not a plain https address"
        for key in ("code", "paper")
        if isinstance(model.get(key), str) and not is_plain_https(model[key])
    )
