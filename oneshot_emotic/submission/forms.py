"""The file forms of a submission: .json, .json.gz, .npz, .safetensors and .parquet.

All carry the same: a header (the fields of preds.json but the embeddings), sample_ids and vectors.

    .json, .json.gz   the documented form: the header's fields and `embeddings`, either
                      sample_id -> numbers, or {"file", "sha256"} of a binary file beside it
    .npz              arrays `ids` (text) and `embeddings`, and `header` (JSON text); no pickles
    .safetensors      tensor `embeddings`; metadata `header` (JSON text) with `ids` among its fields
    .parquet          columns `sample_id` and `embedding`; schema metadata `header` (JSON text)

In a binary form the header may be missing; then the task and the data set are given otherwise.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError, Problem, printable
from oneshot_emotic.files import sha256_of_file, write_bytes
from oneshot_emotic.scoring.embeddings import Embeddings
from oneshot_emotic.submission.documents import (
    MAX_BYTES,
    PREDICTIONS_FORMAT,
    check_size,
    parse_json,
    read_json,
    schema_problems,
)

HEADER = "header"
SUFFIXES = (".json", ".json.gz", ".npz", ".safetensors", ".parquet")


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


def read_predictions(path: Path) -> Predictions:
    """Read a file of any form.

    Raises:
        InputError: The file cannot be read, or its metadata is not as the schema says.
    """
    form = _form_of(path)
    if form in (".json", ".json.gz"):
        return _read_json_form(path)
    header, embeddings = _read_binary(path)
    if header is None:
        return Predictions(path, None, None, {}, embeddings)
    problems = schema_problems({**header, "embeddings": {}}, "predictions", str(path))
    if problems:
        raise InputError(problems)
    return Predictions(path, header["task"], header["dataset"], header.get("model", {}), embeddings)


def read_referenced(reference: Mapping[str, str], folder: Path, task: str) -> Embeddings:
    """The embeddings of a `{"file", "sha256"}` reference that its schema has checked.

    Args:
        reference: The file's name, without any folder, and its digest.
        folder: Where it must be.
        task: What the file must be for, if it says so itself.

    Raises:
        InputError: It is not there, is a link, has another digest or is for another task.
    """
    path = folder / reference["file"]
    if path.is_symlink():
        raise InputError(Problem("is a link, not a file", str(path)))
    check_size(path)
    if (found := sha256_of_file(path)) != reference["sha256"]:
        raise InputError(
            Problem(
                f"has the SHA-256 {found[:12]}..., not {reference['sha256'][:12]}... as stated",
                str(path),
                "The file was changed after the digest was taken",
            )
        )
    header, embeddings = _read_binary(path)
    if header is not None and header.get("task") != task:
        raise InputError(
            Problem(f"says it is for the task {header.get('task')!r}, not {task!r}", str(path))
        )
    return embeddings


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


def _form_of(path: Path) -> str:
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return suffix
    raise InputError(
        Problem(f"is of no known form; a name ends in {', '.join(SUFFIXES)}", str(path))
    )


def _read_json_form(path: Path) -> Predictions:
    document = read_json(path)
    problems = schema_problems(document, "predictions", str(path))
    if problems:
        raise InputError(problems)
    embeddings: Embeddings = document["embeddings"]
    if isinstance(embeddings, Mapping) and "file" in embeddings:
        embeddings = read_referenced(embeddings, path.parent, document["task"])
    return Predictions(
        path, document["task"], document["dataset"], document.get("model", {}), embeddings
    )


#: Header if there is one, sample_ids, vectors.
_Content = tuple[dict[str, Any] | None, list[str], Any]


def _read_binary(path: Path) -> tuple[dict[str, Any] | None, Embeddings]:
    check_size(path)
    header, sample_ids, array = _READERS[_form_of(path)](path)
    return header, (sample_ids, array)


def _header(content: bytes | str | None, path: Path) -> dict[str, Any] | None:
    return None if content is None else parse_json(content, f"{path}: {HEADER}")


@contextlib.contextmanager
def _reading(path: Path, form: str) -> Iterator[None]:
    """Every failure of a library on a damaged file becomes one message."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError(
            Problem(
                printable(f"is not a sound {form} file ({type(error).__name__}: {error})", 300),
                str(path),
            )
        ) from None


def _text_list(value: Any, path: Path) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(Problem("its sample_ids are not all text", str(path)))
    return value


def _read_npz(path: Path) -> _Content:
    with _reading(path, ".npz"), zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MAX_BYTES:
            raise InputError(Problem(f"unpacks to more than {MAX_BYTES:,} bytes", str(path)))
        names = {member.filename for member in archive.infolist()}
        missing = {"ids.npy", "embeddings.npy"} - names
        if missing:
            found = ", ".join(sorted(name.removesuffix(".npy") for name in names)) or "nothing"
            raise InputError(
                Problem(f"must hold the arrays `ids` and `embeddings`; it holds {found}", str(path))
            )
        with np.load(path, allow_pickle=False) as arrays:
            ids, array = arrays["ids"], arrays["embeddings"]
            header = arrays[HEADER] if f"{HEADER}.npy" in names else None
    if ids.dtype.kind != "U" or ids.ndim != 1:
        raise InputError(Problem(f"`ids` is of type {ids.dtype}, not a list of text", str(path)))
    if header is not None and (header.dtype.kind != "U" or header.size != 1):
        raise InputError(Problem("`header` is not a text", str(path)))
    return _header(None if header is None else str(header.item()), path), ids.tolist(), array


