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

from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.files import write_bytes
from oneshot_emotic.names import id_problems
from oneshot_emotic.scoring.embeddings import (
    Embeddings,
    check_arguments,
    joined,
    shared_embeddings,
)
from oneshot_emotic.splits import Task
from oneshot_emotic.submission.json_format import read_json, write_json
from oneshot_emotic.submission.metadata import EMBEDDINGS_FORMAT, Content, document_problems
from oneshot_emotic.submission.npz_format import read_npz, write_npz
from oneshot_emotic.submission.parquet_format import read_parquet, write_parquet
from oneshot_emotic.submission.remote import address, fetched, is_remote
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
        tasks: The names of the tasks that share it, mostly one; none where a binary file has no
            header.
        dataset: Name and fingerprint of the data set; None likewise.
        model: The model card, as far as given.
        embeddings: As `evaluate` takes them.
        refers_to: The file beside it that has the embeddings; None where it has them itself.
    """

    path: Path
    tasks: tuple[str, ...]
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
    suffix = suffix_of(path)
    if suffix == ".parquet" and not own:
        remedy = "Write it as .npz or .safetensors, with oneshot_emotic.write_submission"
        raise InputError(Problem("a submission is not made of .parquet files", str(path), remedy))
    with opened(path, max_bytes) as stream:
        header, embeddings = _read(suffix, stream, max_bytes, path)
    if header is None:
        assert embeddings is not None
        return EmbeddingsFile(path, (), None, {}, embeddings)
    document = header if suffix in (".json", ".json.gz") else {**header, "embeddings": {}}
    if problems := document_problems(document, "embeddings", str(path)):
        raise InputError(problems)
    refers_to = None
    tasks = tuple(_listed(header["task"]))
    if embeddings is None:
        reference = header["embeddings"]
        refers_to = path.parent / reference["file"]
        embeddings = read_referenced(reference, path.parent, tasks, max_bytes)
    return EmbeddingsFile(
        path, tasks, header["dataset"], header.get("model", {}), embeddings, refers_to
    )


def read_referenced(
    reference: Mapping[str, str], folder: Path, tasks: Sequence[str], max_bytes: int = MAX_BYTES
) -> Embeddings:
    """The embeddings of a reference that its schema has checked.

    Args:
        reference: The file's name, without any folder, and its digest; or where on the Hub it is.
        folder: Where it must be, if not there.
        tasks: What the file must be for, if it says so itself.
        max_bytes: As for `read_embeddings_file`.

    Raises:
        InputError: It is not there, is a link, has another digest or is for other tasks.
    """
    path = place_of(reference, folder)
    with referenced(reference, folder, max_bytes) as stream:
        header, embeddings = _read(suffix_of(path), stream, max_bytes, path)
    assert embeddings is not None  # the schema lets a reference name binary files only
    if header is not None:
        given = _listed(header.get("task"))
        if len(given) != len(tasks) or any(task not in given for task in tasks):
            what = f"says it is for the task {some(map(repr, given), 8)}, not "
            raise InputError(Problem(what + some(map(repr, tasks), 8), str(path)))
    return embeddings


@contextlib.contextmanager
def referenced(
    reference: Mapping[str, str], folder: Path, max_bytes: int = MAX_BYTES
) -> Iterator[BinaryIO]:
    """The file of a reference, open at its start, when its digest is as stated.

    Raises:
        InputError: It is not there, is a link, is beyond the limit or has another digest.
    """
    path = place_of(reference, folder)
    here = fetched(reference, max_bytes) if is_remote(reference) else path
    with opened(here, max_bytes, links=False) as stream:
        if (found := sha256_of_stream(stream)) != reference["sha256"]:
            remedy = "The file was changed after the digest was taken"
            if here != path:
                here.unlink(missing_ok=True)
                remedy += ", or its copy in the cache was damaged, which is fetched again next time"
            stated = reference["sha256"]
            what = f"has the SHA-256 {found[:12]}..., not {stated[:12]}... as stated"
            raise InputError(Problem(what, str(path), remedy))
        yield stream


def place_of(reference: Mapping[str, str], folder: Path) -> Path:
    """The file of a reference: in the folder, or as messages call one that is on the Hub."""
    return Path(address(reference)) if is_remote(reference) else folder / reference["file"]


def write_submission(
    path: str | os.PathLike[str],
    embeddings: Embeddings,
    task: Task | Sequence[Task],
    model: Mapping[str, Any] | str | None = None,
    dtype: str = "float32",
) -> None:
    """Write embeddings to a file for `oneshot-emotic score`.

    Args:
        path: Ends in .json, .json.gz, .npz, .safetensors or .parquet; all carry the same.
        embeddings: As for `evaluate`; checked before anything is written.
        task: From `load_task`. Or several of a data set that share one vector a person, as of a
            frozen encoder: then exactly the persons that are novel in one of them.
        model: The model card, such as `{"name": "My model"}`, or its name alone;
            docs/submission.md lists the fields.
        dtype: `float16`, `float32` or `float64`, of the stored values.

    Raises:
        InputError: The embeddings do not fit the task, overflow the type, or the model card has
            unknown fields.
    """
    tasks: list[Task] = [*task] if isinstance(task, list | tuple) else [task]  # type: ignore[list-item]
    for one in tasks or (None,):
        check_arguments(embeddings, one)
    names = [one.name for one in tasks]
    identity = tasks[0].dataset
    if identity is None or any(name not in TASKS for name in names):
        what = f"{some(names)}: no task of a published data set"
        raise InputError(Problem(what, remedy="Give a task from load_task; others can be scored"))
    if len({one.dataset for one in tasks}) > 1 or len(set(names)) < len(names):
        raise InputError("a file is shared by different tasks of one data set")
    dataset = {"name": identity.name, "fingerprint": identity.fingerprint}
    card = {"name": model} if isinstance(model, str) else model or {}
    if not isinstance(card, Mapping):
        what = f"a mapping or a name is needed, not a {type(model).__name__}"
        raise InputError(Problem(what, "model card"))
    document = {**_header(names, dataset, card), "model": dict(card), "embeddings": {}}
    if problems := document_problems(document, "embeddings", "model card"):
        raise InputError(problems)
    if dtype not in _DTYPES:
        raise InputError(Problem(f"dtype must be {', '.join(_DTYPES)}, not {dtype!r}"))
    sample_ids, aligned = joined(tasks, shared_embeddings(embeddings, tasks))
    with np.errstate(over="ignore"):
        array = aligned.astype(dtype)
    if not np.isfinite(array).all():
        raise InputError(Problem(f"the embeddings have values beyond the range of {dtype}"))
    write_embeddings_file(Path(path), sample_ids, array, names, dataset, card)


def write_embeddings_file(
    path: Path,
    sample_ids: Sequence[str],
    array: npt.NDArray[np.floating[Any]],
    tasks: Sequence[str],
    dataset: Mapping[str, str],
    model: Mapping[str, Any] | None = None,
) -> None:
    """Write embeddings in the format that the file's name asks for.

    Args:
        path: Ends in one of `SUFFIXES`.
        sample_ids: The persons, in the order of the rows.
        array: Of shape (persons, dimensions).
        tasks: The names of the tasks that they are for.
        dataset: `name` and `fingerprint`.
        model: The model card.

    Raises:
        InputError: The name has another ending.
    """
    header = _header(tasks, dataset, model)
    write_bytes(path, _WRITERS[suffix_of(path, to_write=True)](list(sample_ids), array, header))


def _header(
    tasks: Sequence[str], dataset: Mapping[str, str], model: Mapping[str, Any] | None
) -> dict[str, Any]:
    ordered = [name for name in TASKS if name in tasks]
    header: dict[str, Any] = {
        "format": EMBEDDINGS_FORMAT,
        "task": ordered if len(ordered) > 1 else ordered[0],
        "dataset": {"name": dataset["name"], "fingerprint": dataset["fingerprint"]},
    }
    return {**header, "model": dict(model)} if model else header


def _listed(task: Any) -> list[Any]:
    """The tasks of a header, which names one or lists several."""
    return task if isinstance(task, list) else [task]


def _read(suffix: str, stream: BinaryIO, max_bytes: int, path: Path) -> Content:
    header, embeddings = _READERS[suffix](stream, max_bytes, str(path))
    if embeddings is not None:
        sample_ids = embeddings if isinstance(embeddings, Mapping) else embeddings[0]
        if problems := id_problems("sample_ids", sample_ids, str(path)):
            raise InputError(problems)
    return header, embeddings


def suffix_of(path: Path, *, to_write: bool = False) -> str:
    """The ending of a file's name, which says its format.

    Args:
        path: The file.
        to_write: Whether it is yet to be written; else what is wrong with the file comes first.

    Raises:
        InputError: The name has another ending.
    """
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
            return suffix
    if not to_write:
        with opened(path, MAX_BYTES):  # says what is wrong with a file that is none
            pass
    raise InputError(Problem(f"its name ends in none of {', '.join(SUFFIXES)}", str(path)))
