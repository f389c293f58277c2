"""Submissions combined into one: their runs paired, and a card that says what its parts were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oneshot_emotic.errors import InputError, Problem, counted
from oneshot_emotic.scoring.combination import side_by_side
from oneshot_emotic.submission.check import Checked
from oneshot_emotic.submission.metadata import schema_of
from oneshot_emotic.submission.model_card import merged_card
from oneshot_emotic.tasks import TASKS
from oneshot_emotic.untrusted.limits import MAX_BYTES, check_shape

#: The most parts; model.schema.json says so too.
MAX_PARTS = 8

#: What a part may have seen, the most telling first.
_STRONGEST_FIRST = {
    "seen_unseen_names": (True, False),
    "base": ("full", "clean", "none"),
    "seen_test_images": (True, False),
}


@dataclass(frozen=True)
class Part:
    """A submission to combine.

    Attributes:
        name: What it is called.
        runs: Task -> the embeddings of its runs.
        cards: The model cards of its files.
    """

    name: str
    runs: Mapping[str, Sequence[Checked]]
    cards: Sequence[Mapping[str, Any]]


def common_tasks(parts: Sequence[Part]) -> list[str]:
    """The tasks that all parts have.

    Raises:
        InputError: The parts are of several data sets, have no task in common, or different
            numbers of runs of one.
    """
    datasets = {
        found: part.name
        for part in parts
        for runs in part.runs.values()
        for run in runs
        if (found := run.task.dataset) is not None
    }
    if len(datasets) > 1:
        said = (f"{name} on {x.name} ({x.fingerprint[:12]})" for x, name in datasets.items())
        what = f"submissions on several data sets cannot be combined: {', '.join(said)}"
        raise InputError(Problem(what, remedy="Combine those of one"))
    tasks = [name for name in TASKS if all(name in part.runs for part in parts)]
    if not tasks:
        said = (f"{part.name} has {', '.join(part.runs)}" for part in parts)
        raise InputError(f"no task in common: {'; '.join(said)}")
    problems = []
    for task in tasks:
        counts = [len(part.runs[task]) for part in parts]
        if len({*counts} - {1}) > 1:
            said = (f"{part.name} has {n}" for part, n in zip(parts, counts, strict=True))
            remedy = "Give as many of each, the n-th runs to go together, or a single one"
            problems.append(Problem(f"different numbers of runs: {', '.join(said)}", task, remedy))
    if problems:
        raise InputError(problems)
    return tasks


def combined(
    parts: Sequence[Part],
    weights: Sequence[float],
    tasks: Sequence[str],
    *,
    as_is: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Iterator[Checked]:
    """The combination's embeddings; tasks that share the files of all parts share its own.

    Args:
        parts: The parts. The n-th runs go together; a single one goes with each of the others.
        weights: From `checked_weights`.
        tasks: From `common_tasks`.
        as_is: As for `combine`.
        max_bytes: Bound on the embeddings of one run.

    Raises:
        InputError: The embeddings would be more than can be read again.
    """
    for task in tasks:
        counts = [len(part.runs[task]) for part in parts]
        for run in range(max(counts)):
            files = [
                part.runs[task][run if count > 1 else 0]
                for part, count in zip(parts, counts, strict=True)
            ]
            arrays = [file.aligned for file in files]
            where = " + ".join(file.where for file in files)
            check_shape(len(arrays[0]), sum(x.shape[1] for x in arrays), max_bytes, where)
            yield Checked(files[0].task, side_by_side(arrays, weights, as_is=as_is), None, where)


def combined_card(parts: Sequence[Part], *, as_is: bool = False) -> dict[str, Any]:
    """What the parts' cards say of the combination.

    A field is there when all of them say it. But what one part has seen the combination has,
    whatever the others leave unsaid. Addresses and dates are the parts' own.
    """
    cards = [card for part in parts for card in part.cards]
    limits = schema_of("model")["properties"]
    card: dict[str, Any] = {
        "name": " + ".join(part.name for part in parts)[: limits["name"]["maxLength"]],
        "description": f"Late fusion of {counted(len(parts), 'submission')}: their vectors, "
        + ("as they are, " if as_is else "each at unit length, ")
        + "times the root of the part's weight, side by side.",
    }
    whole = {field for field in limits if all(field in one for one in cards)}
    for field in whole & {"authors", "modalities"}:
        several = dict.fromkeys(x for one in cards for x in one[field])
        if len(several) <= limits[field].get("maxItems", len(several)):
            card[field] = list(several)
    for field in whole & {"backbone", "pretraining", "licence"}:
        text = " + ".join(dict.fromkeys(one[field] for one in cards))
        if len(text) <= limits[field]["maxLength"]:
            card[field] = text
    if "parameters" in whole:
        counts = [{one["parameters"] for one in part.cards} for part in parts]
        if all(len(found) == 1 for found in counts):
            card["parameters"] = sum(max(found) for found in counts)
    seeds = [one["training_seeds"] for one in cards if "training_seeds" in one]
    if seeds and seeds.count(seeds[0]) == len(seeds):
        card["training_seeds"] = seeds[0]
    for field, values in _STRONGEST_FIRST.items():
        found = [value for value in values if any(one.get(field) == value for one in cards)]
        if found and (field in whole or found[0] == values[0]):
            card[field] = found[0]
    return merged_card([card], {})
