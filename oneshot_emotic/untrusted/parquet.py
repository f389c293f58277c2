"""Parquet tables: columns of the types asked for, no more of them than a file may hold.

What a file says of itself is checked first: the types of its columns, its rows, its groups of rows
and the bytes that they unpack to. Then it is read a piece at a time by pyarrow, and what comes is
counted again. A text that comes a million times from a dictionary is in memory once.

Pages may still lie about what is in them: one that unpacks to two gigabytes, or a list with as many
numbers, is noticed only when it has been unpacked. So files of embeddings of this kind are read for
their owner alone, and never from a submission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO

from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.untrusted.limits import (
    MAX_ID,
    MAX_PARQUET_FOOTER_BYTES,
    MAX_ROW_GROUPS,
    check_count,
    check_unpacked,
)

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

#: Rows of texts or numbers that are unpacked at once.
_PIECE = 1 << 14


def open_parquet(
    stream: BinaryIO, kinds: Mapping[str, str], max_rows: int, max_bytes: int, where: str
) -> pq.ParquetFile:
    """A parquet file of nothing but certain columns, nothing of them read yet.

    Args:
        stream: The file.
        kinds: Its columns, each `text`, `whole numbers`, `true or false` or `lists of numbers`.
        max_rows: The most rows it may have.
        max_bytes: The most bytes it may say that it unpacks to.
        where: The file, for messages.

    Raises:
        InputError: It has other columns or types, or is beyond a limit.
        Exception: pyarrow cannot read it.
    """
    import pyarrow.parquet as pq

    bounds: dict[str, int] = {
        "thrift_string_size_limit": MAX_PARQUET_FOOTER_BYTES,
        "thrift_container_size_limit": 100_000,
    }
    file = pq.ParquetFile(stream, **bounds)
    schema = file.schema_arrow
    if sorted(schema.names) != sorted(kinds):
        named = some([name[:100] for name in schema.names], 8) or "none"
        raise InputError(f"has the columns {named}, not {', '.join(kinds)}", where)
    problems = [
        Problem(f"column `{name}` is of type {str(field.type)[:100]}, not {kinds[name]}", where)
        for name in kinds
        if not _is_of_kind((field := schema.field(name)).type, kinds[name])
    ]
    if problems:
        raise InputError(problems)
    # Not the columns' own metadata: asked for those that contradict each other, pyarrow ends the
    # process.
    check_count(file.metadata.num_row_groups, MAX_ROW_GROUPS, "groups of rows", where)
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    rows = [group.num_rows for group in groups]
    sizes = [group.total_byte_size for group in groups]
    if sum(rows) != file.metadata.num_rows or min([0, *rows, *sizes]) < 0:
        raise ValueError("its groups of rows contradict each other")
    check_count(sum(rows), max_rows, "rows", where)
    check_unpacked(sum(sizes), max_bytes, where)
    texts = [name for name, kind in kinds.items() if kind == "text"]
    return pq.ParquetFile(stream, metadata=file.metadata, read_dictionary=texts, **bounds)


def read_texts(file: pq.ParquetFile, column: str, where: str) -> list[str]:
    """A column of texts.

    Raises:
        InputError: A cell is empty, or longer than any id.
        Exception: pyarrow cannot read it.
    """
    texts: list[str] = []
    for piece in pieces(file, column, _PIECE, where):
        values = piece.dictionary.to_pylist()
        if max((len(text) for text in values), default=0) > MAX_ID:
            what = f"column `{column}` has a text of more than {MAX_ID:,} characters"
            raise InputError(what, where)
        texts += [values[index] for index in piece.indices.to_pylist()]
    return texts


def read_values(file: pq.ParquetFile, column: str, where: str) -> list[int]:
    """A column of whole numbers, or of true and false.

    Raises:
        InputError: A cell is empty.
        Exception: pyarrow cannot read it.
    """
    return [x for piece in pieces(file, column, _PIECE, where) for x in piece.to_pylist()]


def pieces(file: pq.ParquetFile, column: str, rows: int, where: str) -> Iterator[pa.Array]:
    """A column, so many rows at a time.

    Raises:
        InputError: A cell is empty.
        Exception: pyarrow cannot read it, or it has more or fewer rows than the file says.
    """
    left = file.metadata.num_rows
    for batch in file.iter_batches(rows, columns=[column], use_threads=False):
        piece = batch.column(0)
        if piece.null_count:
            raise InputError(f"column `{column}` has empty cells", where)
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left:
        raise ValueError(f"column {column!r} has more or fewer rows than the file says")


def _is_of_kind(kind: pa.DataType, wanted: str) -> bool:
    import pyarrow as pa

    if wanted == "text":
        inner = kind.value_type if pa.types.is_dictionary(kind) else kind
        return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))
    if wanted == "whole numbers":
        return bool(pa.types.is_integer(kind))
    if wanted == "true or false":
        return bool(pa.types.is_boolean(kind))
    lists: tuple[Callable[[pa.DataType], bool], ...] = (
        pa.types.is_list,
        pa.types.is_large_list,
        pa.types.is_fixed_size_list,
    )
    return any(test(kind) for test in lists) and bool(pa.types.is_floating(kind.value_type))
