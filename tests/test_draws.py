"""The support draws: nobody twice in one, all equally often, decided by the class alone."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from philox import words_of_text

from oneshot_emotic.draws import draw_supports, shots_offered
from oneshot_emotic.splits import split_task
from oneshot_emotic.tasks import TASKS, task_definition

GOLDEN_FIRST = [[28, 15, 33, 31, 7], [1, 34, 6, 7, 28]]
GOLDEN_DIGEST = "f31a408673971f6503986c2660ee1e77c169e21d3dd931bda21e5e0eecc98b0e"

NAMES = st.sampled_from(["cat-6-6", "lev-7-3-valence"])


@given(NAMES, st.sampled_from(["Esteem", "4"]), st.integers(2, 40), st.integers(1, 60))
def test_disjoint_within_a_draw(task, name, persons, draws):
    for row in draw_supports(task, name, persons, draws).tolist():
        assert len(set(row)) == len(row) == min(5, persons - 1)
        assert all(0 <= place < persons for place in row)


@given(NAMES, st.sampled_from(["Esteem", "4"]), st.integers(2, 40), st.integers(1, 90))
def test_every_shot_takes_everybody_once_before_anybody_twice(task, name, persons, draws):
    drawn = draw_supports(task, name, persons, draws)
    for shot in drawn.T:
        served = np.bincount(shot, minlength=persons)
        assert served.max() - served.min() <= 1
        for start in range(0, draws - persons + 1, persons):
            assert sorted(shot[start : start + persons]) == list(range(persons))
    for shots in range(1, drawn.shape[1] + 1):
        served = np.bincount(drawn[:, :shots].ravel(), minlength=persons)
        blocks, rest = divmod(draws, persons)
        assert (served >= blocks * shots).all()
        assert (served <= blocks * shots + min(shots, rest)).all()


@pytest.mark.parametrize("draw", [0, 2, 5])
def test_every_draw_is_a_random_subset_in_random_order(draw):
    """All 24 ordered triples of four persons, in a first and a second block, over many streams."""
    streams = 2400
    found = Counter(
        tuple(draw_supports("cat-6-6", f"class {number}", 4, draw + 1)[draw].tolist())
        for number in range(streams)
    )
    expected = streams / 24
    square = sum((found[x] - expected) ** 2 / expected for x in itertools.permutations(range(4), 3))
    assert 9.3 < square < 44.2  # chi-square with 23 degrees of freedom: 0.5 and 99.5 %


def test_by_hand():
    """The first block of a class of four, from the words of its stream."""
    words = words_of_text("oneshot-emotic/protocol-1/draws/cat-6-6/Yearning")
    below = [next(words) % bound for bound in (4, 3, 2, 4, 4, 4, 4, 4)]
    assert below == [3, 0, 1, 0, 0, 3, 0, 1]
    # Place 3 stays, place 2 changes with 0, place 1 stays: the order is 2, 1, 0, 3. The second shot
    # begins at place 3, after two 0 that the first has; the third at place 1, after another 0.
    assert draw_supports("cat-6-6", "Yearning", 4, 4).tolist() == [
        [2, 3, 1],
        [1, 2, 0],
        [0, 1, 3],
        [3, 0, 2],
    ]


@given(st.integers(2, 40))
def test_more_draws_begin_with_the_fewer(persons):
    many = draw_supports("cat-6-6", "Esteem", persons, 50)
    assert np.array_equal(draw_supports("cat-6-6", "Esteem", persons, 20), many[:20])


def test_shots_offered_leave_a_query():
    assert [shots_offered(n) for n in (2, 3, 5, 6, 100)] == [1, 2, 4, 5, 5]


def test_one_person_is_refused():
    with pytest.raises(ValueError, match="at least two"):
        draw_supports("cat-6-6", "Esteem", 1)


def draws_by_the_book(task: str, name: str, persons: int, draws: int) -> list[list[int]]:
    """docs/protocol.md followed word for word, without the package's code."""
    words = words_of_text(f"oneshot-emotic/protocol-1/draws/{task}/{name}")

    def below(bound: int) -> int:
        while True:
            word = next(words)
            if word < 2**64 - 2**64 % bound:
                return word % bound

    result: list[list[int]] = []
    while True:
        order = list(range(persons))
        for last in range(persons - 1, 0, -1):
            other = below(last + 1)
            order[last], order[other] = order[other], order[last]
        begins = [0]
        for _ in range(1, min(5, persons - 1)):
            place = below(persons)
            while place in begins:
                place = below(persons)
            begins.append(place)
        for number in range(persons):
            if len(result) == draws:
                return result
            result.append([order[(number + begin) % persons] for begin in begins])


