"""Running an embedder over persons: opening pictures, cropping bodies, keeping the order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from oneshot_emotic.emotic.boxes import Box
from oneshot_emotic.emotic.images import open_image, pillow_quiet
from oneshot_emotic.emotic.persons import ListedImage
from oneshot_emotic.processes import process_pool

FloatVector = npt.NDArray[np.float32]

_GREY = (127, 127, 127)
_BATCH = 64


class Embedder(Protocol):
    """What every embedder offers.

    Attributes:
        name: As on the command line.
        needs_pictures: False for one that looks at the sample_id alone.
        card: The model card of its submissions.
    """

    name: ClassVar[str]
    needs_pictures: ClassVar[bool]
    card: ClassVar[Mapping[str, Any]]

    def embed(self, sample_id: str, body: Image.Image | None) -> FloatVector:
        """The vector of one person.

        Args:
            sample_id: Who it is.
            body: The body crop in RGB; None where pictures are not needed.
        """
        ...


@dataclass(frozen=True)
class PersonPicture:
    """Where a person is: the image as the annotations name it, and the clipped body box."""

    sample_id: str
    image: ListedImage
    box: Box


@dataclass(frozen=True)
class Embedded:
    """Vectors in the order of the persons, and those whose picture was missing or broken.

    Attributes:
        vectors: float32 of shape (persons, dimensions).
        without_picture: sample_ids that were given a grey picture.
    """

    vectors: npt.NDArray[np.float32]
    without_picture: tuple[str, ...]


def embed_persons(
    embedder: Embedder,
    persons: Sequence[PersonPicture],
    image_folders: Mapping[str, Sequence[Path]],
    *,
    workers: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> Embedded:
    """Embed persons one by one; a person without a sound picture is embedded from a grey one.

    Args:
        embedder: Which.
        persons: Whom; persons of one image beside each other are cheapest.
        image_folders: From `layout.find_layout`.
        workers: Processes; the result does not depend on it.
        progress: Called with the number of persons done so far.
    """
    batches = [persons[start : start + _BATCH] for start in range(0, len(persons), _BATCH)]
    vectors: list[FloatVector] = []
    without_picture: list[str] = []

    def keep(result: tuple[list[FloatVector], list[str]]) -> None:
        vectors.extend(result[0])
        without_picture.extend(result[1])
        progress(len(vectors))

    if workers == 1 or len(batches) < 2:
        for batch in batches:
            keep(_embed_batch(embedder, batch, image_folders))
    else:
        with process_pool(workers) as pool:
            count = len(batches)
            for result in pool.map(
                _embed_batch, [embedder] * count, batches, [image_folders] * count
            ):
                keep(result)
    return Embedded(np.stack(vectors), tuple(without_picture))


def _embed_batch(
    embedder: Embedder,
    persons: Sequence[PersonPicture],
    image_folders: Mapping[str, Sequence[Path]],
) -> tuple[list[FloatVector], list[str]]:
    vectors = []
    without_picture = []
    opened: tuple[str, Image.Image | None] = ("", None)
    with pillow_quiet():
        for person in persons:
            body = None
            if embedder.needs_pictures:
                if person.image.image_id != opened[0]:
                    opened = (person.image.image_id, open_image(person.image, image_folders))
                if opened[1] is None:
                    without_picture.append(person.sample_id)
                body = body_crop(opened[1], person.box)
            vectors.append(embedder.embed(person.sample_id, body))
    return vectors, without_picture


def body_crop(picture: Image.Image | None, box: Box) -> Image.Image:
    """The part of a picture inside a box, at least one pixel; grey where there is no picture."""
    x1, y1, x2, y2 = (round(edge) for edge in box)
    if picture is None:
        return Image.new("RGB", (max(x2 - x1, 1), max(y2 - y1, 1)), _GREY)
    # The stored size may be wrong, so the box may leave the real picture.
    x1, y1 = min(max(x1, 0), picture.width - 1), min(max(y1, 0), picture.height - 1)
    x2, y2 = min(max(x2, x1 + 1), picture.width), min(max(y2, y1 + 1), picture.height)
    return picture.crop((x1, y1, x2, y2))
