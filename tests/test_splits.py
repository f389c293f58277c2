"""From persons to tasks, on a table small enough to do by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies

from oneshot_emotic import InputError, evaluate, load_task
from oneshot_emotic.splits import Persons, build_tasks, split_task
from oneshot_emotic.tasks import TASKS

PEOPLE = [
    # sample_id, image_id, labels, valence
    ("train/i/a.jpg#0", "i/a.jpg", ("Engagement",), 2.0),
    ("train/i/a.jpg#1", "i/a.jpg", ("Engagement", "Happiness"), 4.0),
    ("val/i/b.jpg#0", "i/b.jpg", ("Esteem", "Esteem", "Peace"), 6.5),
    ("val/i/c.jpg#0", "i/c.jpg", ("Sensitivity",), float("nan")),
    ("test/i/d.jpg#0", "i/d.jpg", (), 2.4),
    ("test/i/e.jpg#0", "i/e.jpg", ("Esteem",), 7.0),
    ("train/i/f.jpg#0", "i/f.jpg", ("Engagement", "Engagement"), 9.9),
]


@pytest.fixture(scope="module")
def persons():
    table = pd.DataFrame(PEOPLE, columns=["sample_id", "image_id", "labels", "valence"])
    return table.assign(arousal=table["valence"], dominance=5.0)


def test_argmax(persons):
    task = build_tasks(persons, "argmax")["cat-6-6"]
    assert dict(zip(task.novel.sample_ids, task.novel.labels, strict=True)) == {
        "train/i/a.jpg#0": "Engagement",
        "train/i/f.jpg#0": "Engagement",
        "val/i/b.jpg#0": "Esteem",
        "test/i/e.jpg#0": "Esteem",
    }
    assert dict(zip(task.base.sample_ids, task.base.labels, strict=True)) == {
        "train/i/a.jpg#1": "Joy"
    }
    assert task.classes == ("Engagement", "Esteem")
    assert task.dropped_classes == {
        "Disconnection": 0,
        "Sensitive": 1,
        "Embarrassment": 0,
        "Yearning": 0,
    }


def test_rarest(persons):
    # carriers: Engagement 3, Esteem 2, Happiness 1, Peace 1, Sensitivity 1
    task = build_tasks(persons, "rarest")["cat-6-4"]
    assert dict(zip(task.base.sample_ids, task.base.labels, strict=True)) == {
        "train/i/a.jpg#1": "Joy",
        "val/i/b.jpg#0": "Love",
        "val/i/c.jpg#0": "Sadness",
    }


def test_levels_pool_the_partitions_and_leave_nan_out(persons):
    task = build_tasks(persons, "argmax")["lev-7-3-valence"]
    labels = dict(zip(task.novel.sample_ids, task.novel.labels, strict=True))
    assert labels == {
        "train/i/a.jpg#0": "2",
        "test/i/d.jpg#0": "2",  # without categories, but with a level
        "val/i/b.jpg#0": "7",
        "test/i/e.jpg#0": "7",
    }
    assert task.dropped_classes == {"4": 1}
    assert task.base.labels == ("10",)


def test_persons_are_sorted_and_numbered():
    task = split_task(
        "lev-7-3-valence",
        [("z#0", "z", "2"), ("b#1", "b", "7"), ("b#0", "b", "2"), ("a#0", "a", "7")],
        draws=3,
    )
    assert task.novel.sample_ids == ("a#0", "b#0", "b#1", "z#0")
    assert task.novel_labels.tolist() == [1, 0, 1, 0]
    assert task.novel_images.tolist() == [0, 1, 1, 2]
    assert task.support.shape == (3, 5, 2)
    assert (task.support[:, 1:] == -1).all()  # two persons a class: one shot each


def test_table_of_persons():
    persons = Persons.sorted_from([("b", "y", "1"), ("a", "x", "2")])
    assert persons.to_pandas().to_dict("list") == {
        "sample_id": ["a", "b"],
        "image_id": ["x", "y"],
        "label": ["2", "1"],
    }
    assert persons.counts == {"1": 1, "2": 1}


LABELS = strategies.sampled_from(["1", "3", "2", "4", "7"])
PLACES = strategies.tuples(strategies.sampled_from("abcdef"), LABELS)


@given(strategies.lists(PLACES, max_size=12))
def test_base_persons_beside_novel_ones(places):
    """By a loop over all pairs; a class of one person is none, and marks nobody."""
    rows = [(f"train/{image}#{n}", image, label) for n, (image, label) in enumerate(places)]
    task = split_task("lev-7-3-valence", rows, draws=1)
    labels = [label for _, label in places]
    novel = [row for row in rows if row[2] in "247" and labels.count(row[2]) > 1]
    expected = {
        row: any(row[1] == other[1] for other in novel) for row in rows if row[2] not in "247"
    }
    base = task.base
    found = zip(base.sample_ids, base.image_ids, base.labels, strict=True)
    assert dict(zip(found, base.shares_image, strict=True)) == expected
    assert base.to_pandas()["shares_image"].tolist() == list(base.shares_image)
    clean = base.clean
    found = zip(clean.sample_ids, clean.image_ids, clean.labels, strict=True)
    assert list(found) == sorted(row for row, beside in expected.items() if not beside)
    assert clean.clean == clean


def test_marks_are_shown():
    rows = [("a#0", "a", "1"), ("a#1", "a", "2"), ("b#0", "b", "2"), ("c#0", "c", "3")]
    task = split_task("lev-7-3-valence", rows, draws=1)
    shown = "BasePersons(2 persons of 2 classes, 1 in an image with a novel person)"
    assert repr(task.base) == shown and shown in repr(task)
    assert task.base.to_pandas().to_dict("list") == {
        "sample_id": ["a#0", "c#0"],
        "image_id": ["a", "c"],
        "label": ["1", "3"],
        "shares_image": [True, False],
    }


class TestValidation:
    """Held-out base persons as a task of their own."""

    @pytest.mark.parametrize("seed", [0, 1])
    def test_by_image(self, task, seed):
        train, val = task.base.split(0.2, seed)
        assert sorted(train.sample_ids + val.novel.sample_ids) == list(task.base.sample_ids)
        assert not set(train.image_ids) & set(val.novel.image_ids)
        assert 0.15 * len(task.base) < len(val.novel) <= 0.2 * len(task.base)
        assert val.classes == train.classes == task.base.classes == task.definition.base_classes
        assert not set(val.novel.sample_ids) & set(task.novel.sample_ids)
        assert task.base.split(0.2, seed)[1].novel == val.novel
        assert task.base.split(0.2, seed + 2)[1].novel != val.novel

    def test_by_class(self, task):
        train, val = task.base.split(0.4, by="class")
        assert len(val.classes) == 2 and not set(val.classes) & set(train.classes)
        labels = dict(zip(task.base.sample_ids, task.base.labels, strict=True))
        assert {x for x in labels if labels[x] in val.classes} == set(val.novel.sample_ids)
        held, novel = set(val.novel.image_ids), set(task.novel.image_ids)
        marks = [image in held | novel for image in train.image_ids]
        assert list(train.shares_image) == marks and any(image in held for image in train.image_ids)
        assert not set(train.clean.image_ids) & (held | novel)

    def test_it_is_scored_like_any_task(self, task):
        for by in ("image", "class"):
            _, val = task.base.split(by=by, draws=50)
            right = np.eye(len(val.classes))[val.novel_labels]
            scores = evaluate((val.novel.sample_ids, right), val)
            assert scores[1].balanced_accuracy.mean == 1
            assert scores.dataset.name == "validation"

    def test_what_cannot_be(self, task):
        for options in ({"share": 1.0}, {"share": -0.1}, {"by": "person"}):
            with pytest.raises(InputError, match="share is from 0 to 1, by `image` or `class`"):
                task.base.split(**options)
        _, empty = task.base.split(0.0)
        with pytest.raises(InputError, match="needs two to be scored"):
            evaluate({}, empty)


@pytest.mark.parametrize("name", TASKS)
def test_classes_are_in_one_order_everywhere(name):
    """A label's index means the same in a task, its persons and a held-out part."""
    task = load_task(name)
    _, val = task.base.split(0.4, by="class")
    for of in (task, val):
        assert of.novel.classes == of.classes
    assert task.base.classes == tuple(x for x in task.definition.base_classes)
    numbers = task.novel_labels.tolist()
    assert [task.novel.classes.index(label) for label in task.novel.labels] == numbers