@given(NAMES, st.sampled_from(["Esteem", "4"]), st.integers(2, 30), st.integers(1, 40))
def test_as_the_protocol_describes_it(task, name, persons, draws):
    expected = draws_by_the_book(task, name, persons, draws)
    assert draw_supports(task, name, persons, draws).tolist() == expected


@pytest.mark.stored
def test_golden():
    """The published draws may never change under protocol 1."""
    drawn = draw_supports("cat-6-6", "Engagement", 37)
    assert drawn.shape == (1000, 5)
    assert drawn[:2].tolist() == GOLDEN_FIRST
    assert hashlib.sha256(drawn.astype("<i4").tobytes()).hexdigest() == GOLDEN_DIGEST


def rows(sizes: dict[str, int], prefix: str = "p") -> list[tuple[str, str, str]]:
    return [
        (f"{prefix}{label}{number}", f"image{number}", label)
        for label, size in sizes.items()
        for number in range(size)
    ]


@settings(max_examples=25)
@given(
    st.integers(2, 12),
    st.integers(2, 12),
    st.integers(2, 12),
    st.randoms(use_true_random=False),
)
def test_a_class_is_not_moved_by_other_classes_or_row_order(esteem, yearning, other, random):
    first = split_task("cat-6-4", rows({"Esteem": esteem, "Yearning": yearning}), draws=30)
    more = rows({"Esteem": esteem, "Yearning": other, "Engagement": 3, "Joy": 5})
    random.shuffle(more)
    second = split_task("cat-6-4", more, draws=30)
    assert [first.support_ids(d, 5)["Esteem"] for d in range(30)] == [
        second.support_ids(d, 5)["Esteem"] for d in range(30)
    ]


def test_tasks_have_streams_of_their_own():
    one = split_task("cat-6-6", rows({"Esteem": 20, "Yearning": 20}), draws=10)
    two = split_task("cat-6-4", rows({"Esteem": 20, "Yearning": 20}), draws=10)
    assert one.support_ids(0, 5) != two.support_ids(0, 5)


def test_small_classes_leave_and_offer_fewer_shots():
    task = split_task("cat-6-6", rows({"Esteem": 3, "Yearning": 9, "Engagement": 1}), draws=20)
    assert task.classes == ("Esteem", "Yearning")
    assert task.dropped_classes == {
        "Disconnection": 0,
        "Engagement": 1,
        "Sensitive": 0,
        "Embarrassment": 0,
    }
    assert not any("Engagement" in name for name in task.novel.sample_ids)
    assert all(len(task.support_ids(d, 5)["Esteem"]) == 2 for d in range(20))
    assert all(len(task.support_ids(d, 5)["Yearning"]) == 5 for d in range(20))
    assert task.unscorable == ""


def test_a_task_with_one_class_exists_and_says_why_it_cannot_be_scored():
    task = split_task("cat-6-6", rows({"Esteem": 3, "Joy": 4}), draws=5)
    assert task.classes == ("Esteem",)
    assert "needs two" in task.unscorable
    empty = split_task("cat-6-6", [], draws=5)
    assert len(empty.novel) == 0
    assert empty.support.shape == (5, 5, 0)


def test_supports_of_all_tasks_are_of_their_class():
    for table in TASKS.values():
        task = split_task(table.name, rows(dict.fromkeys(table.novel_classes, 8)), draws=15)
        for draw in range(15):
            for label, ids in task.support_ids(draw, 5).items():
                assert all(name.startswith(f"p{label}") for name in ids)


def test_task_table_is_accepted_too():
    assert split_task(task_definition("cat-6-6"), [], draws=1).name == "cat-6-6"
