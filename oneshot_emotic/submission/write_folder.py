"""Writing a submission folder, whole or not at all, its embeddings as small as they may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.files import new_folder
from oneshot_emotic.scoring.embeddings import EmbeddingArray
from oneshot_emotic.scoring.evaluate import LEADERBOARD_SHOTS, evaluate_aligned
from oneshot_emotic.scoring.scores import Scores
from oneshot_emotic.splits import Task
from oneshot_emotic.submission.embeddings_file import write_embeddings_file
from oneshot_emotic.submission.folder import DOCUMENT, SLUG, write_submission_document
from oneshot_emotic.tasks import TASKS

Stored = npt.NDArray[np.floating[Any]]

_SUFFIX = ".safetensors"
_CONTENTS = frozenset({DOCUMENT, *(f"{task}{_SUFFIX}" for task in TASKS)})


def check_target(submissions: Path, slug: str, replace: bool) -> None:
    """Refuse a place that a submission folder cannot be written to.

    Args:
        submissions: `submissions/` of a checkout.
        slug: The folder's name in it.
        replace: Whether a submission that is there may be replaced.

    Raises:
        InputError: The name is no slug, there is no `submissions/`, or the place is taken.
    """
    problems = []
    target = submissions / slug
    if not SLUG.fullmatch(slug):
        problems.append(
            Problem(
                f"a submission's folder is called by 1 to 64 small letters, digits and hyphens, "
                f"not {slug!r}",
                remedy="Give another --slug",
            )
        )
    if not submissions.is_dir():
        problems.append(
            Problem(
                "there is no such folder",
                str(submissions),
                "Run the command in a checkout of oneshot-emotic, or name one with --root",
            )
        )
    elif not problems and target.exists() and not replace:
        problems.append(
            Problem(
                "there is such a submission", str(target), "Give another --slug, or --replace it"
            )
        )
    if problems:
        raise InputError(problems)


def write_submission_folder(
    target: Path,
    dataset: Mapping[str, str],
    model: Mapping[str, Any],
    embeddings: Mapping[str, tuple[tuple[str, ...], Stored]],
) -> None:
    """Write `submission.json` and an embeddings file a task.

    Args:
        target: The folder; see `check_target`.
        dataset: `name` and `fingerprint`.
        model: The model card.
        embeddings: Task name -> sample_ids and array (persons, dimensions).

    Raises:
        InputError: `target` holds other files than a submission made here.
    """
    names = {task: f"{task}{_SUFFIX}" for task in TASKS if task in embeddings}
    with new_folder(target, marker=DOCUMENT, contents=_CONTENTS) as folder:
        for task, name in names.items():
            sample_ids, array = embeddings[task]
            write_embeddings_file(folder / name, sample_ids, array, task, dataset)
        write_submission_document(folder, dataset, model, names)


def narrowed(
    aligned: EmbeddingArray, task: Task, printed: Callable[[Scores], str]
) -> tuple[Stored, Scores]:
    """Embeddings in the smaller of float16 and float32 that keeps their figures.

    Args:
        aligned: From `aligned_embeddings`.
        task: Their task.
        printed: The figures as people read them; float16 is taken when this text stays the same.

    Returns:
        The array to store, and the scores of exactly that array.
    """
    with np.errstate(over="ignore", under="ignore"):
        half, single = aligned.astype(np.float16), aligned.astype(np.float32)
    if np.isfinite(half).all():
        scores = _evaluated(half, task)
        exact = np.array_equal(half.astype(np.float64), aligned)
        if exact or printed(scores) == printed(evaluate_aligned(aligned, task, LEADERBOARD_SHOTS)):
            return half, scores
    return single, _evaluated(single, task)


def _evaluated(stored: Stored, task: Task) -> Scores:
    return evaluate_aligned(stored.astype(np.float64) + 0.0, task, LEADERBOARD_SHOTS)