def _read_safetensors(path: Path) -> _Content:
    from safetensors import safe_open

    with _reading(path, ".safetensors"), safe_open(path, framework="numpy") as file:
        if "embeddings" not in file.keys():  # noqa: SIM118 (not a mapping)
            raise InputError(Problem("must hold a tensor `embeddings`", str(path)))
        header = parse_json((file.metadata() or {}).get(HEADER, "{}"), f"{path}: {HEADER}")
        array = file.get_tensor("embeddings")
    if "ids" not in header:
        raise InputError(
            Problem("must hold the sample_ids: a list `ids` in the metadata `header`", str(path))
        )
    ids = _text_list(header.pop("ids"), path)
    return header or None, ids, array


def _read_parquet(path: Path) -> _Content:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _reading(path, ".parquet"), path.open("rb") as stream:
        file = pq.ParquetFile(stream)
        groups = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
        if sum(group.total_byte_size for group in groups) > MAX_BYTES:
            raise InputError(Problem(f"unpacks to more than {MAX_BYTES:,} bytes", str(path)))
        if set(file.schema_arrow.names) != {"sample_id", "embedding"}:
            raise InputError(
                Problem("must have the columns `sample_id` and `embedding`, no others", str(path))
            )
        metadata = file.schema_arrow.metadata or {}
        table = file.read().combine_chunks()
        ids = _text_list(table.column("sample_id").to_pylist(), path)
        column = table.column("embedding")
        chunk = column.chunk(0) if column.num_chunks else pa.array([], column.type)
        array = _vectors(chunk, path)
    header = metadata.get(HEADER.encode())
    return _header(header, path), ids, array


def _vectors(column: Any, path: Path) -> Any:
    """A column of lists as a matrix, or as a list of lists where it is ragged."""
    import pyarrow as pa

    kinds = (pa.ListType, pa.LargeListType, pa.FixedSizeListType)
    if not isinstance(column.type, kinds):
        raise InputError(Problem(f"column `embedding` is of type {column.type}", str(path)))
    flat = column.flatten()
    if column.null_count or flat.null_count:
        raise InputError(Problem("column `embedding` has empty cells", str(path)))
    lengths = np.diff(column.offsets.to_numpy()) if hasattr(column, "offsets") else None
    if lengths is not None and len(set(lengths.tolist())) > 1:
        return column.to_pylist()  # ragged: the scoring names the persons
    values: npt.NDArray[Any] = flat.to_numpy(zero_copy_only=False)
    return values.reshape(len(column), -1) if len(column) else values.reshape(0, 0)


_Writer = Callable[[list[str], npt.NDArray[Any], dict[str, Any]], bytes]


def _write_json(sample_ids: list[str], array: npt.NDArray[Any], header: dict[str, Any]) -> bytes:
    # float() of a float16 or float32 is exact, and repr() of it reads back the same.
    rows = array.astype(np.float64).tolist()
    document = {**header, "embeddings": dict(zip(sample_ids, rows, strict=True))}
    return (json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def _write_json_gz(sample_ids: list[str], array: npt.NDArray[Any], header: dict[str, Any]) -> bytes:
    return gzip.compress(_write_json(sample_ids, array, header), mtime=0)


def _write_npz(sample_ids: list[str], array: npt.NDArray[Any], header: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(
        stream, ids=np.array(sample_ids), embeddings=array, header=np.array(json.dumps(header))
    )
    return stream.getvalue()


def _write_safetensors(
    sample_ids: list[str], array: npt.NDArray[Any], header: dict[str, Any]
) -> bytes:
    from safetensors.numpy import save

    # One key only: the library writes several in an order that changes from run to run.
    metadata = {HEADER: json.dumps({**header, "ids": sample_ids})}
    return save({"embeddings": np.ascontiguousarray(array)}, metadata=metadata)


def _write_parquet(sample_ids: list[str], array: npt.NDArray[Any], header: dict[str, Any]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    vectors = pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1])
    table = pa.table({"sample_id": pa.array(sample_ids, pa.string()), "embedding": vectors})
    table = table.replace_schema_metadata({HEADER: json.dumps(header)})
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd")
    return stream.getvalue()


_READERS: dict[str, Callable[[Path], _Content]] = {
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
    ".parquet": _read_parquet,
}
_WRITERS: dict[str, _Writer] = {
    ".json": _write_json,
    ".json.gz": _write_json_gz,
    ".npz": _write_npz,
    ".safetensors": _write_safetensors,
    ".parquet": _write_parquet,
}
