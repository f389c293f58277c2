"""Files of embeddings, read and written: .json, .json.gz, .npz, .safetensors and .parquet.

All carry the same: a header (the fields of preds.json but the embeddings), sample_ids and vectors.

    .json, .json.gz   the documented format: the header's fields and `embeddings`, either
                      sample_id -> numbers, or {"file", "sha256"} of a binary file beside it
    .npz              arrays `ids` (text) and `embeddings`, and `header` (JSON text); no pickles
    .safetensors      tensor `embeddings`; metadata `header` (JSON text) with `ids` among its fields
    .parquet          columns `sample_id` and `embedding`; schema metadata `header` (JSON text)

In a binary file the header may be missing; then the task and the data set are given otherwise.
Each format has a module of its own beside this one. Only its owner's .parquet file is read: what
pyarrow takes memory for cannot be bounded beforehand.
"""

from __future__ import annotations

import contextlib
import gzip
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.files import write_bytes
from oneshot_emotic.names import id_problems
from oneshot_emotic.scoring.embeddings import Embeddings, aligned_embeddings, check_arguments
from oneshot_emotic.splits import Task
from oneshot_emotic.submission.json_format import read_json, write_json
from oneshot_emotic.submission.metadata import EMBEDDINGS_FORMAT, Content, document_problems
from oneshot_emotic.submission.npz_format import read_npz, write_npz
from oneshot_emotic.submission.parquet_format import read_parquet, write_parquet
from oneshot_emotic.submission.safetensors_format import read_safetensors, write_safetensors
from oneshot_emotic.tasks import TASKS
from oneshot_emotic.untrusted.files import opened, read_gzip, sha256_of_stream
from oneshot_emotic.untrusted.limits import MAX_BYTES

_READERS: dict[str, Callable[[BinaryIO, int, str], Content]] = {
    ".json": lambda stream, most, where: read_json(stream.read(most), most, where),
    ".json.gz": lambda stream, most, where: read_json(read_gzip(stream, most, where), most, where),
    ".npz": read_npz,
    ".safetensors": read_safetensors,
    ".parquet": read_parquet,
}
_WRITERS: dict[str, Callable[[list[str], npt.NDArray[Any], dict[str, Any]], bytes]] = {
    ".json": write_json,
    ".json.gz": lambda *content: gzip.compress(write_json(*content), mtime=0),
    ".npz": write_npz,
    ".safetensors": write_safetensors,
    ".parquet": write_parquet,
}
#: How the name of a file of embeddings ends.
SUFFIXES = tuple(_WRITERS)
_DTYPES = ("float16", "float32", "float64")


@dataclass(frozen=True)
class EmbeddingsFile:
    """What a file holds, its metadata checked, its embeddings not yet.

    Attributes:
        path: The file.
        task: The task's name; None where a binary file has no header.
        dataset: Name and fingerprint of the data set; None likewise.
        model: The model card, as far as given.
        embeddings: As `evaluate` takes them.
        refers_to: The file beside it that has the embeddings; None where it has them itself.
    """

    path: Path
    task: str | None
    dataset: Mapping[str, str] | None
    model: Mapping[str, Any]
    embeddings: Embeddings
    refers_to: Path | None = None


def read_embeddings_file(
    path: Path, max_bytes: int = MAX_BYTES, *, own: bool = True
) -> EmbeddingsFile:
    """Read a file of embeddings.

    Args:
        path: The file; its name's ending says which format it has.
        max_bytes: The most bytes of the file, of what it unpacks to and of its embeddings.
        own: Whether it is the user's own. A stranger's .parquet file is refused.

    Raises:
        InputError: The file cannot be read, is beyond a limit, or its metadata is not as the
            schema says.
    """
    suffix = _suffix_of(path)
    if suffix == ".parquet" and not own:
        remedy = "Write it as .npz or .safetensors, with oneshot_emotic.write_submission"
        raise InputError(Problem("a submission is not made of .parquet files", str(path), remedy))
    with opened(path, max_bytes) as stream:
        header, embeddings = _read(suffix, stream, max_bytes, path)
    if header is None:
        assert embeddings is not None
        return EmbeddingsFile(path, None, None, {}, embeddings)
    document = header if suffix in (".json", ".json.gz") else {**header, "embeddings": {}}
    if problems := document_problems(document, "embeddings", str(path)):
        raise InputError(problems)
    refers_to = None
    if embeddings is None:
        reference = header["embeddings"]
        refers_to = path.parent / reference["file"]
        embeddings = read_referenced(reference, path.parent, header["task"], max_bytes)
    return EmbeddingsFile(
        path, header["task"], header["dataset"], header.get("model", {}), embeddings, refers_to
    )


