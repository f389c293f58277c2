"""The class tables against Table I of the paper, written down a second time in another form."""

import pytest

from oneshot_emotic.categories import CATEGORIES
from oneshot_emotic.errors import InputError
from oneshot_emotic.tasks import FAMILIES, TASKS, task_definition

# category: class in CAT-6:6, class in CAT-6:4
TABLE_I = """
Disapproval Angry Angry | Aversion Angry Angry | Annoyance Angry Angry | Anger Angry Angry
Suffering Sadness Sadness | Sadness Sadness Sadness | Fatigue Sadness Sadness | Pain Sadness Sadness
Sensitivity Sensitive Sadness | Embarrassment Embarrassment Fear
Fear Fear Fear | Disquietment Fear Fear
Peace Love Love | Affection Love Love | Sympathy Love Love
Happiness Joy Joy | Pleasure Joy Joy | Excitement Joy Joy | Anticipation Joy Joy
Surprise Surprising Surprising | Doubt/Confusion Surprising Surprising
Confidence Surprising Surprising
Disconnection Disconnection Disconnection | Engagement Engagement Engagement
Esteem Esteem Esteem | Yearning Yearning Yearning
"""
ROWS = [entry.split() for line in TABLE_I.strip().splitlines() for entry in line.split("|")]
ORDER = ["Angry", "Sadness", "Fear", "Love", "Joy", "Surprising"]


@pytest.mark.parametrize(("task", "column"), [("cat-6-6", 1), ("cat-6-4", 2)])
def test_table_i(task, column):
    table = task_definition(task)
    assert table.class_of_category == {row[0]: row[column] for row in ROWS}
    assert set(table.class_of_category) == set(CATEGORIES)
    assert list(table.base_classes) == ORDER
    assert [item.name for item in table.classes[:6]] == ORDER  # base before novel: it decides ties


def test_novel_classes_in_order():
    assert task_definition("cat-6-6").novel_classes == (
        "Disconnection",
        "Engagement",
        "Sensitive",
        "Embarrassment",
        "Esteem",
        "Yearning",
    )
    assert task_definition("cat-6-4").novel_classes == (
        "Disconnection",
        "Engagement",
        "Esteem",
        "Yearning",
    )


@pytest.mark.parametrize("dimension", ["valence", "arousal", "dominance"])
def test_levels(dimension):
    seven, six = task_definition(f"lev-7-3-{dimension}"), task_definition(f"lev-6-4-{dimension}")
    assert seven.base_classes == ("1", "3", "5", "6", "8", "9", "10")
    assert seven.novel_classes == ("2", "4", "7")
    assert six.base_classes == ("1", "3", "5", "6", "8", "9")
    assert six.novel_classes == ("2", "4", "7", "10")
    assert seven.dimension == six.dimension == dimension


def test_eight_tasks_in_three_families():
    assert len(TASKS) == 8
    assert {table.family for table in TASKS.values()} == set(FAMILIES)


def test_unknown_task_names_the_tasks():
    with pytest.raises(InputError, match="cat-6-6"):
        task_definition("cat-9-9")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("cat66", "cat-6-6"), ("CAT-6:4", "cat-6-4"), ("cat_6_6", "cat-6-6"),
     ("lev-7-3-valance", "lev-7-3-valence"), ("LEV-6:4 dominance", "lev-6-4-dominance")],
)  # fmt: skip
def test_a_near_miss_of_a_name(name, meant):
    with pytest.raises(InputError, match=rf"there is no task '{name}'\. Did you mean '{meant}'"):
        task_definition(name)


@pytest.mark.parametrize("name", ["emotion", "", None, 3, ["x"]])
def test_no_name_is_near(name):
    with pytest.raises(InputError, match=r"there is no task .* The tasks are cat-6-6, ") as error:
        task_definition(name)
    assert "mean" not in str(error.value)
