"""Pictures by sample_id, and persons as a dataset, on a small stand-in."""

from __future__ import annotations

import json
import pickle
import shutil

import numpy as np
import pytest
from made import python, small_stand_in
from PIL import Image

from oneshot_emotic import InputError, PersonDataset, load_task, open_pictures
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.prepared import prepare
from oneshot_emotic.splits import build_tasks

SIDE = 24


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return small_stand_in(tmp_path_factory.mktemp("pictures") / "stand-in", 120)


@pytest.fixture(scope="module")
def people(root):
    return read_annotations(next(root.rglob("Annotations.mat"))).persons


@pytest.fixture(scope="module")
def base(people):
    return build_tasks(people, "argmax")["cat-6-6"].base


def file_of(root, sample_id):
    """By the words of the docs: {partition}/{folder}/{filename}#{ordinal}."""
    folder, name = sample_id.split("/", 1)[1].rsplit("#", 1)[0].rsplit("/", 1)
    (path,) = root.rglob(f"{folder}/{name}")
    return path


@pytest.fixture(scope="module")
def copy(root, people, tmp_path_factory):
    """Prepared; the image of the last person is broken, that of the first one is missing."""
    copy = shutil.copytree(root, tmp_path_factory.mktemp("squares") / "copy")
    file_of(copy, people["sample_id"].iloc[0]).unlink()
    broken = file_of(copy, people["sample_id"].iloc[-1])
    broken.write_bytes(broken.read_bytes()[:100])
    prepare(copy, size=SIDE)
    return copy


@pytest.fixture(scope="module")
def decoded(copy, tmp_path_factory):
    """The same pictures without what was prepared."""
    left_out = shutil.ignore_patterns("prepared-*")
    bare = tmp_path_factory.mktemp("squares") / "bare"
    return open_pictures(shutil.copytree(copy, bare, ignore=left_out), size=SIDE)


def with_stored(text, pair):
    document = json.loads(text)
    return json.dumps({**document, "stored": [pair] * len(document["stored"])})


class TestPictures:
    def test_image_and_crop_are_those_of_the_file(self, root, people):
        pictures = open_pictures(root)
        assert list(pictures) == people["sample_id"].tolist() and len(pictures) == len(people)
        for row in people.sample(20, random_state=0).itertuples():
            picture = pictures[row.sample_id]
            with Image.open(file_of(root, row.sample_id)) as image:
                expected = np.asarray(image.convert("RGB"))
            assert np.array_equal(picture.image, expected) and picture.sound
            x1, y1, x2, y2 = (round(x) for x in (row.x1, row.y1, row.x2, row.y2))
            assert picture.box == (x1, y1, x2, y2)
            assert np.array_equal(picture.body, expected[y1:y2, x1:x2])
        assert not pictures.grey

    def test_broken_and_missing_files_are_grey_and_named(self, root, people, tmp_path):
        shutil.copytree(root, tmp_path / "copy")
        first, last = people["sample_id"].iloc[0], people["sample_id"].iloc[-1]
        file_of(tmp_path / "copy", first).unlink()
        broken = file_of(tmp_path / "copy", last)
        broken.write_bytes(broken.read_bytes()[:100])
        pictures = open_pictures(tmp_path / "copy")
        for name, row in ((first, people.iloc[0]), (last, people.iloc[-1])):
            picture = pictures[name]
            assert not picture.sound
            assert picture.body.size == (
                round(row.x2) - round(row.x1),
                round(row.y2) - round(row.y1),
            )
            assert picture.image.getcolors() == [(np.prod(picture.image.size), (127, 127, 127))]
        assert pictures.grey == {first, last}

    def test_it_travels_to_other_processes(self, root, people):
        pictures = open_pictures(root)
        name = people["sample_id"].iloc[3]
        expected = np.asarray(pictures[name].body)
        text = pickle.dumps(pictures)
        assert len(text) < 100_000 and np.array_equal(pickle.loads(text)[name].body, expected)

    def test_what_is_not_there(self, root, tmp_path):
        with pytest.raises(KeyError, match="'nobody' is not in the annotations of"):
            open_pictures(root)["nobody"]
        with pytest.raises(InputError, match="there is no such folder"):
            open_pictures(tmp_path / "nowhere")
        with pytest.raises(InputError, match=r"no Annotations\.mat"):
            open_pictures(tmp_path)


