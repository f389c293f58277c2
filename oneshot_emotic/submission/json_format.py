"""preds.json, the documented form.

The metadata is parsed as such; each vector as a list of numbers and straight into its row, so that
a file takes little more memory than its bytes and its matrix.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError, Problem, counted, some
from oneshot_emotic.scoring.embeddings import MAX_INTEGER, Embeddings
from oneshot_emotic.submission.metadata import Content
from oneshot_emotic.untrusted.limits import check_shape
from oneshot_emotic.untrusted.strict_json import parse_parts, parse_value, split_object

#: In the JSON text of a vector.
_LARGE_INTEGER = re.compile(rb"(?<=[\[,\s])-?\d{16,}(?=[\],\s])")
_REFERENCE = frozenset({"file", "sha256"})


def read_json(content: bytes, max_bytes: int, where: str) -> Content:
    """Take preds.json apart.

    Returns:
        Its metadata, with `embeddings` empty, a reference or what is no object; and the embeddings,
        None where there are none but a reference.

    Raises:
        InputError: It is not JSON, names a key twice, or is beyond a limit.
    """
    parts = split_object(content, where)
    if _is_bare(parts):
        what = (
            f"is a bare object of {len(parts):,} vectors; it does not say for which task of which "
            "data set"
        )
        remedy = "Write it with oneshot_emotic.write_submission(path, embeddings, task)"
        raise InputError(Problem(what, where, remedy))
    inline = parts.pop("embeddings", None)
    document = parse_parts(parts, where)
    if inline is None:
        return document, None
    vectors = split_object(inline, where) if inline.startswith(b"{") else {}
    if _REFERENCE & vectors.keys() or not inline.startswith(b"{"):
        return {**document, "embeddings": parse_value(inline, where)}, None
    return {**document, "embeddings": {}}, _vectors(vectors, max_bytes, where)


def write_json(sample_ids: list[str], array: npt.NDArray[Any], header: dict[str, Any]) -> bytes:
    """The bytes of preds.json."""
    # float() of a float16 or float32 is exact, and repr() of it reads back the same.
    rows = array.astype(np.float64).tolist()
    document = {**header, "embeddings": dict(zip(sample_ids, rows, strict=True))}
    return (json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def _is_bare(parts: Mapping[str, bytes]) -> bool:
    """Whether a document is nothing but sample_id -> vector, as many a program would write it."""
    lists = all(text.startswith(b"[") for text in parts.values())
    return bool(parts) and lists and not parts.keys() & {"format", "task", "dataset", "embeddings"}


def _vectors(texts: Mapping[str, bytes], max_bytes: int, where: str) -> Embeddings:
    """The vectors from their JSON texts: a matrix; where they are not all alike, one by one."""
    import msgspec

    decode = msgspec.json.Decoder(list[float], strict=True).decode
    rows: list[Any] = []
    dimensions = max((text.count(b",") for text in texts.values()), default=0) + 1
    check_shape(len(texts), dimensions, max_bytes, where)
    array = np.empty((len(texts), dimensions))
    alike = True
    for place, text in enumerate(texts.values()):
        row: list[float] | None
        try:
            row = decode(text)
        except (msgspec.MsgspecError, RecursionError) as error:
            # A number beyond float64 is infinite there; everything else is no vector of numbers.
            beyond = text.startswith(b"[") and "out of range" in str(error)
            row = [np.inf] * (text.count(b",") + 1) if beyond else None
        if alike and row is not None and len(row) == dimensions:
            array[place] = row
            continue
        if alike:
            rows, alike = list(array[:place]), False
        rows.append(None if row is None else np.array(row))
    sample_ids = list(texts)
    if not alike or np.abs(array).max(initial=0) >= MAX_INTEGER:
        _check_integers(texts, where)
    return (sample_ids, array) if alike else dict(zip(sample_ids, rows, strict=True))


def _check_integers(texts: Mapping[str, bytes], where: str) -> None:
    """Refuse integers so large that a float64 may not hold them."""
    found = [
        sample_id
        for sample_id, text in texts.items()
        if any(len(x) > 20 or abs(int(x)) > MAX_INTEGER for x in _LARGE_INTEGER.findall(text))
    ]
    if found:
        what = (
            "integers beyond 2^53, which not every program reads as the same number, in "
            f"{counted(len(found), 'embedding')}: {some(found)}"
        )
        raise InputError(Problem(what, where, "Write them with a point or an exponent"))
