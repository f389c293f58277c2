"""JSON from strangers: bounded, no key twice, no NaN, nothing nested deeply.

`parse_json` is for metadata. `split_object` takes a large object apart into its keys and the raw
text of their values, so that what is large can be read as what it must be and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.untrusted.limits import (
    MAX_DEPTH,
    MAX_DOCUMENT_BYTES,
    MAX_ITEMS,
    MAX_PERSONS,
    check_count,
)

_NESTED = f"is nested more than {MAX_DEPTH} deep"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOT_A_NUMBER = re.compile(rb"(?<=[\[,:\s])-?(?:NaN|Infinity)(?=[\],}\s])")


class _Key(str):
    """A key of a JSON object; being no plain str, msgspec calls back for each one."""

    __slots__ = ()


def parse_json(content: bytes | str, where: str) -> dict[str, Any]:
    """Parse a JSON object of metadata.

    Args:
        content: At most `MAX_DOCUMENT_BYTES`, in UTF-8 where it is bytes.
        where: The file, for messages.

    Raises:
        InputError: It is too large, too deep, not JSON, not an object, or names a key twice.
    """
    value = parse_value(content, where)
    if not isinstance(value, dict):
        raise InputError(f"is a JSON {type(value).__name__}, not an object", where)
    return value


def parse_value(content: bytes | str, where: str) -> Any:
    """`parse_json` of a value of any kind."""
    check_count(len(content), MAX_DOCUMENT_BYTES, "bytes of metadata", where)
    text = _text(content, where) if isinstance(content, bytes) else content
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) != len(items):
            twice.extend(_repeated([key for key, _ in items]))
        return result

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=_no_constant)
    except RecursionError:
        raise InputError(_NESTED, where) from None
    except ValueError as error:
        raise InputError(f"is not JSON: {error}", where) from None
    if twice:
        raise InputError(_twice(twice, where))
    _check_size(value, where)
    return value


def parse_parts(parts: Mapping[str, bytes], where: str) -> dict[str, Any]:
    """`parse_json` of the parts of `split_object` that are metadata."""
    texts = (json.dumps(key).encode() + b":" + text for key, text in parts.items())
    return parse_json(b"{" + b",".join(texts) + b"}", where)


def split_object(content: bytes, where: str) -> dict[str, bytes]:
    """The keys of a JSON object and the raw text of their values.

    Args:
        content: In UTF-8.
        where: The file, for messages.

    Raises:
        InputError: It is not JSON or not an object, or names a key twice or more than
            `MAX_PERSONS` keys.
    """
    import msgspec

    content = content.removeprefix(_BYTE_ORDER_MARK)
    # Each key has a colon; counting takes no memory.
    if (count := content.count(b":")) > MAX_PERSONS:
        raise InputError(f"has some {count:,} keys; at most {MAX_PERSONS:,} are read", where)
    keys: list[str] = []

    def each_key(_: type, key: str) -> _Key:
        keys.append(key)
        return _Key(key)

    try:
        found = msgspec.json.decode(content, type=dict[_Key, msgspec.Raw], dec_hook=each_key)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(_not_json(content, error, where)) from None
    if len(found) != len(keys):
        raise InputError(_twice(_repeated(keys), where))
    return {key: bytes(raw) for key, raw in zip(keys, found.values(), strict=True)}


def _text(content: bytes, where: str) -> str:
    try:
        return content.removeprefix(_BYTE_ORDER_MARK).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"is not JSON in UTF-8: {error}", where) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _check_size(value: Any, where: str, depth: int = 0) -> None:
    """Refuse a value that is nested deeply, or that holds a long list or object."""
    if depth > MAX_DEPTH:
        raise InputError(_NESTED, where)
    if isinstance(value, dict | list):
        if len(value) > MAX_ITEMS:
            what = f"has a list of {len(value):,} entries; at most {MAX_ITEMS:,} are read"
            raise InputError(what, where)
        for item in value.values() if isinstance(value, dict) else value:
            _check_size(item, where, depth + 1)


def _repeated(keys: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    return sorted({key for key in keys if key in seen or seen.add(key)})  # type: ignore[func-returns-value]


def _twice(keys: Sequence[str], where: str) -> Problem:
    what = "key comes" if len(keys) == 1 else "keys come"
    return Problem(f"{len(keys):,} {what} more than once, such as {some(keys)}", where)


def _not_json(content: bytes, error: Exception, where: str) -> Problem:
    """Why msgspec does not take it, in words that help."""
    if isinstance(error, RecursionError):
        return Problem(_NESTED, where)
    if isinstance(error, UnicodeDecodeError):
        return Problem(f"is not JSON in UTF-8: {error.reason}", where)
    # Python's json module writes NaN, which no other program reads.
    if found := _NOT_A_NUMBER.search(content):
        count = sum(1 for _ in _NOT_A_NUMBER.finditer(content))
        end = content.rfind(b'"', 0, max(0, content.rfind(b":", 0, found.start())))
        name = content[content.rfind(b'"', 0, max(0, end)) + 1 : end].decode("utf-8", "replace")
        return Problem(
            f"is not JSON: holds {count:,} NaN or Infinity, the first for {name}",
            where,
            "Find out where in the model they come from",
        )
    if str(error).startswith("Expected `object`"):
        kind = str(error).removeprefix("Expected `object`, got ").strip("`")
        return Problem(f"is a JSON {kind}, not an object", where)
    return Problem(f"is not JSON: {error}", where)
