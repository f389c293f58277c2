"""From blocks of confusion matrices to all figures of a task at one number of shots."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring import metrics
from oneshot_emotic.scoring.confusion import Confusion
from oneshot_emotic.scoring.resampling import Weights, draw_weights, image_weights
from oneshot_emotic.scoring.scores import ShotScores
from oneshot_emotic.scoring.statistics import Figure, ResampledMean, exact_mean, summarise
from oneshot_emotic.scoring.support_effects import support_effects
from oneshot_emotic.splits import Task

FloatArray = npt.NDArray[np.float64]

#: Draws counted at once, and threads that do so: bounds the memory.
_DRAWS, _WORKERS = 125, 2


class Counts(Protocol):
    """Confusion matrices of draws, of persons counted by weights of shape (persons, columns)."""

    def of(self, draws: slice) -> Confusion:
        """Counts of the shape (classes, classes, draws, columns)."""


def all_figures(
    count: Callable[[Weights], Counts], task: Task, shots: int, intervals: bool
) -> tuple[ShotScores, Confusion]:
    """The figures, and the confusion matrix of each draw (counts (classes, classes, draws))."""
    support = task.support[:, :shots]
    # The first column is the persons as they are, the others are resamples of their images.
    weights = np.ones((len(task.novel), 1), dtype=np.uint8)
    draw_weighting = np.empty((task.draws, 0), dtype=np.uint8)
    if intervals:
        weights = np.hstack([weights, image_weights(task.novel.image_ids)])
        draw_weighting = draw_weights(task.name, task.draws)
    counts = count(weights)
    blocks = [slice(x, min(x + _DRAWS, task.draws)) for x in range(0, task.draws, _DRAWS)]

    def measure(block: slice) -> tuple[Confusion, dict[str, FloatArray]]:
        confusion = counts.of(block)
        as_they_are = Confusion(confusion.counts[..., 0].astype(np.int64), confusion.unit)
        return as_they_are, _values(confusion, task)

    per_draw: dict[str, list[FloatArray]] = {}
    resampled: dict[str, ResampledMean] = {}
    confusions = []
    with ThreadPoolExecutor(_WORKERS) as pool:
        # In the order of the draws, whichever is ready first.
        for block, (confusion, values) in zip(blocks, pool.map(measure, blocks), strict=True):
            confusions.append(confusion)
            for name, value in values.items():
                per_draw.setdefault(name, []).append(value[:, 0])
                mean = resampled.setdefault(name, ResampledMean(draw_weighting.shape[1]))
                mean.add(value[:, 1:], draw_weighting[block])
    whole = Confusion(np.concatenate([x.counts for x in confusions], axis=2), confusions[0].unit)

    of_draws = {name: np.concatenate(values) for name, values in per_draw.items()}
    moved = support_effects(np.stack(list(of_draws.values())), support, weights[:, 1:])
    effects = dict(zip(of_draws, moved, strict=True))

    def figure(name: str) -> Figure:
        of_resamples = resampled[name].result() + effects[name] if intervals else None
        return summarise(of_draws[name], of_resamples)

    scores = ShotScores(
        classes=task.classes,
        draws=task.draws,
        balanced_accuracy=figure("balanced_accuracy"),
        accuracy=figure("accuracy"),
        macro_f1=figure("macro_f1"),
        mean_absolute_error=figure("mean_absolute_error") if _levels(task) else None,
        recall={name: figure(f"recall {name}") for name in task.classes},
        confusion=_mean_rates(metrics.confusion_rates(whole)),
    )
    return scores, whole


def _values(confusion: Confusion, task: Task) -> dict[str, FloatArray]:
    """Every figure of a block, each of shape (draws, columns)."""
    recall = metrics.recall(confusion)
    values = {
        "balanced_accuracy": metrics.mean_of_classes(recall),
        "accuracy": metrics.accuracy(confusion),
        "macro_f1": metrics.macro_f1(confusion),
    }
    if levels := _levels(task):
        values["mean_absolute_error"] = metrics.mean_absolute_error(confusion, levels)
    return values | {f"recall {name}": recall[place] for place, name in enumerate(task.classes)}


def _levels(task: Task) -> list[int]:
    """The classes as numbers; empty for a categorical task."""
    return [] if task.table.dimension is None else [int(name) for name in task.classes]


def _mean_rates(rates: FloatArray) -> tuple[tuple[float | None, ...], ...]:
    """The mean over draws of shape (classes, classes, draws), None where no draw has a value."""

    def mean(values: FloatArray) -> float | None:
        known = values[~np.isnan(values)].tolist()
        return exact_mean(known) if known else None

    return tuple(tuple(mean(cell) for cell in row) for row in rates)
