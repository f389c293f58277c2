"""Parquet: columns `sample_id` and `embedding`; schema metadata `header` (JSON text).

For a user's own file alone: see `oneshot_emotic/untrusted/parquet.py`.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.submission.metadata import HEADER, Content
from oneshot_emotic.untrusted.files import sound
from oneshot_emotic.untrusted.limits import MAX_PERSONS, check_shape
from oneshot_emotic.untrusted.parquet import open_parquet, pieces, read_texts
from oneshot_emotic.untrusted.strict_json import parse_json

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_COLUMNS = {"sample_id": "text", "embedding": "lists of float16, float32 or float64"}

#: Embeddings that are unpacked at once.
_PIECE = 256


def read_parquet(stream: BinaryIO, max_bytes: int, where: str) -> Content:
    """Take a .parquet file apart.

    Raises:
        InputError: It is damaged, holds other things, or is beyond a limit.
    """
    with sound(where, ".parquet"):
        file = open_parquet(stream, _COLUMNS, MAX_PERSONS, max_bytes, where)
        text = (file.schema_arrow.metadata or {}).get(HEADER.encode())
        header = None if text is None else parse_json(text, f"{where}: {HEADER}")
        ids = read_texts(file, "sample_id", where)
        return header, (ids, _read_vectors(file, max_bytes, where))


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


def _read_vectors(file: pq.ParquetFile, max_bytes: int, where: str) -> Any:
    """A matrix, or a list of vectors where they are not all alike."""
    rows: list[npt.NDArray[Any]] = []
    for piece in pieces(file, "embedding", _PIECE, where):
        numbers = piece.flatten()
        if numbers.null_count:
            raise InputError(Problem("column `embedding` has empty cells", where))
        lengths = piece.value_lengths().to_numpy()
        check_shape(file.metadata.num_rows, int(lengths.max(initial=0)), max_bytes, where)
        values = numbers.to_numpy(zero_copy_only=False)
        rows += np.split(values, np.cumsum(lengths)[:-1])
    alike = len({len(row) for row in rows}) == 1
    return np.stack(rows) if alike else rows
