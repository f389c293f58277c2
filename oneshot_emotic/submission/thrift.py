"""A reader of Thrift's compact protocol, in which parquet files describe themselves.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from typing import Any

_MAX_DEPTH = 12
#: Of one structure: each takes a hundred times the memory of its bytes.
_MAX_VALUES = 200_000


class CompactReader:
    """Reads structures as dictionaries from field numbers to values.

    Attributes:
        place: How many bytes have been read.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.place = 0
        self._values = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The structure that begins here.

        Raises:
            ValueError: It is damaged, or too large.
        """
        if depth > _MAX_DEPTH:
            raise ValueError("metadata nested too deeply")
        fields: dict[int, Any] = {}
        field = 0
        while (head := self._byte()) != 0:
            field = field + (head >> 4) if head >> 4 else self._integer()
            kind = head & 15
            # In a field, true and false are in the type itself.
            fields[field] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        self._values += 1
        if self._values > _MAX_VALUES:
            raise ValueError(f"metadata of more than {_MAX_VALUES:,} values")
        if kind in (1, 2, 3):
            return self._byte()
        if kind in (4, 5, 6):
            return self._integer()
        if kind == 7:
            return self._bytes(8)
        if kind == 8:
            return self._bytes(self._unsigned())
        if kind in (9, 10):
            return self._list(depth)
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError(f"metadata of the Thrift type {kind}")

    def _list(self, depth: int) -> list[Any]:
        if depth > _MAX_DEPTH:
            raise ValueError("metadata nested too deeply")
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._unsigned()
        return [self._value(head & 15, depth + 1) for _ in range(count)]

    def _byte(self) -> int:
        if self.place >= len(self._content):
            raise ValueError("metadata that do not end")
        self.place += 1
        return self._content[self.place - 1]

    def _bytes(self, count: int) -> bytes:
        if count > len(self._content) - self.place:
            raise ValueError("metadata that do not end")
        self.place += count
        return self._content[self.place - count : self.place]

    def _unsigned(self) -> int:
        result = shift = 0
        while True:
            byte = self._byte()
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result
            if shift > 63:
                raise ValueError("metadata with an integer of more than 64 bits")

    def _integer(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)
