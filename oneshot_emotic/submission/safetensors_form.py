"""Safetensors: a tensor `embeddings`; metadata `header`, a JSON text with `ids` among its fields.

The format is eight bytes with the length of a JSON header, the header, and the values
(https://github.com/huggingface/safetensors, "Format"). It is read here and not by the library, so
that every figure of the header is held against the file before memory is taken.
"""

from __future__ import annotations

import json
import math
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.submission.contents import sound
from oneshot_emotic.submission.form import HEADER, BinaryContent, text_list
from oneshot_emotic.submission.limits import MAX_HEADER_BYTES, check_persons, check_shape
from oneshot_emotic.submission.strict_json import parse_parts, parse_value, split_object

_METADATA = "__metadata__"
_TENSOR = "embeddings"
_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    **{f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "IU" for size in (1, 2, 4, 8)},
}


def read_safetensors(stream: BinaryIO, max_bytes: int, where: str) -> BinaryContent:
    """Take a .safetensors file apart.

    Raises:
        InputError: It is damaged, holds other things, or is beyond a limit.
    """
    with sound(where, ".safetensors"):
        size = stream.seek(0, 2)
        stream.seek(0)
        length = int.from_bytes(stream.read(8), "little")
        if length > min(size - 8, MAX_HEADER_BYTES):
            raise ValueError(f"its header says it has {length:,} bytes; the file has {size:,}")
        parts = split_object(stream.read(length), where)
        metadata = split_object(parts.pop(_METADATA, b"{}"), where)
        if set(parts) != {_TENSOR}:
            held = some(sorted(parts), 5) or "nothing"
            raise InputError(
                Problem(f"must hold a tensor `{_TENSOR}` and no other; it holds {held}", where)
            )
        tensor = parse_value(parts[_TENSOR], where)
        dtype, shape = _checked(tensor, size - 8 - length, max_bytes, where)
        # A copy that owns its bytes: the file may change or go.
        array = np.frombuffer(stream.read(), dtype).reshape(shape)
    header, ids = _header(metadata, where)
    return BinaryContent(header, ids, array)


def write_safetensors(
    sample_ids: list[str], array: npt.NDArray[Any], header: dict[str, Any]
) -> bytes:
    """The bytes of a .safetensors file."""
    from safetensors.numpy import save

    # One key only: the library writes several in an order that changes from run to run.
    metadata = {HEADER: json.dumps({**header, "ids": sample_ids})}
    return save({_TENSOR: np.ascontiguousarray(array)}, metadata=metadata)


def _checked(tensor: Any, left: int, max_bytes: int, where: str) -> tuple[str, tuple[int, ...]]:
    """The tensor's type and shape, when they fit the bytes that are `left` for it."""
    name, shape, offsets = tensor["dtype"], tensor["shape"], tensor["data_offsets"]
    if name not in _TYPES:
        raise InputError(
            Problem(f"the embeddings are of type {name}", where, "Store them as F16, F32 or F64")
        )
    if not all(type(x) is int and x >= 0 for x in (*shape, *offsets)):
        raise ValueError(f"its shape is {shape}, its place {offsets}")
    if len(shape) == 2:
        check_shape(shape[0], shape[1], max_bytes, where)
    size = math.prod(shape) * np.dtype(_TYPES[name]).itemsize
    if list(offsets) != [0, size] or size != left:
        raise ValueError(
            f"its header says {size:,} bytes of values at {offsets}; the file has {left:,}"
        )
    return _TYPES[name], tuple(shape)


def _header(metadata: dict[str, bytes], where: str) -> tuple[dict[str, Any] | None, list[str]]:
    import msgspec

    inside = f"{where}: {HEADER}"
    try:
        text = msgspec.json.decode(metadata.get(HEADER, b'"{}"'), type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(Problem(f"is not a text: {error}", inside)) from None
    parts = split_object(text.encode("utf-8"), inside)
    if "ids" not in parts:
        raise InputError(
            Problem("must hold the sample_ids: a list `ids` in the metadata `header`", where)
        )
    content = parts.pop("ids")
    check_persons(content.count(b",") + 1, where)
    try:
        ids = msgspec.json.decode(content, type=list[str])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        ids = text_list(None, where)
    return parse_parts(parts, inside) if parts else None, ids
