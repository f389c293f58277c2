"""Parquet: columns `sample_id` and `embedding`; schema metadata `header` (JSON text)."""

from __future__ import annotations

import io
import json
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.submission.contents import sound
from oneshot_emotic.submission.form import HEADER, BinaryContent, parsed_header, text_list
from oneshot_emotic.submission.limits import (
    MAX_PARQUET_FOOTER_BYTES,
    check_persons,
    check_shape,
    check_unpacked,
)
from oneshot_emotic.submission.parquet_pages import (
    DELTA_LENGTH_BYTE_ARRAY,
    read_chunks,
    walk_pages,
)

_COLUMNS = ("sample_id", "embedding")


def read_parquet(stream: BinaryIO, max_bytes: int, where: str) -> BinaryContent:
    """Take a .parquet file apart.

    Raises:
        InputError: It is damaged, holds other things, or is beyond a limit.
    """
    import pyarrow.parquet as pq

    bounds: dict[str, Any] = {
        "thrift_string_size_limit": MAX_PARQUET_FOOTER_BYTES,
        "thrift_container_size_limit": 100_000,
    }
    with sound(where, ".parquet"):
        encodings = _check_pages(stream, max_bytes, where)
        file = pq.ParquetFile(stream, **bounds)
        if set(file.schema_arrow.names) != set(_COLUMNS) or len(file.schema_arrow.names) != 2:
            raise InputError(
                Problem("must have the columns `sample_id` and `embedding`, no others", where)
            )
        check_persons(file.metadata.num_rows, where)
        metadata = file.schema_arrow.metadata or {}
        if DELTA_LENGTH_BYTE_ARRAY not in encodings:
            # A text that comes a million times from a dictionary is then in memory once.
            file = pq.ParquetFile(stream, read_dictionary=["sample_id"], **bounds)
        elif len(encodings) > 1:
            raise ValueError("its sample_ids are of several encodings")
        table = file.read(use_threads=False)
        ids = _texts(table.column("sample_id"), where)
        vectors = table.column("embedding").combine_chunks()
        array = _vectors(vectors, where)
    return BinaryContent(parsed_header(metadata.get(HEADER.encode()), where), ids, array)


def write_parquet(sample_ids: list[str], array: npt.NDArray[Any], header: dict[str, Any]) -> bytes:
    """The bytes of a .parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    vectors = pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1])
    table = pa.table({"sample_id": pa.array(sample_ids, pa.string()), "embedding": vectors})
    table = table.replace_schema_metadata({HEADER: json.dumps(header)})
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd")
    return stream.getvalue()


def _check_pages(stream: BinaryIO, max_bytes: int, where: str) -> frozenset[int]:
    """Hold what metadata and pages say of values and bytes against the limits.

    Returns:
        The encodings of the sample_ids.
    """
    unpacked = persons = values = 0
    encodings: frozenset[int] = frozenset()
    for chunk in read_chunks(stream):
        pages = walk_pages(stream, chunk.start, chunk.length)
        unpacked += max(pages.size, chunk.size)
        if chunk.column == "sample_id":
            persons += max(pages.values, chunk.values)
            encodings |= pages.encodings
        else:
            values += max(pages.values, chunk.values)
    check_unpacked(unpacked, max_bytes, where)
    check_shape(persons, -(-values // persons) if persons else 0, max_bytes, where)
    stream.seek(0)
    return encodings


def _texts(column: Any, where: str) -> list[str]:
    """A column of texts; one that comes many times is in memory once."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        return text_list(column.to_pylist() if is_text else None, where)
    texts: list[Any] = []
    for chunk in column.chunks:
        values = [*chunk.dictionary.to_pylist(), None]
        texts += [values[-1 if index is None else index] for index in chunk.indices.to_pylist()]
    return text_list(texts, where)


def _vectors(column: Any, where: str) -> Any:
    """A column of lists as a matrix, or as a list of lists where it is ragged."""
    import pyarrow as pa

    kinds = (pa.ListType, pa.LargeListType, pa.FixedSizeListType)
    if not isinstance(column.type, kinds):
        raise InputError(Problem(f"column `embedding` is of type {column.type}", where))
    flat = column.flatten()
    if column.null_count or flat.null_count:
        raise InputError(Problem("column `embedding` has empty cells", where))
    lengths = np.diff(column.offsets.to_numpy()) if hasattr(column, "offsets") else None
    if lengths is not None and len(set(lengths.tolist())) > 1:
        return column.to_pylist()  # ragged: the scoring names the persons
    values: npt.NDArray[Any] = flat.to_numpy(zero_copy_only=False)
    return values.reshape(len(column), -1) if len(column) else values.reshape(0, 0)
