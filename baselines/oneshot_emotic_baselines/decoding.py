"""A system's own way to decide, in figures beside the protocol's and never in their place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.decisions import Decisions, is_tie
from oneshot_emotic.scoring.figures import score_decisions
from oneshot_emotic.scoring.queries import held_out
from oneshot_emotic.splits import Task
from oneshot_emotic.tasks import MAX_SHOTS
from oneshot_emotic_baselines.embed import Vectors, trained_network
from oneshot_emotic_baselines.recipes import resolved

#: Shots, as text, -> `balanced_accuracy` and `level_error`, each the mean over the draws.
Figures = dict[str, dict[str, float | None]]


def decode_task(checkpoint: Path, task: Task, vectors: Mapping[str, Vectors]) -> Figures | None:
    """What a checkpoint's recipe makes of its embeddings by its own decoder.

    Args:
        checkpoint: From `train`.
        task: The task that it was trained on.
        vectors: From `embed_task`.

    Returns:
        Its figures; None where the recipe has no decoder, or none for this task.

    Raises:
        InputError: It is no checkpoint.
    """
    network, settings = trained_network(checkpoint)
    decoder = settings.effective_recipe.decoder
    return resolved(decoder)(network, task, vectors) if decoder else None


def level_figures(differences: npt.NDArray[np.float64], task: Task) -> Figures:
    """The figures of predicted differences, over the published draws and the protocol's queries.

    Args:
        differences: By how many levels each novel person is above each other, of shape (persons,
            persons), in the order of `task.novel`.
        task: A task of levels.

    Returns:
        For 1 to 5 shots. A query's level is the mean over the supports of (the support's level +
        difference); between two novel levels exactly, it is shared (rule 5 of the protocol).
    """
    levels, labels = np.array(task.levels), task.novel_labels
    by_support = differences + levels[labels]
    order = np.argsort(labels, kind="stable")
    figures: Figures = {}
    for shots in range(1, MAX_SHOTS + 1):
        support = task.support[:, :shots]
        nearest = np.empty((task.draws, len(labels)), dtype=np.uint8)
        for draw, places in enumerate(support.reshape(task.draws, -1)):
            found = by_support[:, places[places >= 0]].mean(axis=1)
            away = np.abs(found[:, None] - levels)
            bits = away == away.min(axis=1, keepdims=True)
            nearest[draw] = np.packbits(bits, axis=1, bitorder="little")[:, 0]
        out, person = held_out(task.novel_images, support)
        nearest[out, person] = 0
        asked = task.draws - np.bincount(person, minlength=len(labels))
        nearest = nearest[:, order]
        tied = np.flatnonzero(is_tie(nearest).any(axis=0))
        decisions = Decisions(nearest, order, labels[order], asked[order], tied, len(levels))
        scores, _ = score_decisions(decisions, task, shots, intervals=False)
        error = scores.level_error
        figures[str(shots)] = {
            "balanced_accuracy": scores.balanced_accuracy.mean,
            "level_error": error.mean if error else None,
        }
    return figures
