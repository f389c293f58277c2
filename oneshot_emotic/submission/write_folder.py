"""Writing a submission folder, whole or not at all, its embeddings as small as they may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from oneshot_emotic.submission.runs import MAX_RUNS, row_of_files
from oneshot_emotic.tasks import TASKS

Stored = npt.NDArray[np.floating[Any]]

_SUFFIX = ".safetensors"


def _file_names(task: str, runs: int) -> list[str]:
    if runs == 1:
        return [f"{task}{_SUFFIX}"]
    return [f"{task}.run-{number}{_SUFFIX}" for number in range(1, runs + 1)]


_CONTENTS = frozenset(
    {DOCUMENT, *(x for task in TASKS for runs in (1, MAX_RUNS) for x in _file_names(task, runs))}
)


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
    embeddings: Mapping[str, tuple[Sequence[str], Sequence[Stored]]],
) -> None:
    """Write `submission.json` and an embeddings file for each run of a task.

    Args:
        target: The folder; see `check_target`.
        dataset: `name` and `fingerprint`.
        model: The model card.
        embeddings: Task name -> sample_ids, and an array (persons, dimensions) for each run.

    Raises:
        InputError: `target` holds other files than a submission made here.
    """
    names: dict[str, str | Sequence[str]] = {}
    with new_folder(target, marker=DOCUMENT, contents=_CONTENTS) as folder:
        for task in (task for task in TASKS if task in embeddings):
            sample_ids, runs = embeddings[task]
            files = _file_names(task, len(runs))
            for file, array in zip(files, runs, strict=True):
                write_embeddings_file(folder / file, sample_ids, array, task, dataset)
            names[task] = files if len(files) > 1 else files[0]
        write_submission_document(folder, dataset, model, names)


def narrowed(
    runs: Sequence[EmbeddingArray], task: Task, printed: Callable[[Scores], str]
) -> tuple[list[Stored], list[Scores]]:
    """Embeddings in the smaller of float16 and float32 that keeps their figures.

    Args:
        runs: Of each run of a task, from `aligned_embeddings`.
        task: Their task.
        printed: The figures as people read them; float16 is taken when this text stays the same.

    Returns:
        The arrays to store, and the scores of exactly those.
    """

    def evaluated(arrays: Sequence[EmbeddingArray]) -> list[Scores]:
        values = (array.astype(np.float64) + 0.0 for array in arrays)
        return [evaluate_aligned(array, task, LEADERBOARD_SHOTS) for array in values]

    with np.errstate(over="ignore", under="ignore"):
        halves = [run.astype(np.float16) for run in runs]
        singles = [run.astype(np.float32) for run in runs]
    if all(np.isfinite(half).all() for half in halves):
        scores = evaluated(halves)
        exact = all(map(np.array_equal, halves, runs))
        if exact or printed(row_of_files(scores)) == printed(row_of_files(evaluated(runs))):
            return halves, scores
    return singles, evaluated(singles)
