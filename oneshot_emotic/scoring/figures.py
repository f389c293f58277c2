"""From decisions, or a control row's counts, to all figures of a task at one number of shots."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from oneshot_emotic.scoring import metrics
from oneshot_emotic.scoring.arrays import FloatArray, IntArray
from oneshot_emotic.scoring.decisions import Decisions
from oneshot_emotic.scoring.jackknife import LeftOut, leave_out_images
from oneshot_emotic.scoring.metrics import Tally, every_figure
from oneshot_emotic.scoring.queries import held_out_images
from oneshot_emotic.scoring.scores import ShotScores
from oneshot_emotic.scoring.statistics import (
    DrawPart,
    Estimate,
    Evidence,
    Scale,
    exact_mean,
    summarise,
    with_interval,
)
from oneshot_emotic.splits import Task


def score_decisions(
    decisions: Decisions, task: Task, shots: int, intervals: bool
) -> tuple[ShotScores, IntArray]:
    """The figures, and the confusion matrix of each draw, of shape (classes, classes, draws)."""
    confusion = decisions.confusion()
    tally = Tally.of(confusion, task.levels)
    values = every_figure(tally)
    estimates = [summarise(row) for row in values]
    if intervals:
        images = task.novel_images
        held_out = held_out_images(images, task.support[:, :shots])
        left_out = leave_out_images(decisions, images, held_out, tally, values, task.levels)
        served = np.bincount(held_out[1], minlength=len(task.image_names))
        estimates = list(map(with_interval, estimates, _evidence(values, left_out, served, task)))
    return _shot_scores(estimates, confusion, task), confusion


def score_confusion(confusion: IntArray, task: Task) -> ShotScores:
    """The figures of confusion matrices of shape (classes, classes, draws), without intervals."""
    values = every_figure(Tally.of(confusion, task.levels))
    return _shot_scores([summarise(row) for row in values], confusion, task)


def _shot_scores(estimates: list[Estimate], confusion: IntArray, task: Task) -> ShotScores:
    """Of the figures of `every_figure`, in order."""
    classes = len(task.classes)
    return ShotScores(
        classes=task.classes,
        draws=task.draws,
        balanced_accuracy=estimates[0],
        accuracy=estimates[1],
        macro_f1=estimates[2],
        level_error=estimates[3] if task.levels else None,
        recall=dict(zip(task.classes, estimates[-classes:], strict=True)),
        confusion=_mean_rates(metrics.confusion_rates(confusion)),
    )


def _evidence(
    values: FloatArray, left_out: LeftOut, served: IntArray, task: Task
) -> Iterator[Evidence | None]:
    """Of every figure; None where there is no figure without some image.

    Args:
        values: Of every draw, of shape (figures, draws).
        left_out: The figures without each image.
        served: In how many draws each image is a support's, of shape (images,).
        task: The task.
    """
    draws = task.draws
    served = served[served < draws]
    excess = math.fsum((served / (draws * (draws - served))).tolist()) - 1 / draws
    for row, scale in enumerate(_scales(task)):
        both, as_query = left_out.both[row], left_out.as_query[row]
        if len(both) < 2 or np.isnan(both).any():
            yield None
            continue
        part = DrawPart(task.name, excess, values[row])
        yield Evidence(task.image_names, _terms(both), _terms(as_query), (part,), scale=scale)


def _terms(left_out: FloatArray) -> FloatArray:
    images = len(left_out)
    result: FloatArray = left_out - exact_mean(left_out.tolist())
    result *= math.sqrt((images - 1) / images)
    return result


def _scales(task: Task) -> list[Scale]:
    """Of every figure.

    As many images stand behind a mean of classes as a mean of their images would be as sure as.
    """
    labels, images = task.novel_labels, task.novel_images
    many = [len(np.unique(images[labels == item])) for item in range(len(task.classes))]
    behind = len(many) ** 2 / math.fsum(1 / count for count in many)
    share = Scale(0.0, 1.0, behind)
    furthest = [max(abs(a - b) for b in task.levels) for a in task.levels]
    levels = [Scale(0.0, exact_mean(furthest), behind)] if furthest else []
    return [share, share, share, *levels, *(Scale(0.0, 1.0, float(count)) for count in many)]


def _mean_rates(rates: FloatArray) -> tuple[tuple[float | None, ...], ...]:
    """The mean over draws of shape (classes, classes, draws), None where no draw has a value."""
    known = [[cell[~np.isnan(cell)].tolist() for cell in row] for row in rates]
    return tuple(tuple(exact_mean(x) if x else None for x in row) for row in known)
