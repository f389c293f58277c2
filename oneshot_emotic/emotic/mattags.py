"""Whether a MATLAB file may be given to SciPy, told from its tags.

SciPy's reader goes down nested cells until the stack ends, makes arrays as large as a file declares
them, and looks types up without asking whether there are such. So the tags of what is to be read
are walked first, in the layout of MathWorks' "MAT-File Format", version 5: the bytes must bear out
every size, and nothing may be there that an annotations file does not need.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Collection

#: Bytes of a file, and of its variables unpacked. A stand-in of EMOTIC's size has 60 million.
MOST_BYTES = 1 << 29
#: Structs and cells in each other; EMOTIC's file has six.
_DEPTH = 16
_MOST_DIMENSIONS = 32

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _TEXT = 1, 2, 4
_NUMBERS = range(6, 16)
#: Integers of 1 to 8 bytes, floats, and UTF-8 to UTF-32.
_DATA_TYPES = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18})


def check_tags(content: bytes, names: Collection[str]) -> None:
    """Refuse a file that SciPy should not be given.

    Args:
        content: A MATLAB file of version 5 to 7.
        names: The variables that will be read; only into those is looked.

    Raises:
        ValueError: Sizes and bytes disagree, or something is too large, too deep or of a kind
            that is not read; struct.error or zlib.error where the bytes end too early.
    """
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None or 0 in content[:4]:
        raise ValueError("no header of version 5")
    wanted = {name.encode() for name in names}
    at, room = _HEADER, MOST_BYTES
    while at < len(content):
        kind, size = struct.unpack_from(f"{order}II", content, at)
        if kind == _COMPRESSED:
            variable = zlib.decompressobj().decompress(content[at + 8 : at + 8 + size], room + 1)
            room -= len(variable)
            if room < 0:
                raise ValueError(f"more than {MOST_BYTES:,} bytes unpacked")
            _Walk(variable, order).matrix(0, wanted)
        else:
            _Walk(content, order).matrix(at, wanted)
        at += 8 + size


class _Walk:
    """The elements in a run of bytes, each found by its place."""

    def __init__(self, data: bytes, order: str) -> None:
        self.data = data
        self.order = order
        self.tag = struct.Struct(f"{order}2I").unpack_from

    def element(self, at: int) -> tuple[int, int, int, int]:
        """Type, place and size of an element's data, and where the next element begins."""
        kind, size = self.tag(self.data, at)
        if kind >> 16:  # up to four bytes stand in the tag itself
            return kind & 0xFFFF, at + 4, kind >> 16, at + 8
        return kind, at + 8, size, at + 8 + (size + 7 & ~7)

    def matrix(self, at: int, wanted: Collection[bytes] = (), depth: int = 0) -> int:
        """Walk a matrix and all in it; where the next element begins.

        With `wanted`, a matrix of another name is left out.
        """
        kind, size = self.tag(self.data, at)
        if kind != _MATRIX:
            raise ValueError(f"element of type {kind} where a matrix belongs")
        at += 8
        end: int = at + size
        if not size:
            return end
        category = self.tag(self.data, at + 8)[0] & 0xFF
        _, place, count, at = self.element(at + 16)
        if not 2 <= count // 4 <= _MOST_DIMENSIONS:
            raise ValueError(f"{count // 4} dimensions")
        items = math.prod(struct.unpack_from(f"{self.order}{count // 4}I", self.data, place))
        _, place, count, at = self.element(at)
        if wanted and self.data[place : place + count] not in wanted:
            return end
        if items > size:
            raise ValueError(f"{items:,} items in {size:,} bytes")
        if category in (_CELL, _STRUCT):
            if depth == _DEPTH:
                raise ValueError(f"more than {_DEPTH} structs and cells in each other")
            if category == _STRUCT:
                _, place, _, at = self.element(at)
                (width,) = struct.unpack_from(f"{self.order}i", self.data, place)
                _, _, count, at = self.element(at)
                if width < 1 or items * (count // width) > size:
                    raise ValueError(f"{items:,} structs in {size:,} bytes")
                items *= count // width
            for _ in range(items):
                at = self.matrix(at, depth=depth + 1)
        elif category == _TEXT or category in _NUMBERS:
            kind, _, _, at = self.element(at)
            if kind not in _DATA_TYPES:
                raise ValueError(f"data of type {kind}")
        else:
            raise ValueError(f"an array of class {category}")
        if at != end:
            raise ValueError(f"{size:,} bytes declared, {size + at - end:,} needed")
        return at
