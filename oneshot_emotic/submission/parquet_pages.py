"""What the pages of a parquet file say of themselves, read before any of them is unpacked.

A file's metadata may claim that little is inside while its pages unpack to gigabytes; the library
takes memory by the pages. So their headers are walked here: structs of Thrift's compact protocol
(https://github.com/apache/parquet-format, "PageHeader";
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
"""

from __future__ import annotations

from typing import Any, BinaryIO, NamedTuple

#: Pages are usually of a megabyte.
_MAX_PAGES = 100_000
_MAX_HEADER_BYTES = 1 << 16
_MAX_DEPTH = 4

_DATA_PAGE, _DATA_PAGE_V2 = 5, 8  # fields of a page header that hold the header of its kind
#: Each value may repeat the start of the one before: a few bytes become any number.
_DELTA_BYTE_ARRAY = 7
#: Lengths, then the texts one after another.
DELTA_LENGTH_BYTE_ARRAY = 6


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
        reader = _Compact(stream.read(_MAX_HEADER_BYTES))
        header = reader.struct()
        unpacked, packed = header.get(2), header.get(3)
        if type(unpacked) is not int or type(packed) is not int or min(unpacked, packed) < 0:
            raise ValueError("a page without a size")
        for kind, encoding in ((_DATA_PAGE, 2), (_DATA_PAGE_V2, 4)):
            page = header.get(kind)
            if isinstance(page, dict):
                if type(page.get(1)) is not int or page[1] < 0:
                    raise ValueError("a page without a number of values")
                values += page[1]
                encodings.add(int(page.get(encoding, -1)))
        size += unpacked
        place += reader.place + packed
        pages += 1
        if pages > _MAX_PAGES:
            raise ValueError(f"more than {_MAX_PAGES:,} pages")
    if _DELTA_BYTE_ARRAY in encodings:
        raise ValueError("the encoding DELTA_BYTE_ARRAY is not read")
    return Pages(values, size, frozenset(encodings))


class _Compact:
    """A reader of Thrift's compact protocol; only integers and structs are kept."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.place = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        if depth > _MAX_DEPTH:
            raise ValueError("a page header is nested too deeply")
        fields: dict[int, Any] = {}
        field = 0
        while (head := self._byte()) != 0:
            field = field + (head >> 4) if head >> 4 else self._integer()
            fields[field] = self._value(head & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2):  # true and false are in the type itself
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._integer()
        if kind == 7:
            return self._skip(8)
        if kind == 8:
            return self._skip(self._unsigned())
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError(f"a page header holds the Thrift type {kind}")

    def _byte(self) -> int:
        if self.place >= len(self._content):
            raise ValueError("a page header does not end")
        self.place += 1
        return self._content[self.place - 1]

    def _skip(self, count: int) -> None:
        self.place += count

    def _unsigned(self) -> int:
        result = shift = 0
        while True:
            byte = self._byte()
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result
            if shift > 63:
                raise ValueError("a page header holds an integer of more than 64 bits")

    def _integer(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)
