"""The two-level bootstrap against plain loops, and what must not move a figure."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest

from oneshot_emotic.report import task_report
from oneshot_emotic.scoring.evaluate import evaluate, evaluate_controls
from oneshot_emotic.scoring.resampling import RESAMPLES, draw_weights, image_weights
from oneshot_emotic.scoring.support_effects import add_support_effects
from oneshot_emotic.splits import DatasetIdentity, split_task
from oneshot_emotic.tasks import task_table

KEY = "oneshot-emotic/protocol-1/bootstrap"


def weights_of(name):
    """The weights of a name as docs/protocol.md writes them down."""
    result = []
    for byte in hashlib.shake_128(f"{KEY}/{name}".encode()).digest(1000):
        ends = [94, 189, 235, 251, 255, 256]
        result.append(next(weight for weight, end in enumerate(ends) if byte < end))
    return result


def small_task(rng, sizes=(9, 5, 14), draws=40):
    """Persons in images of one to three, three classes."""
    labels = rng.permutation(np.repeat(["2", "4", "7"], sizes))
    rows = [(f"val/f/{n:02d}.jpg#0", f"f/{n // 2:02d}.jpg", str(x)) for n, x in enumerate(labels)]
    task = split_task("lev-7-3-arousal", rows, draws=draws)
    return replace(task, dataset=DatasetIdentity("x", "argmax", 1, "0" * 64))


class TestWeights:
    def test_by_the_written_rule(self):
        table = image_weights(("a/b.jpg", "c/ü.jpg", "a/b.jpg"))
        assert table.shape == (3, RESAMPLES)
        assert table[0].tolist() == table[2].tolist() == weights_of("image/a/b.jpg")
        assert table[1].tolist() == weights_of("image/c/ü.jpg")
        draws = draw_weights("cat-6-6", 3)
        assert draws[2].tolist() == weights_of("draw/cat-6-6/2")

    def test_mean_and_variance_of_all_bytes_are_one(self):
        every = [0] * 94 + [1] * 95 + [2] * 46 + [3] * 16 + [4] * 4 + [5]
        assert len(every) == 256
        assert np.mean(every) == np.var(every) == 1

    def test_other_images_move_nothing(self):
        alone = image_weights(("a",))
        assert np.array_equal(image_weights(("b", "a", "c"))[1], alone[0])


def brute_force_means(task, vectors, shots):
    """The mean balanced accuracy and its resamples, by loops over draws, classes and persons."""
    ids = list(task.novel.sample_ids)
    images, labels = task.novel.image_ids, task.novel.labels
    image_weight = {image: np.array(weights_of(f"image/{image}")) for image in set(images)}
    every = [np.ones(RESAMPLES, dtype=int), None]
    values, resampled = [], []
    for draw in range(task.draws):
        support = task.support_ids(draw, shots)
        taken = {images[ids.index(x)] for names in support.values() for x in names}
        right = {name: [0.0, np.zeros(RESAMPLES)] for name in task.classes}
        asked = {name: [0.0, np.zeros(RESAMPLES)] for name in task.classes}
        for person, image, label in zip(ids, images, labels, strict=True):
            if image in taken:
                continue
            distance = {
                name: min(((vectors[person] - vectors[x]) ** 2).sum() for x in members)
                for name, members in support.items()
            }
            tied = [name for name, d in distance.items() if d == min(distance.values())]
            credit = (label in tied) / len(tied)
            for place, weight in enumerate((1, image_weight[image])):
                right[label][place] = right[label][place] + credit * weight
                asked[label][place] = asked[label][place] + weight
        plain = [right[x][0] / asked[x][0] for x in task.classes if asked[x][0]]
        values.append(np.mean(plain) if plain else np.nan)
        with np.errstate(invalid="ignore"):
            recalls = np.stack([right[x][1] / asked[x][1] for x in task.classes])
        resampled.append(recalls)
    every = np.array([weights_of(f"draw/{task.name}/{draw}") for draw in range(task.draws)])
    result = []
    for b in range(RESAMPLES):
        total = weight = 0.0
        for draw in range(task.draws):
            recalls = [x for x in resampled[draw][:, b] if not math.isnan(x)]
            if recalls:
                total += every[draw, b] * np.mean(recalls)
                weight += every[draw, b]
        result.append(total / weight)
    return np.array(values), np.array(result)


def with_brute_force_effects(resampled, values, task, shots):
    """Steps 4 and 5 of docs/protocol.md, by loops."""
    mean = np.mean(values)
    total, noise = resampled.copy(), 0.0
    for place in range(len(task.classes)):
        draws_of = {}
        for draw in range(task.draws):
            for person in task.support[draw, :shots, place]:
                if person >= 0:
                    draws_of.setdefault(int(person), []).append(values[draw] - mean)
        observations = [x for group in draws_of.values() for x in group]
        if len(observations) <= len(draws_of):
            continue
        within = sum((x - np.mean(group)) ** 2 for group in draws_of.values() for x in group)
        msw = within / (len(observations) - len(draws_of))
        noise += msw * len(observations) / task.draws**2
        for person, group in draws_of.items():
            weights = np.array(weights_of(f"image/{task.novel.image_ids[person]}"))
            total += (weights - 1) * sum(group) / task.draws
    if total.var() == 0:
        return total
    factor = min(1.0, max(total.var() - noise, resampled.var()) / total.var())
    return total.mean() + math.sqrt(factor) * (total - total.mean())


@pytest.mark.parametrize("shots", [1, 3])
@pytest.mark.parametrize("kind", ["continuous", "many ties", "constant"])
def test_the_interval_is_that_of_plain_loops(rng, shots, kind):
    task = small_task(rng)
    vectors = {
        "continuous": rng.normal(size=(len(task.novel), 3)),
        "many ties": rng.integers(0, 2, (len(task.novel), 2)).astype(float),
        "constant": np.ones((len(task.novel), 2)),
    }[kind]
    by_id = dict(zip(task.novel.sample_ids, vectors, strict=True))
    figure = evaluate(by_id, task, (shots,))[shots].balanced_accuracy
    values, resampled = brute_force_means(task, by_id, shots)
    expected = with_brute_force_effects(resampled, values, task, shots)
    assert figure.mean == pytest.approx(values.mean(), abs=1e-12)
    # Effects are whole multiples of 2^-44.
    assert np.allclose(figure.resampled, expected, rtol=0, atol=1e-11)
    assert figure.low == pytest.approx(np.quantile(expected, 0.025), abs=1e-12)
    assert figure.high == pytest.approx(np.quantile(expected, 0.975), abs=1e-12)


def test_effects_leave_out_draws_without_a_value(rng):
    support = rng.integers(0, 4, (30, 1, 2)).astype(np.int32)
    weights = rng.integers(0, 3, (4, 7)).astype(np.uint8)
    values, means = rng.normal(size=(1, 30)), rng.normal(size=(1, 7))
    some = np.c_[values, [[np.nan, np.nan]]]
    longer = np.concatenate([support, support[:2]])
    expected = add_support_effects(means, values, support, weights)
    assert not np.allclose(expected, means)
    assert np.allclose(add_support_effects(means, some, longer, weights), expected)
    nothing = np.full((1, 30), np.nan)
    assert np.allclose(add_support_effects(means, nothing, support, weights), means)


def test_without_intervals_nothing_else_changes(task, rng):
    vectors = (task.novel.sample_ids, rng.normal(size=(len(task.novel), 5)))
    full, quick = evaluate(vectors, task)[1], evaluate(vectors, task, intervals=False)[1]
    assert full.balanced_accuracy.low < full.balanced_accuracy.mean < full.balanced_accuracy.high
    assert quick.balanced_accuracy.low is quick.balanced_accuracy.resampled is None
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
            table=replace(task_table(task.name)),
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
