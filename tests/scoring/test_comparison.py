"""Paired differences by hand, of many at once, and on submissions whose order is known."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from oneshot_emotic import evaluate, write_submission
from oneshot_emotic.errors import InputError
from oneshot_emotic.scoring.comparison import compare, difference, told_apart
from oneshot_emotic.scoring.scores import Overall
from oneshot_emotic.scoring.statistics import DrawPart, Estimate, Evidence, Scale

SCALE = Scale(0.0, 1.0, 10.0)


def figure(mean, terms, query_terms=None, draws=None, excess=0.5):
    """An estimate whose evidence is known."""
    terms = np.array(terms, dtype=float)
    query_terms = terms * 0 if query_terms is None else np.array(query_terms, dtype=float)
    parts = () if draws is None else (DrawPart("t", excess, np.array(draws, dtype=float)),)
    evidence = Evidence(tuple("abcd"[: len(terms)]), terms, query_terms, parts, (), SCALE)
    return Estimate(mean, None, None, None, None, None, None, evidence)


def test_by_hand():
    a, b = figure(0.5, [0.03, -0.01, -0.02]), figure(0.4, [0.01, 0.01, -0.02])
    apart = difference(a, b)
    assert apart.mean == pytest.approx(0.1)
    error = math.hypot(0.02, 0.02)  # of the images, which differ by 0.02, -0.02 and 0
    assert apart.high - apart.mean == pytest.approx(1.959964 * error)
    assert apart.p == pytest.approx(math.erfc(0.1 / error / math.sqrt(2)))
    assert apart.separated
    assert not difference(a, figure(0.46, [0.01, 0.01, -0.02])).separated
    assert difference(a, figure(None, [1, 1, 1])) is None
    assert difference(a, replace(b, evidence=None)) is None


def test_what_few_draws_add_is_taken_off_but_not_below_the_queries_share():
    draws = [0.1, 0.3, 0.2]  # variance 0.01
    a = figure(0.5, [0.3, -0.3], [0.1, -0.1], draws)
    assert a.evidence.image_variance == pytest.approx(0.18 - 0.5 * 0.01)
    assert replace_excess(a, 17.0).evidence.image_variance == pytest.approx(0.02)
    # In a difference it is the variance of the draws' differences.
    b = figure(0.5, [0.3, 0.3], [0.0, 0.0], [0.2, 0.2, 0.2])
    variance = (difference(a, b).high / 1.959963984540054) ** 2
    assert variance == pytest.approx(0.36 - 0.5 * 0.01)


def replace_excess(estimate, excess):
    (part,) = estimate.evidence.draws
    evidence = replace(estimate.evidence, draws=(replace(part, excess=excess),))
    return replace(estimate, evidence=evidence)


class TestToldApart:
    def some(self, rng, rows, images=30):
        """Overall figures of rows that differ by little."""
        made = []
        for _ in range(rows):
            terms = rng.normal(size=images) / 200
            draws = tuple(
                DrawPart(task, 0.001, rng.normal(size=20) / 20) for task in ("cat-6-6", "cat-6-4")
            )
            names = tuple(map(str, range(images)))
            evidence = Evidence(names, terms, terms / 2, draws, (), SCALE)
            made.append(Overall(rng.uniform(0.1, 0.3), None, None, evidence))
        return made

    def test_all_pairs_at_once_are_those_one_by_one(self, rng):
        """Holm's procedure, written out over `difference`."""
        figures = self.some(rng, 9)
        figures[4] = replace(
            figures[4], evidence=replace(figures[4].evidence, runs=((0.2, 0.21, 0.22),))
        )
        figures[7] = replace(figures[7], evidence=None)
        pairs = {
            (a, b): apart.p
            for a in range(9)
            for b in range(a)
            if (apart := difference(figures[a], figures[b])) is not None
        }
        assert len(pairs) == 8 * 7 / 2
        expected = np.zeros((9, 9), dtype=bool)
        for step, (a, b) in enumerate(sorted(pairs, key=pairs.__getitem__)):
            if pairs[a, b] > 0.05 / (len(pairs) - step):
                break
            expected[a, b] = expected[b, a] = True
        assert np.array_equal(told_apart(figures), expected)
        assert 4 < expected.sum() < 50

    def test_the_same_twice_and_nothing_at_all(self, rng):
        one = self.some(rng, 1)
        assert not told_apart(one * 3).any()
        assert told_apart([]).shape == (0, 0)
        assert told_apart(one).shape == (1, 1)


@pytest.fixture
def two(task, rng):
    """Scores of noisy labels, the first less noisy."""
    labels = np.eye(len(task.classes))[task.novel_labels]
    noise = rng.normal(size=labels.shape)
    return [
        evaluate((task.novel.sample_ids, labels + much * noise), task).named(name)
        for much, name in ((0.4, "better"), (0.42, "worse"))
    ]


def test_pairing_tells_apart_what_the_intervals_do_not(two):
    better, worse = (scores[1].balanced_accuracy for scores in two)
    assert worse.high > better.low  # the intervals overlap
    (line,) = compare(*two)
    assert line.difference.separated
    assert line.difference.p < 0.05
    (back,) = compare(*reversed(two))
    assert back.difference.mean == -line.difference.mean
    assert back.difference.low == pytest.approx(-line.difference.high, abs=1e-12)


def test_the_same_twice_is_not_told_apart(two):
    (line,) = compare(two[0], two[0])
    assert (line.difference.low, line.difference.high) == (0, 0)
    assert line.difference.p == 1
    assert not line.difference.separated


def test_what_cannot_be_compared(two, level_task):
    other = replace(two[1], dataset=replace(two[1].dataset, fingerprint="1" * 64))
    with pytest.raises(InputError, match="cannot be compared"):
        list(compare(two[0], other))
    constant = (level_task.novel.sample_ids, np.ones((len(level_task.novel), 1)))
    with pytest.raises(InputError, match="no task in common"):
        list(compare(two[0], evaluate(constant, level_task)))


def test_the_command(task, rng, run, tmp_path):
    labels = np.eye(len(task.classes))[task.novel_labels]
    for name, much in (("a", 0.4), ("b", 0.8)):
        vectors = labels + much * rng.normal(size=labels.shape)
        model = {"name": f"Model {name}"}
        write_submission(tmp_path / f"{name}.npz", (task.novel.sample_ids, vectors), task, model)
    paths = [tmp_path / "a.npz", tmp_path / "b.npz", "--shots", 1]
    shown = run("compare", *paths).output
    assert "A: Model a" in shown
    assert "cat-6-6, 1-shot" in shown
    content = json.loads(run("compare", *paths, "--json", "-").output)
    assert content["differences"][0]["separated"] is True
    assert content["a"]["name"] == "Model a"


def test_folders_and_one_task_of_them(run):
    from conftest import REPOSITORY

    folders = [REPOSITORY / "submissions" / name for name in ("colour-gradient", "random")]
    result = run("compare", *folders, "--task", "cat-6-4", "--shots", 1, "--json", "-")
    (line,) = json.loads(result.output)["differences"]
    assert line["what"] == "cat-6-4"
    assert line["low"] > 0.05
