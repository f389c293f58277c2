"""Every layout in which EMOTIC is met."""

import os

import pytest
from made import python

from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.errors import InputError

LAYOUTS = {
    "plain": ("Annotations", "emotic"),
    "pami": ("EMOTIC/PAMI/Annotations", "EMOTIC/PAMI/emotic"),
    "doubled": ("Annotations/Annotations", "emotic/emotic"),
    "flat": ("", ""),
    "lower": ("annotations", "images_of_emotic"),
}


def touch(path, content=b""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_seen_layouts(tmp_path, layout):
    annotations, images = LAYOUTS[layout]
    mat = touch(tmp_path / annotations / "Annotations.mat", b"x")
    for database in ("mscoco", "framesdb", "emodb_small", "ade20k"):
        touch(tmp_path / images / database / "images" / "a.jpg")
    found = find_layout(tmp_path)
    assert find_annotations(found) == mat
    assert set(found.image_folders) == {
        f"{database}/images" for database in ("mscoco", "framesdb", "emodb_small", "ade20k")
    }


def test_nested_copies_come_after_the_outer_folder(tmp_path):
    outer = touch(tmp_path / "emotic/framesdb/images/a.jpg").parent
    inner = touch(tmp_path / "emotic/framesdb/framesdb/images/a.jpg").parent
    assert find_layout(tmp_path).image_folders["framesdb/images"] == (outer, inner)


def test_equal_annotation_files_are_one_and_different_ones_are_named(tmp_path):
    one = touch(tmp_path / "a/Annotations.mat", b"same")
    other = touch(tmp_path / "b/Annotations.mat", b"same")
    assert find_annotations(find_layout(tmp_path)) == one
    other.write_bytes(b"another")
    with pytest.raises(InputError, match="--annotations") as error:
        find_annotations(find_layout(tmp_path))
    assert "a/Annotations.mat" in str(error.value) and "b/Annotations.mat" in str(error.value)


def test_cvpr17_only_where_there_is_no_other(tmp_path):
    old = touch(tmp_path / "CVPR17_Annotations.mat", b"old")
    assert find_annotations(find_layout(tmp_path)) == old
    new = touch(tmp_path / "Annotations.mat", b"new")
    assert find_annotations(find_layout(tmp_path)) == new


def test_nothing_but_preprocessed_tables_or_nothing_at_all(tmp_path):
    with pytest.raises(InputError, match=r"no Annotations\.mat"):
        find_annotations(find_layout(tmp_path))
    for name in ("train", "val", "test"):
        touch(tmp_path / f"{name}.csv", b"Index,Folder")
    with pytest.raises(InputError, match="which person of its image"):
        find_annotations(find_layout(tmp_path))


@pytest.mark.parametrize("name", ["nothing-here", "a-file"])
def test_wrong_roots(tmp_path, name):
    touch(tmp_path / "a-file")
    with pytest.raises(InputError, match=name):
        find_layout(tmp_path / name)


def test_links_that_lead_round_are_followed_once(tmp_path):
    """Three folders, each with links to all: 9 ** 6 ways to go, and three folders to look at."""
    touch(tmp_path / "Annotations.mat", b"x")
    (tmp_path / "again").symlink_to(tmp_path)
    names = "abc"
    for one in names:
        touch(tmp_path / one / "mscoco/images" / "a.jpg")
        for other in names:
            for number in range(3):
                (tmp_path / one / f"{other}{number}").symlink_to(tmp_path / other)
    found = find_layout(tmp_path)
    assert found.mats == (tmp_path / "Annotations.mat",)
    assert found.image_folders == {
        "mscoco/images": tuple(tmp_path / name / "mscoco/images" for name in names)
    }


def test_a_link_to_another_disk_is_followed(tmp_path):
    touch(tmp_path / "disk/mscoco/images/a.jpg")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/emotic").symlink_to(tmp_path / "disk")
    folders = find_layout(tmp_path / "root").image_folders["mscoco/images"]
    assert folders == (tmp_path / "root/emotic/mscoco/images",)


def test_a_fifo_is_no_annotations_file(tmp_path):
    """In a process of its own: reading one would wait for ever."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        os.mkfifo(tmp_path / folder / "Annotations.mat")
    code = (
        "import sys\nfrom pathlib import Path\nfrom oneshot_emotic.emotic.layout import *\n"
        "try:\n    find_annotations(find_layout(Path(sys.argv[1])))\n"
        "except InputError as error:\n    print(error)"
    )
    assert "no Annotations.mat found" in python("-c", code, tmp_path, timeout=30).stdout
