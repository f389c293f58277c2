"""NumPy's .npz: arrays `ids` (text) and `embeddings`, and `header` (JSON text); no pickles.

The archive's list and each array's header are looked at before memory is taken for the array, and
an array that holds objects is never read.
"""

from __future__ import annotations

import io
import json
import math
import sys
import zipfile
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.submission.metadata import HEADER, Content
from oneshot_emotic.untrusted.files import sound
from oneshot_emotic.untrusted.limits import (
    MAX_DOCUMENT_BYTES,
    MAX_PERSONS,
    MAX_ZIP_DIRECTORY_BYTES,
    check_count,
    check_shape,
    check_unpacked,
)
from oneshot_emotic.untrusted.strict_json import parse_json

_MEMBERS = {f"{name}.npy": name for name in ("ids", "embeddings", HEADER)}
_REQUIRED = ("ids", "embeddings")
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others take memory as a file asks


class _Directory:
    """A stream that a zip's list of members is read through, and only so much of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.limited = True

    def read(self, size: int = -1) -> bytes:
        if not self.limited:
            return self._stream.read(size)
        most = MAX_ZIP_DIRECTORY_BYTES + 1_000  # what zipfile reads to find the list's place
        content = self._stream.read(most + 1 if size < 0 else min(size, most + 1))
        if len(content) > most:
            raise ValueError(f"its list of members has more than {MAX_ZIP_DIRECTORY_BYTES:,} bytes")
        return content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def read_npz(stream: BinaryIO, max_bytes: int, where: str) -> Content:
    """Take an .npz file apart.

    Raises:
        InputError: It is damaged, holds other things, or is beyond a limit.
    """
    directory = _Directory(stream)
    with sound(where, ".npz"), zipfile.ZipFile(directory) as archive:
        directory.limited = False
        members = _members(archive, max_bytes, where)
        arrays = {
            name: _read_array(archive, member, name, max_bytes, where)
            for name, member in members.items()
        }
        text = arrays.get(HEADER)
        header = None if text is None else parse_json(str(text.item()), f"{where}: {HEADER}")
        return header, (arrays["ids"].tolist(), arrays["embeddings"])


def write_npz(sample_ids: list[str], array: npt.NDArray[Any], header: dict[str, Any]) -> bytes:
    """The bytes of an .npz file."""
    stream = io.BytesIO()
    # Not compressed: numbers shrink by a sixth, and would take five times as long to read.
    np.savez(
        stream, ids=np.array(sample_ids), embeddings=array, header=np.array(json.dumps(header))
    )
    return stream.getvalue()


def _members(archive: zipfile.ZipFile, max_bytes: int, where: str) -> dict[str, zipfile.ZipInfo]:
    """The archive's members by the names of their arrays, all of them known ones."""
    listed = archive.infolist()
    check_unpacked(sum(member.file_size for member in listed), max_bytes, where)
    names = [member.filename for member in listed]
    strange = sorted(set(names) - _MEMBERS.keys())
    found = {_MEMBERS[name] for name in names if name in _MEMBERS}
    if strange or not found.issuperset(_REQUIRED):
        shown = some(sorted(name.removesuffix(".npy") for name in names), 5) or "nothing"
        wanted = "the arrays `ids` and `embeddings`, perhaps `header`, and no others"
        raise InputError(Problem(f"must hold {wanted}; it holds {shown}", where))
    if len(names) != len(set(names)):
        raise InputError(Problem("holds an array more than once", where))
    return {_MEMBERS[member.filename]: member for member in listed}


def _read_array(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, max_bytes: int, where: str
) -> npt.NDArray[Any]:
    """One array, after a look at the type and shape that it says it has."""
    if member.compress_type not in _COMPRESSIONS or member.flag_bits & 1:
        raise ValueError(f"{member.filename} is neither stored nor deflated")
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"{member.filename} has the version {version}")
        shape, fortran, dtype = _HEADERS[version](stream)
        _check_type(name, shape, dtype, max_bytes, where)
        size = math.prod(shape) * dtype.itemsize
        if size > member.file_size:
            raise ValueError(f"{member.filename} says it has {size:,} bytes, more than there are")
        content = stream.read(size + 1)  # one more, so that the checksum is looked at
    if len(content) != size:
        raise ValueError(f"{member.filename} has {len(content):,} bytes, not {size:,}")
    if dtype.kind == "U":
        # NumPy would make texts of numbers that are no characters, which Python fails on later.
        codes = np.frombuffer(content, np.dtype("u4").newbyteorder(dtype.byteorder))
        if codes.size and codes.max() > sys.maxunicode:
            raise ValueError(f"{member.filename} holds numbers that are not characters")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")


def _check_type(
    name: str, shape: tuple[int, ...], dtype: np.dtype[Any], max_bytes: int, where: str
) -> None:
    if dtype.hasobject:
        what = f"`{name}` holds Python objects (a pickle), which are never read"
        raise InputError(Problem(what, where))
    if name == "embeddings":
        if len(shape) == 2:
            check_shape(*shape, max_bytes, where)
        if dtype.kind not in "fiu":
            raise InputError(Problem(f"`{name}` is of type {dtype}, not numbers", where))
    elif name == "ids":
        if dtype.kind != "U" or len(shape) != 1:
            what = f"`ids` is of type {dtype} {shape}, not a list of text"
            raise InputError(Problem(what, where))
        check_count(shape[0], MAX_PERSONS, "sample_ids", where)
    elif dtype.kind != "U" or math.prod(shape) != 1 or dtype.itemsize > 4 * MAX_DOCUMENT_BYTES:
        raise InputError(Problem("`header` is not a text", where))
