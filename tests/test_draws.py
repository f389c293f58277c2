"""The support draws: disjoint, exhaustive before repeating, decided by the class alone."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from philox import words_of_text

from oneshot_emotic.draws import draw_supports, shots_offered
from oneshot_emotic.splits import split_task
from oneshot_emotic.tasks import TASKS, task_table

GOLDEN_FIRST = [[28, 1, 26, 19, 29], [32, 18, 21, 20, 8]]
GOLDEN_DIGEST = "cd431ecc7089f9509d89c08e903079575e0c0f670ff6e81b6383dcb610d116df"

NAMES = st.sampled_from(["cat-6-6", "lev-7-3-valence"])


@given(NAMES, st.sampled_from(["Esteem", "4"]), st.integers(2, 40), st.integers(1, 60))
def test_disjoint_within_a_draw(task, name, persons, draws):
    for row in draw_supports(task, name, persons, draws).tolist():
        assert len(set(row)) == len(row) == min(5, persons - 1)
        assert all(0 <= place < persons for place in row)


@given(NAMES, st.sampled_from(["Esteem", "4"]), st.integers(2, 40), st.integers(1, 60))
def test_everybody_once_before_anybody_twice(task, name, persons, draws):
    counts = Counter()
    for place in draw_supports(task, name, persons, draws).ravel().tolist():
        counts[place] += 1
        # Before each permutation is used up, counts differ by one at most.
        assert counts[place] - min(counts[other] for other in range(persons)) <= 1


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

    shots = min(5, persons - 1)
    result: list[list[int]] = [[]]
    while True:
        order = list(range(persons))
        for last in range(persons - 1, 0, -1):
            other = below(last + 1)
            order[last], order[other] = order[other], order[last]
        begun = result[-1]
        for place in range(shots - len(begun) if begun else 0):
            if order[place] in begun:
                later = next(i for i in range(place + 1, persons) if order[i] not in begun)
                order[place], order[later] = order[later], order[place]
        for place in order:
            if len(result[-1]) == shots:
                if len(result) == draws:
                    return result
                result.append([])
            result[-1].append(place)
        if len(result) == draws and len(result[-1]) == shots:
            return result


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
    assert task.left_out == {
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
    assert split_task(task_table("cat-6-6"), [], draws=1).name == "cat-6-6"
