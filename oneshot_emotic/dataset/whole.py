"""Is a dataset folder whole, and nothing beyond it? Asked after fetching and before publishing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from oneshot_emotic.dataset.card import dataset_card
from oneshot_emotic.dataset.croissant import croissant
from oneshot_emotic.dataset.fingerprint import task_digest
from oneshot_emotic.dataset.folder import (
    CARD,
    CROISSANT,
    DATA_FILES,
    LISTED_FILES,
    MANIFEST,
    Manifest,
    manifest_document,
    read_manifest,
    read_tasks,
)
from oneshot_emotic.errors import InputError, Problem, noting, some
from oneshot_emotic.files import json_text
from oneshot_emotic.names import SHA256
from oneshot_emotic.splits import DatasetIdentity, Task
from oneshot_emotic.tasks import TASKS
from oneshot_emotic.untrusted.files import opened
from oneshot_emotic.untrusted.limits import MAX_DATASET_FILE_BYTES

#: All files of a dataset folder.
ALL_FILES = (*sorted(LISTED_FILES), MANIFEST)

_REBUILD = "Build the folder again with `oneshot-emotic build`"


@dataclass(frozen=True)
class PublishedFile:
    """A file as it was checked, and as it is published.

    Attributes:
        path: In the folder, with `/`.
        content: Its bytes.
    """

    path: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The SHA-256 of the content, in hexadecimal."""
        return sha256(self.content).hexdigest()


def check_files(folder: Path) -> Manifest:
    """Hold the files with the splits against the folder's manifest, by size and SHA-256.

    The card and whatever else lies there may be other ones, or missing: anybody may edit them.

    Raises:
        InputError: A file is missing or another one; all of them.
    """
    manifest = read_manifest(folder)
    problems: list[Problem] = []
    for _ in _files(folder, manifest, DATA_FILES, problems):
        pass  # one in memory at a time
    if problems:
        raise InputError(problems)
    return manifest


def check_publishable(folder: Path) -> tuple[DatasetIdentity, list[PublishedFile]]:
    """Make sure that a folder is what `oneshot-emotic build` writes, to the last file and column.

    Returns:
        The data set's identity, and its files, read once: what was checked is what is published.

    Raises:
        InputError: The folder may not be published; all problems.
    """
    manifest = read_manifest(folder)
    problems = list(_strange_entries(folder))
    files = list(_files(folder, manifest, ALL_FILES, problems, _REBUILD))
    if problems:
        raise InputError(problems)
    problems += _hidden_metadata(folder, files)
    tasks = read_tasks(folder)
    contents = {file.path: file.content for file in files}
    problems += _content_problems(folder, manifest, tasks, contents)
    if problems:
        raise InputError(problems)
    return manifest.identity, files


def _files(
    folder: Path,
    manifest: Manifest,
    paths: Sequence[str],
    problems: list[Problem],
    remedy: str = "",
) -> Iterator[PublishedFile]:
    """The files that can be read; `problems` gets what is wrong with any, its size and digest."""
    listed = listed_files(manifest, folder, paths)
    for path in paths:
        with noting(problems):
            with opened(folder / path, MAX_DATASET_FILE_BYTES, remedy=remedy) as stream:
                file = PublishedFile(path, stream.read())
            if path in listed and (len(file.content), file.sha256) != listed[path]:
                what = "is not the file that the manifest lists (size or SHA-256 differ)"
                problems.append(Problem(what, str(folder / path)))
            yield file


