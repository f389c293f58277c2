"""Late fusion: distances are weighted sums of the parts' distances, by plain computation."""

from __future__ import annotations

import math
from statistics import fmean

import numpy as np
import pytest

from oneshot_emotic import combine, evaluate
from oneshot_emotic.errors import InputError
from oneshot_emotic.scoring.combination import WEIGHTS, side_by_side

IDS = [f"train/a/{n}.jpg#0" for n in range(7)]


def unit(vector):
    """The norm in plain Python, squares added in order."""
    total = 0.0
    for x in vector:
        total += x * x
    return [x / math.sqrt(total) if total else 0.0 for x in vector]


def squared(one, other):
    return math.fsum((x - y) ** 2 for x, y in zip(one, other, strict=True))


@pytest.fixture
def parts(rng):
    """Three parts of very different lengths, widths and types."""
    return [
        (IDS, rng.normal(size=(7, 5))),
        (IDS, (1e4 * rng.normal(size=(7, 2))).astype(np.float32)),
        (IDS, rng.integers(-9, 9, size=(7, 12))),
    ]


@pytest.mark.parametrize("weights", [None, [2, 1, 0.25], [1e-3, 5.0, 7]])
@pytest.mark.parametrize("as_is", [False, True])
def test_the_squared_distance_is_the_weighted_sum(parts, weights, as_is):
    ids, found = combine(parts, weights, as_is=as_is)
    assert ids == IDS and found.shape == (7, 19) and found.dtype == np.float64
    given = weights or [1, 1, 1]
    for a in range(7):
        for b in range(7):
            expected = 0.0
            for (_, array), weight in zip(parts, given, strict=True):
                one, other = array[a].tolist(), array[b].tolist()
                one, other = (one, other) if as_is else (unit(one), unit(other))
                expected += weight / max(given) * squared(one, other)
            assert squared(found[a], found[b]) == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_every_bit_is_that_of_plain_arithmetic(parts):
    """Squares in order, correctly rounded roots and quotients: nothing that a library may choose.

    The rows are between 1/2 and 1, so that the power of two they are scaled by is 1.
    """
    rng = np.random.default_rng(3)
    array = rng.uniform(0.5, 1, size=(7, 301))
    _, found = combine([(IDS, array), parts[0]], [3, 1])
    assert found[:, :301].tolist() == [unit(row) for row in array.tolist()]
    _, lighter = combine([(IDS, array), parts[0]], [1, 3])
    factor = math.sqrt(1 / 3)
    assert lighter[:, :301].tolist() == [[x * factor for x in unit(row)] for row in array.tolist()]
    many = np.tile(array, (400, 1))  # over more rows than are converted at once
    again = side_by_side([many, many[:, :1]], [1.0, 1.0])
    assert np.array_equal(again[:, :301], np.tile(found[:, :301], (400, 1)))


@pytest.mark.parametrize("scale", [5e-324, 1e-300, 1e-160, 1e-40, 3e38])
def test_the_longest_and_shortest_vectors(scale):
    _, found = combine([(IDS, np.full((7, 4), scale)), (IDS, -np.ones((7, 1)))])
    assert found.tolist() == [[0.5, 0.5, 0.5, 0.5, -1.0]] * 7


def test_zeros_stay_zeros(parts):
    array = parts[0][1].copy()
    array[3] = 0
    array[4] = -0.0
    _, found = combine([(IDS, array), parts[1]])
    assert found[3:5, :5].tobytes() == bytes(2 * 5 * 8)
    assert np.isfinite(found).all()


def test_persons_in_any_order_and_form(parts):
    _, expected = combine(parts)
    (_, first), (_, second), (_, third) = parts
    backwards = (IDS[::-1], second[::-1].tolist())
    mapping = {x: third[n] for n, x in sorted(enumerate(IDS), key=lambda item: item[0] % 3)}
    ids, found = combine([dict(zip(IDS, first, strict=True)), backwards, mapping])
    assert ids == IDS and np.array_equal(found, expected)


