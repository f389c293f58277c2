"""What every file form has in common: the header's key, and what comes out of a binary file."""

from __future__ import annotations

from typing import Any, NamedTuple

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.submission.strict_json import parse_json

HEADER = "header"


class BinaryContent(NamedTuple):
    """A binary file taken apart.

    Attributes:
        header: The fields of preds.json but the embeddings; None where there is no header.
        sample_ids: One a row.
        vectors: Array of shape (persons, dimensions), or a list of vectors where it is ragged.
    """

    header: dict[str, Any] | None
    sample_ids: list[str]
    vectors: Any


def parsed_header(content: bytes | str | None, where: str) -> dict[str, Any] | None:
    """The header as a document, if there is one."""
    return None if content is None else parse_json(content, f"{where}: {HEADER}")


def text_list(value: Any, where: str) -> list[str]:
    """`value` as the list of texts it must be.

    Raises:
        InputError: It is something else.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(Problem("its sample_ids are not all text", where))
    return value
