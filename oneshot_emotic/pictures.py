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
from typing import Any, NamedTuple

from PIL import Image

from oneshot_emotic.emotic.images import copies_of, open_image, pillow_quiet, sound_copies
from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.emotic.places import (
    GREY,
    PixelBox,
    Place,
    grey_image,
    pixel_box,
    places_of,
    scaled_box,
    square,
)
from oneshot_emotic.errors import InputError, counted, some
from oneshot_emotic.prepared import Prepared, checked_size, prepared_of, read_prepared

#: Decoded images that are kept: the persons of an image mostly come one after the other.
_KEPT = 2


@dataclass(frozen=True)
class Picture:
    """A person's picture.

    Attributes:
        sample_id: Who it is.
        image: The whole image as stored: RGB, an EXIF rotation ignored, as the boxes are meant; or
            resized to a square.
        box: The body in it: x1, y1, x2, y2 in pixels, half-open, inside the image.
        body: The part inside the box, of at least one pixel; where the image was resized, that of
            the stored image, resized to a square of the same side.
        sound: False where the image is missing or broken, and grey here.
    """

    sample_id: str
    image: Image.Image
    box: PixelBox
    body: Image.Image
    sound: bool


class _Kept(NamedTuple):
    """An image that was asked for: as stored, None where it need not be decoded; as it is given."""

    stored: Image.Image | None
    given: Image.Image
    size: tuple[int, int]


class Pictures(Mapping[str, Picture]):
    """The pictures of the persons of an EMOTIC copy or stand-in, decoded when they are asked for.

    It can be pickled and used in several processes.

    Attributes:
        size: The side of the squares that images and bodies are resized to; None as stored.
        grey: The sample_ids asked for so far whose image is missing or broken.
    """

    def __init__(
        self,
        places: Mapping[str, Place],
        image_folders: Mapping[str, Sequence[Path]],
        root: Path,
        size: int | None = None,
        prepared: Prepared | None = None,
    ) -> None:
        """See `open_pictures`."""
        self._places, self._image_folders, self._root = places, image_folders, root
        self.size, self._prepared = size, prepared
        self._kept: OrderedDict[str, _Kept | None] = OrderedDict()
        self.grey: set[str] = set()

    def __getitem__(self, sample_id: str) -> Picture:
        """The picture of a person.

        Raises:
            KeyError: There is no such person.
        """
        if sample_id not in self._places:
            raise KeyError(f"{sample_id!r} is not in the annotations of {self._root}")
        place, side = self._places[sample_id], self.size
        kept = self._opened(place)
        if kept is None:
            self.grey.add(sample_id)
            grey = Image.new("RGB", (side, side), GREY) if side else grey_image(place.box)
            return Picture(sample_id, grey, (0, 0, *grey.size), grey.copy(), sound=False)
        box = pixel_box(place.box, kept.size)
        if not side:
            return Picture(sample_id, kept.given, box, kept.given.crop(box), sound=True)
        if kept.stored is not None:
            body = square(kept.stored, side, box)
        else:
            assert self._prepared is not None
            row = self._prepared.body_row[sample_id]
            body = Image.fromarray(self._prepared.bodies[row])
        return Picture(sample_id, kept.given, scaled_box(box, kept.size, side), body, sound=True)

    def __iter__(self) -> Iterator[str]:
        """The sample_ids, in the order of the annotations."""
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"Pictures({counted(len(self), 'person')} of {self._root})"

    def __getstate__(self) -> dict[str, Any]:
        """Without what was decoded; of prepared pictures their folder."""
        prepared = self._prepared and self._prepared.folder
        return {**vars(self), "_kept": OrderedDict(), "_prepared": prepared}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Map prepared pictures again."""
        folder = state["_prepared"]
        vars(self).update(state, _prepared=read_prepared(folder) if folder else None)

    def of(self, sample_ids: Iterable[str]) -> Pictures:
        """Those of some persons, in the order given."""
        places = {sample_id: self._places[sample_id] for sample_id in sample_ids}
        return Pictures(places, self._image_folders, self._root, self.size, self._prepared)

    def file(self, sample_id: str) -> Path | None:
        """The image file that a person is in; None where it is missing or broken."""
        with pillow_quiet():
            found = sound_copies(self._places[sample_id].image, self._image_folders)
            return next((path for path, _ in found), None)

    def check(self, sample_ids: Sequence[str]) -> None:
        """Refuse persons of another data set.

        Raises:
            InputError: Some are not in these annotations.
        """
        if missing := [sample_id for sample_id in sample_ids if sample_id not in self._places]:
            what = f"{counted(len(missing), 'person')} not in these annotations, such as"
            remedy = "Give the data set that was built from this copy (--dataset)"
            raise InputError(f"{what} {some(missing)}", self._root, remedy)

    def digest(self) -> str:
        """SHA-256 over the persons, their boxes, the sizes of their image files and the squares'.

        Whether the pictures were prepared makes no difference.

        Raises:
            InputError: There is no image file at all.
        """
        listed = {place.image.image_id: place.image for place in self._places.values()}
        sizes = {
            name: sum(path.stat().st_size for path in copies_of(image, self._image_folders))
            for name, image in listed.items()
        }
        if not any(sizes.values()):
            raise InputError("holds no image of these annotations", self._root)
        lines = [f"{place}\t{sizes[place.image.image_id]}\n" for place in self._places.values()]
        lines += [f"squares of {self.size}\n"] if self.size else []
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def _opened(self, place: Place) -> _Kept | None:
        """The image of a person; None where there is no sound one."""
        name = place.image.image_id
        if name not in self._kept:
            self._kept[name] = self._from_prepared(place) or self._from_file(place)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[name]

    def _from_prepared(self, place: Place) -> _Kept | None:
        if self._prepared is None:
            return None
        row = self._prepared.image_row[place.sample_id]
        size = self._prepared.stored[row]  # None: the file may be sound by now
        return size and _Kept(None, Image.fromarray(self._prepared.images[row]), size)

    def _from_file(self, place: Place) -> _Kept | None:
        with pillow_quiet():
            stored = open_image(place.image, self._image_folders)
        if stored is None:
            return None
        return _Kept(stored, square(stored, self.size) if self.size else stored, stored.size)


def open_pictures(
    root: str | Path, *, size: int | None = None, annotations: str | Path | None = None
) -> Pictures:
    """The pictures of an EMOTIC copy or stand-in, by sample_id.

    Args:
        root: Where its images are, in any arrangement that is met (see docs/data.md).
        size: From 8 to 4096 for image and body as squares of so many pixels a side, the box scaled
            with the image. They are taken from `root/prepared-<size>`, where `oneshot-emotic
            prepare` has made that of the same annotations; else each is decoded and resized, to the
            same pixels.
        annotations: Its annotations file, where it is not under `root`.

    Raises:
        InputError: There is no such folder, there are no annotations, they or the prepared pictures
            cannot be read, or there is no such size.

    Example:
        >>> pictures = open_pictures("stand-in")  # doctest: +SKIP
        >>> pictures["train/framesdb/images/synthetic_000001.jpg#0"].body.size  # doctest: +SKIP
        (71, 190)
    """
    layout, root = find_layout(Path(root)), Path(root)
    size = None if size is None else checked_size(size)
    path = Path(annotations) if annotations else find_annotations(layout)
    places = places_of(read_annotations(path).persons)
    prepared = None if size is None else prepared_of(root, size, places)
    named = {place.sample_id: place for place in places}
    return Pictures(named, layout.image_folders, root, size, prepared)
