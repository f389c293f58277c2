"""Where persons are: their image, their body box, and the pixels of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from oneshot_emotic.emotic.boxes import Box
from oneshot_emotic.emotic.matfile import ListedImage

if TYPE_CHECKING:
    import pandas as pd

#: A body in an image: x1, y1, x2, y2 in whole pixels, half-open, inside it and not empty.
PixelBox = tuple[int, int, int, int]

#: What a person without a sound picture looks like. A file may state any size for a picture that
#: is not there.
GREY = (127, 127, 127)
_GREY_SIDE = 1024


@dataclass(frozen=True)
class Place:
    """Where a person is: the image as the annotations name it, and the clipped body box."""

    sample_id: str
    image: ListedImage
    box: Box


@dataclass(frozen=True)
class PicturePlan:
    """One image and the bodies in it, with their rows in the arrays of prepared pictures."""

    row: int
    image: ListedImage
    first_body: int
    boxes: tuple[Box, ...]


def places_of(persons: pd.DataFrame) -> list[Place]:
    """Where the persons of the reader's table are, in its order."""
    columns = ("sample_id", "folder", "filename", "width", "height", "x1", "y1", "x2", "y2")
    rows = zip(*(persons[name].tolist() for name in columns), strict=True)
    return [
        Place(sample_id, ListedImage(folder, filename, width, height), (x1, y1, x2, y2))
        for sample_id, folder, filename, width, height, x1, y1, x2, y2 in rows
    ]


def pixel_box(box: Box, size: tuple[int, int]) -> PixelBox:
    """The whole pixels of a box in an image of a width and height."""
    x1, y1, x2, y2 = (round(edge) for edge in box)
    width, height = size
    # The stored size may be wrong, so the box may leave the real picture.
    x1, y1 = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    return x1, y1, min(max(x2, x1 + 1), width), min(max(y2, y1 + 1), height)


def scaled_box(box: PixelBox, size: tuple[int, int], side: int) -> PixelBox:
    """The pixels that a box touches once its image is a square of a side."""
    (x1, y1, x2, y2), (width, height) = box, size
    return x1 * side // width, y1 * side // height, -(-x2 * side // width), -(-y2 * side // height)


def grey_image(box: Box) -> Image.Image:
    """A grey image of a box's size, at most 1024 pixels wide and high."""
    x1, y1, x2, y2 = (round(edge) for edge in box)
    width, height = (min(max(side, 1), _GREY_SIDE) for side in (x2 - x1, y2 - y1))
    return Image.new("RGB", (width, height), GREY)


def square(image: Image.Image, side: int, box: PixelBox | None = None) -> Image.Image:
    """An image, or the part of it inside a box, resized to a square."""
    part = image if box is None else image.crop(box)
    return part.resize((side, side), Image.Resampling.BILINEAR)
