"""The classifier against a float64 brute force, on inputs made to break it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneshot_emotic.scoring import knn
from oneshot_emotic.scoring.decisions import share_unit
from oneshot_emotic.scoring.embeddings import _narrowest
from oneshot_emotic.scoring.knn import decide, nearest_classes
from oneshot_emotic.scoring.preparation import prepare
from oneshot_emotic.scoring.queries import held_out

KINDS = {
    "normal": lambda rng, n, d: rng.normal(size=(n, d)),
    "float32": lambda rng, n, d: rng.normal(size=(n, d)).astype(np.float32),
    "float16": lambda rng, n, d: rng.normal(size=(n, d)).astype(np.float16),
    "duplicated": lambda rng, n, d: rng.normal(size=(n, d))[rng.integers(0, max(2, n // 4), n)],
    "constant": lambda rng, n, d: np.full((n, d), 0.1),
    "binary": lambda rng, n, d: rng.integers(0, 2, (n, d)).astype(float),
    "integers": lambda rng, n, d: rng.integers(-3, 4, (n, d)).astype(float),
    "one-hot": lambda rng, n, d: np.eye(d)[rng.integers(0, d, n)],
    "huge offset": lambda rng, n, d: rng.normal(size=(n, d)) + 1e9,
    "tiny": lambda rng, n, d: rng.normal(size=(n, d)) * 1e-140,
    "large": lambda rng, n, d: rng.normal(size=(n, d)) * 1e140,
    "scales apart": lambda rng, n, d: rng.normal(size=(n, d)) * np.logspace(-9, 9, d),
    "constant column": lambda rng, n, d: np.c_[rng.normal(size=(n, d)), np.full(n, 7e77)],
    "near ties": lambda rng, n, d: (
        rng.normal(size=(n, d))[rng.integers(0, 3, n)] * (1 + rng.integers(0, 3, (n, 1)) * 2**-52)
    ),
    "one wild person": lambda rng, n, d: (
        rng.normal(size=(n, d)) * np.r_[1e30, np.ones(n - 1)][:, None]
    ),
    "near ties in float32": lambda rng, n, d: (
        rng.normal(size=(n, d)).astype(np.float32)[rng.integers(0, 3, n)]
        * (1 + rng.integers(0, 3, (n, 1)).astype(np.float32) * np.float32(2**-23))
    ),
    "zeros": lambda rng, n, d: np.zeros((n, d)),
}


def brute_force(embeddings, support, queries):
    """Squared differences summed dimension by dimension, one pair at a time."""
    x = np.asarray(embeddings, dtype=np.float64)
    draws, _, classes = support.shape
    result = np.zeros((draws, classes, len(queries)), dtype=bool)
    for draw in range(draws):
        for column, query in enumerate(queries):
            best = np.full(classes, np.inf)
            for class_ in range(classes):
                for place in support[draw, :, class_]:
                    if place >= 0:
                        total = 0.0
                        for a, b in zip(x[query].tolist(), x[place].tolist(), strict=True):
                            total += (a - b) * (a - b)
                        best[class_] = min(best[class_], total)
            result[draw, :, column] = best == best.min()
    return result


def ours(embeddings, support, queries):
    """As `brute_force` gives it, from the bits that `nearest_classes` gives."""
    prepared = prepare(_narrowest(np.asarray(embeddings)) + 0)
    nearest, tied = nearest_classes(prepared, support, queries)
    several = [bin(byte).count("1") > 1 for byte in nearest.ravel()]
    assert tied.tolist() == np.flatnonzero(np.reshape(several, nearest.shape).any(axis=0)).tolist()
    bits = np.arange(support.shape[2])[:, None]
    return ((nearest[:, None, :] >> bits) & 1).astype(bool)


def random_support(rng, persons, draws, shots, classes):
    support = np.stack(
        [rng.permutation(persons)[: shots * classes].reshape(shots, classes) for _ in range(draws)]
    ).astype(np.int32)
    support[:, 1:, 0] = -1  # the first class offers one shot only
    return support


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(KINDS)),
    st.integers(0, 10**6),
    st.integers(1, 3),
    st.integers(2, 4),
    st.integers(1, 9),
)
def test_predictions_are_those_of_the_brute_force(kind, seed, shots, classes, dimensions):
    rng = np.random.default_rng(seed)
    persons = shots * classes + 12
    embeddings = KINDS[kind](rng, persons, dimensions)
    support = random_support(rng, persons, 4, shots, classes)
    queries = np.arange(persons)
    assert np.array_equal(
        ours(embeddings, support, queries), brute_force(embeddings, support, queries)
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_many_dimensions(kind, rng):
    embeddings = KINDS[kind](rng, 40, 130)
    support = random_support(rng, 40, 6, 2, 5)
    queries = np.arange(40)
    assert np.array_equal(
        ours(embeddings, support, queries), brute_force(embeddings, support, queries)
    )


def test_blocks_do_not_change_anything(rng, monkeypatch):
    embeddings = rng.normal(size=(700, 3)).round(1)
    support = random_support(rng, 700, 30, 2, 3)
    queries = np.arange(700)
    whole = ours(embeddings, support, queries)
    for name, size in (("_QUERIES", 97), ("_DRAWS", 7), ("_DECISIONS", 5), ("_BLOCK", 700)):
        monkeypatch.setattr(knn, name, size)
        assert np.array_equal(ours(embeddings, support, queries), whole)
    monkeypatch.setattr("oneshot_emotic.scoring.preparation._PAIRS", 3)
    monkeypatch.setattr(knn, "workers", lambda: 3)
    monkeypatch.setattr(knn, "_MANY_OPEN", 0)  # everything in float64
    assert np.array_equal(ours(embeddings, support, queries), whole)


@pytest.mark.parametrize("kind", ["normal", "float16", "binary", "duplicated"])
def test_order_of_persons_and_sign_and_scale_and_rotation(kind, rng):
    """What changes no distance, or all of them alike, changes no prediction."""
    embeddings = np.asarray(KINDS[kind](rng, 60, 5), dtype=np.float64)
    support = random_support(rng, 60, 10, 2, 3)
    queries = np.arange(60)
    expected = ours(embeddings, support, queries)
    assert np.array_equal(ours(-embeddings, support, queries), expected)
    assert np.array_equal(ours(embeddings * 2**40, support, queries), expected)
    assert np.array_equal(ours(embeddings[:, ::-1], support, queries), expected)
    order = rng.permutation(60)
    place = np.argsort(order)
    moved = np.where(support >= 0, place[support], -1).astype(np.int32)
    assert np.array_equal(ours(embeddings[order], moved, place[queries]), expected)


def test_largest_and_smallest_numbers():
    top = np.finfo(float).max
    embeddings = np.array([[top], [-top], [top * 0.9], [0.0]])
    support = np.array([[[0, 1]]], dtype=np.int32)
    assert ours(embeddings, support, np.array([2]))[0, :, 0].tolist() == [True, False]
    assert ours(embeddings, support, np.array([3]))[0, :, 0].tolist() == [True, True]
    tiny = np.array([[5e-324], [-5e-324], [1e-323], [0.0]])
    assert ours(tiny, support, np.array([2]))[0, :, 0].tolist() == [True, False]
    assert ours(tiny, support, np.array([3]))[0, :, 0].tolist() == [True, True]


def test_queries_by_hand():
    images = np.array([0, 0, 1, 2, 2, 3])
    support = np.array([[[0, 3]], [[2, -1]]], dtype=np.int32)
    draws, persons = held_out(images, support)
    assert list(zip(draws.tolist(), persons.tolist(), strict=True)) == [
        (0, 0),
        (0, 1),
        (0, 3),
        (0, 4),
        (1, 2),
    ]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["normal", "binary", "duplicated", "constant"]))
def test_confusion_counts_every_query_once_with_shared_credit(seed, kind):
    rng = np.random.default_rng(seed)
    persons, classes, draws = 40, 3, 6
    labels = np.sort(rng.integers(0, classes, persons))
    images = rng.integers(0, 25, persons)
    embeddings = KINDS[kind](rng, persons, 4)
    support = random_support(rng, persons, draws, 1, classes)
    decisions = decide(prepare(np.asarray(embeddings, float)), labels, images, support)
    confusion = decisions.confusion()
    assert decisions.unit in (1, share_unit(classes))
    assert share_unit(classes) == 6
    nearest = brute_force(embeddings, support, np.arange(persons))
    expected = np.zeros((classes, classes, draws))
    for draw in range(draws):
        taken = {images[place] for place in support[draw].ravel()}
        for person in range(persons):
            if images[person] not in taken:
                tied = nearest[draw, :, person]
                expected[labels[person], :, draw] += tied / tied.sum()
    assert np.allclose(confusion / decisions.unit, expected, rtol=0, atol=1e-12)
