"""The figures on confusion matrices worked by hand, and against plain loops."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_emotic.scoring import metrics
from oneshot_emotic.scoring.controls import all_tied, always, control_confusions
from oneshot_emotic.scoring.decisions import share_unit
from oneshot_emotic.scoring.metrics import Tally
from oneshot_emotic.scoring.statistics import Estimate, Evidence, Scale, interval, summarise


def confusion(*draws, unit=1):
    """Matrices of draws, with the draws last."""
    return np.moveaxis(np.array(draws, dtype=np.int64), 0, -1) * unit


HAND = confusion(
    # 8 of 10, 1 of 5
    [[8, 2], [4, 1]],
    # the second class has no queries in this draw
    [[3, 1], [0, 0]],
)


def test_by_hand():
    tally = Tally.of(HAND, [2, 7])
    assert metrics.recall(tally)[:, 0].tolist() == [0.8, 0.2]
    assert metrics.balanced_accuracy(tally).tolist() == [0.5, 0.75]
    assert metrics.accuracy(tally).tolist() == [9 / 15, 3 / 4]
    # F1: 2*8/(10+12) and 2*1/(5+3); in the second draw 2*3/(4+3) alone
    assert metrics.macro_f1(tally).tolist() == [(16 / 22 + 2 / 8) / 2, 6 / 7]
    # 2 of 10 and 4 of 5 are five levels off, in the second draw 1 of 4
    assert metrics.level_error(tally).tolist() == [(5 * 2 / 10 + 5 * 4 / 5) / 2, 5 * 1 / 4]
    assert metrics.confusion_rates(HAND)[..., 0].tolist() == [[0.8, 0.2], [0.8, 0.2]]
    assert math.isnan(metrics.recall(tally)[1, 1])
    with pytest.raises(ValueError, match="without levels"):
        metrics.level_error(Tally.of(HAND))


def test_units_do_not_matter():
    one, sixty = Tally.of(HAND, [2, 7]), Tally.of(HAND * 60, [2, 7])
    for figure in (metrics.balanced_accuracy, metrics.accuracy, metrics.macro_f1):
        assert figure(sixty).tolist() == figure(one).tolist()
    assert metrics.level_error(sixty).tolist() == metrics.level_error(one).tolist()


def test_a_class_never_predicted_has_f1_zero():
    tally = Tally.of(confusion([[4, 0], [6, 0]]))
    assert metrics.macro_f1(tally).tolist() == [(8 / 14 + 0) / 2]


@given(st.lists(st.integers(0, 50), min_size=9, max_size=9))
def test_against_plain_fractions(cells):
    matrix = np.array(cells).reshape(1, 3, 3)
    rows = matrix[0].sum(axis=1)
    known = [i for i in range(3) if rows[i]]
    figures = Tally.of(confusion(*matrix))
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


def test_controls(level_task):
    queries = np.array([[6, 2, 1], [5, 0, 1]]).T
    assert share_unit(3) == 6
    chance = Tally.of(all_tied(queries))
    assert metrics.balanced_accuracy(chance).tolist() == [1 / 3, 1 / 3]
    assert metrics.accuracy(chance).tolist() == [1 / 3, 1 / 3]
    majority = Tally.of(always(0, queries))
    assert metrics.accuracy(majority).tolist() == [6 / 9, 5 / 6]
    assert metrics.balanced_accuracy(majority).tolist() == [1 / 3, 1 / 2]
    # Of the levels 2, 4, 7 and 10 the level 4 is 2 + 0 + 3 + 6 away from them all, as 7 is.
    constant = dict(control_confusions(level_task, 1))["constant"]
    assert (constant.sum(axis=(0, 2)) > 0).tolist() == [False, True, False, False]
    assert set(metrics.level_error(Tally.of(constant, level_task.levels))) == {11 / 4}


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

    def test_draws_without_a_value_are_left_out(self):
        figure = summarise(np.array([np.nan, 0.25, 0.75]))
        assert (figure.mean, figure.draw_0) == (0.5, None)
        assert summarise(np.array([np.nan, np.nan])) == Estimate(*[None] * 7)

    def test_a_single_draw_has_no_spread(self):
        assert summarise(np.array([0.5])).std is None

    @given(st.lists(st.floats(0, 1), min_size=2, max_size=60), st.randoms(use_true_random=False))
    def test_the_order_of_draws_does_not_move_a_bit(self, values, random):
        shuffled = values[:]
        random.shuffle(shuffled)
        one, two = summarise(np.array(values)), summarise(np.array(shuffled))
        assert (one.mean, one.std, one.max) == (two.mean, two.std, two.max)


SHARE = Scale(0.0, 1.0, 20.0)


class TestIntervals:
    def evidence(self, variance, scale=SHARE, runs=()):
        """Of two images and of draws that are all alike."""
        terms = np.array([1, -1]) * math.sqrt(variance / 2)
        return Evidence(("a", "b"), terms, terms * 0, (), runs, scale)

    def test_wilsons_interval_by_hand(self):
        # 30 of 40: variance 0.75 * 0.25 / 40; Wilson's interval as in any textbook
        low, high = interval(0.75, self.evidence(0.75 * 0.25 / 40))
        assert (low, high) == pytest.approx((0.5980603, 0.8581289), abs=1e-6)
        low, high = interval(6.75, self.evidence(81 * 0.75 * 0.25 / 40, Scale(0.0, 9.0, 20.0)))
        assert (low, high) == pytest.approx((9 * 0.5980603, 9 * 0.8581289), abs=1e-5)

    @given(st.floats(0, 1), st.floats(0, 0.2))
    def test_it_holds_the_mean_and_stays_on_the_scale(self, mean, variance):
        low, high = interval(mean, self.evidence(variance))
        assert 0 <= low <= mean <= high <= 1

    def test_at_the_ends_as_many_images_count_as_are_behind_the_figure(self):
        low, high = interval(1.0, self.evidence(0.0))
        assert (low, high) == (pytest.approx(20 / (20 + 1.959964**2)), 1.0)
        low, high = interval(0.0, self.evidence(0.0))
        assert (low, high) == (0.0, pytest.approx(1.959964**2 / (20 + 1.959964**2)))
        assert interval(0.25, self.evidence(0.0)) == (0.25, 0.25)

    def test_a_difference_has_a_plain_interval(self):
        assert interval(-0.1, self.evidence(0.01, None)) == pytest.approx(
            (-0.1 - 0.1959964, -0.1 + 0.1959964)
        )

    def test_few_runs_widen_it(self):
        runs = ((0.70, 0.74, 0.72),)
        evidence = self.evidence(0.0002, None, runs)
        seeds = np.var(runs[0], ddof=1) / 3
        assert evidence.run_variance == pytest.approx(seeds)
        freedom = (0.0002 + seeds) ** 2 / (seeds**2 / 2)
        assert evidence.freedom == int(freedom) == 12  # quantile 2.1788
        low, high = interval(0.0, evidence)
        assert high == pytest.approx(2.1788 * math.sqrt(0.0002 + seeds), rel=1e-4)
        assert low == -high
