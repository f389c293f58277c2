"""The metadata of submissions, checked against the shipped schemas and for text that shows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from oneshot_emotic.errors import Problem, printable, some
from oneshot_emotic.names import is_name, text_problems
from oneshot_emotic.scoring.embeddings import Embeddings

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

EMBEDDINGS_FORMAT = "oneshot-emotic/1"
SUBMISSION_FORMAT = "oneshot-emotic-submission/1"

#: Where a binary file has its header: the fields of preds.json but the embeddings.
HEADER = "header"

#: What a reader of a file format gives: the header, None where there is none; the embeddings, None
#: where the header names another file that has them.
Content: TypeAlias = tuple[dict[str, Any] | None, Embeddings | None]

SCHEMAS = Path(__file__).parent / "schemas"


def document_problems(document: dict[str, Any], schema: str, where: str) -> list[Problem]:
    """Everything in a document that its schema does not allow, or that would not show as it is.

    Args:
        document: The parsed JSON, its embeddings left out or a reference.
        schema: `model`, `embeddings` or `submission`.
        where: The file, for messages.
    """
    errors = sorted(_validator(schema).iter_errors(document), key=lambda e: list(map(str, e.path)))
    problems = []
    for error in map(_narrowed, errors):
        path = ".".join(map(str, error.absolute_path))
        problems.append(Problem(_what(error), f"{where}: {path}" if path else where))
    problems += text_problems(document, where)
    if schema == "submission":
        problems += _run_problems(document.get("tasks"), where)
    model = document if schema == "model" else document.get("model")
    return problems + (_card_problems(model, where) if isinstance(model, dict) else [])


def _narrowed(error: ValidationError) -> ValidationError:
    """Of what is none of several forms, what keeps it from being the one that it is nearest to."""
    while error.context:
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    return error


def _what(error: ValidationError) -> str:
    """What is wrong; jsonschema's own words would begin with the whole of a long list."""
    bounds = {"minItems": "at least {:,} are needed", "maxItems": "at most {:,} are allowed"}
    if (bound := bounds.get(str(error.validator))) and isinstance(error.instance, list):
        return f"has {len(error.instance):,} entries; {bound.format(error.validator_value)}"
    return printable(error.message, 300)


def _run_problems(tasks: Any, where: str) -> list[Problem]:
    """The same file twice among the runs of a task; one that tasks name differently."""
    problems = []
    named: dict[str, set[tuple[str, str]]] = {}
    for task, runs in tasks.items() if isinstance(tasks, dict) else ():
        listed = runs if isinstance(runs, list) else [runs]
        references = [(n, x) for n, x in enumerate(listed, 1) if isinstance(x, dict)]
        for key in ("file", "sha256"):
            values = [x[key] for _, x in references if isinstance(x.get(key), str)]
            if twice := {value for value in values if values.count(value) > 1}:
                what = f"names the same {key} for several runs: {some(sorted(twice))}"
                problems.append(Problem(what, f"{where}: tasks.{task}"))
        for number, x in references:
            named.setdefault(str(x.get("file")), set()).update(
                {("run", str(number)), ("sha256", str(x.get("sha256")))}
            )
    for file, said in named.items():
        for key in ("run", "sha256"):
            if len(values := sorted(value for name, value in said if name == key)) > 1:
                what = f"names {file} with several values of {key}: {some(values)}"
                problems.append(Problem(what, f"{where}: tasks"))
    return problems


def _card_problems(model: Mapping[str, Any], where: str) -> list[Problem]:
    """What the schema cannot say of a model card: a name must show, a date must be one."""
    authors, parts = (
        x if isinstance(x, list) else [] for x in map(model.get, ("authors", "parts"))
    )
    names = [("name", model.get("name"))]
    names += [("authors", author) for author in authors]
    names += [("parts", part.get("name")) for part in parts if isinstance(part, dict)]
    problems = [
        Problem(
            f"{printable(text, 80)!r} has no visible letter or digit", f"{where}: model.{field}"
        )
        for field, text in names
        if isinstance(text, str) and text and not is_name(text)
    ]
    for field in ("parameters", "training_seeds"):  # the schema takes 1e9 for a whole number
        value = model.get(field)
        for x in value if isinstance(value, list) else [value]:
            if isinstance(x, float):
                what = f"{x!r} is written with a point or an exponent; a whole number is needed"
                problems.append(Problem(what, f"{where}: model.{field}"))
    if isinstance(text := model.get("date"), str) and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        try:
            date.fromisoformat(text)
        except ValueError as error:
            what = f"{printable(text, 20)} is not a date: {error}"
            problems.append(Problem(what, f"{where}: model.date"))
    return problems


def schema_of(name: str) -> dict[str, Any]:
    """A shipped JSON Schema: `model`, `embeddings` or `submission`."""
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    return schema


@cache
def _validator(schema: str) -> Validator:
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    schemas = {name: schema_of(name) for name in ("model", "embeddings", "submission")}
    registry: Registry[Any] = Registry().with_resources(
        (content["$id"], Resource.from_contents(content)) for content in schemas.values()
    )
    return Draft202012Validator(schemas[schema], registry=registry)
