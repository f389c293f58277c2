"""The examination of a submission: everything that is wrong, and what is good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.escaping import is_plain_https
from oneshot_emotic.scoring.embeddings import Embeddings
from oneshot_emotic.submission.cards import missing_fields
from oneshot_emotic.submission.check import (
    Checked,
    LoadTask,
    check_embeddings,
    check_predictions,
)
from oneshot_emotic.submission.folders import DOCUMENT, inspect_submission_folder
from oneshot_emotic.submission.forms import read_predictions
from oneshot_emotic.submission.limits import MAX_BYTES
from oneshot_emotic.tasks import TASKS


@dataclass
class Findings:
    """What an examination found.

    Attributes:
        good: What is in order, a line each.
        notes: What is allowed but a reader of the leaderboard may miss.
        problems: Everything that is wrong.
    """

    good: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def examine(
    path: Path,
    load: LoadTask,
    task: str | None = None,
    dataset_given: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Findings:
    """Examine a submission folder, or one file of embeddings.

    Args:
        path: A folder with a submission.json, or a file of any form.
        load: Gives tasks.
        task: The task, for a file that names none.
        dataset_given: True when `load` knows the data set without being told.
        max_bytes: As for `read_predictions`.
    """
    findings = Findings()
    try:
        if path.is_dir():
            _folder(path, load, max_bytes, findings)
        else:
            predictions = read_predictions(path, max_bytes)
            checked = check_predictions(predictions, load, task, dataset_given)
            findings.good.append(_line(path, checked, predictions.embeddings))
            _card(predictions.model, findings)
    except InputError as error:
        findings.problems.extend(error.problems)
    # What concerns the whole submission comes with every task; once is enough.
    findings.problems[:] = dict.fromkeys(findings.problems)
    return findings


def _folder(folder: Path, load: LoadTask, max_bytes: int, findings: Findings) -> None:
    submission, problems = inspect_submission_folder(folder)
    findings.problems += problems
    if not problems:
        findings.good.append(f"{folder / DOCUMENT}: as the schema says")
    stated = submission.dataset
    for name in (name for name in TASKS if name in submission.references):
        path = folder / submission.references[name]["file"]
        try:
            embeddings = submission.embeddings(name, max_bytes)
            task = load(stated["name"], stated["fingerprint"], name)
            checked = check_embeddings(embeddings, task, stated, str(path))
        except InputError as error:
            findings.problems += error.problems
        else:
            findings.good.append(_line(path, checked, embeddings))
    _card(submission.model, findings)
    if missing := [name for name in TASKS if name not in submission.references]:
        findings.notes.append(f"no embeddings for {', '.join(missing)}: no overall figure there")


def _line(path: Path, checked: Checked, embeddings: Embeddings) -> str:
    persons, dimensions = checked.aligned.shape
    vectors = embeddings[1] if isinstance(embeddings, tuple) else None
    kind = f", {vectors.dtype}" if isinstance(vectors, np.ndarray) else ""
    return (
        f"{path}: {checked.task.name}, all {persons:,} novel persons, "
        f"{dimensions:,} dimensions{kind}"
    )


def _card(model: Mapping[str, Any], findings: Findings) -> None:
    if missing := missing_fields(model):
        findings.notes.append(f"the model card does not say {', '.join(missing)}")
    findings.notes.extend(
        f"the model card's {key} will not become a link: it is no plain https address"
        for key in ("code", "paper")
        if isinstance(model.get(key), str) and not is_plain_https(model[key])
    )
