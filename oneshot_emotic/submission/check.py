"""From a file of embeddings to embeddings in the order of their task, every problem found first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.scoring.embeddings import EmbeddingArray, Embeddings, aligned_embeddings
from oneshot_emotic.splits import DatasetIdentity, Task
from oneshot_emotic.submission.forms import Predictions

#: Gives a task: (stated name of the data set, stated fingerprint, task name) -> Task. The stated
#: ones are empty for a file without a header, where the user has given the data set.
LoadTask = Callable[[str, str, str], Task]


@dataclass(frozen=True)
class Checked:
    """Embeddings that fit their task."""

    task: Task
    aligned: EmbeddingArray
    name: str | None


def check_predictions(
    predictions: Predictions,
    load: LoadTask,
    task: str | None = None,
    dataset_given: bool = False,
) -> Checked:
    """Hold a file of embeddings against its task.

    Args:
        predictions: The file.
        load: Gives tasks.
        task: The task, for a file that names none.
        dataset_given: True when `load` knows the data set without being told.

    Raises:
        InputError: The file does not fit; all of its problems.
    """
    where = str(predictions.path)
    problems = []
    if predictions.task is None and task is None:
        problems.append(
            Problem("names no task", where, "Add a header, or give the task with --task")
        )
    elif task is not None and predictions.task not in (None, task):
        problems.append(Problem(f"is for the task {predictions.task!r}, not {task!r}", where))
    if predictions.dataset is None and not dataset_given:
        problems.append(
            Problem("names no data set", where, "Add a header, or give it with --dataset")
        )
    if problems:
        raise InputError(problems)
    name = predictions.task or task or ""
    stated = predictions.dataset or {}
    return check_embeddings(
        predictions.embeddings,
        load(stated.get("name", ""), stated.get("fingerprint", ""), name),
        predictions.dataset,
        where,
        predictions.model.get("name"),
    )


def check_embeddings(
    embeddings: Embeddings,
    task: Task,
    dataset: Mapping[str, str] | None,
    where: str,
    name: str | None = None,
) -> Checked:
    """Hold embeddings against a task and the data set they say they are for.

    Raises:
        InputError: They do not fit; all problems.
    """
    if task.unscorable:
        raise InputError(Problem(task.unscorable, where))
    if dataset is not None and task.dataset is not None:
        # With other splits, every other problem would only be an echo of this one.
        check_fingerprint(dataset, task.dataset, where)
    with np.errstate(invalid="ignore"):  # some NaN of a damaged file would warn when widened
        return Checked(task, aligned_embeddings(embeddings, task, where), name)


def check_fingerprint(stated: Mapping[str, str], identity: DatasetIdentity, where: str) -> None:
    """Refuse embeddings made for other splits.

    Raises:
        InputError: The fingerprints differ.
    """
    if stated["fingerprint"] == identity.fingerprint:
        return
    raise InputError(
        Problem(
            f"was made for the data set {stated['name']!r} with the fingerprint "
            f"{stated['fingerprint'][:12]}..., but {identity.name!r} ({identity.label_rule}) here "
            f"has {identity.fingerprint[:12]}...",
            where,
            "Make the embeddings for these splits, or give the data set they were made for with "
            "--dataset",
        )
    )
