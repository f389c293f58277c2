"""The figures on confusion matrices worked by hand, and against plain loops."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_emotic.scoring import metrics
from oneshot_emotic.scoring.confusion import Confusion
from oneshot_emotic.scoring.controls import CONTROLS
from oneshot_emotic.scoring.predictions import share_unit
from oneshot_emotic.scoring.statistics import (
    DrawWeights,
    Figure,
    WeightedSums,
    quantile,
    summarise,
)


def confusion(*draws, unit=1):
    """Matrices of draws, which `Confusion` has last."""
    return Confusion(np.moveaxis(np.array(draws, dtype=np.int64), 0, -1) * unit, unit)


HAND = confusion(
    # 8 of 10, 1 of 5
    [[8, 2], [4, 1]],
    # the second class has no queries in this draw
    [[3, 1], [0, 0]],
)


def test_by_hand():
    assert metrics.recall(HAND)[:, 0].tolist() == [0.8, 0.2]
    assert metrics.balanced_accuracy(HAND).tolist() == [0.5, 0.75]
    assert metrics.accuracy(HAND).tolist() == [9 / 15, 3 / 4]
    # F1: 2*8/(10+12) and 2*1/(5+3); in the second draw 2*3/(4+3) alone
    assert metrics.macro_f1(HAND).tolist() == [(16 / 22 + 2 / 8) / 2, 6 / 7]
    assert metrics.mean_absolute_error(HAND, [2, 7]).tolist() == [5 * 6 / 15, 5 * 1 / 4]
    assert metrics.confusion_rates(HAND)[..., 0].tolist() == [[0.8, 0.2], [0.8, 0.2]]
    assert math.isnan(metrics.recall(HAND)[1, 1])


def test_units_do_not_matter():
    scaled = Confusion(HAND.counts * 60, 60)
    for figure in (metrics.balanced_accuracy, metrics.accuracy, metrics.macro_f1):
        assert figure(scaled).tolist() == figure(HAND).tolist()


def test_a_class_never_predicted_has_f1_zero():
    assert metrics.macro_f1(confusion([[4, 0], [6, 0]])).tolist() == [(8 / 14 + 0) / 2]


@given(st.lists(st.integers(0, 50), min_size=9, max_size=9))
def test_against_plain_fractions(cells):
    matrix = np.array(cells).reshape(1, 3, 3)
    rows = matrix[0].sum(axis=1)
    known = [i for i in range(3) if rows[i]]
    figures = confusion(*matrix)
    if not known:
        assert math.isnan(metrics.accuracy(figures)[0])
        assert math.isnan(metrics.balanced_accuracy(figures)[0])
        return
    balanced = sum(Fraction(int(matrix[0, i, i]), int(rows[i])) for i in known) / len(known)
    f1 = sum(
        Fraction(2 * int(matrix[0, i, i]), int(rows[i] + matrix[0, :, i].sum())) for i in known
    ) / len(known)
    assert metrics.balanced_accuracy(figures)[0] == pytest.approx(float(balanced), abs=1e-15)
    assert metrics.macro_f1(figures)[0] == pytest.approx(float(f1), abs=1e-15)
    accuracy = Fraction(int(np.trace(matrix[0])), int(rows.sum()))
    assert metrics.accuracy(figures)[0] == float(accuracy)


def test_controls():
    queries = np.array([[6, 2, 1], [5, 0, 1]]).T
    chance = CONTROLS["chance"].confusion(queries, None)
    assert chance.unit == share_unit(3) == 6
    assert metrics.balanced_accuracy(chance).tolist() == [1 / 3, 1 / 3]
    assert metrics.accuracy(chance).tolist() == [1 / 3, 1 / 3]
    majority = CONTROLS["majority"].confusion(queries, np.array([7, 3, 2]))
    assert metrics.accuracy(majority).tolist() == [6 / 9, 5 / 6]
    assert metrics.balanced_accuracy(majority).tolist() == [1 / 3, 1 / 2]


def test_share_units():
    assert [share_unit(n) for n in (2, 3, 4, 6, 10)] == [2, 6, 12, 60, 2520]


class TestStatistics:
    def test_by_hand(self):
        figure = summarise(np.array([0.5, 0.25, 0.75, 1.0]))
        assert figure.mean == 0.625
        assert figure.draw_0 == 0.5
        assert (figure.min, figure.max) == (0.25, 1.0)
        assert figure.std == pytest.approx(np.std([0.5, 0.25, 0.75, 1.0], ddof=1))
        assert (figure.low, figure.high) == (None, None)

    def test_the_interval_is_the_central_95_percent_of_the_resamples(self):
        resampled = np.random.default_rng(0).normal(size=1000)
        figure = summarise(np.array([0.5, 0.25]), resampled)
        assert figure.low == pytest.approx(np.quantile(resampled, 0.025))
        assert figure.high == pytest.approx(np.quantile(resampled, 0.975))
        resampled[3] = np.nan
        figure = summarise(np.array([0.5, 0.25]), resampled)
        assert figure.low == pytest.approx(np.nanquantile(resampled, 0.025))

    def test_draws_without_a_value_are_left_out(self):
        figure = summarise(np.array([np.nan, 0.25, 0.75]))
        assert (figure.mean, figure.draw_0) == (0.5, None)
        assert summarise(np.array([np.nan, np.nan])) == Figure(*[None] * 7)

    def test_a_single_draw_has_no_spread(self):
        assert summarise(np.array([0.5])).std is None

    @given(st.lists(st.floats(0, 1), min_size=2, max_size=60), st.randoms(use_true_random=False))
    def test_the_order_of_draws_does_not_move_a_bit(self, values, random):
        shuffled = values[:]
        random.shuffle(shuffled)
        one, two = summarise(np.array(values)), summarise(np.array(shuffled))
        assert (one.mean, one.std, one.max) == (two.mean, two.std, two.max)

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.floats(0, 1))
    def test_quantiles_are_numpys(self, values, share):
        expected = np.quantile(values, share)
        assert quantile(sorted(values), share) == pytest.approx(expected, abs=1e-12)

    def test_the_mean_of_each_resample_by_hand(self):
        draws = np.array([[0.5, 0.5, np.nan], [1.0, 0.0, np.nan]])
        some = DrawWeights(np.array([[1, 0, 1], [3, 2, 5]], np.uint8)).sums(draws)
        more = DrawWeights(np.array([[4, 1, 1]], np.uint8)).sums(np.array([[0.25, np.nan, np.nan]]))
        mean = WeightedSums.stacked([some + more]).mean()
        assert mean[0, :2].tolist() == [(0.5 + 3 + 1) / 8, 0.0]
        assert math.isnan(mean[0, 2])
