"""The stand-in on disk: EMOTIC's layout and structure, the same bytes again, the true Sem2Vec."""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import pytest
from conftest import REPOSITORY
from made import python
from PIL import Image
from scipy.io import loadmat

from oneshot_emotic.ade20k import ADE20K_INDEX
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.emotic.quirks import DROPPING
from oneshot_emotic.synthetic.drawing import draw
from oneshot_emotic.synthetic.population import generate
from oneshot_emotic.synthetic.settings import StandInSettings
from oneshot_emotic.synthetic.write import annotations_mat, sem2vec_csv, write_pictures

SETTINGS = StandInSettings(persons=60)


@pytest.fixture(scope="module")
def images():
    return list(generate(SETTINGS))


@pytest.fixture(scope="module")
def mat(images, tmp_path_factory):
    path = tmp_path_factory.mktemp("mat") / "Annotations.mat"
    path.write_bytes(annotations_mat(images, SETTINGS))
    return path


def test_the_same_bytes_again(images, mat):
    assert annotations_mat(images, SETTINGS) == mat.read_bytes()


def test_structure_of_the_file(mat):
    content = loadmat(mat)
    for partition in ("train", "val", "test"):
        listing = content[partition]
        assert listing.shape[0] == 1
        assert listing.dtype.names == (
            "filename",
            "folder",
            "image_size",
            "original_database",
            "person",
        )
        first = listing[0, 0]
        assert first["image_size"].dtype.names == ("n_col", "n_row")
        names = first["person"].dtype.names
        combined = {"combined_categories", "combined_continuous"}
        assert (combined <= set(names)) == (partition != "train")
        assert first["person"]["body_bbox"][0, 0].shape == (1, 4)
        cell = first["person"]["annotations_categories"][0, 0]["categories"][0, 0]
        assert cell.dtype == object and cell.shape[0] == 1


def test_what_the_reader_reads_is_what_was_invented(images, mat):
    content = read_annotations(mat)
    assert content.synthetic == SETTINGS.to_dict()
    rows = {row.sample_id: row for row in content.persons.itertuples()}
    assert len(rows) == 60 - sum(quirk.kind in DROPPING for quirk in content.quirks.met)
    for image in images:
        for ordinal, person in enumerate(image.persons):
            row = rows[f"{image.partition}/{image.folder}/{image.filename}#{ordinal}"]
            assert row.labels == tuple(c for names in person.categories for c in names)
            assert (row.gender, row.age) == (person.gender, person.age)
            assert (row.width, row.height) == (image.picture.width, image.picture.height)
            given = [levels[0] for levels in person.levels]
            if None in given:
                assert np.isnan(row.valence)
            else:
                assert row.valence == pytest.approx(sum(given) / len(given))


def test_sem2vec(images):
    lines = sem2vec_csv(images).splitlines()
    assert lines[0] == "image_id,ade20k_classes"
    assert len(lines) == 1 + len(images)
    for image, line in zip(images, lines[1:], strict=True):
        name, indices = line.split(",")
        assert name == f"{image.folder}/{image.filename}"
        expected = {ADE20K_INDEX[item] for item in image.picture.scene.ade20k_classes}
        assert [int(index) for index in indices.split()] == sorted(expected)


def test_pictures_do_not_depend_on_workers(images, tmp_path):
    few = images[:40]
    for workers in (1, 2):
        write_pictures(tmp_path / str(workers), few, workers=workers)
    files = sorted(path for path in (tmp_path / "1").rglob("*.jpg"))
    assert len(files) == 40
    for path in files:
        other = tmp_path / "2" / path.relative_to(tmp_path / "1")
        assert path.read_bytes() == other.read_bytes()
    with Image.open(files[0]) as picture:
        assert (picture.mode == "RGB" and max(picture.size) == 384) or picture.size == (320, 320)


@pytest.mark.stored
def test_the_pictures_of_the_readme_are_drawn_again():
    stored = sorted((REPOSITORY / "docs/pictures").glob("synthetic_*.jpg"))
    images = {image.filename: image for image in generate(StandInSettings(persons=300))}
    assert len(stored) == 6
    for path in stored:
        again = io.BytesIO()
        draw(images[path.name].picture).save(again, format="JPEG", quality=90)
        with Image.open(path) as one, Image.open(again) as other:
            assert one.tobytes() == other.tobytes(), path.name


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_picture_that_cannot_be_written_whole_is_an_error(tmp_path):
    """The system takes the first bytes of a write and refuses the rest, as on a full disk."""
    code = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from oneshot_emotic.synthetic.population import generate\n"
        "from oneshot_emotic.synthetic.settings import StandInSettings\n"
        "from oneshot_emotic.synthetic.write import write_pictures\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try: write_pictures(Path(sys.argv[1]), list(generate(StandInSettings(persons=1))))\n"
        "except OSError as error: print(error.strerror)\n"
    )
    assert python("-c", code, tmp_path).stdout == "File too large\n"


def test_the_folder_appears_whole_or_not_at_all(tmp_path, run, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("oneshot_emotic.synthetic.write.write_bytes", fail)
    result = run("synth", tmp_path / "st", "--annotations-only", "--persons", 5, status=2)
    assert "No space left" in result.output
    assert list(tmp_path.iterdir()) == []


def test_settings_on_disk(tmp_path, run):
    run("synth", tmp_path / "st", "--annotations-only", "--persons", 5, "--seed", 3)
    content = json.loads((tmp_path / "st/SYNTHETIC.json").read_text())
    assert content["synthetic"]["persons"] == 5
    assert content["synthetic"]["seed"] == 3