class TestSquares:
    """`open_pictures(root, size=...)` with and without what `prepare` made."""

    def test_the_same_pixels_either_way(self, copy, decoded, people, monkeypatch):
        prepared = open_pictures(copy, size=SIDE)
        sound = people[~people["image_id"].isin(people["image_id"].iloc[[0, -1]])]
        for row in sound.itertuples():
            one, other = prepared[row.sample_id], decoded[row.sample_id]
            assert one.image.tobytes() == other.image.tobytes()
            assert one.body.tobytes() == other.body.tobytes()
            assert (one.box, one.sound) == (other.box, other.sound)
        assert prepared.digest() == decoded.digest() != open_pictures(copy).digest()
        assert not prepared.grey | decoded.grey
        monkeypatch.setattr("oneshot_emotic.pictures.open_image", None)  # no decoding
        again = open_pictures(copy, size=SIDE)
        for name in sound["sample_id"]:
            assert again[name].image.size == (SIDE, SIDE)

    def test_the_pixels_are_those_of_the_file(self, root, people):
        pictures, stored = open_pictures(root, size=SIDE), open_pictures(root)
        square = {"size": (SIDE, SIDE), "resample": Image.Resampling.BILINEAR}
        for name in people["sample_id"].iloc[::9]:
            whole, found = stored[name], pictures[name]
            assert np.array_equal(found.image, whole.image.resize(**square))
            assert np.array_equal(found.body, whole.body.resize(**square))
            # Every scaled edge is within a pixel of where it should be; the box is not empty.
            x1, y1, x2, y2 = found.box
            assert 0 <= x1 < x2 <= SIDE and 0 <= y1 < y2 <= SIDE
            for edge, scaled, side in zip(whole.box, found.box, whole.image.size * 2, strict=True):
                assert abs(edge * SIDE / side - scaled) < 1

    def test_grey_ones(self, copy, decoded, people):
        ends = people["image_id"].iloc[[0, -1]]
        names = people.loc[people["image_id"].isin(ends), "sample_id"].tolist()
        prepared = open_pictures(copy, size=SIDE)
        for pictures in (prepared, decoded):
            for name in names:
                picture = pictures[name]
                assert not picture.sound and picture.box == (0, 0, SIDE, SIDE)
                for view in (picture.image, picture.body):
                    assert view.getcolors() == [(SIDE**2, (127, 127, 127))]
            assert pictures.grey == set(names)
            pictures.grey.clear()

    def test_a_file_that_came_later_is_read(self, copy, root, people, tmp_path):
        later, name = shutil.copytree(copy, tmp_path / "copy"), people["sample_id"].iloc[0]
        file = file_of(root, name)
        shutil.copy(file, later / file.relative_to(root))
        expected = open_pictures(root, size=SIDE)[name]
        found = open_pictures(later, size=SIDE)[name]
        assert found.sound and found.body.tobytes() == expected.body.tobytes()

    def test_what_was_prepared_otherwise_is_not_taken(self, copy, people, tmp_path):
        other = shutil.copytree(copy, tmp_path / "copy")
        folder = other / f"prepared-{SIDE}"
        document = json.loads((folder / "prepared.json").read_text())
        np.load(folder / "images.npy", mmap_mode="r+")[:] = 0
        name = people["sample_id"].iloc[5]
        assert open_pictures(other, size=SIDE)[name].image.getextrema() == ((0, 0),) * 3
        for changed in (json.dumps({**document, "plan": "of other boxes"}), None):
            (folder / "prepared.json").unlink()  # None: not finished
            if changed:
                (folder / "prepared.json").write_text(changed)
            assert open_pictures(other, size=SIDE)[name].image.getextrema() != ((0, 0),) * 3
        (folder / "prepared.json").write_text(json.dumps({**document, "stored": []}))
        with pytest.raises(InputError, match="is damaged"):
            open_pictures(other, size=SIDE)

    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("persons.csv", lambda lines: [lines[0], *lines[:0:-1]]),
            ("persons.csv", lambda lines: [lines[0], lines[2], lines[1], *lines[3:]]),
            ("persons.csv", lambda lines: [*lines[:-1], f"{lines[-1].split(',')[0]},-1"]),
            ("persons.csv", lambda lines: [*lines[:-1], f"{lines[-1].split(',')[0]},99999"]),
            ("persons.csv", lambda lines: [*lines[:-1], f"{lines[1].split(',')[0]},0"]),
            ("persons.csv", lambda lines: [*lines[:-1], "x" * 140_000]),
            ("images.csv", lambda lines: [lines[0], *lines[:0:-1]]),
            ("prepared.json", lambda lines: ["[" * 100_000]),
            *[
                ("prepared.json", lambda lines, pair=pair: [with_stored("".join(lines), pair)])
                for pair in ([1, 1], [0, 0], [-1, -1], [float("inf"), 1])
            ],
            ("bodies.npy", None),
        ],
    )
    def test_a_damaged_folder_is_refused(self, copy, tmp_path, name, change):
        damaged = shutil.copytree(copy, tmp_path / "copy")
        path = damaged / f"prepared-{SIDE}" / name
        lines = path.read_text().splitlines() if change else []
        path.write_text("".join(f"{line}\n" for line in change(lines)) if change else "")
        with pytest.raises(InputError, match=r"is damaged: |cannot be read: ") as caught:
            open_pictures(damaged, size=SIDE)
        assert len(caught.value.problems) == 1

    @pytest.mark.parametrize("left_out", ["crc32", "stored"])
    def test_a_folder_without_its_digest_is_damaged(self, copy, tmp_path, left_out):
        damaged = shutil.copytree(copy, tmp_path / "copy")
        path = damaged / f"prepared-{SIDE}/prepared.json"
        document = json.loads(path.read_text())
        del document["sha256"], document[left_out]
        path.write_text(json.dumps(document))
        with pytest.raises(InputError, match=r"is damaged: .* not as it was written"):
            open_pictures(damaged, size=SIDE)

    def test_it_travels_to_other_processes(self, copy, decoded, people):
        name, pictures = people["sample_id"].iloc[5], open_pictures(copy, size=SIDE)
        text = pickle.dumps(pictures)
        assert len(text) < 100_000
        assert pickle.loads(text)[name].body.tobytes() == decoded[name].body.tobytes()
        (kept,) = pictures.of([name]).values()
        assert kept.body.tobytes() == decoded[name].body.tobytes()

    @pytest.mark.parametrize("size", [0, 7, 4097, -64, 64.0, "64", True])
    def test_sizes_that_cannot_be(self, root, size):
        with pytest.raises(InputError, match=r"size must be from 8 to 4096 pixels, not "):
            open_pictures(root, size=size)


