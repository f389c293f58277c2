"""A submission folder: `submission.json` and its embeddings, a file for each run of its tasks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.files import json_text, new_folder, sha256_of_file, write_text
from oneshot_emotic.submission.embeddings_file import (
    EmbeddingsFile,
    place_of,
    read_referenced,
    write_embeddings_file,
)
from oneshot_emotic.submission.metadata import SUBMISSION_FORMAT, document_problems
from oneshot_emotic.submission.remote import is_remote, upload
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
        references: Task name -> of each run `{"file", "sha256"}`, or where on the Hub it is,
            `{"repo", "revision", "file", "sha256"}`.
    """

    folder: Path
    dataset: Mapping[str, str]
    model: Mapping[str, Any]
    references: Mapping[str, Sequence[Mapping[str, str]]]

    @property
    def slug(self) -> str:
        """The folder's name."""
        return self.folder.name

    def files(self) -> list[SubmissionFile]:
        """The files of embeddings: of the first runs, of the second ones, and so on."""
        tasks_of: dict[tuple[int, tuple[tuple[str, str], ...]], list[str]] = {}
        for task in (task for task in TASKS if task in self.references):
            for run, reference in enumerate(self.references[task]):
                tasks_of.setdefault((run, tuple(sorted(reference.items()))), []).append(task)
        return [
            SubmissionFile(self, dict(reference), tuple(tasks))
            for (_, reference), tasks in sorted(tasks_of.items(), key=lambda item: item[0][0])
        ]


@dataclass(frozen=True, eq=False)
class SubmissionFile:
    """A file of a submission's embeddings.

    Attributes:
        submission: The submission.
        reference: The file's name or its place on the Hub, and the SHA-256 of its bytes as stated.
        tasks: The tasks that it is for.
    """

    submission: SubmissionFolder
    reference: Mapping[str, str]
    tasks: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file."""
        return place_of(self.reference, self.submission.folder)

    def read(self, max_bytes: int = MAX_BYTES) -> EmbeddingsFile:
        """The file, with the data set and the model of the submission.

        Raises:
            InputError: It is missing, changed, damaged, beyond a limit or for other tasks.
        """
        of = self.submission
        embeddings = read_referenced(self.reference, of.folder, self.tasks, max_bytes)
        return EmbeddingsFile(self.path, self.tasks, of.dataset, of.model, embeddings)


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
    named = [_object(run) for given in tasks.values() for run in _runs(given)]
    expected = [DOCUMENT, *(run.get("file") for run in named if not is_remote(run))]
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
    embeddings: Mapping[tuple[str, ...], tuple[Sequence[str], Sequence[Stored]]],
    repo: str | None = None,
) -> None:
    """Write `submission.json` and an embeddings file for each run of a task, or of several.

    Args:
        target: The folder; see `check_target`.
        dataset: `name` and `fingerprint`.
        model: The model card.
        embeddings: Names of tasks that share files, mostly one -> sample_ids, and an array
            (persons, dimensions) for each run.
        repo: A dataset repository on the Hub that the embeddings go to, in place of the folder.

    Raises:
        InputError: `target` holds other files than a submission made here, or the Hub refused.
    """
    with new_folder(target, marker=DOCUMENT, contents=_CONTENTS) as folder:
        names = write_embeddings_files(folder, dataset, embeddings)
        uploaded: Mapping[str, Mapping[str, str]] = {}
        if repo is not None:
            files = sorted(path.name for path in folder.iterdir())
            uploaded = upload(folder, files, repo, target.name)
            for name in files:
                (folder / name).unlink()
        write_submission_document(folder, dataset, model, names, uploaded)


def write_embeddings_files(
    folder: Path,
    dataset: Mapping[str, str],
    embeddings: Mapping[tuple[str, ...], tuple[Sequence[str], Sequence[Stored]]],
    model: Mapping[str, Any] | None = None,
) -> dict[str, str | Sequence[str]]:
    """Write a file for each run of a task, or of several, and return the names that tasks have.

    Args:
        folder: Where to.
        dataset: `name` and `fingerprint`.
        embeddings: As for `write_submission_folder`.
        model: The model card, for files that no submission.json stands beside.
    """
    names: dict[str, str | Sequence[str]] = {}
    shared = iter(_SHARED)
    for tasks, (sample_ids, runs) in embeddings.items():
        files = _file_names(tasks[0] if len(tasks) == 1 else next(shared), len(runs))
        for file, array in zip(files, runs, strict=True):
            write_embeddings_file(folder / file, sample_ids, array, tasks, dataset, model)
        names |= dict.fromkeys(tasks, files if len(files) > 1 else files[0])
    return {task: names[task] for task in TASKS if task in names}


def write_submission_document(
    folder: Path,
    dataset: Mapping[str, str],
    model: Mapping[str, Any],
    files: Mapping[str, str | Sequence[str]],
    uploaded: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> None:
    """Write submission.json for embeddings files that lie in `folder`, or on the Hub.

    Args:
        folder: The submission's folder.
        dataset: `name` and `fingerprint`.
        model: The model card.
        files: Task name -> file name in `folder`, or the names of several runs' files.
        uploaded: The references of those that are on the Hub.
    """

    @cache  # several tasks may share a file
    def reference(name: str) -> Mapping[str, str]:
        return uploaded.get(name) or {"file": name, "sha256": sha256_of_file(folder / name)}

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


def _file_names(stem: str, runs: int) -> list[str]:
    if runs == 1:
        return [f"{stem}{_SUFFIX}"]
    digits = len(str(runs))  # so that their names sort as they do
    return [f"{stem}.run-{number:0{digits}}{_SUFFIX}" for number in range(1, runs + 1)]


#: Files that tasks share: as many as there can be with other tasks each.
_SHARED = ("shared", *(f"shared-{number}" for number in range(2, len(TASKS) // 2 + 1)))
_CONTENTS = frozenset(
    name
    for stem in (*TASKS, *_SHARED)
    for runs in (1, 9, MAX_RUNS)
    for name in (DOCUMENT, *_file_names(stem, runs))
)
