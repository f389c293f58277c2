"""Image files: broken, odd, nested and missing ones made here."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from oneshot_emotic.emotic.images import check_images, open_image
from oneshot_emotic.emotic.layout import find_layout
from oneshot_emotic.emotic.persons import ListedImage

NOISE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


def encoded(image=None, form="JPEG", **options) -> bytes:
    stream = io.BytesIO()
    (image or Image.fromarray(NOISE)).save(stream, form, **options)
    return stream.getvalue()


def exif(orientation):
    data = Image.Exif()
    data[274] = orientation
    return data


@pytest.fixture
def copy(tmp_path):
    """Write files, then look at them: `copy({name: bytes}, nested={...}, size=..., decode=...)`."""

    def look(files, nested=(), size=(80, 60), decode=True, listed=None):
        folder = tmp_path / "emotic/framesdb/images"
        inner = tmp_path / "emotic/framesdb/framesdb/images"
        for place, contents in ((folder, files), (inner, dict(nested))):
            place.mkdir(parents=True, exist_ok=True)
            for name, content in contents.items():
                (place / name).write_bytes(content)
        names = listed or sorted({*files, *dict(nested)})
        images = [ListedImage("framesdb/images", name, *size) for name in names]
        folders = find_layout(tmp_path).image_folders
        report = check_images(images, folders, decode=decode, workers=2)
        assert report.images == len(images)
        return report, images, folders

    return look


def kinds(report):
    return [(item.kind, item.image_id.rsplit("/")[-1]) for item in report.findings]


@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encoded(), []),
        (encoded(Image.fromarray(NOISE).convert("L")), ["grey"]),
        (encoded(Image.fromarray(NOISE).convert("CMYK")), ["cmyk"]),
        (encoded(form="PNG"), ["not-jpeg"]),
        (encoded(Image.fromarray(NOISE).convert("RGBA"), "PNG"), ["not-jpeg", "rgba"]),
        (encoded(Image.fromarray(NOISE).convert("P"), "PNG"), ["not-jpeg", "palette"]),
        (encoded(exif=exif(6)), ["exif-rotated"]),
        (encoded(exif=exif(1)), []),
        (encoded()[:900], ["truncated"]),
        (encoded(form="PNG")[:900], ["truncated"]),
        (b"no image", ["corrupt"]),
        (b"", ["corrupt"]),
    ],
)
def test_one_file(copy, content, expected, decode):
    report, _, _ = copy({"a.jpg": content}, decode=decode)
    assert [item.kind for item in report.findings] == expected


def test_only_decoding_finds_damage_in_the_middle(copy):
    whole = encoded(form="PNG")
    broken = whole[:2000] + bytes(200) + whole[2200:]
    assert kinds(copy({"a.jpg": broken}, decode=False)[0]) == [("not-jpeg", "a.jpg")]
    assert kinds(copy({"a.jpg": broken}, decode=True)[0]) == [("corrupt", "a.jpg")]


def test_missing_and_unlisted(copy):
    report, _, _ = copy({"a.jpg": encoded(), "b.jpg": encoded()}, listed=["a.jpg", "gone.jpg"])
    assert kinds(report) == [("missing", "gone.jpg"), ("unlisted", "b.jpg")]


def test_a_whole_nested_copy_stands_in_for_a_broken_file(copy):
    report, images, folders = copy({"a.jpg": encoded()[:900]}, nested={"a.jpg": encoded()})
    assert kinds(report) == [("nested-copy-used", "a.jpg")]
    assert open_image(images[0], folders).size == (80, 60)


def test_two_whole_copies(copy):
    report, _, _ = copy({"a.jpg": encoded()}, nested={"a.jpg": encoded()})
    assert kinds(report) == [("nested-copy", "a.jpg")]


def test_two_broken_copies(copy):
    report, images, folders = copy({"a.jpg": encoded()[:900]}, nested={"a.jpg": b""})
    assert kinds(report) == [("truncated", "a.jpg")]
    assert open_image(images[0], folders) is None


@pytest.mark.parametrize(
    ("size", "kind"), [((60, 80), "size-swapped"), ((81, 60), "size-wrong"), ((80, 60), None)]
)
def test_stored_sizes(copy, size, kind):
    report, _, _ = copy({"a.jpg": encoded()}, size=size)
    assert [item.kind for item in report.findings] == ([kind] if kind else [])


def test_rotation_is_not_applied(copy):
    _, images, folders = copy({"a.jpg": encoded(exif=exif(6))})
    assert open_image(images[0], folders).size == (80, 60)


def test_the_list_as_csv(copy):
    report, _, _ = copy({"a.jpg": b""}, size=(1, 1))
    header, row = report.to_csv().splitlines()
    assert header == "finding,image_id,detail"
    assert row.startswith("corrupt,framesdb/images/a.jpg,")


def test_progress_reaches_the_end(tmp_path):
    images = [ListedImage("x/images", f"{i}.jpg", 1, 1) for i in range(5)]
    seen = []
    check_images(images, {}, decode=True, progress=seen.append)
    assert seen == [1, 2, 3, 4, 5]
