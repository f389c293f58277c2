"""A submission folder: `submission.json` and its embeddings, a file for each run of a task."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.files import json_text, new_folder, sha256_of_file, write_text
from oneshot_emotic.scoring.embeddings import Embeddings
from oneshot_emotic.submission.embeddings_file import read_referenced, write_embeddings_file
from oneshot_emotic.submission.metadata import SUBMISSION_FORMAT, document_problems
from oneshot_emotic.submission.runs import MAX_RUNS, Stored
from oneshot_emotic.tasks import TASKS
from oneshot_emotic.untrusted.files import opened
from oneshot_emotic.untrusted.limits import MAX_BYTES, MAX_DOCUMENT_BYTES
from oneshot_emotic.untrusted.strict_json import parse_json

DOCUMENT = "submission.json"
_SUFFIX = ".safetensors"

#: A submission's folder name, which names its score file and sorts its row among equals.
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True)
class SubmissionFolder:
    """A submission with its metadata checked and its embeddings still in their files.

    Attributes:
        folder: Where it is; its name is the submission's slug.
        dataset: Name and fingerprint of the data set.
        model: The model card.
        references: Task name -> `{"file", "sha256"}` of each run.
    """

    folder: Path
    dataset: Mapping[str, str]
    model: Mapping[str, Any]
    references: Mapping[str, Sequence[Mapping[str, str]]]

    @property
    def slug(self) -> str:
        """The folder's name."""
        return self.folder.name

    def files(self) -> list[tuple[str, int]]:
        """Task and run of every file of embeddings, in the order of the tasks."""
        tasks = [name for name in TASKS if name in self.references]
        return [(name, run) for name in tasks for run in range(len(self.references[name]))]

    def path(self, task: str, run: int = 0) -> Path:
        """The file of a task's embeddings."""
        return self.folder / self.references[task][run]["file"]

    def embeddings(self, task: str, run: int = 0, max_bytes: int = MAX_BYTES) -> Embeddings:
        """The embeddings of a task, read from their file.

        Raises:
            InputError: The file is missing, changed, damaged or beyond a limit.
        """
        return read_referenced(self.references[task][run], self.folder, task, max_bytes)


def read_submission_folder(folder: Path) -> SubmissionFolder:
    """Read a submission's metadata.

    Raises:
        InputError: There is none, it is not as the schema says, or the folder holds other files.
    """
    submission, problems = inspect_submission_folder(folder)
    if problems:
        raise InputError(problems)
    return submission


def inspect_submission_folder(folder: Path) -> tuple[SubmissionFolder, list[Problem]]:
    """A submission's metadata as far as they are sound, and everything that is wrong with them.

    Raises:
        InputError: submission.json is not there or cannot be read as JSON.
    """
    problems = []
    if not SLUG.fullmatch(folder.name):
        what = "the folder's name must be 1 to 64 small letters, digits and hyphens"
        problems.append(Problem(what, str(folder)))
    path = folder / DOCUMENT
    with opened(path, MAX_BYTES, links=False) as stream:
        document = parse_json(stream.read(MAX_DOCUMENT_BYTES + 1), str(path))
    wrong = document_problems(document, "submission", str(path))
    problems += wrong
    dataset, tasks, model = (_object(document.get(key)) for key in ("dataset", "tasks", "model"))
    # What is sound of a document that is not: tasks whose part alone would make a sound one.
    part = {"format": SUBMISSION_FORMAT, "dataset": dataset, "model": {"name": "any"}}
    references = {
        task: _runs(given)
        for task, given in tasks.items()
        if not wrong or not document_problems({**part, "tasks": {task: given}}, "submission", "")
    }
    named = [_object(run).get("file") for given in tasks.values() for run in _runs(given)]
    expected = [DOCUMENT, *named]
    problems += [
        Problem("is not named in submission.json", str(entry), "Remove it, or name it there")
        for entry in sorted(folder.iterdir())
        if entry.name not in expected
    ]
    return SubmissionFolder(folder, dataset, model, references), problems


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _runs(given: Any) -> list[Any]:
    """The references of a task: a list, or a single one."""
    return given if isinstance(given, list) else [given]


