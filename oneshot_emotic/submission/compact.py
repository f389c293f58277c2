"""Embeddings as small as their figures allow: float16 where nothing printed changes by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.embeddings import EmbeddingArray
from oneshot_emotic.scoring.evaluate import LEADERBOARD_SHOTS, evaluate_aligned
from oneshot_emotic.scoring.scores import Scores
from oneshot_emotic.splits import Task

Stored = npt.NDArray[np.floating[Any]]


def compact(
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
        half, single = (aligned.astype(dtype) for dtype in (np.float16, np.float32))
    if np.isfinite(half).all():
        scores = _evaluated(half, task)
        exact = np.array_equal(half.astype(np.float64), aligned)
        if exact or printed(scores) == printed(evaluate_aligned(aligned, task, LEADERBOARD_SHOTS)):
            return half, scores
    return single, _evaluated(single, task)


def _evaluated(stored: Stored, task: Task) -> Scores:
    return evaluate_aligned(stored.astype(np.float64) + 0.0, task, LEADERBOARD_SHOTS)