def listed_files(
    manifest: Manifest, folder: Path, paths: Sequence[str]
) -> dict[str, tuple[int, str]]:
    """What a manifest says of files.

    Args:
        manifest: The manifest.
        folder: Where it lies.
        paths: Which files; with `manifest.json` among them, it may list no other.

    Returns:
        Path -> size and SHA-256, without the manifest itself.

    Raises:
        InputError: It does not list them.
    """
    where = str(folder / MANIFEST)
    listed: Any = manifest.document.get("files")
    files = listed if isinstance(listed, dict) else {}
    expected = set(paths) - {MANIFEST}
    odd = files.keys() ^ expected if MANIFEST in paths else expected - files.keys()
    if odd:
        raise InputError(f"does not list the files of a dataset folder: {some(sorted(odd))}", where)
    files = {path: files[path] for path in expected}
    problems = [
        Problem(f"has no size and SHA-256 of {path}", where, _REBUILD)
        for path, entry in files.items()
        if not (
            isinstance(entry, dict)
            and entry.keys() == {"bytes", "sha256"}
            and type(entry["bytes"]) is int
            and isinstance(entry["sha256"], str)
            and SHA256.fullmatch(entry["sha256"])
        )
    ]
    if problems:
        raise InputError(problems)
    return {path: (entry["bytes"], entry["sha256"]) for path, entry in files.items()}


def _strange_entries(folder: Path) -> Iterator[Problem]:
    """Everything that lies in the folder and should not, links among it."""
    folders = {"data", *(f"data/{task}" for task in TASKS)}
    for root, directories, names in os.walk(folder):
        for name in sorted([*directories, *names]):
            path = Path(root, name)
            relative = path.relative_to(folder).as_posix()
            if path.is_symlink():
                yield Problem("is a link", str(path), "Copy the files themselves")
            elif relative not in (folders if name in directories else ALL_FILES):
                yield Problem("is not part of a dataset folder", str(path), "Remove it")


def _hidden_metadata(folder: Path, files: Iterable[PublishedFile]) -> Iterator[Problem]:
    """Parquet files that carry notes of their own beside the columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for file in files:
        if not file.path.endswith(".parquet"):
            continue
        try:
            parquet = pq.ParquetFile(pa.BufferReader(file.content))
        except pa.ArrowException:
            continue  # reading the task says it better
        keys = set(parquet.metadata.metadata or {}) - {b"ARROW:schema"}
        keys |= set(parquet.schema_arrow.metadata or {})
        keys |= {key for field in parquet.schema_arrow for key in field.metadata or {}}
        if keys := keys - {b"PARQUET:field_id"}:
            named = some(sorted(key.decode(errors="replace") for key in keys))
            where = str(folder / file.path)
            yield Problem(f"carries metadata beyond its columns: {named}", where, _REBUILD)


def _content_problems(
    folder: Path, manifest: Manifest, tasks: Mapping[str, Task], contents: Mapping[str, bytes]
) -> Iterator[Problem]:
    """What the manifest and the card say that the tasks do not."""
    identity, document, where = manifest.identity, manifest.document, str(folder / MANIFEST)
    synthetic: Any = document.get("synthetic")
    is_synthetic = identity.name.startswith("synthetic")
    sound = isinstance(synthetic, dict) and all(
        type(value) in (int, float) for value in synthetic.values()
    )
    if sound != is_synthetic or ("synthetic" in document and not sound):
        what = "the settings of a synthetic stand-in and the data set's name do not fit"
        yield Problem(what, where, _REBUILD)
        return
    digests = {name: task_digest(task) for name, task in tasks.items()}
    expected = manifest_document(identity, tasks, digests, document["files"], synthetic)
    keys = [key for key in {**document, **expected} if document.get(key) != expected.get(key)]
    if not keys and contents[MANIFEST] != json_text(expected).encode():
        keys = ["its bytes"]  # such as a key twice, the first with anything in it
    if keys:
        what = f"says other than the files, or more than it should: {some(sorted(keys))}"
        yield Problem(what, where, _REBUILD)
    written = {
        CARD: dataset_card(identity, tasks, is_synthetic),
        CROISSANT: json_text(croissant(identity, document["files"], is_synthetic)),
    }
    for path, text in written.items():
        if contents[path] != text.encode():
            what = "is not the one that this version writes for these splits"
            yield Problem(what, str(folder / path), _REBUILD)
