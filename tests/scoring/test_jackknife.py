"""Intervals against plain loops that score again without each image, as the protocol says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from oneshot_emotic.report import task_report
from oneshot_emotic.scoring import jackknife
from oneshot_emotic.scoring.evaluate import evaluate, evaluate_controls
from oneshot_emotic.splits import DatasetIdentity, split_task
from oneshot_emotic.tasks import task_definition

Z = 1.959963984540054


def small_task(rng, sizes, in_image, draws=40, task="lev-7-3-arousal", names=("2", "4", "7")):
    """Persons of three classes, `in_image` of them to an image."""
    labels = rng.permutation(np.repeat(names, sizes))
    images = np.repeat(np.arange(len(labels)), rng.choice(in_image, len(labels)))[: len(labels)]
    rows = [
        (f"val/f/{image:02d}.jpg#{n:02d}", f"f/{image:02d}.jpg", str(label))
        for n, (image, label) in enumerate(zip(images, labels, strict=True))
    ]
    made = split_task(task, rows, draws=draws)
    return replace(made, dataset=DatasetIdentity("x", "argmax", 1, "0" * 64))


def score_again(task, vectors, shots, without=None, as_query=False):
    """Every figure as the mean over draws, and its value in each draw, by loops over persons.

    `without` an image: its persons are no queries, and draws in which one is support are left out,
    unless it is left out `as_query` alone.
    """
    persons = list(zip(task.novel.sample_ids, task.novel.image_ids, task.novel.labels, strict=True))
    image_of = {name: image for name, image, _ in persons}
    found = {}
    for draw in range(task.draws):
        support = task.support_ids(draw, shots)
        taken = {image_of[x] for names in support.values() for x in names}
        if without in taken and not as_query:
            continue
        matrix = {a: dict.fromkeys(task.classes, 0.0) for a in task.classes}
        for name, image, label in persons:
            if image in taken or image == without:
                continue
            distance = {
                c: min(float(((vectors[name] - vectors[x]) ** 2).sum()) for x in members)
                for c, members in support.items()
            }
            tied = [c for c, d in distance.items() if d == min(distance.values())]
            for c in tied:
                matrix[label][c] += 1 / len(tied)
        for figure, value in figures_of(matrix).items():
            found.setdefault(figure, []).append((draw, value))
    return {
        figure: (np.mean([x for _, x in values]), dict(values)) for figure, values in found.items()
    }


def figures_of(matrix):
    """Of a confusion matrix of shares, true class by predicted class."""
    asked = {a: sum(row.values()) for a, row in matrix.items()}
    there = [a for a in matrix if asked[a] > 1e-9]
    if not there:
        return {}
    taken = {a: sum(row[a] for row in matrix.values()) for a in matrix}
    recall = {a: matrix[a][a] / asked[a] for a in there}
    apart = {a: sum(n * abs(int(a) - int(c)) for c, n in matrix[a].items()) for a in there}
    return {
        "balanced_accuracy": np.mean(list(recall.values())),
        "accuracy": sum(matrix[a][a] for a in there) / sum(asked.values()),
        "macro_f1": np.mean([2 * matrix[a][a] / (asked[a] + taken[a]) for a in there]),
        "level_error": np.mean([apart[a] / asked[a] for a in there]),
        **{f"recall {a}": recall[a] for a in there},
    }


def expected_interval(task, whole, left_out, as_query, shots, figure):
    """Variance and interval of a figure, by the words of the protocol."""
    images = sorted(set(task.novel.image_ids))
    n, draws = len(images), task.draws
    scale = (n - 1) / n
    theta = [left_out[image][figure][0] for image in images]
    query = [as_query[image][figure][0] for image in images]
    image_of = dict(zip(task.novel.sample_ids, task.novel.image_ids, strict=True))
    served = dict.fromkeys(images, 0)
    for draw in range(draws):
        for image in {image_of[x] for ids in task.support_ids(draw, shots).values() for x in ids}:
            served[image] += 1
    mean, by_draw = whole[figure]
    excess = sum(m / (draws * (draws - m)) for m in served.values()) - 1 / draws
    variance = scale * sum((x - np.mean(theta)) ** 2 for x in theta)
    variance -= excess * np.var(list(by_draw.values()), ddof=1)
    variance = max(variance, scale * sum((x - np.mean(query)) ** 2 for x in query))
    greatest = np.mean([5, 3, 5]) if figure == "level_error" else 1.0
    share = mean / greatest
    if variance < 1e-28:
        return variance, None
    behind = share * (1 - share) / (variance / greatest**2)
    middle = (share + Z**2 / (2 * behind)) / (1 + Z**2 / behind)
    half = Z / (1 + Z**2 / behind) * math.sqrt(share * (1 - share) / behind + Z**2 / 4 / behind**2)
    return variance, (greatest * (middle - half), greatest * (middle + half))


def vectors_of(kind, task, rng):
    many = len(task.novel)
    return {
        "continuous": rng.normal(size=(many, 3)) + task.novel_labels[:, None],
        "many ties": rng.integers(0, 2, size=(many, 2)).astype(float),
        "constant": np.ones((many, 2)),
    }[kind]


@pytest.mark.parametrize("shots", [1, 3])
@pytest.mark.parametrize("kind", ["continuous", "many ties", "constant"])
@pytest.mark.parametrize("in_image", [(1,), (1, 1, 2, 3)], ids=["alone", "together"])
def test_every_interval_is_that_of_plain_loops(rng, monkeypatch, shots, kind, in_image):
    # Small classes: leaving an image out leaves some draws without queries of a class.
    monkeypatch.setattr(jackknife, "_CELLS", 500)  # several blocks
    task = small_task(rng, (9, 6, 14), in_image)
    array = vectors_of(kind, task, rng)
    vectors = dict(zip(task.novel.sample_ids, array, strict=True))
    scores = evaluate(vectors, task, (shots,))[shots]
    whole = score_again(task, vectors, shots)
    images = sorted(set(task.novel.image_ids))
    left_out = {image: score_again(task, vectors, shots, image) for image in images}
    as_query = {image: score_again(task, vectors, shots, image, as_query=True) for image in images}
    figures = {
        name: getattr(scores, name)
        for name in ("balanced_accuracy", "accuracy", "macro_f1", "level_error")
    }
    figures |= {f"recall {name}": scores.recall[name] for name in task.classes}
    for name, figure in figures.items():
        assert figure.mean == pytest.approx(whole[name][0], abs=1e-12)
        evidence = figure.evidence
        theta = np.array([left_out[image][name][0] for image in images])
        scale = math.sqrt((len(images) - 1) / len(images))
        assert np.allclose(evidence.terms, scale * (theta - theta.mean()), rtol=0, atol=1e-10)
        query = np.array([as_query[image][name][0] for image in images])
        assert np.allclose(evidence.query_terms, scale * (query - query.mean()), rtol=0, atol=1e-10)
        variance, interval = expected_interval(task, whole, left_out, as_query, shots, name)
        assert evidence.image_variance == pytest.approx(variance, abs=1e-12)
        if interval is not None:
            assert (figure.low, figure.high) == pytest.approx(interval, abs=1e-9)


def test_without_intervals_nothing_else_changes(task, rng):
    vectors = (task.novel.sample_ids, rng.normal(size=(len(task.novel), 5)))
    full, quick = evaluate(vectors, task)[1], evaluate(vectors, task, intervals=False)[1]
    assert full.balanced_accuracy.low < full.balanced_accuracy.mean < full.balanced_accuracy.high
    assert quick.balanced_accuracy.low is quick.balanced_accuracy.evidence is None
    for name in ("mean", "draw_0", "std", "min", "max"):
        assert getattr(quick.macro_f1, name) == getattr(full.macro_f1, name)
    assert quick.confusion == full.confusion
    assert quick.diagnostics == full.diagnostics


class TestInvariance:
    """What changes no distance, or all alike, changes no printed figure."""

    def printed(self, vectors, task):
        scores = evaluate((task.novel.sample_ids, vectors), task, (1, 5))
        return task_report(scores, task.name, evaluate_controls(task, (1, 5)))

    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_rotation_scaling_translation(self, task, rng, dtype):
        labels = np.eye(len(task.classes))[task.novel_labels]
        vectors = np.hstack([labels, np.zeros((len(labels), 6))])
        vectors = (vectors + rng.normal(size=vectors.shape) / 2).astype(dtype)
        expected = self.printed(vectors, task)
        rotation, _ = np.linalg.qr(rng.normal(size=(vectors.shape[1],) * 2))
        assert self.printed(vectors.astype(np.float64) @ rotation, task) == expected
        assert self.printed(vectors.astype(np.float64) * 1e-7, task) == expected
        assert (
            self.printed(vectors.astype(np.float64) + rng.normal(size=12) * 100, task) == expected
        )

    def test_the_order_of_classes(self, task, rng):
        order = rng.permutation(len(task.classes))
        other = replace(
            task,
            definition=replace(task_definition(task.name)),
            classes=tuple(task.classes[place] for place in order),
            support=task.support[:, :, order],
        )
        vectors = np.eye(len(task.classes))[task.novel_labels]
        vectors = vectors + rng.normal(size=vectors.shape) / 2
        ids = task.novel.sample_ids
        one, two = (evaluate((ids, vectors), x, (1, 5)) for x in (task, other))
        for shots in (1, 5):
            for name in ("balanced_accuracy", "accuracy", "macro_f1"):
                a, b = getattr(one[shots], name), getattr(two[shots], name)
                assert b.mean == pytest.approx(a.mean, abs=1e-12)
                assert (b.low, b.high) == pytest.approx((a.low, a.high), abs=1e-12)
            for name in task.classes:
                assert two[shots].recall[name].mean == one[shots].recall[name].mean
