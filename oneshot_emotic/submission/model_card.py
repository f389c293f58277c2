"""Model cards: what a row says of itself, from the files' headers and from what the user adds."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from oneshot_emotic.errors import InputError, Problem, printable
from oneshot_emotic.escaping import is_plain_https
from oneshot_emotic.submission.metadata import document_problems

#: What a card of the leaderboard says, in the order it is written. `combine` adds `parts`.
FIELDS = (
    "name",
    "description",
    "authors",
    "date",
    "code",
    "paper",
    "modalities",
    "backbone",
    "pretraining",
    "parameters",
    "training_seeds",
    "licence",
    "seen_unseen_names",
    "base",
    "seen_test_images",
)

#: Without these a row would claim more than is known.
DECLARED = ("name", "seen_unseen_names", "seen_test_images")


def merged_card(cards: Iterable[Mapping[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """One card from those in the headers of files and the fields a user gave, which win.

    Raises:
        InputError: The headers differ in a field that was not given.
    """
    merged: dict[str, Any] = {}
    problems = []
    for card in cards:
        for field, value in card.items():
            if field not in given and merged.setdefault(field, value) != value:
                problems.append(
                    Problem(
                        f"the files differ in {field!r}: "
                        f"{_shown(merged[field])} and {_shown(value)}",
                        remedy=f"Say which with {option_of(field)}"
                        if field in FIELDS
                        else "Submit each separately",
                    )
                )
    if problems:
        raise InputError(dict.fromkeys(problems))
    merged.update(given)
    return {field: merged[field] for field in (*FIELDS, *merged) if field in merged}


def check_card(card: Mapping[str, Any]) -> None:
    """Refuse a card that is not fit for the leaderboard.

    Raises:
        InputError: A field is missing, wrong, or an address that would not become a link.
    """
    problems = [
        Problem(f"the model card must say {field!r}", remedy=f"Give {option_of(field)}")
        for field in DECLARED
        if field not in card
    ]
    problems += document_problems(dict(card), "model", "model card")
    problems += [
        Problem(
            f"{_shown(card[field])} would not become a link: only plain https addresses do",
            f"model card: {field}",
        )
        for field in ("code", "paper")
        if isinstance(card.get(field), str) and not is_plain_https(card[field])
    ]
    if problems:
        raise InputError(problems)


def missing_fields(card: Mapping[str, Any]) -> list[str]:
    """What a card leaves unsaid."""
    return [field for field in FIELDS if field not in card]


def option_of(field: str) -> str:
    """The option of `submit` that gives a field."""
    singular = {
        "authors": "author",
        "modalities": "modality",
        "training_seeds": "seed",
    }
    return f"--{singular.get(field, field).replace('_', '-')}"


def parts_text(parts: Iterable[Mapping[str, Any]]) -> str:
    """The parts of a combination in words: of each its weight, name and 12 digits of its digest."""
    return ", ".join(f"{x['weight']:g} x {x['name']} ({x['digest'][:12]})" for x in parts)


def slug_of(name: str) -> str:
    """A folder's name from a row's: small letters, digits and hyphens, at most 64.

    Empty where a name has no letter or digit of the Latin script.

    >>> slug_of("Sem-IB-DML (ours, ResNet 18)")
    'sem-ib-dml-ours-resnet-18'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].rstrip("-")


def _shown(value: Any) -> str:
    return printable(json.dumps(value), 80)
