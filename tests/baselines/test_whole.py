"""Whole images with their proportions are what Pillow makes of the files, whatever happens."""

from __future__ import annotations

import resource
import shutil
from functools import cache

import numpy as np
import pytest
import tiny
from PIL import Image

from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.errors import InputError
from oneshot_emotic.prepared import CHUNK, damaged_chunks, prepare, prepared_of, read_prepared
from oneshot_emotic.whole import whole_size

SIZE = 40


@pytest.fixture
def copy(tmp_path):
    """A copy of the stand-in of one's own."""
    made = shutil.ignore_patterns("prepared-*", "sem2vec-*")
    return shutil.copytree(tiny.stand_in(), tmp_path / "copy", ignore=made)


@cache
def whole():
    return prepare(tiny.stand_in(), size=SIZE, proportions=True)


def test_every_image_is_the_file_resized_and_every_box_its_share():
    prepared, shapes = whole(), set()
    persons = read_annotations(find_annotations(find_layout(tiny.stand_in()))).persons
    assert prepared.folder.name == f"prepared-{SIZE}-whole"
    assert set(prepared.body_row) == set(prepared.image_row) == set(persons["sample_id"])
    assert len(prepared.image_ids) == persons["image_id"].nunique()
    for row in persons.iloc[::5].itertuples():
        with Image.open(tiny.stand_in() / "emotic" / row.folder / row.filename) as opened:
            picture = opened.convert("RGB")
        place = prepared.image_row[row.sample_id]
        found = prepared.whole.image(prepared.images, place)
        height, width = found.shape[:2]
        assert max(height, width) == SIZE
        assert abs(width / height - picture.width / picture.height) < 0.05
        expected = picture.resize((width, height), Image.Resampling.BILINEAR)
        assert np.array_equal(found, np.asarray(expected))
        shapes.add((height, width))
        box = prepared.whole.boxes[prepared.body_row[row.sample_id]]
        stored = [picture.width, picture.height] * 2
        corners = [row.x1, row.y1, row.x2, row.y2]
        assert np.allclose(box * stored, corners, atol=0.51)  # in whole pixels
    assert len(shapes) > 1


def test_sizes():
    assert whole_size((640, 480), 320) == (320, 240)
    assert whole_size((30, 40), 80) == (60, 80)  # smaller ones are enlarged
    assert whole_size((1000, 1), 100) == (100, 1)


def test_more_workers_the_same_files(copy):
    prepare(copy, size=SIZE, proportions=True, workers=2)
    assert tiny.files_of(copy / f"prepared-{SIZE}-whole") == tiny.files_of(whole().folder)


def test_kill_9_and_again(copy):
    folder = copy / f"prepared-{SIZE}-whole"
    # It waits after two chunks have been written, so that the kill meets a run in its middle.
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from oneshot_emotic.prepared import prepare\nprepare(Path(sys.argv[1]), proportions=True,"
        " size=int(sys.argv[2]), progress=lambda done, total: time.sleep(done > 40 and 60))"
    )
    tiny.kill_when(folder / "parts/0000032.json", "-c", code, copy, SIZE)
    with pytest.raises(InputError, match="is not finished"):
        read_prepared(folder)
    # A finished part that the disk has lost, and an array that was not finished.
    part = folder / "parts/0000000.rgb"
    part.write_bytes(part.read_bytes()[:-1])
    (folder / ".images.npy.0123abcd.partial").write_bytes(b"\x93NUMPY")
    seen = []
    prepare(copy, size=SIZE, proportions=True, progress=lambda done, total: seen.append(done))
    assert seen[0] == 32  # one of the two finished chunks was sound
    assert tiny.files_of(folder) == tiny.files_of(whole().folder)


@pytest.mark.parametrize("written", ["part", "array"])
def test_a_full_disk_names_the_file_and_it_goes_on(copy, written):
    """As far as a file may grow; each part is smaller than the array."""
    folder = copy / f"prepared-{SIZE}-whole"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def shrink(done, total):
        if written == "part" or done == total:
            limit = 50_000 if written == "part" else (whole().folder / "images.npy").stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit - 1, hard))

    name = "parts/0000000.rgb" if written == "part" else "images.npy"
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            prepare(copy, size=SIZE, proportions=True, progress=shrink)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(folder / name)
    assert not list(folder.rglob("*.partial"))
    prepare(copy, size=SIZE, proportions=True)
    assert tiny.files_of(folder) == tiny.files_of(whole().folder)


def test_the_array_is_as_numpy_writes_it(tmp_path):
    prepared = whole()
    np.save(tmp_path / "images.npy", prepared.images)
    expected = (tmp_path / "images.npy").read_bytes()
    assert (prepared.folder / "images.npy").read_bytes() == expected


def test_broken_pictures_are_grey_and_damage_is_found(copy, run):
    pictures = sorted(copy.rglob("*.jpg"))
    pictures[0].write_bytes(pictures[0].read_bytes()[:1000])
    pictures[1].unlink()
    given = ("prepare", copy, "--size", 16, "--keep-proportions", "--workers", 1)
    assert "warning: 2 images are missing or broken" in run(*given).output
    prepared = read_prepared(copy / "prepared-16-whole")
    assert len(prepared.without_picture) == 2
    for row, image_id in enumerate(prepared.image_ids):
        grey = (prepared.whole.image(prepared.images, row) == 127).all()
        assert grey == (image_id in prepared.without_picture)
    for sample_id, row in prepared.image_row.items():
        box = prepared.whole.boxes[prepared.body_row[sample_id]].tolist()
        assert (box == [0, 0, 1, 1]) == (prepared.stored[row] is None)
    assert "sound" in run(*given, "--check").output
    images = np.load(copy / "prepared-16-whole/images.npy", mmap_mode="r+")
    images[-1] ^= 1
    images.flush()
    last = (len(prepared.image_ids) - 1) // CHUNK
    assert damaged_chunks(read_prepared(copy / "prepared-16-whole")) == [last]
    assert "1 chunks are not what" in run(*given, "--check", status=2).output
    table = copy / "prepared-16-whole/images.csv"
    table.write_text(table.read_text().replace("16", "17", 1))
    with pytest.raises(InputError, match="a table is not as it was written"):
        read_prepared(copy / "prepared-16-whole")


def test_the_two_kinds_are_not_mixed(copy, run):
    run("prepare", copy, "--size", 16, "-o", copy / "p", "--keep-proportions")
    result = run("prepare", copy, "--size", 16, "-o", copy / "p", status=2)
    assert "other annotations, at another size or by another version" in result.output
    (copy / "p").rename(copy / "prepared-16")
    assert prepared_of(copy, 16, []) is None
