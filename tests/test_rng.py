"""The random stream against Philox4x64-10 written down from its paper, and its derived numbers."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from philox import MASK, words_of_text

from oneshot_emotic.rng import CounterStream


@pytest.mark.stored
@pytest.mark.parametrize("key", ["", "oneshot-emotic", "a/b/ä"])
def test_words_are_philox_keyed_by_sha256(key):
    stream = CounterStream(key)
    expected = list(itertools.islice(words_of_text(key), 200))
    assert [stream.word() for _ in range(200)] == expected


@given(st.integers(0, 10**6), st.integers(1, 60))
def test_permutation_is_one(seed, size):
    assert sorted(CounterStream(str(seed)).permutation(size)) == list(range(size))


def test_all_permutations_of_three_come_equally_often():
    stream = CounterStream("fair")
    counts = Counter(tuple(stream.permutation(3)) for _ in range(6000))
    assert len(counts) == 6
    assert all(abs(count - 1000) < 150 for count in counts.values())


def test_below_rejects_what_would_bias(monkeypatch):
    stream = CounterStream("x")
    # 2^64 is 3 * k + 1: its last word would make 0 too likely, and is drawn anew.
    words = iter([MASK, 5])
    monkeypatch.setattr(stream, "word", lambda: next(words))
    assert stream.below(3) == 2


def test_moments():
    stream = CounterStream("moments")
    uniform = [stream.uniform() for _ in range(20000)]
    normal = [stream.normal() for _ in range(20000)]
    assert min(uniform) >= 0 and max(uniform) < 1
    assert abs(sum(uniform) / 20000 - 0.5) < 0.01
    assert abs(sum(normal) / 20000) < 0.03
    assert abs(sum(x * x for x in normal) / 20000 - 1) < 0.04


def test_choice_follows_the_weights():
    stream = CounterStream("choice")
    counts = Counter(stream.choice((0, 1, 3)) for _ in range(4000))
    assert counts[0] == 0
    assert abs(counts[1] - 1000) < 120
