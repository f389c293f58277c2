"""The label rules on examples worked by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_emotic.categories import CATEGORIES
from oneshot_emotic.labels import argmax_class, count_carriers, level_class, rarest_class
from oneshot_emotic.tasks import TASKS, task_definition

CAT = task_definition("cat-6-6")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["Engagement"], "Engagement"),
        # one vote each: the base class comes first
        (["Engagement", "Happiness"], "Joy"),
        (["Happiness", "Engagement"], "Joy"),
        # repeats count: two annotators said Engagement
        (["Engagement", "Happiness", "Engagement"], "Engagement"),
        # two categories of one class add up
        (["Engagement", "Engagement", "Happiness", "Pleasure", "Excitement"], "Joy"),
        # a tie between base classes: Angry before Sadness before Fear
        (["Fear", "Pain", "Anger"], "Angry"),
        # a tie between novel classes: Disconnection before Engagement before Sensitive
        (["Sensitivity", "Engagement", "Disconnection"], "Disconnection"),
        ([], None),
    ],
)
def test_argmax(labels, expected):
    assert argmax_class(labels, CAT) == expected


def test_argmax_of_the_other_task_moves_two_categories():
    table = task_definition("cat-6-4")
    assert argmax_class(["Sensitivity"], table) == "Sadness"
    assert argmax_class(["Embarrassment"], table) == "Fear"


def test_rarest_by_hand():
    # Engagement 3 carriers, Happiness 2, Anger and Esteem 1 each.
    people = [
        ("Engagement", "Happiness"),
        ("Engagement", "Engagement", "Esteem"),
        ("Engagement", "Happiness", "Anger"),
        ("Anger", "Esteem"),
    ]
    carriers = count_carriers(people)
    assert carriers["Engagement"] == 3  # a person that says it twice counts once
    assert carriers["Happiness"] == carriers["Anger"] == carriers["Esteem"] == 2
    assert carriers["Pain"] == 0
    assert rarest_class(people[0], CAT, carriers) == "Joy"
    assert rarest_class(people[1], CAT, carriers) == "Esteem"
    # a tie of Anger (Angry, index 0) and Happiness (Joy, index 4): the lowest index
    assert rarest_class(people[2], CAT, carriers) == "Angry"
    assert rarest_class(people[3], CAT, carriers) == "Angry"
    assert rarest_class((), CAT, carriers) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, "1"),
        (6.4, "6"),
        (6.5, "7"),  # half up, not to even
        (7.5, "8"),
        (0.0, "1"),
        (10.6, "10"),
        (-3.0, "1"),
        (2.4999999999999996, "2"),
        (math.nan, None),
    ],
)
def test_levels(value, expected):
    assert level_class(value) == expected


@given(st.lists(st.sampled_from(CATEGORIES), max_size=30), st.sampled_from(["cat-6-6", "cat-6-4"]))
def test_argmax_is_numpy_argmax_of_the_paper_vector(labels, task):
    import numpy as np

    table = TASKS[task]
    index = {category: i for i, item in enumerate(table.classes) for category in item.members}
    vector = np.zeros(len(table.classes))
    for label in labels:
        vector[index[label]] += 1
    expected = table.classes[int(np.argmax(vector))].name if labels else None
    assert argmax_class(labels, table) == expected
