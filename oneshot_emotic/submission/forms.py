"""The file forms of a submission: .json, .json.gz, .npz, .safetensors and .parquet.

All carry the same: a header (the fields of preds.json but the embeddings), sample_ids and vectors.

    .json, .json.gz   the documented form: the header's fields and `embeddings`, either
                      sample_id -> numbers, or {"file", "sha256"} of a binary file beside it
    .npz              arrays `ids` (text) and `embeddings`, and `header` (JSON text); no pickles
    .safetensors      tensor `embeddings`; metadata `header` (JSON text) with `ids` among its fields
    .parquet          columns `sample_id` and `embedding`; schema metadata `header` (JSON text)

In a binary form the header may be missing; then the task and the data set are given otherwise.
Each form has a module of its own beside this one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.files import write_bytes
from oneshot_emotic.names import id_problems
from oneshot_emotic.scoring.embeddings import Embeddings
from oneshot_emotic.submission.contents import opened, read_all, read_gzip, sha256_of_stream
from oneshot_emotic.submission.documents import PREDICTIONS_FORMAT, document_problems
from oneshot_emotic.submission.form import BinaryContent
from oneshot_emotic.submission.json_form import read_json, write_json, write_json_gz
from oneshot_emotic.submission.limits import MAX_BYTES
from oneshot_emotic.submission.npz_form import read_npz, write_npz
from oneshot_emotic.submission.parquet_form import read_parquet, write_parquet
from oneshot_emotic.submission.safetensors_form import read_safetensors, write_safetensors

_READERS: dict[str, Callable[[BinaryIO, int, str], BinaryContent]] = {
    ".npz": read_npz,
    ".safetensors": read_safetensors,
    ".parquet": read_parquet,
}
_WRITERS: dict[str, Callable[[list[str], npt.NDArray[Any], dict[str, Any]], bytes]] = {
    ".json": write_json,
    ".json.gz": write_json_gz,
    ".npz": write_npz,
    ".safetensors": write_safetensors,
    ".parquet": write_parquet,
}
SUFFIXES = tuple(_WRITERS)


@dataclass(frozen=True)
class Predictions:
    """What a file of a submission holds, its metadata checked, its embeddings not yet.

    Attributes:
        path: The file.
        task: The task's name; None where a binary file has no header.
        dataset: Name and fingerprint of the data set; None likewise.
        model: The model card, as far as given.
        embeddings: As `evaluate` takes them.
    """

    path: Path
    task: str | None
    dataset: Mapping[str, str] | None
    model: Mapping[str, Any]
    embeddings: Embeddings


def read_predictions(path: Path, max_bytes: int = MAX_BYTES) -> Predictions:
    """Read a file of any form.

    Args:
        path: The file; its name's ending says which form.
        max_bytes: The most bytes of the file, of what it unpacks to and of its embeddings.

    Raises:
        InputError: The file cannot be read, is beyond a limit, or its metadata is not as the
            schema says.
    """
    form = _form_of(path)
    if form in (".json", ".json.gz"):
        return _read_json_form(path, form, max_bytes)
    with opened(path, max_bytes) as stream:
        header, sample_ids, vectors = _READERS[form](stream, max_bytes, str(path))
    _check_ids(sample_ids, path)
    if header is None:
        return Predictions(path, None, None, {}, (sample_ids, vectors))
    problems = document_problems({**header, "embeddings": {}}, "predictions", str(path))
    if problems:
        raise InputError(problems)
    return Predictions(
        path, header["task"], header["dataset"], header.get("model", {}), (sample_ids, vectors)
    )


def read_referenced(
    reference: Mapping[str, str], folder: Path, task: str, max_bytes: int = MAX_BYTES
) -> Embeddings:
    """The embeddings of a `{"file", "sha256"}` reference that its schema has checked.

    Args:
        reference: The file's name, without any folder, and its digest.
        folder: Where it must be.
        task: What the file must be for, if it says so itself.
        max_bytes: As for `read_predictions`.

    Raises:
        InputError: It is not there, is a link, has another digest or is for another task.
    """
    path = folder / reference["file"]
    with _referenced(reference, folder, max_bytes) as stream:
        header, sample_ids, vectors = _READERS[_form_of(path)](stream, max_bytes, str(path))
    _check_ids(sample_ids, path)
    if header is not None and header.get("task") != task:
        raise InputError(
            Problem(f"says it is for the task {header.get('task')!r}, not {task!r}", str(path))
        )
    return sample_ids, vectors


def check_referenced(
    reference: Mapping[str, str], folder: Path, max_bytes: int = MAX_BYTES
) -> None:
    """Compare the file of a reference with its digest, without reading what it holds.

    Raises:
        InputError: As `read_referenced`, as far as the digest tells.
    """
    with _referenced(reference, folder, max_bytes):
        pass


def write_predictions(
    path: Path,
    sample_ids: Sequence[str],
    array: npt.NDArray[np.floating[Any]],
    task: str,
    dataset: Mapping[str, str],
    model: Mapping[str, Any] | None = None,
) -> None:
    """Write embeddings in the form that the file's name asks for.

    Args:
        path: Ends in one of `SUFFIXES`.
        sample_ids: The persons, in the order of the rows.
        array: Of shape (persons, dimensions).
        task: The task's name.
        dataset: `name` and `fingerprint`.
        model: The model card.

    Raises:
        InputError: The name has another ending.
    """
    header: dict[str, Any] = {
        "format": PREDICTIONS_FORMAT,
        "task": task,
        "dataset": {"name": dataset["name"], "fingerprint": dataset["fingerprint"]},
    }
    if model:
        header["model"] = dict(model)
    write_bytes(path, _WRITERS[_form_of(path)](list(sample_ids), array, header))


@contextlib.contextmanager
def _referenced(reference: Mapping[str, str], folder: Path, max_bytes: int) -> Iterator[BinaryIO]:
    """The file of a reference, open at its start; its digest is as stated."""
    path = folder / reference["file"]
    with opened(path, max_bytes, links=False) as stream:
        if (found := sha256_of_stream(stream)) != reference["sha256"]:
            raise InputError(
                Problem(
                    f"has the SHA-256 {found[:12]}..., not {reference['sha256'][:12]}... as stated",
                    str(path),
                    "The file was changed after the digest was taken",
                )
            )
        yield stream


def _check_ids(sample_ids: Iterable[str], path: Path) -> None:
    if problems := id_problems("sample_ids", sample_ids, str(path)):
        raise InputError(problems)


def _form_of(path: Path) -> str:
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return suffix
    raise InputError(
        Problem(f"is of no known form; a name ends in {', '.join(SUFFIXES)}", str(path))
    )


def _read_json_form(path: Path, form: str, max_bytes: int) -> Predictions:
    read = read_gzip if form == ".json.gz" else read_all
    with opened(path, max_bytes) as stream:
        content = read(stream, max_bytes, str(path))
    document, embeddings = read_json(content, max_bytes, str(path))
    problems = document_problems(document, "predictions", str(path))
    if problems:
        raise InputError(problems)
    task = document["task"]
    if embeddings is None:
        embeddings = read_referenced(document["embeddings"], path.parent, task, max_bytes)
    else:
        _check_ids(embeddings if isinstance(embeddings, Mapping) else embeddings[0], path)
    return Predictions(path, task, document["dataset"], document.get("model", {}), embeddings)
