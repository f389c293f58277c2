"""An independent invented data set with planted quirks, where it is at hand."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import pytest
from conftest import SAMPLE

from oneshot_emotic.emotic.images import check_images
from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.persons import read_annotations

pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample data set is not here")

BOXES = {
    "neg": "box-negative",
    "over": "box-over-edge",
    "zero": "box-zero-area",
    "outside": "box-outside",
    "swapped": "box-swapped-corners",
    "float": "box-fractional",
    "nan": "continuous-nan",
    "duplicate": "image-listed-twice",
}
FILES = {
    "cmyk": "cmyk",
    "gray": "grey",
    "rgba": "rgba",
    "exif": "exif-rotated",
    "truncated": "truncated",
    "corrupt": "corrupt",
    "missing": "missing",
    "nested": "nested-copy-used",
    "badsize": "size-wrong",
}


@pytest.fixture(scope="module")
def truth():
    return json.loads((SAMPLE / "truth.json").read_text())


@pytest.fixture(scope="module")
def planted(truth):
    return Counter(item["quirk"] for item in truth if item["quirk"])


def test_every_planted_quirk_is_counted(truth, planted):
    content = read_annotations(find_annotations(find_layout(SAMPLE)))
    counts = content.quirks.counts()
    assert {key: counts.get(name, 0) for key, name in BOXES.items()} == {
        key: planted[key] for key in BOXES
    }
    assert set(counts) == {*BOXES.values(), "person-listed-twice"}
    listed = {(x["split"], x["folder"], x["filename"]): x["persons"] for x in truth}
    assert content.persons_found == dict(
        sum((Counter({key[0]: count}) for key, count in listed.items()), Counter())
    )
    assert content.images_found == dict(Counter(key[0] for key in listed))
    assert len(content.persons) == sum(listed.values()) - planted["zero"] - planted["outside"]


@pytest.mark.parametrize("decode", [True, False])
def test_every_planted_file_is_found(planted, decode):
    layout = find_layout(SAMPLE)
    images = read_annotations(find_annotations(layout)).images
    counts = check_images(images, layout.image_folders, decode=decode).counts()
    # The file with an alpha channel is a PNG named .jpg as well.
    expected = {name: planted[key] for key, name in FILES.items()}
    expected["not-jpeg"] = planted["png_as_jpg"] + planted["rgba"]
    assert counts == expected


@pytest.mark.parametrize("layout", ["EMOTIC/PAMI", "emotic/emotic", "Annotations/Annotations"])
def test_moved_into_each_layout_the_fingerprint_is_the_same(tmp_path, run, layout):
    original = tmp_path / "original"
    result = run("build", SAMPLE, "-o", original, "--no-images")
    moved = tmp_path / "moved"
    annotations, images = moved / "Annotations", moved / "emotic"
    if layout == "EMOTIC/PAMI":
        annotations, images = moved / layout / "Annotations", moved / layout / "emotic"
    elif layout == "emotic/emotic":
        images = moved / layout
    else:
        annotations = moved / layout
    shutil.copytree(SAMPLE / "Annotations", annotations)
    shutil.copytree(SAMPLE / "emotic", images)
    again = run("build", moved, "-o", tmp_path / "built")
    line = next(x for x in result.output.splitlines() if x.startswith("fingerprint"))
    assert line in again.output
    # and without any image file
    shutil.rmtree(images)
    annotations.mkdir(parents=True, exist_ok=True)
    shutil.copytree(SAMPLE / "Annotations", annotations, dirs_exist_ok=True)
    assert line in run("build", moved, "-o", tmp_path / "third").output
