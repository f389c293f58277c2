"""The metadata of submissions: JSON read strictly, and checked against the shipped schemas."""

from __future__ import annotations

import gzip
import json
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneshot_emotic.errors import InputError, Problem, printable, some

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

PREDICTIONS_FORMAT = "oneshot-emotic/1"
SUBMISSION_FORMAT = "oneshot-emotic-submission/1"

SCHEMAS = Path(__file__).parent / "schemas"
_SCHEMA_NAMES = ("model", "predictions", "submission")

#: The largest file read, and the largest content unpacked from a compressed one, in bytes.
MAX_BYTES = 1 << 30


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file, gzipped if its name ends in .gz.

    Raises:
        InputError: There is no such file, it is too large, damaged, not JSON, not an object, or
            names a key twice.
    """
    return parse_json(read_limited(path), str(path))


def parse_json(content: bytes | str, where: str) -> dict[str, Any]:
    """Parse a JSON object; NaN and Infinity pass, to be reported with their sample_id later."""
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) != len(items):
            keys = [key for key, _ in items]
            twice.extend(sorted({key for key in keys if keys.count(key) > 1}))
        return result

    try:
        value = json.loads(content, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise InputError(Problem(f"is not JSON: {error}", where)) from None
    if twice:
        raise InputError(
            Problem(f"{len(twice):,} keys come more than once, such as {some(twice)}", where)
        )
    if not isinstance(value, dict):
        raise InputError(Problem(f"is a JSON {type(value).__name__}, not an object", where))
    return value


def read_limited(path: Path) -> bytes:
    """The bytes of a file of at most `MAX_BYTES`, unpacked if its name ends in .gz."""
    check_size(path)
    try:
        if path.suffix.lower() != ".gz":
            return path.read_bytes()
        with gzip.open(path) as stream:
            content = stream.read(MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(Problem(f"is a damaged gzip file: {error}", str(path))) from None
    except OSError as error:
        raise InputError(Problem(f"cannot be read: {error.strerror or error}", str(path))) from None
    if len(content) > MAX_BYTES:
        raise InputError(Problem(f"unpacks to more than {MAX_BYTES:,} bytes", str(path)))
    return content


def check_size(path: Path) -> None:
    """Refuse what is not a file, or is too large a one."""
    if not path.is_file():
        what = "is not a file" if path.exists() else "there is no such file"
        raise InputError(Problem(what, str(path)))
    if (size := path.stat().st_size) > MAX_BYTES:
        raise InputError(
            Problem(f"has {size:,} bytes, more than the {MAX_BYTES:,} that are read", str(path))
        )


def schema_problems(document: dict[str, Any], schema: str, where: str) -> list[Problem]:
    """Everything in a document that its schema does not allow.

    Args:
        document: The parsed JSON. The vectors of inline embeddings are left to the checks of the
            scoring, which are quicker and name the person.
        schema: `predictions` or `submission`.
        where: The file, for messages.
    """
    inline = document.get("embeddings")
    if isinstance(inline, dict) and not {"file", "sha256"} & inline.keys():
        document = {**document, "embeddings": {}}
    errors = sorted(_validator(schema).iter_errors(document), key=lambda e: list(map(str, e.path)))
    return [
        Problem(
            printable(error.message, 300),
            f"{where}: {'.'.join(map(str, error.path))}" if error.path else where,
        )
        for error in errors
    ]


@cache
def _validator(schema: str) -> Validator:
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    schemas = {
        name: json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
        for name in _SCHEMA_NAMES
    }
    registry: Registry[Any] = Registry().with_resources(
        (content["$id"], Resource.from_contents(content)) for content in schemas.values()
    )
    return Draft202012Validator(schemas[schema], registry=registry)
