"""Small pictures of persons in a page: parts of the user's own files, or copies inside the page."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from oneshot_emotic.pictures import Pictures

#: Pixels of a copy's longer side.
_SIDE = 160


@dataclass(frozen=True)
class Thumbnail:
    """A person's body.

    Attributes:
        address: Of a picture: a file, from where the page is, or the picture itself.
        size: Its width and height.
        part: The body in it: x, y, width, height.
        is_copy: True where the picture is inside the page.
    """

    address: str
    size: tuple[int, int]
    part: tuple[int, int, int, int]
    is_copy: bool


def thumbnails(
    pictures: Pictures, sample_ids: Iterable[str], folder: Path, embed: bool
) -> dict[str, Thumbnail]:
    """The pictures of persons; who has no sound one is left out.

    Args:
        pictures: Where they come from.
        sample_ids: Who is shown.
        folder: Where the page will be.
        embed: True copies them into the page; False names their files.

    Raises:
        InputError: Some persons are not in these annotations.
    """
    # Persons of an image after each other, so that it is decoded once.
    wanted = sorted(set(sample_ids))
    pictures.check(wanted)
    made = {sample_id: _thumbnail(pictures, sample_id, folder, embed) for sample_id in wanted}
    return {sample_id: found for sample_id, found in made.items() if found is not None}


def _thumbnail(pictures: Pictures, sample_id: str, folder: Path, embed: bool) -> Thumbnail | None:
    picture = pictures[sample_id]
    if not picture.sound:
        return None
    if embed:
        small = picture.body.copy()
        small.thumbnail((_SIDE, _SIDE))
        content = io.BytesIO()
        small.save(content, "JPEG", quality=75)
        text = base64.b64encode(content.getvalue()).decode("ascii")
        whole = (0, 0, *small.size)
        return Thumbnail(f"data:image/jpeg;base64,{text}", small.size, whole, is_copy=True)
    file = pictures.file(sample_id)
    if file is None:
        return None
    x1, y1, x2, y2 = picture.box
    part = (x1, y1, x2 - x1, y2 - y1)
    return Thumbnail(_address(file, folder), picture.image.size, part, is_copy=False)


def _address(file: Path, folder: Path) -> str:
    """From a page in a folder to a file: both can be moved together."""
    file, folder = file.resolve(), folder.resolve()
    try:
        return quote(Path(os.path.relpath(file, folder)).as_posix())
    except ValueError:  # another drive of Windows
        return file.as_uri()
