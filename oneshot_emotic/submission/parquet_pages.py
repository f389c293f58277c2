"""What a parquet file says of itself, read before anything of it is unpacked.

A file's metadata may claim that little is inside while its pages unpack to gigabytes, and pyarrow
takes memory by the pages. So metadata and page headers are read here first
(https://github.com/apache/parquet-format, "FileMetaData" and "PageHeader"). Not by pyarrow: asked
for a column's metadata, it ends the process when they contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from oneshot_emotic.submission.limits import MAX_PARQUET_FOOTER_BYTES
from oneshot_emotic.submission.thrift import CompactReader

#: Pages are usually of a megabyte.
_MAX_PAGES = 100_000
_MAX_HEADER_BYTES = 1 << 16

_DATA_PAGE, _DATA_PAGE_V2 = 5, 8  # fields of a page header that hold the header of its kind
#: Each value may repeat the start of the one before: a few bytes become any number.
_DELTA_BYTE_ARRAY = 7
#: Lengths, then the texts one after another.
DELTA_LENGTH_BYTE_ARRAY = 6


class Chunk(NamedTuple):
    """One column of one group of rows, as the file's metadata describe it.

    Attributes:
        column: The column's path.
        start: Where its first page is.
        length: Bytes of its pages with their headers.
        values: How many values it should have.
        size: Bytes that it should unpack to.
    """

    column: str
    start: int
    length: int
    values: int
    size: int


class Pages(NamedTuple):
    """What the pages of a column chunk unpack to.

    Attributes:
        values: Values and empty lists.
        size: Bytes.
        encodings: Of the values, by their numbers.
    """

    values: int
    size: int
    encodings: frozenset[int]


def read_chunks(stream: BinaryIO) -> list[Chunk]:
    """The column chunks that a file's metadata name.

    Raises:
        ValueError: The metadata are damaged or too large.
    """
    size = stream.seek(0, 2)
    stream.seek(max(0, size - 8))
    tail = stream.read(8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or length > min(size - 8, MAX_PARQUET_FOOTER_BYTES):
        raise ValueError(f"its metadata say they have {length:,} bytes; the file has {size:,}")
    stream.seek(size - 8 - length)
    metadata = CompactReader(stream.read(length)).struct()
    groups = _items(metadata.get(4))
    chunks = [_chunk(column) for group in groups for column in _items(group.get(1))]
    if any(chunk.start + chunk.length > size for chunk in chunks):
        raise ValueError("its metadata name places beyond its end")
    return chunks


def _items(value: Any) -> Iterator[dict[int, Any]]:
    for item in value if isinstance(value, list) else []:
        if not isinstance(item, dict):
            raise ValueError("metadata of another form")
        yield item


def _chunk(column: dict[int, Any]) -> Chunk:
    metadata = column.get(3)
    if not isinstance(metadata, dict) or 1 in column:  # 1: in another file
        raise ValueError("a column without metadata")
    path = metadata.get(3)
    starts = [metadata.get(9), *([metadata[11]] if metadata.get(11) else [])]
    numbers = [metadata.get(5), metadata.get(6), metadata.get(7), *starts]
    if (
        not isinstance(path, list)
        or not all(isinstance(part, bytes) for part in path)
        or not all(type(number) is int and number >= 0 for number in numbers)
    ):
        raise ValueError("a column with damaged metadata")
    name = b".".join(path).decode("utf-8", "replace")
    return Chunk(name, min(starts), metadata[7], metadata[5], metadata[6])


def walk_pages(stream: BinaryIO, start: int, length: int) -> Pages:
    """Read the headers of the pages of a column chunk.

    Args:
        stream: The file.
        start: Where the first page is.
        length: Bytes of all pages with their headers.

    Raises:
        ValueError: They are damaged, too many, or of an encoding that is not read.
    """
    values = size = pages = 0
    encodings: set[int] = set()
    place, end = start, start + length
    while place < end:
        stream.seek(place)
        reader = CompactReader(stream.read(_MAX_HEADER_BYTES))
        header = reader.struct()
        unpacked, packed = header.get(2), header.get(3)
        if type(unpacked) is not int or type(packed) is not int or min(unpacked, packed) < 0:
            raise ValueError("a page without a size")
        for kind, encoding in ((_DATA_PAGE, 2), (_DATA_PAGE_V2, 4)):
            page = header.get(kind)
            if isinstance(page, dict):
                count, how = page.get(1), page.get(encoding)
                if type(count) is not int or count < 0 or type(how) is not int:
                    raise ValueError("a page without a number of values")
                values += count
                encodings.add(how)
        size += unpacked
        place += reader.place + packed
        pages += 1
        if pages > _MAX_PAGES:
            raise ValueError(f"more than {_MAX_PAGES:,} pages")
    if _DELTA_BYTE_ARRAY in encodings:
        raise ValueError("the encoding DELTA_BYTE_ARRAY is not read")
    return Pages(values, size, frozenset(encodings))
