"""`write_submission`: from embeddings in Python to a file that `oneshot-emotic score` reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.scoring.embeddings import Embeddings, aligned_embeddings
from oneshot_emotic.splits import Task
from oneshot_emotic.submission.documents import PREDICTIONS_FORMAT, document_problems
from oneshot_emotic.submission.forms import write_predictions


def write_submission(
    path: str | os.PathLike[str],
    embeddings: Embeddings,
    task: Task,
    model: Mapping[str, Any] | None = None,
    dtype: str = "float32",
) -> None:
    """Write a task's embeddings to a file for `oneshot-emotic score`.

    Args:
        path: Ends in .json, .json.gz, .npz, .safetensors or .parquet; all carry the same.
        embeddings: As for `evaluate`; checked before anything is written.
        task: From `load_task`.
        model: The model card, such as `{"name": "My model"}`; docs/submission.md lists its fields.
        dtype: `float16`, `float32` or `float64`, of the stored values.

    Raises:
        InputError: The embeddings do not fit the task, overflow the type, or the model card has
            unknown fields.
    """
    identity = task.dataset
    if identity is None:
        raise InputError(Problem(f"{task.name} does not belong to a data set"))
    dataset = {"name": identity.name, "fingerprint": identity.fingerprint}
    header = {"format": PREDICTIONS_FORMAT, "task": task.name, "dataset": dataset}
    document = {**header, "model": dict(model or {}), "embeddings": {}}
    if problems := document_problems(document, "predictions", "model card"):
        raise InputError(problems)
    if dtype not in ("float16", "float32", "float64"):
        raise InputError(Problem(f"dtype must be float16, float32 or float64, not {dtype!r}"))
    aligned = aligned_embeddings(embeddings, task)
    with np.errstate(over="ignore"):
        array = aligned.astype(dtype)
    if not np.isfinite(array).all():
        raise InputError(Problem(f"the embeddings have values beyond the range of {dtype}"))
    write_predictions(Path(path), task.novel.sample_ids, array, task.name, dataset, model)