def read_referenced(
    reference: Mapping[str, str], folder: Path, task: str, max_bytes: int = MAX_BYTES
) -> Embeddings:
    """The embeddings of a `{"file", "sha256"}` reference that its schema has checked.

    Args:
        reference: The file's name, without any folder, and its digest.
        folder: Where it must be.
        task: What the file must be for, if it says so itself.
        max_bytes: As for `read_embeddings_file`.

    Raises:
        InputError: It is not there, is a link, has another digest or is for another task.
    """
    path = folder / reference["file"]
    with referenced(reference, folder, max_bytes) as stream:
        header, embeddings = _read(_suffix_of(path), stream, max_bytes, path)
    assert embeddings is not None  # the schema lets a reference name binary files only
    if header is not None and header.get("task") != task:
        what = f"says it is for the task {header.get('task')!r}, not {task!r}"
        raise InputError(Problem(what, str(path)))
    return embeddings


@contextlib.contextmanager
def referenced(
    reference: Mapping[str, str], folder: Path, max_bytes: int = MAX_BYTES
) -> Iterator[BinaryIO]:
    """The file of a reference, open at its start, when its digest is as stated.

    Raises:
        InputError: It is not there, is a link, is beyond the limit or has another digest.
    """
    path = folder / reference["file"]
    with opened(path, max_bytes, links=False) as stream:
        if (found := sha256_of_stream(stream)) != reference["sha256"]:
            stated = reference["sha256"]
            what = f"has the SHA-256 {found[:12]}..., not {stated[:12]}... as stated"
            remedy = "The file was changed after the digest was taken"
            raise InputError(Problem(what, str(path), remedy))
        yield stream


def write_submission(
    path: str | os.PathLike[str],
    embeddings: Embeddings,
    task: Task,
    model: Mapping[str, Any] | str | None = None,
    dtype: str = "float32",
) -> None:
    """Write a task's embeddings to a file for `oneshot-emotic score`.

    Args:
        path: Ends in .json, .json.gz, .npz, .safetensors or .parquet; all carry the same.
        embeddings: As for `evaluate`; checked before anything is written.
        task: From `load_task`.
        model: The model card, such as `{"name": "My model"}`, or its name alone;
            docs/submission.md lists the fields.
        dtype: `float16`, `float32` or `float64`, of the stored values.

    Raises:
        InputError: The embeddings do not fit the task, overflow the type, or the model card has
            unknown fields.
    """
    check_arguments(embeddings, task)
    if task.dataset is None or task.name not in TASKS:
        what = f"{task.name} is no task of a published data set"
        raise InputError(Problem(what, remedy="Give a task from load_task; others can be scored"))
    dataset = {"name": task.dataset.name, "fingerprint": task.dataset.fingerprint}
    card = {"name": model} if isinstance(model, str) else model or {}
    if not isinstance(card, Mapping):
        what = f"a mapping or a name is needed, not a {type(model).__name__}"
        raise InputError(Problem(what, "model card"))
    header = {"format": EMBEDDINGS_FORMAT, "task": task.name, "dataset": dataset}
    document = {**header, "model": dict(card), "embeddings": {}}
    if problems := document_problems(document, "embeddings", "model card"):
        raise InputError(problems)
    if dtype not in _DTYPES:
        raise InputError(Problem(f"dtype must be {', '.join(_DTYPES)}, not {dtype!r}"))
    aligned = aligned_embeddings(embeddings, task)
    with np.errstate(over="ignore"):
        array = aligned.astype(dtype)
    if not np.isfinite(array).all():
        raise InputError(Problem(f"the embeddings have values beyond the range of {dtype}"))
    write_embeddings_file(Path(path), task.novel.sample_ids, array, task.name, dataset, card)


def write_embeddings_file(
    path: Path,
    sample_ids: Sequence[str],
    array: npt.NDArray[np.floating[Any]],
    task: str,
    dataset: Mapping[str, str],
    model: Mapping[str, Any] | None = None,
) -> None:
    """Write embeddings in the format that the file's name asks for.

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
        "format": EMBEDDINGS_FORMAT,
        "task": task,
        "dataset": {"name": dataset["name"], "fingerprint": dataset["fingerprint"]},
    }
    if model:
        header["model"] = dict(model)
    write_bytes(path, _WRITERS[_suffix_of(path, to_write=True)](list(sample_ids), array, header))


def _read(suffix: str, stream: BinaryIO, max_bytes: int, path: Path) -> Content:
    header, embeddings = _READERS[suffix](stream, max_bytes, str(path))
    if embeddings is not None:
        sample_ids = embeddings if isinstance(embeddings, Mapping) else embeddings[0]
        if problems := id_problems("sample_ids", sample_ids, str(path)):
            raise InputError(problems)
    return header, embeddings


def _suffix_of(path: Path, *, to_write: bool = False) -> str:
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
            return suffix
    if not to_write:
        with opened(path, MAX_BYTES):  # says what is wrong with a file that is none
            pass
    raise InputError(Problem(f"its name ends in none of {', '.join(SUFFIXES)}", str(path)))
