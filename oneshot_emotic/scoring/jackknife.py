"""Every figure without each image in turn: the delete-one-image jackknife over the same draws.

An image is left out in both of its roles: the draws in which one of its persons is support are left
out, and its persons are no queries of the others. That needs no new decision: a figure of a draw
without the image comes from the draw's tally less what the image added to it.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.arrays import FloatArray, IntArray
from oneshot_emotic.scoring.counting import PackedRows, Words, changes_by_label
from oneshot_emotic.scoring.decisions import Decisions
from oneshot_emotic.scoring.metrics import Tally, every_figure

#: Sums of figures, and how many draws had no value, of shape (figures, images).
Sums: TypeAlias = tuple[FloatArray, FloatArray]

#: Numbers of an array (classes, draws, images) at once: small enough for the cache.
_CELLS = 1 << 16


@dataclass(frozen=True)
class LeftOut:
    """Figures without each image, of shape (figures, images).

    Attributes:
        both: Without the image in both of its roles; NaN where no draw is left.
        as_query: Without the image's queries, the supports staying as they are.
        draws: Over how many draws `both` is the mean.
    """

    both: FloatArray
    as_query: FloatArray
    draws: FloatArray


class Jackknife:
    """Leaves out each image of a task.

    Args:
        decisions: The decisions.
        images: The image of each novel person as a number from 0, of shape (persons,).
        held_out: From `queries.held_out_images`.
        levels: The classes as numbers, for a task of levels.
    """

    def __init__(
        self,
        decisions: Decisions,
        images: IntArray,
        held_out: tuple[IntArray, IntArray],
        levels: Sequence[int],
    ) -> None:
        self._draw, self._image = held_out
        of_column = images[decisions.persons]
        columns = np.argsort(of_column, kind="stable")
        many = np.bincount(of_column)
        first = np.cumsum(many) - many
        changes = changes_by_label(decisions, levels)
        # Ties would make too many kinds of pairs.
        few = 1 if decisions.tied.size else 2
        # The images with more persons first: the n-th persons are those of the first images.
        order = np.argsort(-many, kind="stable")
        self._place = np.argsort(order)
        self._groups: list[_FewKinds | _AnyPersons] = []
        more = order[many[order] > few]
        if more.size:
            slots = [
                columns[first[image] + slot]
                for slot in range(int(many.max()))
                for image in [more[many[more] > slot]]
            ]
            at = self._place[self._image]
            here = at < len(more)
            self._groups.append(_AnyPersons(decisions, changes, slots, self._draw[here], at[here]))
        for persons in range(few, 0, -1):
            if (some := order[many[order] == persons]).size:
                slots = [columns[first[some] + slot] for slot in range(persons)]
                self._groups.append(_FewKinds(decisions, changes, slots))

    def sums(self, draws: slice, tally: Tally) -> Sums:
        """Sum the figures over those of some draws in which the image is no support's.

        Args:
            draws: Which.
            tally: With all images, of shape (classes, draws).

        Returns:
            Sums, and how many draws had no value, of shape (figures, images).
        """
        parts = []
        for group in self._groups:
            step = max(1, _CELLS // group.cells)
            parts.append((0.0, 0.0))
            for start in range(draws.start, draws.stop, step):
                some = slice(start, min(start + step, draws.stop))
                whole = tally.of_draws(slice(start - draws.start, some.stop - draws.start))
                parts[-1] = tuple(map(operator.add, parts[-1], group.sums(some, whole)))
        total, unknown = (np.concatenate(x, axis=1) for x in zip(*parts, strict=True))
        return total[:, self._place], unknown[:, self._place]

    def means(self, total: FloatArray, unknown: FloatArray, values: FloatArray) -> LeftOut:
        """From the sums over all draws.

        Args:
            total: From `sums`.
            unknown: From `sums`.
            values: The figures with all images, of shape (figures, draws); NaN for none.
        """
        support_total, support_draws = np.zeros(total.shape), np.zeros(total.shape)
        for number, value in enumerate(values[:, self._draw]):
            there = ~np.isnan(value)
            image = self._image[there]
            support_total[number] = np.bincount(image, value[there], minlength=total.shape[1])
            support_draws[number] = np.bincount(image, minlength=total.shape[1])
        draws = values.shape[1] - np.bincount(self._image, minlength=total.shape[1]) - unknown
        return LeftOut(
            _quotient(total, draws),
            _quotient(total + support_total, draws + support_draws),
            draws,
        )


class _FewKinds:
    """Images with so few persons that what is left of a draw fits a table.

    It depends on the persons' classes and decisions alone, and those are of few kinds.

    Args:
        decisions: The decisions.
        changes: From `changes_by_label`.
        slots: The first persons of all images, the second persons, ..., as columns of the
            decisions.
    """

    def __init__(self, decisions: Decisions, changes: IntArray, slots: list[IntArray]) -> None:
        codes = 1 << np.arange(decisions.classes)
        if decisions.tied.size:
            codes = np.arange(1, 1 << decisions.classes)
        # A kind: the classes of the persons, and after them the persons' decisions.
        labels, of_image = np.unique(decisions.labels[np.stack(slots)], axis=1, return_inverse=True)
        taken = codes[np.indices((len(codes),) * len(slots)).reshape(len(slots), -1)]
        rows = [changes[x][:, y] for x, y in zip(labels, taken, strict=True)]
        queries = [np.eye(decisions.classes)[x] * decisions.unit for x in labels]
        total = functools.reduce(
            operator.add, rows
        )  # (label kinds, decision kinds, parts, classes)
        self._changes = np.moveaxis(total, (2, 3), (0, 1)).reshape(*total.shape[2:], 1, -1)
        total = functools.reduce(operator.add, queries)
        self._queries = np.repeat(total.T, taken.shape[1], axis=1)
        self.cells = self._queries.size
        self._nearest, self._slots, self._codes = decisions.nearest, slots, len(codes)
        self._first = of_image.reshape(-1)
        self._code = np.zeros(256, dtype=np.intp)
        self._code[codes] = np.arange(len(codes))

    def sums(self, draws: slice, whole: Tally) -> Sums:
        """As `Jackknife.sums`, for the images of the group."""
        complete = _is_complete(whole, self._queries)
        with np.errstate(divide="ignore", invalid="ignore"):  # kinds that no image is of
            left = every_figure(_less(whole, self._queries, self._changes), complete)
        # One more kind, that adds nothing: images with a support person, which ask nothing.
        many, kinds = left[0].shape
        table = np.zeros((many, kinds + 1, len(left)))
        for place, figure in enumerate(left):
            table[:, :-1, place] = figure
        total, unknown = (np.zeros((len(self._first), len(left))) for _ in range(2))
        if not complete:
            lacking = np.isnan(table)
            table[lacking] = 0.0
        nearest, kind = self._nearest[draws], self._first
        for slot in self._slots:
            decision = nearest.take(slot, axis=1)
            kind = kind * self._codes + self._code.take(decision)
        kind[decision == 0] = kinds
        # One draw after the other: `sum` may choose its own order.
        for place, of_draw in enumerate(kind):
            total += table[place].take(of_draw, axis=0)
            if not complete:
                unknown += lacking[place].take(of_draw, axis=0)
        return total.T, unknown.T


class _AnyPersons:
    """Images with any number of persons: what each of them added to the tally is summed.

    Args:
        decisions: The decisions.
        changes: From `changes_by_label`.
        slots: The first persons of all images, the second persons of those that have one, ..., as
            columns of the decisions.
        draw: Draws ...
        image: ... and images of which one of the draw's support persons is.
    """

    def __init__(
        self,
        decisions: Decisions,
        changes: IntArray,
        slots: list[IntArray],
        draw: IntArray,
        image: IntArray,
    ) -> None:
        self._rows = PackedRows(changes.reshape(-1, *changes.shape[2:]), together=len(slots))
        self._nearest, self._slots = decisions.nearest, slots
        self._first = [decisions.labels[slot] * 256 for slot in slots]
        self._draw, self._image = draw, image
        self._queries = np.zeros((decisions.classes, len(slots[0])))
        for slot in slots:
            places = decisions.labels[slot], np.arange(len(slot))
            np.add.at(self._queries, places, decisions.unit)
        self.cells = self._queries.size

    def sums(self, draws: slice, whole: Tally) -> Sums:
        """As `Jackknife.sums`, for the images of the group."""
        complete = _is_complete(whole, self._queries)
        changes = self._rows.numbers(self._words(self._nearest[draws]))
        left = every_figure(_less(whole, self._queries, changes), complete)
        pairs = slice(*np.searchsorted(self._draw, (draws.start, draws.stop)))
        held_out = self._draw[pairs] - draws.start, self._image[pairs]
        total, unknown = (np.zeros((len(left), left[0].shape[1])) for _ in range(2))
        for figure, of_figure, lacking in zip(left, total, unknown, strict=True):
            figure[held_out] = 0.0
            if not complete:
                lacking += np.isnan(figure).sum(axis=0)
                figure[np.isnan(figure)] = 0.0
            # One draw after the other: `sum` may choose its own order.
            for row in figure:
                of_figure += row
        return total, unknown

    def _words(self, nearest: npt.NDArray[np.uint8]) -> Words:
        words = self._rows.words.take(nearest.take(self._slots[0], axis=1) + self._first[0], axis=0)
        for slot, first in zip(self._slots[1:], self._first[1:], strict=True):
            which = nearest.take(slot, axis=1) + first
            words[:, : len(slot)] += self._rows.words.take(which, axis=0)
        return words


def _is_complete(whole: Tally, queries: FloatArray) -> bool:
    """True when every class keeps queries in every draw without these (classes, ...)."""
    return bool((whole.queries.min(axis=1) > queries.max(axis=1)).all())


def _less(
    whole: Tally, queries: FloatArray, changes: npt.NDArray[Any]
) -> Iterator[list[FloatArray]]:
    """What is left of a tally (classes, draws) without some persons, class by class.

    Args:
        whole: The tally.
        queries: How many persons of each class, of shape (classes, ...).
        changes: What they add to `taken`, `right` and, with levels, to `distance`: of shape
            (parts, classes, draws, ...), or with 1 in place of the draws.
    """
    for place, parts in enumerate(whole.classes()):
        few = [queries[None, place], *changes[:, place]]
        yield [np.subtract(part[:, None], less) for part, less in zip(parts, few, strict=True)]


def _quotient(total: FloatArray, draws: FloatArray) -> FloatArray:
    result = np.full(total.shape, np.nan)
    np.divide(total, draws, out=result, where=draws > 0)
    return result
