"""Image files: broken, odd, nested and missing ones made here."""

from __future__ import annotations

import io
import os
import random
import struct

import numpy as np
import pytest
from PIL import Image, ImageFile, features

from oneshot_emotic.emotic.images import check_images, open_image
from oneshot_emotic.emotic.layout import find_layout
from oneshot_emotic.emotic.matfile import ListedImage

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


@pytest.mark.parametrize(
    ("outer", "inner", "kind"),
    [
        (encoded()[:900], encoded(), "nested-copy-used"),
        (encoded(), encoded(), "nested-copy"),
        (encoded()[:900], b"", "truncated"),
    ],
)
def test_nested_copies(copy, outer, inner, kind):
    report, images, folders = copy({"a.jpg": outer}, nested={"a.jpg": inner})
    assert kinds(report) == [(kind, "a.jpg")]
    picture = open_image(images[0], folders)
    assert picture is None if kind == "truncated" else picture.size == (80, 60)


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


class TestFormats:
    """Pillow opens by content, not by name."""

    @pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
    def test_those_of_pictures_are_opened(self, copy, form):
        _, images, folders = copy({"a.jpg": encoded(form=form)})
        assert open_image(images[0], folders).size == (80, 60)

    @pytest.mark.parametrize("form", ["TIFF", "PPM", "TGA", "ICO", "PCX", "SGI", "DDS", "AVIF"])
    @pytest.mark.parametrize("decode", [True, False])
    def test_others_are_not(self, copy, form, decode):
        if form == "AVIF" and not features.check("avif"):
            pytest.skip("this Pillow has no AVIF")
        report, images, folders = copy({"a.jpg": encoded(form=form)}, decode=decode)
        assert kinds(report) == [("corrupt", "a.jpg")]
        assert "none of JPEG, PNG, GIF, BMP, WEBP" in report.findings[0].detail
        assert open_image(images[0], folders) is None

    def test_no_other_program_is_started(self, copy, tmp_path, monkeypatch):
        """Pillow gives EPS to Ghostscript, here one that leaves a trace."""
        trace = tmp_path / "trace"
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/gs").write_text(f"#!/bin/sh\necho was here >> {trace}\n")
        (tmp_path / "bin/gs").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
        eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 80 60\n%%EndComments\nshowpage\n%%EOF\n"
        report, images, folders = copy({"a.jpg": eps})
        assert kinds(report) == [("corrupt", "a.jpg")] and open_image(images[0], folders) is None
        assert not trace.exists()

    @pytest.mark.parametrize("form", ["AVIF", "BLP", "DDS", "GIF", "BMP", "WEBP", "PNG", "JPEG"])
    def test_damage_is_that_pictures_problem(self, copy, form):
        """Whatever a decoder makes of it; damaged AVIF and BLP raised errors of their own."""
        if form == "AVIF" and not features.check("avif"):
            pytest.skip("this Pillow has no AVIF")
        whole = encoded(Image.fromarray(NOISE).convert("P") if form == "BLP" else None, form)
        rng = random.Random(form)
        files = {"z.jpg": encoded()}
        for number in range(60):
            damaged = bytearray(whole if number % 3 else whole[: rng.randrange(len(whole))])
            for _ in range(rng.randrange(1, 4)):
                if damaged:
                    damaged[rng.randrange(min(len(damaged), 200))] = rng.randrange(256)
            files[f"{number}.jpg"] = bytes(damaged)
        report, images, folders = copy(files)
        assert "z.jpg" not in [name for _, name in kinds(report)]
        if form in ("AVIF", "BLP", "DDS"):
            assert report.counts() == {"corrupt": 60}
        pictures = [open_image(image, folders) for image in images]
        assert pictures[-1].size == (80, 60) and all(x is None or x.mode == "RGB" for x in pictures)

    @pytest.mark.parametrize(
        "error",
        [
            *(struct.error("unpack requires a buffer of 4 bytes"), IndexError(), KeyError("x")),
            *(MemoryError(), RuntimeError(), AttributeError("None"), ZeroDivisionError()),
            *(EOFError(), SyntaxError("broken"), RecursionError(), NotImplementedError()),
        ],
        ids=repr,
    )
    def test_whatever_a_decoder_raises(self, copy, monkeypatch, error):
        def load(self):
            raise error

        monkeypatch.setattr(ImageFile.ImageFile, "load", load)
        report, images, folders = copy({"a.jpg": encoded(), "b.jpg": encoded()})
        assert kinds(report) == [("corrupt", "a.jpg"), ("corrupt", "b.jpg")]
        assert open_image(images[0], folders) is None

    def test_a_picture_too_large_to_decode(self, copy):
        """Pillow's own bound stays on: 20,000 x 20,000 pixels in 50 kB of PNG."""

        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", 0)

        head = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", bytes(50_000))
        report, images, folders = copy({"a.jpg": bomb})
        assert kinds(report) == [("corrupt", "a.jpg")] and open_image(images[0], folders) is None


def test_what_is_no_file_is_missing(copy, tmp_path):
    """A FIFO would wait for ever, a device never end."""
    folder = tmp_path / "emotic/framesdb/images"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "fifo.jpg")
    (folder / "device.jpg").symlink_to("/dev/zero")
    (folder / "itself.jpg").symlink_to("itself.jpg")
    (folder / "folder.jpg").mkdir()
    names = sorted(path.name for path in folder.iterdir())
    report, images, folders = copy({}, listed=names)
    assert kinds(report) == [("missing", name) for name in names]
    assert [open_image(image, folders) for image in images] == [None] * 4


def test_names_that_no_terminal_may_see(copy, tmp_path, run):
    """Files may be called anything; the list and its CSV show escapes."""
    for name in (b"\x1b[31mred.jpg", b"\xff.jpg", "\u202etxt.jpg".encode()):
        path = os.path.join(os.fsencode(tmp_path), b"emotic/framesdb/images", name)  # noqa: PTH118
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        with open(path, "wb") as stream:  # noqa: PTH123
            stream.write(encoded())
    report, _, _ = copy({}, listed=["gone.jpg"])
    assert all(line.isprintable() for line in report.to_csv().split("\n"))
    report.to_csv().encode("utf-8")
    shown = {item.image_id for item in report.findings}
    assert "framesdb/images/\\x1b[31mred.jpg" in shown
    assert "framesdb/images/\\udcff.jpg" in shown and "framesdb/images/\\u202etxt.jpg" in shown
