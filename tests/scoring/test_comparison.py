"""Paired differences by hand, and on submissions whose order is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from oneshot_emotic import evaluate, write_submission
from oneshot_emotic.errors import InputError
from oneshot_emotic.scoring.comparison import compare, difference
from oneshot_emotic.scoring.statistics import Figure


def figure(mean, resampled):
    return Figure(mean, None, None, None, None, None, None, np.array(resampled, dtype=float))


def test_by_hand():
    a, b = figure(0.5, [0.5, 0.7, 0.2, 0.4]), figure(0.4, [0.4, 0.6, 0.3, 0.4])
    apart = difference(a, b)
    assert apart.mean == pytest.approx(0.1)
    assert apart.a_is_greater == (2 + 0.5) / 4
    assert apart.low == pytest.approx(np.quantile([0.1, 0.1, -0.1, 0.0], 0.025))
    assert not apart.separated
    assert difference(figure(0.5, [0.5, 0.6]), figure(0.4, [0.3, 0.4])).separated
    assert difference(a, figure(None, [1, 1, 1, 1])) is None
    assert difference(a, replace(b, resampled=None)) is None


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
    assert line.difference.a_is_greater > 0.99
    (back,) = compare(*reversed(two))
    assert back.difference.mean == -line.difference.mean
    assert back.difference.low == pytest.approx(-line.difference.high, abs=1e-12)


def test_the_same_twice_is_not_told_apart(two):
    (line,) = compare(two[0], two[0])
    assert (line.difference.low, line.difference.high) == (0, 0)
    assert line.difference.a_is_greater == 0.5
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