class TestPersonDataset:
    def test_items(self, root, base):
        data = PersonDataset(base, open_pictures(root))
        assert len(data) == len(base) and data.classes == base.definition.base_classes
        for place in (0, len(data) - 1):
            item = data[place]
            assert list(item) == ["image", "body", "label", "sample_id"]
            assert item["sample_id"] == base.sample_ids[place]
            assert data.classes[item["label"]] == base.labels[place]
        assert next(iter(PersonDataset(base, open_pictures(root), target="name")))["label"] in (
            base.classes
        )

    def test_transforms(self, root, base):
        def joint(views):
            x1, y1, x2, y2 = views["box"]
            assert views["body"].size == (x2 - x1, y2 - y1)
            return {name: views[name].rotate(180) for name in ("image", "body")}

        plain = PersonDataset(base, open_pictures(root))[2]
        turned = PersonDataset(base, open_pictures(root), np.asarray, joint_transform=joint)[2]
        for name in ("image", "body"):
            assert np.array_equal(turned[name], np.asarray(plain[name])[::-1, ::-1])

    def test_one_view(self, root, base):
        item = PersonDataset(base, open_pictures(root), np.asarray, views=("body",))[0]
        assert list(item) == ["body", "label", "sample_id"]

    def test_levels_are_in_the_order_of_numbers(self, root, people):
        task = build_tasks(people, "argmax")["lev-6-4-valence"]
        classes = PersonDataset(task.novel, open_pictures(root)).classes
        assert list(classes) == sorted(classes, key=int)

    def test_wrong_arguments(self, root, base):
        pictures = open_pictures(root)
        with pytest.raises(InputError, match="persons not in these annotations, such as"):
            PersonDataset(load_task("cat-6-6").novel, pictures)
        with pytest.raises(InputError, match=r"target is `index` or `name`, .* not 'class' and"):
            PersonDataset(base, pictures, target="class")
        for given in ((pictures, base), (load_task("cat-6-6"), pictures), (base, root)):
            with pytest.raises(InputError, match=r"Give persons such as task\.base, then"):
                PersonDataset(*given)
        for options, message in (
            ({"views": None}, "views are of `image` and `body`"),
            ({"views": [["image"]]}, "views are of `image` and `body`"),
            ({"classes": 5}, "labels that are not among the classes"),
            ({"classes": base.classes[1:]}, "labels that are not among the classes"),
            ({"classes": [*base.classes, base.classes[0]]}, "a class is there twice"),
        ):
            with pytest.raises(InputError, match=message):
                PersonDataset(base, pictures, **options)
        with pytest.raises(InputError, match="the joint_transform gave no dict, but NoneType"):
            PersonDataset(base, pictures, joint_transform=lambda views: None)[0]

    def test_to_datasets_saved_and_loaded(self, root, base, tmp_path, monkeypatch):
        datasets = pytest.importorskip("datasets")
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
        few = base.subset(range(5))
        data = PersonDataset(few, open_pictures(root))
        data.to_datasets().save_to_disk(tmp_path / "saved")
        again = datasets.load_from_disk(tmp_path / "saved")
        assert again.features["label"].names == list(data.classes)
        for row, item in zip(again, data, strict=True):
            assert row["sample_id"] == item["sample_id"] and row["label"] == item["label"]
            assert np.array_equal(row["image"], item["image"])
            assert np.array_equal(row["body"], item["body"])
            assert len(row["box"]) == 4


def test_nothing_heavy_is_imported():
    code = (
        "import sys, oneshot_emotic as o; o.open_pictures, o.PersonDataset;"
        "print(*sorted({'torch', 'torchvision', 'datasets'} & set(sys.modules)))"
    )
    assert python("-c", code).stdout.strip() == ""
