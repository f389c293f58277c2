"""The vectors of all persons of an EMOTIC copy, made once and kept.

    FOLDER/<key>/features.json   of what and by whom, the sample_id of each row; written last
    FOLDER/<key>/features.npy    float32 (persons, dimensions), memory-mapped

The key is the SHA-256 over the encoder's identity and the pictures. A run that was killed goes on
with the persons that are left (worklist.py).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from oneshot_emotic.emotic.images import pillow_quiet
from oneshot_emotic.encoders.protocol import Encoder
from oneshot_emotic.errors import InputError, Problem, counted, some
from oneshot_emotic.pictures import Pictures
from oneshot_emotic.worklist import WorkList

FORMAT = "oneshot-emotic-features/1"
DOCUMENT, ARRAY = "features.json", "features.npy"

_REMEDY = "Remove it and run again"

#: Persons a part, the unit that is read, embedded and kept.
PART = 64
#: Threads that read pictures beside the encoder; each is a part ahead.
_READERS = 4

Vectors = npt.NDArray[np.float32]
_Part = tuple[list[Image.Image], list[Image.Image], list[str]]


@dataclass(frozen=True)
class Features:
    """A finished folder.

    Attributes:
        sample_ids: Who, in the order of the rows.
        array: float32 (persons, dimensions), memory-mapped.
        without_picture: Those whose image is missing or broken; theirs are of a grey one.
        card: The encoder's model card; empty where it has none.
    """

    sample_ids: tuple[str, ...]
    array: Vectors
    without_picture: tuple[str, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)

    def of(self, sample_ids: Sequence[str]) -> tuple[Sequence[str], Vectors]:
        """Some persons with their vectors, as `evaluate` takes them.

        Raises:
            InputError: There are none of some.
        """
        row = {sample_id: row for row, sample_id in enumerate(self.sample_ids)}
        if missing := [sample_id for sample_id in sample_ids if sample_id not in row]:
            what = f"there are no features of {counted(len(missing), 'person')}, such as"
            remedy = "Give the data set of the same pictures (--dataset)"
            raise InputError(Problem(f"{what} {some(missing)}", remedy=remedy))
        return sample_ids, self.array[[row[sample_id] for sample_id in sample_ids]]


def make_features(
    encoder: Encoder,
    identity: str,
    pictures: Pictures,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Features:
    """The vectors of all persons, read where they are kept, else made and kept.

    Args:
        encoder: What makes them.
        identity: What tells its vectors from those of others.
        pictures: Of whom.
        folder: Where they are kept.
        progress: Told the persons done and all of them, where some are left.

    Raises:
        InputError: The encoder gives what are no vectors, another run is at it, or what is kept is
            damaged.
    """
    stated = {"format": FORMAT, "encoder": identity, "pictures": pictures.digest()}
    key = hashlib.sha256("\n".join(stated.values()).encode()).hexdigest()[:16]
    contents, other = frozenset({DOCUMENT, ARRAY}), "holds features of another encoder"
    work = WorkList(
        folder / key, DOCUMENT, contents, stated, other, len(pictures), PART, "--features"
    )
    if not work.is_finished():
        try:
            card = json.loads(json.dumps(dict(getattr(encoder, "card", {})), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise InputError(Problem(f"the encoder's card is no JSON: {error}")) from None
        with work.held(0):
            _work_off(work, encoder, pictures, progress)
            grey = sorted(x for found in work.results().values() for x in found)
            work.finish({"card": card, "without_picture": grey, "sample_ids": list(pictures)})
    return read_features(work.folder)


def read_features(folder: Path) -> Features:
    """Open a finished folder; the vectors stay on disk until they are used.

    Raises:
        InputError: It is not there, not finished, or damaged.
    """
    try:
        document = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
        ids, grey = (tuple(document[name]) for name in ("sample_ids", "without_picture"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(Problem(f"is damaged: {error}", str(folder), _REMEDY)) from None
    return Features(ids, _array(folder, len(ids)), grey, document.get("card", {}))


def _array(folder: Path, persons: int) -> Vectors:
    """The memory-mapped array of a folder.

    Raises:
        InputError: It is damaged.
    """
    try:
        array: Vectors = np.load(folder / ARRAY, mmap_mode="r", allow_pickle=False)
        if array.ndim != 2 or len(array) != persons or array.dtype != np.float32:
            raise ValueError(f"{ARRAY} has the shape {array.shape}")
    except (OSError, ValueError) as error:
        raise InputError(Problem(f"is damaged: {error}", str(folder), _REMEDY)) from None
    return array


def _work_off(
    work: WorkList, encoder: Encoder, pictures: Pictures, progress: Callable[[int, int], None]
) -> None:
    """Make and keep every part that is not done."""
    path, done, total = work.folder / ARRAY, work.results(), len(pictures)
    dimensions = _array(work.folder, total).shape[1] if done else None
    left = [start for start in work.starts if start not in done]
    names = list(pictures)
    size = max(1, min(getattr(encoder, "batch_size", PART), PART))
    progress(reached := total - sum(len(names[start : start + PART]) for start in left), total)
    with pillow_quiet():  # here, for all threads
        parts = _ahead([pictures.of(names[start : start + PART]) for start in left])
        for start, (images, bodies, grey) in zip(left, parts, strict=True):
            batches = []
            for at in range(0, len(images), size):
                batch = images[at : at + size], bodies[at : at + size]
                batches.append(_checked(encoder.embed(*batch), len(batch[0]), dimensions))
                dimensions = batches[0].shape[1]
                reached += len(batch[0])
                progress(reached, total)
            if not done and start == 0:
                shape = (total, batches[0].shape[1])
                np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape).flush()
            _write_rows(path, start, np.concatenate(batches))
            work.note(start, grey)


def _write_rows(path: Path, first: int, vectors: Vectors) -> None:
    """By the file and not by its mapping, which would end the process where a disk is full."""
    offset = np.load(path, mmap_mode="r").offset
    with path.open("r+b") as stream:
        stream.seek(offset + first * vectors[0].nbytes)
        stream.write(vectors.tobytes())
        stream.flush()
        os.fsync(stream.fileno())


def _checked(found: Any, persons: int, dimensions: int | None) -> Vectors:
    """What an encoder gave, as vectors.

    Raises:
        InputError: It is something else.
    """
    try:
        with np.errstate(over="ignore"):  # it is found below
            vectors = np.asarray(found).astype(np.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(Problem(f"the encoder gave no array: {error}")) from None
    problem = ""
    if vectors.ndim != 2 or not vectors.shape[1]:
        problem = f"an array of the shape {vectors.shape}, not (persons, dimensions)"
    elif len(vectors) != persons:
        problem = f"{len(vectors)} rows for {persons} persons"
    elif dimensions not in (None, vectors.shape[1]):
        problem = f"{vectors.shape[1]} dimensions, after {dimensions} before"
    elif bad := persons - int(np.isfinite(vectors).all(axis=1).sum()):
        problem = f"NaN or infinite values for {bad} of {persons} persons"
    if problem:
        raise InputError(Problem(f"the encoder gave {problem}"))
    return vectors


def _ahead(parts: Sequence[Pictures]) -> Iterator[_Part]:
    """The pictures of each part in turn, read in threads before they are asked for."""
    waiting: deque[Future[_Part]] = deque()
    with ThreadPoolExecutor(_READERS) as pool:
        for part in parts:
            waiting.append(pool.submit(_read, part))
            if len(waiting) > _READERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _read(part: Pictures) -> _Part:
    found = list(part.values())
    return [x.image for x in found], [x.body for x in found], sorted(part.grey)
