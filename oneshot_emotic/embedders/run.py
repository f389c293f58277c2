"""Running an embedder over persons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from oneshot_emotic.pictures import Pictures, open_pictures
from oneshot_emotic.processes import process_pool

FloatVector = npt.NDArray[np.float32]

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
    pictures = open_pictures(root, annotations=annotations)
    pictures.check(sample_ids)
    batches = [
        pictures.of(sample_ids[start : start + _BATCH])
        for start in range(0, len(sample_ids), _BATCH)
    ]
    embed = partial(_embed_batch, embedder)
    vectors: list[FloatVector] = []
    without_picture: list[str] = []
    alone = workers == 1 or len(batches) < 2
    with nullcontext() if alone else process_pool(workers) as pool:
        for found, missed in pool.map(embed, batches) if pool else map(embed, batches):
            vectors += found
            without_picture += missed
            progress(len(vectors))
    return Embedded(np.stack(vectors), tuple(without_picture))


def _embed_batch(embedder: Embedder, pictures: Pictures) -> tuple[list[FloatVector], list[str]]:
    """The vectors of some persons, and those of them without a sound picture."""
    looks = embedder.needs_pictures
    vectors = [embedder.embed(x, pictures[x].body if looks else None) for x in pictures]
    return vectors, [x for x in pictures if x in pictures.grey]
