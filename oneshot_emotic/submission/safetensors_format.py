"""Safetensors: a tensor `embeddings`; metadata `header`, a JSON text with `ids` among its fields.

The library holds the header's figures against the bytes that are there. Its JSON is read here too,
once and strictly: the library knows nothing of keys named twice, and the sample_ids stand in it.
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.submission.metadata import HEADER, Content
from oneshot_emotic.untrusted.files import sound
from oneshot_emotic.untrusted.limits import (
    MAX_HEADER_BYTES,
    MAX_PERSONS,
    check_count,
    check_shape,
)
from oneshot_emotic.untrusted.strict_json import parse_parts, split_object

_METADATA = "__metadata__"
_TENSOR = "embeddings"
_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # which NumPy does not have: the upper half of a float32
    **{f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "IU" for size in (1, 2, 4, 8)},
}


def read_safetensors(stream: BinaryIO, max_bytes: int, where: str) -> Content:
    """Take a .safetensors file apart.

    Raises:
        InputError: It is damaged, holds other things, or is beyond a limit.
    """
    from safetensors import deserialize

    with sound(where, ".safetensors"):
        content = stream.read(max_bytes)
        length = int.from_bytes(content[:8], "little")
        if length > min(len(content) - 8, MAX_HEADER_BYTES):
            raise ValueError(f"its header says it has {length:,} of {len(content):,} bytes")
        parts = split_object(content[8 : 8 + length], where)
        metadata = split_object(parts.pop(_METADATA, b"{}"), where)
        if set(parts) != {_TENSOR}:
            held = some(sorted(parts), 5) or "nothing"
            what = f"must hold a tensor `{_TENSOR}` and no other; it holds {held}"
            raise InputError(Problem(what, where))
        header, ids = _header(metadata, where)
        ((_, tensor),) = deserialize(content)  # type: ignore[no-untyped-call]
        return header, (ids, _array(tensor, max_bytes, where))


def write_safetensors(
    sample_ids: list[str], array: npt.NDArray[Any], header: dict[str, Any]
) -> bytes:
    """The bytes of a .safetensors file."""
    from safetensors.numpy import save

    # One key only: the library writes several in an order that changes from run to run.
    metadata = {HEADER: json.dumps({**header, "ids": sample_ids})}
    return save({_TENSOR: np.ascontiguousarray(array)}, metadata=metadata)


def _array(tensor: dict[str, Any], max_bytes: int, where: str) -> npt.NDArray[Any]:
    kind, shape = tensor["dtype"], tensor["shape"]
    if kind not in _TYPES:
        remedy = "Store them as F16, F32 or F64"
        raise InputError(Problem(f"the embeddings are of type {kind}", where, remedy))
    if len(shape) == 2:
        check_shape(shape[0], shape[1], max_bytes, where)
    array = np.frombuffer(tensor["data"], _TYPES[kind]).reshape(shape)
    return (array.astype("<u4") << 16).view("<f4") if kind == "BF16" else array


def _header(metadata: dict[str, bytes], where: str) -> tuple[dict[str, Any] | None, list[str]]:
    import msgspec

    inside = f"{where}: {HEADER}"
    try:
        text = msgspec.json.decode(metadata.get(HEADER, b'"{}"'), type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(Problem(f"is not a text: {error}", inside)) from None
    parts = split_object(text.encode("utf-8"), inside)
    if "ids" not in parts:
        what = "must hold the sample_ids: a list `ids` in the metadata `header`"
        raise InputError(Problem(what, where))
    content = parts.pop("ids")
    check_count(content.count(b",") + 1, MAX_PERSONS, "sample_ids", where)
    try:
        ids = msgspec.json.decode(content, type=list[str])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise InputError(Problem("its sample_ids are not all text", where)) from None
    return parse_parts(parts, inside) if parts else None, ids
