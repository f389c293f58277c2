"""The vectors of all persons of an EMOTIC copy, made once and kept.

    FOLDER/<key>/features.json   of what and by whom, the sample_id of each row; written last
    FOLDER/<key>/features.npy    float32 (persons, dimensions), memory-mapped

The key is the SHA-256 over the encoder's identity and the pictures. While it is made, the vectors
of each part are beside its result (worklist.py): a run that was killed goes on with what is left,
and several processes share the parts.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from oneshot_emotic.emotic.images import pillow_quiet
from oneshot_emotic.encoders.launched import ALONE, Processes
from oneshot_emotic.encoders.protocol import Encoder
from oneshot_emotic.errors import InputError, Problem, counted, some
from oneshot_emotic.files import sha256_of_file, write_bytes
from oneshot_emotic.pictures import Pictures
from oneshot_emotic.processes import available_processors
from oneshot_emotic.scoring.embeddings import to_numpy
from oneshot_emotic.worklist import PARTS, WorkList

FORMAT = "oneshot-emotic-features/1"
DOCUMENT, ARRAY = "features.json", "features.npy"

_REMEDY = "Remove it and run again"

#: Persons a part, the unit that is embedded and kept.
PART = 64

Vectors = npt.NDArray[np.float32]


class _Seen(NamedTuple):
    """A person as the encoder is shown them."""

    sample_id: str
    image: Any
    body: Any
    sound: bool


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
            raise InputError(f"{what} {some(missing)}", remedy=remedy)
        return sample_ids, self.array[[row[sample_id] for sample_id in sample_ids]]


def make_features(
    encoder: Encoder,
    identity: str,
    pictures: Pictures,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    processes: Processes = ALONE,
) -> Features:
    """The vectors of all persons, read where they are kept, else made and kept.

    Args:
        encoder: What makes them.
        identity: What tells its vectors from those of others.
        pictures: Of whom.
        folder: Where they are kept.
        progress: Told the persons done and all of them, where some are left; of this process.
        processes: Those that share the work; all get the same.

    Raises:
        InputError: The encoder gives what are no vectors, another run is at it, or what is kept is
            damaged.
    """
    card = card_of(encoder)
    stated = {"format": FORMAT, "encoder": identity, "pictures": pictures.digest()}
    key = hashlib.sha256("\n".join(stated.values()).encode()).hexdigest()[:16]
    contents, other = frozenset({DOCUMENT, ARRAY}), "holds features of another encoder"
    work = WorkList(
        folder / key, DOCUMENT, contents, stated, other, len(pictures), PART, "--features"
    )
    if not work.is_finished():
        with work.held(0) if processes.main else nullcontext():
            _work_off(work, encoder, pictures, progress, processes)
            processes.wait()
            if processes.main:
                _finish(work, pictures, card)
    processes.wait()
    features = read_features(work.folder)
    if features.sample_ids != tuple(pictures):
        what = "is damaged: its sample_ids are not those of the pictures"
        raise InputError(what, work.folder, _REMEDY)
    return features


def card_of(encoder: Encoder) -> dict[str, Any]:
    """The encoder's model card as JSON has it.

    Raises:
        InputError: It is none, or `batch_size` or `identity` is not as `Encoder` says.
    """
    size, identity = getattr(encoder, "batch_size", PART), str(getattr(encoder, "identity", ""))
    problems, card = [], getattr(encoder, "card", {})
    if not isinstance(size, Integral):
        problems.append(Problem(f"the encoder's batch_size is no whole number: {size!r}"))
    if any("\ud800" <= char <= "\udfff" for char in identity):
        problems.append(Problem(f"the encoder's identity is no text for a file: {identity!r}"))
    try:
        card = dict(card) if isinstance(card, Mapping) else card
        card = _checked_card(json.loads(json.dumps(card, allow_nan=False)))
    except (TypeError, ValueError, RecursionError) as error:
        problems.append(Problem(f"the encoder's card is no JSON: {error}"))
    if problems:
        raise InputError(problems)
    return card


def _checked_card(card: Any) -> dict[str, Any]:
    """A parsed model card, of which `fit-head` makes another.

    Raises:
        ValueError: It cannot be one.
    """
    if not isinstance(card, dict) or not isinstance(card.get("parameters", 0), int):
        raise ValueError("a card is an object, its `parameters` a whole number")
    return card


def _finish(work: WorkList, pictures: Pictures, card: dict[str, Any]) -> None:
    _join_parts(work)
    grey = sorted(x for found in work.results().values() for x in found)
    digest = sha256_of_file(work.folder / ARRAY)
    work.finish(
        {"card": card, "without_picture": grey, "sha256": digest, "sample_ids": list(pictures)}
    )


def read_features(folder: Path) -> Features:
    """Open a finished folder; the vectors stay on disk until they are used.

    Raises:
        InputError: It is not there, not finished, or damaged.
    """
    try:
        document = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
        ids, grey = (tuple(document[name]) for name in ("sample_ids", "without_picture"))
        card = _checked_card(document.get("card", {}))
        different = {x for x in ids if isinstance(x, str)}
        if len(different) < len(ids) or not different.issuperset(grey):
            raise ValueError("its sample_ids are not as they were written")
        if "sha256" in document and document["sha256"] != sha256_of_file(folder / ARRAY):
            raise ValueError(f"{ARRAY} is not as it was written")
        array: Vectors = np.lib.format.open_memmap(folder / ARRAY, mode="r")
        if array.ndim != 2 or len(array) != len(ids) or array.dtype != np.float32:
            raise ValueError(f"{ARRAY} has the shape {array.shape}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"is damaged: {error}", folder, _REMEDY) from None
    return Features(ids, array, grey, card)


def _work_off(
    work: WorkList,
    encoder: Encoder,
    pictures: Pictures,
    progress: Callable[[int, int], None],
    processes: Processes,
) -> None:
    """Make and keep this process's share of the parts, those that are not done."""
    names = list(pictures)
    parts = {
        start: names[start : start + PART]
        for start in work.starts[processes.rank :: processes.world]
    }
    done = [start for start in work.results() if _path(work, start).is_file()]
    dimensions = _part(work, done[0]).shape[1] if done else None
    total = sum(map(len, parts.values()))
    left = {start: part for start, part in parts.items() if start not in done}
    progress(reached := total - sum(map(len, left.values())), total)
    size = max(1, min(getattr(encoder, "batch_size", PART), PART))
    batches = {
        start: [part[at : at + size] for at in range(0, len(part), size)]
        for start, part in left.items()
    }
    with pillow_quiet():  # here, for all threads
        seen = _ahead(encoder, pictures, [x for several in batches.values() for x in several])
        for start, several in batches.items():
            vectors, grey = [], []
            for batch in several:
                persons = [next(seen) for _ in batch]
                found = encoder.embed([x.image for x in persons], [x.body for x in persons])
                vectors.append(_checked(found, len(batch), dimensions))
                dimensions = vectors[0].shape[1]
                grey += [x.sample_id for x in persons if not x.sound]
                reached += len(batch)
                progress(reached, total)
            content = io.BytesIO()
            np.save(content, np.concatenate(vectors))
            write_bytes(_path(work, start), content.getvalue())
            work.note(start, grey)