def find_submissions(root: Path) -> list[Path]:
    """The submission folders under `submissions/`, sorted by name.

    Raises:
        InputError: There is no such folder, or something else than folders lies in it.
    """
    if not root.is_dir():
        remedy = "Run the command in a checkout of oneshot-emotic, or name one"
        raise InputError(Problem("there is no such folder", str(root), remedy))
    entries = sorted(entry for entry in root.iterdir() if not entry.name.startswith("."))
    strange = [x for x in entries if x.is_symlink() or not (x.is_dir() or x.name == "README.md")]
    if strange:
        raise InputError(Problem("is not a submission folder", str(x)) for x in strange)
    return [entry for entry in entries if entry.is_dir()]


def check_target(submissions: Path, slug: str, replace: bool) -> None:
    """Refuse a place that a submission folder cannot be written to.

    Args:
        submissions: `submissions/` of a checkout.
        slug: The folder's name in it.
        replace: Whether a submission that is there may be replaced.

    Raises:
        InputError: The name is no slug, there is no `submissions/`, or the place is taken.
    """
    problems = []
    target = submissions / slug
    if not SLUG.fullmatch(slug):
        name = "1 to 64 small letters, digits and hyphens"
        what = f"the name of a submission's folder is {name}, not {slug!r}"
        problems.append(Problem(what, remedy="Give another --slug"))
    if not submissions.is_dir():
        remedy = "Run the command in a checkout of oneshot-emotic, or name one with --root"
        problems.append(Problem("there is no such folder", str(submissions), remedy))
    elif not problems and target.exists() and not replace:
        remedy = "Give another --slug, or --replace it"
        problems.append(Problem("already exists", str(target), remedy))
    if problems:
        raise InputError(problems)


def write_submission_folder(
    target: Path,
    dataset: Mapping[str, str],
    model: Mapping[str, Any],
    embeddings: Mapping[str, tuple[Sequence[str], Sequence[Stored]]],
) -> None:
    """Write `submission.json` and an embeddings file for each run of a task.

    Args:
        target: The folder; see `check_target`.
        dataset: `name` and `fingerprint`.
        model: The model card.
        embeddings: Task name -> sample_ids, and an array (persons, dimensions) for each run.

    Raises:
        InputError: `target` holds other files than a submission made here.
    """
    names: dict[str, str | Sequence[str]] = {}
    with new_folder(target, marker=DOCUMENT, contents=_CONTENTS) as folder:
        for task in (task for task in TASKS if task in embeddings):
            sample_ids, runs = embeddings[task]
            files = _file_names(task, len(runs))
            for file, array in zip(files, runs, strict=True):
                write_embeddings_file(folder / file, sample_ids, array, task, dataset)
            names[task] = files if len(files) > 1 else files[0]
        write_submission_document(folder, dataset, model, names)


def write_submission_document(
    folder: Path,
    dataset: Mapping[str, str],
    model: Mapping[str, Any],
    files: Mapping[str, str | Sequence[str]],
) -> None:
    """Write submission.json for embeddings files that lie in `folder`.

    Args:
        folder: The submission's folder.
        dataset: `name` and `fingerprint`.
        model: The model card.
        files: Task name -> file name in `folder`, or the names of several runs' files.
    """

    def reference(name: str) -> dict[str, str]:
        return {"file": name, "sha256": sha256_of_file(folder / name)}

    document = {
        "format": SUBMISSION_FORMAT,
        "dataset": {"name": dataset["name"], "fingerprint": dataset["fingerprint"]},
        "model": dict(model),
        "tasks": {
            task: reference(names) if isinstance(names, str) else [reference(x) for x in names]
            for task, names in files.items()
        },
    }
    write_text(folder / DOCUMENT, json_text(document))


def _file_names(task: str, runs: int) -> list[str]:
    if runs == 1:
        return [f"{task}{_SUFFIX}"]
    return [f"{task}.run-{number}{_SUFFIX}" for number in range(1, runs + 1)]


_CONTENTS = frozenset(
    {DOCUMENT, *(x for task in TASKS for runs in (1, MAX_RUNS) for x in _file_names(task, runs))}
)
