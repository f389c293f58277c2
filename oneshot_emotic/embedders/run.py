"""Running an embedder over persons: finding them, opening pictures, cropping bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from oneshot_emotic.emotic.boxes import Box
from oneshot_emotic.emotic.images import open_image, pillow_quiet
from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.matfile import ListedImage
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.processes import process_pool

if TYPE_CHECKING:
    import pandas as pd

FloatVector = npt.NDArray[np.float32]

#: What a person without a sound picture looks like. A file may state any size for a picture that
#: is not there.
GREY = (127, 127, 127)
_GREY_SIDE = 1024

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


def embed_copy(
    embedder: Embedder,
    sample_ids: Sequence[str],
    root: Path,
    *,
    annotations: Path | None = None,
    workers: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> Embedded:
    """Embed persons of an EMOTIC copy; one without a sound picture is embedded from a grey one.

    Args:
        embedder: Which.
        sample_ids: Whom, each once; sorted ones are cheapest.
        root: The copy or stand-in.
        annotations: Its annotations file, where it is not under `root`.
        workers: Processes; the result does not depend on it.
        progress: Called with the number of persons done so far.

    Raises:
        InputError: There are no annotations, or persons are not in them.
    """
    layout = find_layout(root)
    table = read_annotations(annotations or find_annotations(layout)).persons.set_index("sample_id")
    if missing := [sample_id for sample_id in sample_ids if sample_id not in table.index]:
        what = f"{len(missing):,} novel persons of the data set are not in these annotations"
        remedy = "Give the data set that was built from this copy with --dataset"
        raise InputError(Problem(f"{what}, such as {some(missing)}", str(root), remedy))
    persons = person_pictures(table.loc[list(sample_ids)].reset_index())
    batches = [persons[start : start + _BATCH] for start in range(0, len(persons), _BATCH)]
    embed = partial(_embed_batch, embedder, layout.image_folders)
    vectors: list[FloatVector] = []
    without_picture: list[str] = []
    alone = workers == 1 or len(batches) < 2
    with nullcontext() if alone else process_pool(workers) as pool:
        for found, missed in pool.map(embed, batches) if pool else map(embed, batches):
            vectors += found
            without_picture += missed
            progress(len(vectors))
    return Embedded(np.stack(vectors), tuple(without_picture))


def person_pictures(persons: pd.DataFrame) -> list[PersonPicture]:
    """Where the persons of a table are, in its order."""
    columns = ("sample_id", "folder", "filename", "width", "height", "x1", "y1", "x2", "y2")
    rows = zip(*(persons[name].tolist() for name in columns), strict=True)
    return [
        PersonPicture(sample_id, ListedImage(folder, filename, width, height), (x1, y1, x2, y2))
        for sample_id, folder, filename, width, height, x1, y1, x2, y2 in rows
    ]


def _embed_batch(
    embedder: Embedder,
    image_folders: Mapping[str, Sequence[Path]],
    persons: Sequence[PersonPicture],
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
        width, height = (min(max(side, 1), _GREY_SIDE) for side in (x2 - x1, y2 - y1))
        return Image.new("RGB", (width, height), GREY)
    # The stored size may be wrong, so the box may leave the real picture.
    x1, y1 = min(max(x1, 0), picture.width - 1), min(max(y1, 0), picture.height - 1)
    x2, y2 = min(max(x2, x1 + 1), picture.width), min(max(y2, y1 + 1), picture.height)
    return picture.crop((x1, y1, x2, y2))
