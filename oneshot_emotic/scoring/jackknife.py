"""Every figure without each image in turn: the delete-one-image jackknife over the same draws.

An image is left out in both of its roles: the draws in which one of its persons is support are left
out, and its persons are no queries of the others. That needs no new decision: a figure of a draw
without the image comes from the draw's tally less what the image added to it.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.arrays import FloatArray, IntArray
from oneshot_emotic.scoring.decisions import Decisions
from oneshot_emotic.scoring.metrics import Tally, every_figure
from oneshot_emotic.scoring.workers import side_by_side

#: Numbers of an array (draws, images) at once: small enough for the cache.
_CELLS = 1 << 14
#: Draws that one thread sums up at a time.
_DRAWS = 125


@dataclass(frozen=True)
class LeftOut:
    """Figures without each image, of shape (figures, images); NaN where no draw has a value.

    Attributes:
        both: Without the image in both of its roles; of one that is a support's in every draw, as
            with it.
        as_query: Without the image's queries, the supports staying as they are.
    """

    both: FloatArray
    as_query: FloatArray


def leave_out_images(
    decisions: Decisions,
    images: IntArray,
    held_out: tuple[IntArray, IntArray],
    tally: Tally,
    values: FloatArray,
    levels: Sequence[int],
) -> LeftOut:
    """Leave out each image of a task.

    Args:
        decisions: The decisions.
        images: The image of each novel person as a number from 0, of shape (persons,).
        held_out: From `queries.held_out_images`.
        tally: Of every draw, of shape (classes, draws), in units of 1/`Decisions.unit`.
        values: The figures of every draw, of shape (figures, draws).
        levels: The classes as numbers, for a task of levels.
    """
    of_column = images[decisions.persons]
    by_image, many = np.argsort(of_column, kind="stable"), np.bincount(of_column)
    rows = _rows(decisions, levels)
    # Images with more persons first: the n-th persons are those of the first images.
    order = np.argsort(-many, kind="stable")
    first, persons = (np.cumsum(many) - many)[order], many[order]
    several = int(np.count_nonzero(persons > 1))
    slots = [by_image[first[:several][persons[:several] > n] + n] for n in range(int(many.max()))]
    alone = by_image[first[several:]]

    def measure(draws: slice) -> FloatArray:
        whole = [part[:, draws] for part in tally.parts()]
        parts = [_alone(decisions, rows, alone, draws, whole)]
        if several:
            parts.insert(0, _several(decisions, rows, slots, draws, whole))
        return np.concatenate(parts, axis=2)

    draws = len(decisions.nearest)
    blocks = [slice(x, min(x + _DRAWS, draws)) for x in range(0, draws, _DRAWS)]
    with side_by_side() as pool:  # in the order of the draws, whichever is ready first
        summed = functools.reduce(operator.add, pool.map(measure, blocks))
    total, unknown = summed[:, :, np.argsort(order)]
    # In the draws that the image is a support's of it asks nothing: their figures are as with it.
    draw, image = held_out
    known = ~np.isnan(values)
    served, many_served = (
        np.stack([np.bincount(image, row[draw], len(many)) for row in some])
        for some in (np.where(known, values, 0.0), known)
    )
    as_query = _mean(total, draws - unknown)
    both = _mean(total - served, draws - unknown - many_served)
    always = np.bincount(image, minlength=len(many)) == draws
    return LeftOut(np.where(always, as_query, both), as_query)


def _mean(total: FloatArray, draws: FloatArray) -> FloatArray:
    """NaN for none; without draws a difference of sums may still be off from 0."""
    mean = np.full(total.shape, np.nan)
    np.divide(total, draws, out=mean, where=draws > 0)
    return mean


def _rows(decisions: Decisions, levels: Sequence[int]) -> IntArray:
    """What a decision adds to the parts of a tally, by the person's label and the byte.

    Returns:
        Array of shape (labels, 256, parts, classes), all 0 for the byte 0.
    """
    shares, classes = decisions.shares(), decisions.classes
    rows = np.zeros((classes, 256, 4 if levels else 3, classes), dtype=np.int64)
    for label in range(classes):
        rows[label, 1:, 0, label] = decisions.unit
        rows[label, :, 1] = shares
        rows[label, :, 2, label] = shares[:, label]
        if levels:
            rows[label, :, 3, label] = shares @ np.abs(np.array(levels) - levels[label])
    return rows


def _alone(
    decisions: Decisions, rows: IntArray, columns: IntArray, draws: slice, whole: list[FloatArray]
) -> FloatArray:
    """Sums over some draws for images with one person: of a draw there are few kinds of them.

    Args:
        decisions: The decisions.
        rows: From `_rows`.
        columns: The images' persons as columns of the decisions.
        draws: Which.
        whole: The parts of their tally, of shape (classes, draws).

    Returns:
        Sums of the figures, and how many draws had no value, of shape (2, figures, images).
    """
    bytes_ = np.arange(1 << decisions.classes)
    if not decisions.tied.size:
        bytes_ = np.append(0, 1 << np.arange(decisions.classes))
    code = np.zeros(256, dtype=np.intp)
    code[bytes_] = np.arange(len(bytes_))
    kinds = np.moveaxis(rows[:, bytes_].reshape(-1, *rows.shape[2:]), 0, -1)[:, :, None]
    kind = code.take(decisions.nearest[draws].take(columns, axis=1))
    kind += decisions.labels[columns] * len(bytes_)
    # The figures of a kind side by side, so that an image takes them in one go.
    parts = [np.ascontiguousarray(np.moveaxis(x, 0, -1)) for x in _without(whole, kinds)]
    total = np.zeros((2, len(columns), parts[0].shape[-1]))
    for of_part, by_draw in zip(total, parts, strict=False):
        for of_draw, which in zip(by_draw, kind, strict=True):
            of_part += of_draw.take(which, axis=0)
    return total.swapaxes(1, 2)


def _several(
    decisions: Decisions,
    rows: IntArray,
    slots: list[IntArray],
    draws: slice,
    whole: list[FloatArray],
) -> FloatArray:
    """The same for images with several persons: what each of them added is summed.

    Args:
        decisions: The decisions.
        rows: From `_rows`.
        slots: The first persons of all images, the second persons of the first images, ..., as
            columns of the decisions.
        draws: Which.
        whole: The parts of their tally, of shape (classes, draws).
    """
    # A row as small numbers, eight bytes of which are added at once.
    shape, images = rows.shape[2:], len(slots[0])
    rows = rows.reshape(decisions.classes * 256, -1)
    size = next(size for size in (1, 2, 4) if int(rows.max()) * len(slots) < 256**size)
    width = -(-rows.shape[1] * size // 8) * 8 // size
    padded = np.zeros((len(rows), width), dtype=f"u{size}")
    padded[:, : rows.shape[1]] = rows
    words = padded.view(np.uint64)
    # As many means as parts, and a recall a class.
    total = np.zeros((2, shape[0] + shape[1], images))
    step = max(1, _CELLS // images)
    for start in range(draws.start, draws.stop, step):
        nearest = decisions.nearest[start : min(start + step, draws.stop)]
        sums = np.zeros((len(nearest), images, words.shape[1]), dtype=np.uint64)
        for slot in slots:
            decision = nearest.take(slot, axis=1) + decisions.labels[slot] * 256
            sums[:, : len(slot)] += words.take(decision, axis=0)
        added = np.moveaxis(sums.view(padded.dtype)[..., : rows.shape[1]], -1, 0)
        added = added.reshape(*shape, *added.shape[1:])
        first = start - draws.start
        part = [x[:, first : first + len(nearest)] for x in whole]
        for of_part, by_draw in zip(total, _without(part, added), strict=False):
            # One draw after the other: `sum` may choose its own order.
            for of_draw in by_draw.swapaxes(0, 1):
                of_part += of_draw
    return total


def _without(whole: list[FloatArray], added: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """The figures without what was added.

    Args:
        whole: Parts of a tally, of shape (classes, draws).
        added: Of shape (parts, classes, draws or 1, images).

    Returns:
        The figures, 0 where there is none, of shape (figures, draws, images); where there is none,
        of the same shape, nothing if there always is one.
    """
    less = (np.subtract(x[..., None], y, dtype=float) for x, y in zip(whole, added, strict=True))
    left = every_figure(Tally(*less))
    unknown = np.isnan(left)
    if not unknown.any():
        return [left]
    left[unknown] = 0.0
    return [left, unknown]
