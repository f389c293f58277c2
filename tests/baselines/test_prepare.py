"""Prepared pictures are what Pillow makes of the files, whatever happens on the way."""

from __future__ import annotations

import resource
import shutil

import numpy as np
import pytest
import tiny
from PIL import Image

from oneshot_emotic import prepared as module
from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.errors import InputError
from oneshot_emotic.prepared import damaged_chunks, prepare, read_prepared


@pytest.fixture
def copy(tmp_path):
    """A copy of the stand-in of one's own."""
    made = shutil.ignore_patterns("prepared-*", "sem2vec-*")
    return shutil.copytree(tiny.stand_in(), tmp_path / "copy", ignore=made)


def persons_of(root):
    return read_annotations(find_annotations(find_layout(root))).persons


def test_every_picture_is_the_file_resized():
    prepared = read_prepared(tiny.prepared())
    persons = persons_of(tiny.stand_in())
    assert set(prepared.body_row) == set(prepared.image_row) == set(persons["sample_id"])
    assert len(prepared.image_ids) == persons["image_id"].nunique()
    side = (tiny.SIZE, tiny.SIZE)
    for row in persons.iloc[::7].itertuples():
        with Image.open(tiny.stand_in() / "emotic" / row.folder / row.filename) as opened:
            picture = opened.convert("RGB")
        whole = picture.resize(side, Image.Resampling.BILINEAR)
        box = tuple(round(x) for x in (row.x1, row.y1, row.x2, row.y2))
        body = picture.crop(box).resize(side, Image.Resampling.BILINEAR)
        image_row = prepared.image_row[row.sample_id]
        assert prepared.image_ids[image_row] == row.image_id
        assert np.array_equal(prepared.images[image_row], np.asarray(whole))
        assert np.array_equal(prepared.bodies[prepared.body_row[row.sample_id]], np.asarray(body))


def test_more_workers_the_same_files(copy):
    prepare(copy, size=tiny.SIZE, workers=2)
    assert tiny.files_of(copy / f"prepared-{tiny.SIZE}") == tiny.files_of(tiny.prepared())


def test_kill_9_and_again(copy):
    folder = copy / f"prepared-{tiny.SIZE}"
    # It waits after two chunks have been written, so that the kill meets a run in its middle.
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from oneshot_emotic.prepared import prepare\nprepare(Path(sys.argv[1]),"
        " size=int(sys.argv[2]), progress=lambda done, total: time.sleep(done > 40 and 60))"
    )
    tiny.kill_when(folder / "parts/0000032.json", "-c", code, copy, tiny.SIZE)
    with pytest.raises(InputError, match="is not finished"):
        read_prepared(folder)
    # A result cut short, and a finished part that the disk has lost.
    (folder / "parts/0000064.json").write_text('{"crc32": 12')
    images = np.load(folder / "images.npy", mmap_mode="r+")
    images[:5] = 0
    images.flush()
    seen = []
    prepare(copy, size=tiny.SIZE, progress=lambda done, total: seen.append(done))
    assert seen[0] == 32  # one of the two finished chunks was sound
    assert tiny.files_of(folder) == tiny.files_of(tiny.prepared())


def test_a_disk_that_is_full_for_a_moment(copy):
    """The system writes a part of the last body of a chunk, and then has room again."""
    expected = tiny.files_of(tiny.prepared())
    lines = (tiny.prepared() / "persons.csv").read_text().splitlines()[1:]
    bodies = sum(int(line.split(",")[1]) < 32 for line in lines)
    limit = 128 + bodies * tiny.SIZE * tiny.SIZE * 3 - 100
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def shrink(done, total):
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft if done else limit, hard))

    try:
        with pytest.raises(OSError, match="File too large"):
            prepare(copy, size=tiny.SIZE, progress=shrink)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    prepare(copy, size=tiny.SIZE)
    assert tiny.files_of(copy / f"prepared-{tiny.SIZE}") == expected


def test_broken_and_missing_pictures_are_grey_and_counted(copy, run):
    pictures = sorted(copy.rglob("*.jpg"))
    pictures[0].write_bytes(pictures[0].read_bytes()[:1000])
    pictures[1].unlink()
    result = run("prepare", copy, "--size", 16, "--workers", 1)
    assert "warning: 2 images are missing or broken" in result.output
    prepared = read_prepared(copy / "prepared-16")
    names = {f"{path.parent.parent.name}/images/{path.name}" for path in pictures[:2]}
    assert set(prepared.without_picture) == names
    for sample_id, row in prepared.image_row.items():
        grey = prepared.image_ids[row] in names
        assert (prepared.images[row] == 127).all() == grey
        assert (prepared.bodies[prepared.body_row[sample_id]] == 127).all() == grey


def test_a_finished_folder_is_taken_as_it_is_and_checked(copy, run):
    run("prepare", copy, "--size", 16, "--workers", 1)
    before = {path: path.stat().st_mtime_ns for path in (copy / "prepared-16").iterdir()}
    run("prepare", copy, "--size", 16, "--workers", 1)
    assert before == {path: path.stat().st_mtime_ns for path in (copy / "prepared-16").iterdir()}
    assert "sound" in run("prepare", copy, "--size", 16, "--check").output
    bodies = np.load(copy / "prepared-16/bodies.npy", mmap_mode="r+")
    bodies[-1, 0, 0, 0] ^= 1
    bodies.flush()
    last = (len(read_prepared(copy / "prepared-16").images) - 1) // module.CHUNK
    assert damaged_chunks(read_prepared(copy / "prepared-16")) == [last]
    assert "1 chunks are not what" in run("prepare", copy, "--size", 16, "--check", status=2).output
    (copy / "prepared-16/bodies.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InputError, match="is damaged"):
        read_prepared(copy / "prepared-16")


def test_folders_that_are_something_else_are_left_alone(copy, tmp_path, run, monkeypatch):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/thesis.txt").write_text("years of work")
    result = run("prepare", copy, "-o", tmp_path / "thesis", status=2)
    assert "already holds other files: thesis.txt" in result.output
    run("prepare", copy, "--size", 16, "-o", tmp_path / "p", "--workers", 1)
    result = run("prepare", copy, "--size", 24, "-o", tmp_path / "p", "--workers", 1, status=2)
    assert "other annotations, at another size or by another version" in result.output
    with pytest.raises(InputError, match="holds no prepared pictures"):
        read_prepared(tmp_path / "nowhere")
    run("prepare", copy, "--size", 16, "--workers", 1)
    with pytest.raises(InputError, match=r"of another size .* there is prepared-16"):
        read_prepared(copy / "prepared-256")
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    result = run("prepare", copy, "--size", 40, status=2)
    assert "0.0 MB free" in result.output
    assert not (copy / "prepared-40").exists()
