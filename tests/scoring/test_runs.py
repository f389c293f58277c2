"""Several training runs as one row: means, and intervals that count seeds too."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from oneshot_emotic import evaluate, load_task
from oneshot_emotic.errors import InputError
from oneshot_emotic.scoring.comparison import difference, told_apart
from oneshot_emotic.scoring.runs import combine_runs
from oneshot_emotic.scoring.scores import merged
from oneshot_emotic.scoring.statistics import interval, p_value, student, weighted_sum


def run(task, seed, shots=(1, 5)):
    rng = np.random.default_rng([seed, len(task.classes)])
    vectors = 0.8 * np.eye(len(task.classes))[task.novel_labels]
    vectors = vectors + rng.normal(size=vectors.shape) * (0.5 + seed / 100)
    return evaluate((task.novel.sample_ids, vectors), task, shots)


@pytest.fixture(scope="module")
def runs(task):
    return [run(task, seed) for seed in range(3)]


def test_means_over_the_runs(runs):
    row = combine_runs(runs)
    for shots in (1, 5):
        parts = [x[shots] for x in runs]
        for name in ("balanced_accuracy", "accuracy", "macro_f1"):
            for field in ("mean", "draw_0", "std", "min", "max"):
                expected = np.mean([getattr(getattr(x, name), field) for x in parts])
                assert getattr(getattr(row[shots], name), field) == pytest.approx(expected)
        assert np.allclose(row[shots].confusion, np.mean([x.confusion for x in parts], axis=0))
        assert row[shots].runs == 3
    assert row.to_dict()["tasks"]["cat-6-6"]["1"]["runs"] == 3


def test_the_interval_counts_images_and_seeds(runs):
    """Variance: the images' of the mean of terms, and the runs' mean square over their number."""
    row = combine_runs(runs)[1].balanced_accuracy
    parts = [x[1].balanced_accuracy for x in runs]
    terms = np.mean([x.evidence.terms for x in parts], axis=0)
    draws = np.mean([x.evidence.draws[0].values for x in parts], axis=0)
    images = (terms**2).sum() - parts[0].evidence.draws[0].excess * draws.var(ddof=1)
    seeds = np.var([x.mean for x in parts], ddof=1) / 3
    assert row.evidence.image_variance == pytest.approx(images)
    assert row.evidence.run_variance == pytest.approx(seeds)
    freedom = (images + seeds) ** 2 / (seeds**2 / 2)
    quantile = stats.t.ppf(0.975, math.floor(freedom))
    share = row.mean
    step = quantile**2 * (images + seeds) / (share * (1 - share))
    middle = (share + step / 2) / (1 + step)
    half = math.sqrt(step * share * (1 - share) + step**2 / 4) / (1 + step)
    assert (row.low, row.high) == pytest.approx((middle - half, middle + half), abs=1e-5)


@pytest.mark.parametrize("freedom", [*range(1, 40), 100, 1000])
def test_students_quantile(freedom):
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=1e-9)


def test_a_single_run_is_itself(runs):
    assert combine_runs(runs[:1]) == runs[0]


def test_the_n_th_runs_of_all_tasks_belong_together(task):
    """One training gives all tasks, so an overall figure has one variance of seeds."""
    tasks = [task, load_task("cat-6-4")]
    trained = [merged([run(each, seed, (1,)) for each in tasks]) for seed in range(3)]
    overall = combine_runs(trained).overall("cat")
    assert overall.mean == pytest.approx(np.mean([x.overall("cat").mean for x in trained]))
    seeds = np.var([x.overall("cat").mean for x in trained], ddof=1) / 3
    assert overall.evidence.run_variance == pytest.approx(seeds)
    # A task with fewer runs than the others is a training of its own.
    part = replace(trained[2], tasks={"cat-6-6": trained[2].tasks["cat-6-6"]})
    fewer = combine_runs([*trained[:2], part])
    apart = [x.tasks["cat-6-6"][1].above_chance / 2 for x in trained]
    other = [x.tasks["cat-6-4"][1].above_chance / 2 for x in trained[:2]]
    expected = np.var(apart, ddof=1) / 3 + np.var(other, ddof=1) / 2
    assert fewer.overall("cat").evidence.run_variance == pytest.approx(expected)


def test_what_is_not_one_system(runs, task):
    with pytest.raises(InputError, match="runs of cat-6-6"):
        combine_runs([runs[0], run(task, 1, (1,))])
    other = replace(runs[1], dataset=replace(runs[1].dataset, fingerprint="1" * 64))
    with pytest.raises(InputError, match="do not go together"):
        combine_runs([runs[0], other])


def test_interval_and_p_say_the_same(task):
    """Where a difference is just at the border, whatever the degrees of freedom."""
    single, several = run(task, 7), combine_runs([run(task, seed) for seed in (0, 9)])
    one, other = single[1].balanced_accuracy, several[1].balanced_accuracy
    evidence = weighted_sum([(1.0, one.evidence), (-1.0, other.evidence)])
    _, high = interval(0.0, evidence)
    for factor, within in ((0.999, True), (1.001, False)):
        assert (p_value(high * factor, evidence) > 0.05) == within


def test_a_difference_that_is_only_rounding_is_none(task):
    scores = run(task, 1)
    again = combine_runs([scores] * 3)
    for a, b in ((scores, again), (again, scores)):
        assert difference(a[1].balanced_accuracy, b[1].balanced_accuracy).p == 1
    overall = [merged([run(x, 1) for x in (task, load_task("cat-6-4"))]) for _ in range(2)]
    rows = [overall[0].overall("cat"), combine_runs([overall[1]] * 3).overall("cat")]
    assert not told_apart(rows).any()
