"""Pictures by sample_id: the image that a person is in, their body box, the crop of it.

    pictures = open_pictures("EMOTIC_ROOT")
    pictures["train/mscoco/images/COCO_val2014_000000562243.jpg#0"].body

A person without a sound picture gets a grey one, and is named in `Pictures.grey` once it was asked
for.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from oneshot_emotic.emotic.boxes import Box
from oneshot_emotic.emotic.images import copies_of, open_image, pillow_quiet
from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.matfile import ListedImage
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.errors import InputError, Problem, counted, some

if TYPE_CHECKING:
    import pandas as pd

#: What a person without a sound picture looks like. A file may state any size for a picture that
#: is not there.
GREY = (127, 127, 127)
_GREY_SIDE = 1024

#: Decoded images that are kept: the persons of an image mostly come one after the other.
_KEPT = 2


@dataclass(frozen=True)
class Place:
    """Where a person is: the image as the annotations name it, and the clipped body box."""

    sample_id: str
    image: ListedImage
    box: Box


@dataclass(frozen=True)
class Picture:
    """A person's picture.

    Attributes:
        sample_id: Who it is.
        image: The whole image as stored: RGB, an EXIF rotation ignored, as the boxes are meant.
        box: The body in it: x1, y1, x2, y2 in pixels, half-open, inside the image.
        sound: False where the image is missing or broken, and grey here.
    """

    sample_id: str
    image: Image.Image
    box: tuple[int, int, int, int]
    sound: bool

    @property
    def body(self) -> Image.Image:
        """The part inside the box, of at least one pixel."""
        return self.image.crop(self.box)


class Pictures(Mapping[str, Picture]):
    """The pictures of the persons of an EMOTIC copy or stand-in, decoded when they are asked for.

    It can be pickled and used in several processes.

    Attributes:
        grey: The sample_ids asked for so far whose image is missing or broken.
    """

    def __init__(
        self, places: Mapping[str, Place], image_folders: Mapping[str, Sequence[Path]], root: Path
    ) -> None:
        """See `open_pictures`."""
        self._places, self._image_folders, self._root = places, image_folders, root
        self._kept: OrderedDict[str, Image.Image | None] = OrderedDict()
        self.grey: set[str] = set()

    def __getitem__(self, sample_id: str) -> Picture:
        """The picture of a person.

        Raises:
            KeyError: There is no such person.
        """
        if sample_id not in self._places:
            raise KeyError(f"{sample_id!r} is not in the annotations of {self._root}")
        place = self._places[sample_id]
        image = self._opened(place.image)
        if image is None:
            self.grey.add(sample_id)
        return Picture(sample_id, *framed(image, place.box), image is not None)

    def __iter__(self) -> Iterator[str]:
        """The sample_ids, in the order of the annotations."""
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"Pictures({counted(len(self), 'person')} of {self._root})"

    def __getstate__(self) -> dict[str, Any]:
        """Without what was decoded."""
        return {**vars(self), "_kept": OrderedDict()}

    def of(self, sample_ids: Iterable[str]) -> Pictures:
        """Those of some persons, in the order given."""
        places = {sample_id: self._places[sample_id] for sample_id in sample_ids}
        return Pictures(places, self._image_folders, self._root)

    def check(self, sample_ids: Sequence[str]) -> None:
        """Refuse persons of another data set.

        Raises:
            InputError: Some are not in these annotations.
        """
        if missing := [sample_id for sample_id in sample_ids if sample_id not in self._places]:
            what = f"{counted(len(missing), 'person')} not in these annotations, such as"
            remedy = "Give the data set that was built from this copy (--dataset)"
            raise InputError(Problem(f"{what} {some(missing)}", str(self._root), remedy))

    def digest(self) -> str:
        """SHA-256 over the persons, their boxes and the sizes of their image files.

        Raises:
            InputError: There is no image file at all.
        """
        listed = {place.image.image_id: place.image for place in self._places.values()}
        sizes = {
            name: sum(path.stat().st_size for path in copies_of(image, self._image_folders))
            for name, image in listed.items()
        }
        if not any(sizes.values()):
            raise InputError(Problem("holds no image of these annotations", str(self._root)))
        lines = (f"{place}\t{sizes[place.image.image_id]}\n" for place in self._places.values())
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def _opened(self, listed: ListedImage) -> Image.Image | None:
        if listed.image_id not in self._kept:
            with pillow_quiet():
                self._kept[listed.image_id] = open_image(listed, self._image_folders)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[listed.image_id]


def open_pictures(root: str | Path, *, annotations: str | Path | None = None) -> Pictures:
    """The pictures of an EMOTIC copy or stand-in, by sample_id.

    Args:
        root: Where its images are, in any arrangement that is met (see docs/data.md).
        annotations: Its annotations file, where it is not under `root`.

    Raises:
        InputError: There is no such folder, there are no annotations, or they cannot be read.

    Example:
        >>> pictures = open_pictures("stand-in")  # doctest: +SKIP
        >>> pictures["train/framesdb/images/synthetic_000001.jpg#0"].body.size  # doctest: +SKIP
        (71, 190)
    """
    layout = find_layout(Path(root))
    path = Path(annotations) if annotations else find_annotations(layout)
    places = places_of(read_annotations(path).persons)
    return Pictures({place.sample_id: place for place in places}, layout.image_folders, Path(root))


def places_of(persons: pd.DataFrame) -> list[Place]:
    """Where the persons of the reader's table are, in its order."""
    columns = ("sample_id", "folder", "filename", "width", "height", "x1", "y1", "x2", "y2")
    rows = zip(*(persons[name].tolist() for name in columns), strict=True)
    return [
        Place(sample_id, ListedImage(folder, filename, width, height), (x1, y1, x2, y2))
        for sample_id, folder, filename, width, height, x1, y1, x2, y2 in rows
    ]


def framed(image: Image.Image | None, box: Box) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """An image and the whole pixels of a box in it; a grey image of the box's size for None."""
    x1, y1, x2, y2 = (round(edge) for edge in box)
    if image is None:
        width, height = (min(max(side, 1), _GREY_SIDE) for side in (x2 - x1, y2 - y1))
        return Image.new("RGB", (width, height), GREY), (0, 0, width, height)
    # The stored size may be wrong, so the box may leave the real picture.
    x1, y1 = min(max(x1, 0), image.width - 1), min(max(y1, 0), image.height - 1)
    return image, (x1, y1, min(max(x2, x1 + 1), image.width), min(max(y2, y1 + 1), image.height))


def body_crop(image: Image.Image | None, box: Box) -> Image.Image:
    """The part of an image inside a box, at least one pixel; grey where there is no image."""
    image, whole = framed(image, box)
    return image.crop(whole)
