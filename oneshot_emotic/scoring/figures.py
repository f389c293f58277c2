"""From blocks of confusion matrices to all figures of a task at one number of shots."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from oneshot_emotic.scoring import metrics
from oneshot_emotic.scoring.arrays import FloatArray
from oneshot_emotic.scoring.confusion import Confusion
from oneshot_emotic.scoring.resampling import Weights, draw_weights, image_weights
from oneshot_emotic.scoring.scores import ShotScores
from oneshot_emotic.scoring.statistics import (
    DrawWeights,
    Figure,
    WeightedSums,
    exact_mean,
    summarise,
)
from oneshot_emotic.scoring.support_effects import add_support_effects
from oneshot_emotic.scoring.workers import side_by_side
from oneshot_emotic.splits import Task

#: Draws counted at once: bounds the memory.
_DRAWS = 125


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

    def measure(block: slice) -> tuple[Confusion, FloatArray, WeightedSums]:
        confusion = counts.of(block)
        as_they_are = Confusion(confusion.counts[..., 0].astype(np.int64), confusion.unit)
        as_persons_are, sums = [], []
        of_draws = DrawWeights(draw_weighting[block])
        for values in _values(confusion, task):
            as_persons_are.append(values[:, 0].copy())
            sums.append(of_draws.sums(values[:, 1:], complete=confusion.complete))
        return as_they_are, np.stack(as_persons_are), WeightedSums.stacked(sums)

    with side_by_side() as pool:
        # In the order of the draws, whichever is ready first.
        confusions, per_draw, sums = zip(*pool.map(measure, blocks), strict=True)
    whole = Confusion(np.concatenate([x.counts for x in confusions], axis=2), confusions[0].unit)
    figures = np.concatenate(per_draw, axis=1)
    of_draws = dict(zip(_names(task), figures, strict=True))
    of_resamples: dict[str, FloatArray] = {}
    if intervals:
        means = functools.reduce(operator.add, sums).mean()
        resampled = add_support_effects(means, figures, support, weights[:, 1:])
        of_resamples = dict(zip(of_draws, resampled, strict=True))

    def figure(name: str) -> Figure:
        return summarise(of_draws[name], of_resamples.get(name))

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


def _names(task: Task) -> list[str]:
    """The figures of `_values`, in order."""
    levels = ["mean_absolute_error"] if _levels(task) else []
    recalls = [f"recall {name}" for name in task.classes]
    return ["balanced_accuracy", "accuracy", "macro_f1", *levels, *recalls]


def _values(confusion: Confusion, task: Task) -> Iterator[FloatArray]:
    """Every figure of a block, one after the other, each of shape (draws, columns)."""
    recall = metrics.recall(confusion)
    yield metrics.mean_of_classes(recall, complete=confusion.complete)
    yield metrics.accuracy(confusion)
    yield metrics.macro_f1(confusion)
    if levels := _levels(task):
        yield metrics.mean_absolute_error(confusion, levels)
    yield from recall


def _levels(task: Task) -> list[int]:
    """The classes as numbers; empty for a categorical task."""
    return [] if task.table.dimension is None else [int(name) for name in task.classes]


def _mean_rates(rates: FloatArray) -> tuple[tuple[float | None, ...], ...]:
    """The mean over draws of shape (classes, classes, draws), None where no draw has a value."""

    def mean(values: FloatArray) -> float | None:
        known = values[~np.isnan(values)].tolist()
        return exact_mean(known) if known else None

    return tuple(tuple(mean(cell) for cell in row) for row in rates)