def by_hand(parts, weights, task):
    """Balanced accuracy of the nearest support by summed distances, loop in loop."""
    rows = [dict(zip(ids, map(unit, array.tolist()), strict=True)) for ids, array in parts]
    persons = list(zip(task.novel.sample_ids, task.novel.image_ids, task.novel.labels, strict=True))
    of_draws = []
    for places in task.support[:, 0]:
        support = [persons[place] for place in places]
        images = {image for _, image, _ in support}
        right = {label: [] for label in task.classes}
        for query, image, label in persons:
            if image in images:
                continue
            distances = [
                sum(
                    w * squared(part[query], part[other])
                    for part, w in zip(rows, weights, strict=True)
                )
                for other, _, _ in support
            ]
            nearest = support[distances.index(min(distances))][2]
            right[label].append(nearest == label)
        of_draws.append(fmean(fmean(found) for found in right.values() if found))
    return fmean(of_draws)


def test_the_nearest_neighbour_by_loops(task, rng):
    """On held-out base persons, where weights are chosen."""
    _, held = task.base.split(0.05, draws=4)
    ids = held.novel.sample_ids
    right = np.eye(len(held.classes))[held.novel_labels]
    parts = [
        (ids, right + rng.normal(size=right.shape)),
        (ids, 100 * (right[:, :3] + rng.normal(size=(len(ids), 3)))),
    ]
    figures = []
    for weights in ([1, 1], [1, 4]):
        found = evaluate(combine(parts, weights), held)[1].balanced_accuracy.mean
        assert found == pytest.approx(by_hand(parts, weights, held), abs=1e-12)
        figures.append(found)
    assert figures[0] != figures[1]


def test_a_part_of_little_weight_is_none(task, rng):
    """Its limit is the other part alone, with its vectors at unit length."""
    ids = task.novel.sample_ids
    one, other = (rng.normal(size=(len(ids), 6)) for _ in range(2))
    alone = np.array([unit(row) for row in one.tolist()])
    expected = evaluate((ids, alone), task)[1]
    least, most = WEIGHTS
    found = evaluate(combine([(ids, one), (ids, other)], [most, least]), task)[1]
    assert found.confusion == expected.confusion
    heavy = evaluate(combine([(ids, one), (ids, other)], [least, most]), task)[1]
    assert heavy.confusion != expected.confusion


def test_only_ratios_of_weights_count(parts):
    _, found = combine(parts, [2, 1, 4])
    for factor in (2.0**-28, 2.0**27):
        _, again = combine(parts, [x * factor for x in (2, 1, 4)])
        assert np.array_equal(found, again)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: combine(p[:1]), "two or more are combined, not 1"),
        (lambda p: combine([]), "two or more are combined, not 0"),
        (lambda p: combine(p, [1, 2]), "2 weights for 3 parts. Give one each, in the order"),
        (lambda p: combine(p, [1, 0, 2]), "weights are from 1e-09 to 1e+09, not 1, 0, 2"),
        (lambda p: combine(p, [1, -1, 2]), "not 1, -1, 2"),
        *(
            (lambda p, w=weight: combine(p, [1, w, 2]), f"to 1e+09, not 1, {weight}, 2")
            for weight in (1e10, 1e308, 1e-320, 9e-10, 10**400)
        ),
        (lambda p: combine(p, [1, math.nan, 2]), "not 1, nan, 2"),
        (lambda p: combine(p, [1, math.inf, 2]), "not 1, inf, 2"),
        (lambda p: combine(p, [1, "two", 2]), "not 1, two, 2"),
        (lambda p: combine(p, [1, None, 2]), "not 1, None, 2"),
        (lambda p: combine([p[0], (IDS[:6], p[1][1][:6])]), "part 2: is of other persons than"),
        (lambda p: combine([p[0], ([*IDS, "x"], np.ones((8, 1)))]), "1 person in one of them"),
        (lambda p: combine([p[0], ([IDS[0], *IDS[:6]], p[1][1])]), "part 2: 1 sample_id given mo"),
        (lambda p: combine([p[0], p[1][1]]), "part 2: embeddings are a ndarray"),
        (lambda p: combine([p[0], (IDS, np.full((7, 2), np.nan))]), "part 2: NaN values in 7"),
        (lambda p: combine([p[0], (IDS, np.ones((7, 0)))]), "part 2: the embeddings have no dim"),
    ],
)
def test_what_cannot_be_combined(parts, change, words):
    with pytest.raises(InputError) as error:
        change(parts)
    assert words in str(error.value)
