"""Whole images with their proportions, ragged in one flat array: the other kind of prepared folder.

    OUT/images.npy    uint8 (bytes,): one image after the other, each (height, width, 3), RGB
    OUT/images.csv    image_id, and each image's height and width here
    OUT/persons.csv   sample_id, the row of the image, and the body box as shares of the image

How large an image gets is known once it is decoded: each part is a file of its own until all are.
The document is as of squares (prepared.py), which also says how a folder is made and opened.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from oneshot_emotic.emotic.images import open_image, pillow_quiet
from oneshot_emotic.emotic.places import GREY, PicturePlan, pixel_box
from oneshot_emotic.emotic.tables import csv_rows, csv_text
from oneshot_emotic.files import write_pieces, write_text

IMAGE_COLUMNS = ("image_id", "height", "width")
PERSON_COLUMNS = ("sample_id", "image_row", "left", "top", "right", "bottom")


class Whole(NamedTuple):
    """How whole images lie in a flat array, and where the persons are in them.

    Attributes:
        sizes: Height and width of each image, int64 (images, 2).
        starts: Its first byte, int64 (images,).
        boxes: Left, top, right and bottom of each person's box as shares of the image, float32
            (persons, 4).
    """

    sizes: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float32]

    def image(self, flat: npt.NDArray[np.uint8], row: int) -> npt.NDArray[np.uint8]:
        """One image of the flat array, (height, width, 3)."""
        (height, width), start = self.sizes[row], self.starts[row]
        return flat[start : start + height * width * 3].reshape(height, width, 3)


def whole_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Width and height with the longer side as long as this; smaller pictures are enlarged."""
    width, height = (max(1, round(side * longest / max(size))) for side in size)
    return width, height


def part_file(parts: Path, start: int) -> Path:
    """Where the pixels of a part are until all are done."""
    return parts / f"{start:07}.rgb"


def prepare_part(
    job: tuple[Sequence[PicturePlan], Mapping[str, Sequence[Path]], Path, int],
) -> dict[str, Any]:
    """Decode, resize and write one part.

    Returns:
        Its CRC-32; width and height of each image as stored (None without a sound one: it is a
        grey square here), and as written.
    """
    part, image_folders, parts, size = job
    stored: list[tuple[int, int] | None] = []
    sizes = []
    crc = 0

    def contents() -> Iterator[bytes]:
        nonlocal crc
        for picture in part:
            opened = open_image(picture.image, image_folders)
            stored.append(None if opened is None else opened.size)
            image = opened or Image.new("RGB", (size, size), GREY)
            sizes.append(whole_size(image.size, size))
            content = image.resize(sizes[-1], Image.Resampling.BILINEAR).tobytes()
            crc = zlib.crc32(content, crc)
            yield content

    with pillow_quiet():
        write_pieces(part_file(parts, part[0].row), contents())
    return {"crc32": crc, "stored": stored, "sizes": sizes}


def file_crc(path: Path) -> int | None:
    """The CRC-32 of a part's file; None where there is none."""
    try:
        return zlib.crc32(path.read_bytes())
    except OSError:
        return None


def write_whole(
    folder: Path,
    images: str,
    tables: tuple[str, str],
    files: Sequence[Path],
    plan: Sequence[PicturePlan],
    sample_ids: Sequence[str],
    results: Sequence[Mapping[str, Any]],
) -> None:
    """The array of all parts and the tables.

    By the file and not by a mapping of it, which would end the process where a disk is full.

    Args:
        folder: Where.
        images: Name of the array.
        tables: Of images and of persons.
        files: Of the parts, in order.
        plan: The images.
        sample_ids: The persons, in their order.
        results: Of the parts.

    Raises:
        OSError: The disk is full, for one; with the name of the file.
    """
    sizes = [tuple(size) for result in results for size in result["sizes"]]
    stored = [size and tuple(size) for result in results for size in result["stored"]]
    total = sum(3 * width * height for width, height in sizes)
    described = {"descr": "|u1", "fortran_order": False, "shape": (total,)}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, described)
    write_pieces(folder / images, chain([header.getvalue()], (x.read_bytes() for x in files)))
    ids = (picture.image.image_id for picture in plan)
    rows = [(name, height, width) for name, (width, height) in zip(ids, sizes, strict=True)]
    write_text(folder / tables[0], csv_text(IMAGE_COLUMNS, rows))
    persons = []
    for picture, size in zip(plan, stored, strict=True):
        for number, box in enumerate(picture.boxes, picture.first_body):
            shares = (0.0, 0.0, 1.0, 1.0)  # where all is grey, whatever the box
            if size:
                width, height = size
                left, top, right, bottom = pixel_box(box, size)
                shares = (left / width, top / height, right / width, bottom / height)
            persons.append((sample_ids[number], picture.row, *shares))
    write_text(folder / tables[1], csv_text(PERSON_COLUMNS, persons))


def read_whole(images: Path, persons: Path, count: int) -> Whole:
    """What the tables of a finished folder say.

    Args:
        images: The table of images.
        persons: The table of persons.
        count: Bytes of the flat array.

    Raises:
        ValueError: They are not of such a folder, or of another array.
        OSError: They cannot be read.
    """
    (headings, *rows), (others, *boxes) = csv_rows(images), csv_rows(persons)
    if (tuple(headings), tuple(others)) != (IMAGE_COLUMNS, PERSON_COLUMNS):
        raise ValueError("the tables are not those of whole images")
    sizes = np.array([row[1:] for row in rows], dtype=np.int64).reshape(-1, 2)
    ends = np.cumsum(3 * sizes.prod(axis=1))
    if (sizes < 1).any() or ends[-1] != count:
        raise ValueError("tables and array have different lengths")
    shares = np.array([row[2:] for row in boxes], dtype=np.float32).reshape(-1, 4)
    return Whole(sizes, ends - 3 * sizes.prod(axis=1), shares)
