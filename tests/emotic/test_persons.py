"""From Annotations.mat to the table of persons: every quirk by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matlab import cell, image, person, structs, write_mat

from oneshot_emotic.emotic.persons import COLUMNS, read_annotations
from oneshot_emotic.emotic.quirks import DROPPING
from oneshot_emotic.errors import InputError


def read(tmp_path, **parts):
    return read_annotations(write_mat(tmp_path / "Annotations.mat", **parts))


def only(content):
    assert len(content.persons) == 1
    return content.persons.iloc[0]


def test_a_training_person(tmp_path):
    content = read(
        tmp_path,
        train=[image("a.jpg", person((("Esteem", "Peace"),), ((7, 2, 9),), (11, 21, 50, 90)))],
    )
    row = only(content)
    assert tuple(content.persons.columns) == COLUMNS
    assert row.sample_id == "train/mscoco/images/a.jpg#0"
    assert row.image_id == "mscoco/images/a.jpg"
    assert (row.x1, row.y1, row.x2, row.y2) == (10, 20, 50, 90)
    assert row.labels == ("Esteem", "Peace")
    assert (row.valence, row.arousal, row.dominance) == (7, 2, 9)
    assert (row.gender, row.age, row.width, row.height) == ("Female", "Adult", 100, 100)
    assert content.quirks.met == []
    assert content.synthetic is None


@pytest.mark.parametrize(
    ("item", "labels", "affect"),
    [
        (  # repeats are kept; fewer annotators of values than of categories; the combined value
            person(
                (("Peace",), ("Peace", "Esteem"), ("Anger",)),
                ((1, 1, 1), (10, 10, 10)),
                combined=("Anger", "Esteem", "Peace"),
                mean=(3.3333, 6.5, 2),
            ),
            ("Peace", "Peace", "Esteem", "Anger"),
            (3.3333, 6.5, 2),
        ),
        (  # other spellings are read as meant
            person((("Confuse/Doubt", "Surprising"),), mean=(5, 5, 5)),
            ("Doubt/Confusion", "Surprise"),
            (5, 5, 5),
        ),
        (  # empty combined categories lead to the annotators' lists
            person((("Peace",), ("Pain",)), combined=(), mean=(5, 5, 5)),
            ("Peace", "Pain"),
            (5, 5, 5),
        ),
        (  # a missing combined value is the mean
            person((("Peace",),), ((1, 4, 7), (2, 4, 8)), combined=("Peace",)),
            ("Peace",),
            (1.5, 4, 7.5),
        ),
    ],
)
def test_a_person_of_several_annotators(tmp_path, item, labels, affect):
    row = only(read(tmp_path, val=[image("a.jpg", item)]))
    assert row.labels == labels
    assert (row.valence, row.arousal, row.dominance) == affect


def test_numbers_of_any_type(tmp_path):
    small = person(box=(1, 1, 2, 2))
    small["body_bbox"] = np.array([[200, 201, 250, 255]], dtype=np.uint8)  # would wrap in uint8
    row = only(read(tmp_path, train=[image("a.jpg", small, size=(640, np.uint8(255)))]))
    assert (row.x1, row.y1, row.x2, row.y2) == (199, 200, 250, 255)
    assert isinstance(row.valence, float)


def test_a_list_of_one_may_have_lost_its_list(tmp_path):
    bare = person()
    bare["annotations_categories"] = structs([{"categories": "Esteem"}])
    assert only(read(tmp_path, train=[image("a.jpg", bare)])).labels == ("Esteem",)
    bare["annotations_categories"] = cell(("Esteem", "Peace"))
    assert only(read(tmp_path, train=[image("a.jpg", bare)])).labels == ("Esteem", "Peace")


@pytest.mark.parametrize(
    ("partition", "item", "quirk", "kept"),
    [
        ("train", person(continuous=((math.nan,) * 3,)), "continuous-nan", True),
        ("train", person(continuous=((3, math.nan, 4),)), "continuous-nan", True),
        ("train", person(continuous=((0, 5, 11),)), "continuous-out-of-range", True),
        ("train", person((("Disquitement",),)), "category-spelling", True),
        ("train", person((("Doubt_Confusion",),)), "category-spelling", True),
        ("train", person((("Joyfulness", "Esteem"),)), "category-unknown", True),
        ("train", person(((),)), "categories-missing", True),
        ("train", person(box=(5, 5, 60, 60, 0.9)), "box-fifth-element", True),
        ("train", person(box=(60, 60, 5, 5)), "box-swapped-corners", True),
        ("train", person(box=(5, 5, 5, 60)), "box-zero-area", False),
        ("train", person(box=(150, 5, 170, 60)), "box-outside", False),
        ("train", person(box=()), "box-unreadable", False),
        (
            "val",
            person((("Peace",),), combined=(), mean=(5, 5, 5)),
            "combined-categories-empty",
            True,
        ),
        (
            "val",
            person(((),), combined=("Peace",), mean=(5, 5, 5)),
            "annotator-categories-empty",
            True,
        ),
        ("val", person(combined=("Engagement",)), "combined-continuous-missing", True),
    ],
)
def test_one_quirk_each(tmp_path, partition, item, quirk, kept):
    content = read(tmp_path, **{partition: [image("a.jpg", item)]})
    assert content.quirks.counts() == {quirk: 1}
    assert len(content.persons) == kept
    assert content.persons_found == {partition: 1}
    assert [x.where for x in content.quirks.met if x.kind in DROPPING] == (
        [] if kept else [f"{partition}/mscoco/images/a.jpg#0"]
    )


def test_dropping_moves_no_ordinal(tmp_path):
    content = read(
        tmp_path, train=[image("a.jpg", person(box=(5, 5, 5, 60)), person(box=(1, 1, 9, 9)))]
    )
    assert only(content).sample_id.endswith("a.jpg#1")


def test_an_image_listed_twice(tmp_path):
    same, new, odd = person(), person(box=(1, 1, 9, 9)), person(continuous=((math.nan,) * 3,))
    content = read(
        tmp_path,
        train=[image("a.jpg", same, odd), image("b.jpg", person()), image("a.jpg", odd, new, same)],
    )
    assert content.persons["sample_id"].tolist() == [
        "train/mscoco/images/a.jpg#0",
        "train/mscoco/images/a.jpg#1",
        "train/mscoco/images/a.jpg#2",  # the new one: next after those of the first listing
        "train/mscoco/images/b.jpg#0",
    ]
    assert content.persons.iloc[2].x2 == 9
    assert content.quirks.counts() == {
        "continuous-nan": 1,
        "image-listed-twice": 1,
        "person-listed-twice": 2,
    }
    assert content.images_found == {"train": 2}
    assert content.persons_found == {"train": 4}


def test_identical_twins_of_one_listing_stay_two(tmp_path):
    content = read(tmp_path, train=[image("a.jpg", person(), person())])
    assert len(content.persons) == 2
    again = read(tmp_path, train=[image("a.jpg", person(), person()), image("a.jpg", person())])
    assert len(again.persons) == 2


def test_two_partitions_with_the_same_image(tmp_path):
    content = read(
        tmp_path,
        train=[image("a.jpg", person())],
        test=[image("a.jpg", person(combined=("Engagement",), mean=(5, 5, 5)))],
    )
    assert content.quirks.counts() == {"image-in-two-partitions": 1}
    assert content.persons["image_id"].nunique() == 1
    assert content.persons["sample_id"].nunique() == 2


def test_an_image_without_persons_or_size(tmp_path):
    lonely = image("a.jpg")
    unsized = {**image("b.jpg", person(box=(5, 5, 900, 900))), "image_size": np.empty((0, 0))}
    content = read(tmp_path, train=[lonely, unsized])
    assert content.quirks.counts() == {"image-size-unknown": 1, "image-without-persons": 1}
    assert only(content).x2 == 900
    assert [item.filename for item in content.images] == ["a.jpg", "b.jpg"]


def test_backslashes_in_folders(tmp_path):
    row = only(read(tmp_path, train=[image("a.jpg", person(), folder="mscoco\\images")]))
    assert row.folder == "mscoco/images"


class TestDamage:
    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("a.mat", b"", "is not a MATLAB file or is damaged"),
            ("a.mat", b"nothing of MATLAB, but long enough for a header" * 9, "is not a MATLAB"),
            ("a.mat", b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(600), r"v7\.3"),
            ("a.mat", None, "there is no such file"),
            ("train.csv", b"Index,Folder\n", "preprocessed"),
        ],
    )
    def test_not_matlab(self, tmp_path, name, content, message):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_annotations(tmp_path / name)

    def test_other_variables(self, tmp_path):
        from scipy.io import savemat

        savemat(tmp_path / "a.mat", {"x": 1})
        with pytest.raises(InputError, match="no variable train, val, test"):
            read_annotations(tmp_path / "a.mat")

    def test_all_problems_at_once(self, tmp_path):
        bad_name = image("../a.jpg", person())
        no_fields = {**image("b.jpg"), "person": structs([{"body_bbox": np.array([[1, 2, 3, 4]])}])}
        with pytest.raises(InputError) as error:
            read(tmp_path, train=[bad_name, image("c.jpg", person()), no_fields])
        text = str(error.value)
        assert "image 1 of `train`" in text and "do not name a file" in text
        assert "image 3 of `train`" in text and "annotations_categories" in text

    @pytest.mark.parametrize("name", ["a" * 300 + ".jpg", "a\tb.jpg", "a\nb.jpg", "a\u202eb.jpg"])
    def test_names_that_no_file_can_have(self, tmp_path, name):
        with pytest.raises(InputError, match="do not name a file"):
            read(tmp_path, train=[image(name, person())])

    def test_not_a_struct_of_images(self, tmp_path):
        from scipy.io import savemat

        savemat(tmp_path / "a.mat", {"train": np.eye(3), "val": 1, "test": structs([{"x": 1}])})
        with pytest.raises(InputError) as error:
            read_annotations(tmp_path / "a.mat")
        assert len(error.value.problems) == 3