def _path(work: WorkList, start: int) -> Path:
    return work.folder / PARTS / f"{start:07}.npy"


def _part(work: WorkList, start: int) -> Vectors:
    """The vectors of a part that is done.

    Raises:
        InputError: They are damaged.
    """
    try:
        vectors: Vectors = np.load(_path(work, start), allow_pickle=False)
    except (OSError, ValueError) as error:
        what = f"{_path(work, start).name} is damaged: {error}"
        raise InputError(what, work.folder, _REMEDY) from None
    return vectors


def _join_parts(work: WorkList) -> None:
    """Write the array, a part at a time.

    By the file and not by a mapping of it, which would end the process where a disk is full.

    Raises:
        InputError: A part is damaged, or of other dimensions.
    """
    shape = work.items, _part(work, 0).shape[1]
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    with (work.folder / ARRAY).open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for start in work.starts:
            vectors = _part(work, start)
            if vectors.shape[1] != shape[1]:
                what = f"holds vectors of {vectors.shape[1]} and of {shape[1]} dimensions"
                raise InputError(what, work.folder, _REMEDY)
            stream.write(vectors.astype("<f4").data)
        stream.flush()
        os.fsync(stream.fileno())


def _checked(found: Any, persons: int, dimensions: int | None) -> Vectors:
    """What an encoder gave, as vectors.

    Raises:
        InputError: It is something else.
    """
    try:
        with np.errstate(over="ignore"):  # it is found below
            vectors = to_numpy(found).astype(np.float32, casting="same_kind")
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"the encoder gave no array: {error}") from None
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
        raise InputError(f"the encoder gave {problem}")
    return vectors


def _ahead(
    encoder: Encoder, pictures: Pictures, batches: Sequence[Sequence[str]]
) -> Iterator[_Seen]:
    """Each person in turn, read in threads, a batch or more before they are asked for."""
    # By image: it is decoded and transformed once for its persons in a batch.
    images = [
        list(x) for batch in batches for _, x in groupby(batch, lambda x: x.partition("#")[0])
    ]
    threads = available_processors()
    ahead = max(2 * threads, max(map(len, batches), default=0))
    waiting: deque[Future[list[_Seen]]] = deque()
    if (torch := sys.modules.get("torch")) is not None:
        torch.get_num_threads()  # or it would be settled for this thread by what readers ask for
    with ThreadPoolExecutor(threads, initializer=_one_thread) as pool:
        for sample_ids in images:
            waiting.append(pool.submit(_read, encoder, pictures.of(sample_ids)))
            if len(waiting) > ahead:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _one_thread() -> None:
    """Let torch, where the encoder uses it, have this thread alone for a picture.

    It would start several for each, which wait for one another.
    """
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)


def _read(encoder: Encoder, pictures: Pictures) -> list[_Seen]:
    """The persons of an image, transformed where the encoder says how."""
    transform, view = getattr(encoder, "transform", None), getattr(encoder, "view", "both")
    made: dict[int, Any] = {}

    def shown(picture: Any, name: str) -> Any:
        if transform is None or view not in ("both", name):
            return picture
        if id(picture) not in made:
            made[id(picture)] = transform(picture)
        return made[id(picture)]

    return [
        _Seen(x.sample_id, shown(x.image, "image"), shown(x.body, "body"), x.sound)
        for x in list(pictures.values())
    ]
