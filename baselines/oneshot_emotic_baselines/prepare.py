"""Every image of an EMOTIC copy decoded once: full images and body crops as memory-mapped arrays.

    OUT/prepared.json   size, counts, pictures that were missing; written last, so that it says done
    OUT/images.npy      uint8 (images, size, size, 3), RGB
    OUT/bodies.npy      uint8 (persons, size, size, 3), RGB
    OUT/images.csv      the image_id of each row of images.npy
    OUT/persons.csv     the sample_id of each row of bodies.npy, and the row of the person's image

Until it is done, OUT/progress.csv lists the finished chunks with the CRC-32 of what was written. A
run that was killed goes on after checking those, and gives the same files as one that was not.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from oneshot_emotic.embedders.run import body_crop
from oneshot_emotic.emotic.boxes import Box
from oneshot_emotic.emotic.images import open_image, pillow_quiet
from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.persons import ListedImage, read_annotations
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.files import json_text, write_text
from oneshot_emotic.processes import process_pool

FORMAT = "oneshot-emotic-prepared/1"
DOCUMENT, IMAGES, BODIES = "prepared.json", "images.npy", "bodies.npy"
IMAGE_TABLE, PERSON_TABLE, JOURNAL = "images.csv", "persons.csv", "progress.csv"
CONTENTS = frozenset({DOCUMENT, IMAGES, BODIES, IMAGE_TABLE, PERSON_TABLE, JOURNAL})

#: The paper's size of both inputs, section IV-A.
SIZE = 256
#: Images a chunk, the unit of work and of the journal.
CHUNK = 32

_GREY = (127, 127, 127)

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class PicturePlan:
    """One image and the bodies in it, with their rows in the arrays."""

    row: int
    image: ListedImage
    first_body: int
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Prepared:
    """A finished folder.

    Attributes:
        folder: Where it is.
        size: Side of the pictures in pixels.
        images: uint8 (images, size, size, 3), memory-mapped.
        bodies: uint8 (persons, size, size, 3), memory-mapped.
        image_ids: The image of each row of `images`.
        image_row: sample_id -> row of `images`.
        body_row: sample_id -> row of `bodies`.
        without_picture: Images that were missing or broken, and are grey here.
    """

    folder: Path
    size: int
    images: Pixels
    bodies: Pixels
    image_ids: tuple[str, ...]
    image_row: Mapping[str, int]
    body_row: Mapping[str, int]
    without_picture: tuple[str, ...]


def default_folder(root: Path, size: int = SIZE) -> Path:
    """Where the pictures of an EMOTIC copy are prepared unless somebody says otherwise."""
    return root / f"prepared-{size}"


def prepare(
    root: Path,
    output: Path | None = None,
    *,
    size: int = SIZE,
    annotations: Path | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Prepared:
    """Decode every image that shows an annotated person; go on where an earlier run was stopped.

    Args:
        root: The EMOTIC copy or stand-in.
        output: The folder to make; default `root/prepared-<size>`.
        size: Side of the pictures; both the image and the crop are resized to a square of it.
        annotations: The annotations file, where it is not under `root`.
        workers: Processes; the result does not depend on it.
        progress: Called with the images done so far and all of them.

    Raises:
        InputError: There is nothing to prepare, no room for it, or `output` holds something else.
    """
    if not 8 <= size <= 4096:
        raise InputError(Problem(f"size must be from 8 to 4096 pixels, not {size}"))
    layout = find_layout(root)
    folder = output or default_folder(root, size)
    plan, sample_ids = plan_pictures(annotations or find_annotations(layout))
    if not plan:
        raise InputError(Problem("the annotations have no persons", str(root)))
    if not layout.image_folders:
        raise InputError(Problem("no image folders (such as mscoco/images) found", str(root)))
    identity = {"format": FORMAT, "size": size, "plan": _plan_digest(plan, sample_ids, size)}
    if (folder / DOCUMENT).exists():
        _check_same(folder, _read_document(folder), identity)
        return read_prepared(folder)
    chunks = [plan[start : start + CHUNK] for start in range(0, len(plan), CHUNK)]
    finished = _begin(folder, identity, chunks, sample_ids)
    done = sum(len(chunks[number]) for number in finished)
    progress(done, len(plan))
    with (folder / JOURNAL).open("a", encoding="utf-8", newline="") as journal, pillow_quiet():
        waiting = [number for number in range(len(chunks)) if number not in finished]
        jobs = ((number, chunks[number], layout.image_folders, folder, size) for number in waiting)
        for number, crc, missing in _run(jobs, min(workers, len(waiting))):
            finished[number] = (crc, tuple(missing))
            csv.writer(journal, lineterminator="\n").writerow((number, crc, *missing))
            journal.flush()
            done += len(chunks[number])
            progress(done, len(plan))
    without = [name for number in sorted(finished) for name in finished[number][1]]
    document = {
        **identity,
        "images": len(plan),
        "persons": len(sample_ids),
        "without_picture": without,
        "crc32": [finished[number][0] for number in sorted(finished)],
    }
    write_text(folder / DOCUMENT, json_text(document))
    (folder / JOURNAL).unlink()
    return read_prepared(folder)


def read_prepared(folder: Path) -> Prepared:
    """Open a finished folder; the pixels stay on disk until they are used.

    Raises:
        InputError: It is not there, not finished, or damaged.
    """
    document = _read_document(folder)
    remedy = "Remove the folder and run `oneshot-emotic prepare` again"
    size = document.get("size")
    arrays = []
    try:
        for name, count in ((IMAGES, document["images"]), (BODIES, document["persons"])):
            array = np.load(folder / name, mmap_mode="r", allow_pickle=False)
            if array.shape != (count, size, size, 3) or array.dtype != np.uint8:
                raise ValueError(f"{name} has the shape {array.shape}")
            arrays.append(array)
        image_ids = tuple(row[0] for row in _read_csv(folder / IMAGE_TABLE))
        persons = [(row[0], int(row[1])) for row in _read_csv(folder / PERSON_TABLE)]
        if len(image_ids) != len(arrays[0]) or len(persons) != len(arrays[1]):
            raise ValueError("tables and arrays have different lengths")
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(Problem(f"is damaged: {error}", str(folder), remedy)) from None
    return Prepared(
        folder,
        int(document["size"]),
        arrays[0],
        arrays[1],
        image_ids,
        dict(persons),
        {sample_id: row for row, (sample_id, _) in enumerate(persons)},
        tuple(document["without_picture"]),
    )


def damaged_chunks(
    prepared: Prepared, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[int]:
    """The numbers of the chunks whose pixels are not what was written; empty for a sound folder."""
    crcs = _read_document(prepared.folder)["crc32"]
    counts = np.bincount(list(prepared.image_row.values()), minlength=len(prepared.images))
    first_body = np.concatenate(([0], np.cumsum(counts))).tolist()
    bad = []
    for number, crc in enumerate(crcs):
        start, stop = number * CHUNK, min((number + 1) * CHUNK, len(prepared.images))
        bodies = prepared.bodies[first_body[start] : first_body[stop]]
        if _crc(prepared.images[start:stop], bodies, counts[start:stop].tolist()) != crc:
            bad.append(number)
        progress(stop, len(prepared.images))
    return bad


def plan_pictures(annotations: Path) -> tuple[list[PicturePlan], list[str]]:
    """The images with persons in the order of the file, and the persons in the order of images."""
    persons = read_annotations(annotations).persons
    by_image: dict[str, tuple[ListedImage, list[tuple[str, Box]]]] = {}
    columns = ("sample_id", "folder", "filename", "width", "height", "x1", "y1", "x2", "y2")
    rows = zip(*(persons[name].tolist() for name in columns), strict=True)
    for sample_id, folder, filename, width, height, *box in rows:
        image = ListedImage(folder, filename, width, height)
        members = by_image.setdefault(image.image_id, (image, []))[1]
        members.append((sample_id, (box[0], box[1], box[2], box[3])))
    plan = []
    sample_ids: list[str] = []
    for number, (image, members) in enumerate(by_image.values()):
        boxes = tuple(box for _, box in members)
        plan.append(PicturePlan(number, image, len(sample_ids), boxes))
        sample_ids += [sample_id for sample_id, _ in members]
    return plan, sample_ids


def _plan_digest(plan: Sequence[PicturePlan], sample_ids: Sequence[str], size: int) -> str:
    digest = hashlib.sha256(f"{FORMAT}\t{size}\t{CHUNK}\n".encode())
    for picture in plan:
        digest.update(f"{picture.image.image_id}\t{picture.boxes}\n".encode())
    digest.update("".join(f"{sample_id}\n" for sample_id in sample_ids).encode())
    return digest.hexdigest()


def _begin(
    folder: Path,
    identity: Mapping[str, Any],
    chunks: Sequence[Sequence[PicturePlan]],
    sample_ids: Sequence[str],
) -> dict[int, tuple[int, tuple[str, ...]]]:
    """Make the folder, or find out what is done of it: chunk -> (CRC-32, missing pictures)."""
    if folder.exists() and not folder.is_dir():
        raise InputError(Problem("is a file, not a folder", str(folder)))
    present = {entry.name for entry in folder.iterdir()} if folder.exists() else set()
    if strange := sorted(name for name in present - CONTENTS if not name.endswith(".partial")):
        raise InputError(
            Problem(
                f"already holds other files: {some(strange)}",
                str(folder),
                "Give an empty or a new folder with -o",
            )
        )
    head = json.dumps(identity)
    finished: dict[int, tuple[int, tuple[str, ...]]] = {}
    if JOURNAL in present:
        rows = list(_read_csv(folder / JOURNAL, heading=False))
        if not rows or rows[0] != [head]:
            raise InputError(
                Problem(
                    "holds the beginning of another preparation: other annotations or another size",
                    str(folder),
                    "Remove it, or give another folder with -o",
                )
            )
        finished = _sound_chunks(folder, rows[1:], chunks)
    else:
        _make_files(
            folder, [picture for chunk in chunks for picture in chunk], sample_ids, identity
        )
    # The journal comes last: without it the files above are made anew. It is written whole, since
    # the kill may have cut its last line short.
    lines = [(number, crc, *missing) for number, (crc, missing) in sorted(finished.items())]
    write_text(folder / JOURNAL, _csv_text([(head,), *lines]))
    return finished


def _make_files(
    folder: Path,
    plan: Sequence[PicturePlan],
    sample_ids: Sequence[str],
    identity: Mapping[str, Any],
) -> None:
    """The arrays, still empty, and the tables."""
    size = identity["size"]
    needed = (len(plan) + len(sample_ids)) * size * size * 3
    folder.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(folder).free) < needed:
        raise InputError(
            Problem(
                f"there are {free / 1e9:.1f} GB free, and the pictures need {needed / 1e9:.1f} GB",
                str(folder),
                "Give another folder with -o, or a smaller --size",
            )
        )
    for name, count in ((IMAGES, len(plan)), (BODIES, len(sample_ids))):
        shape = (count, size, size, 3)
        np.lib.format.open_memmap(folder / name, mode="w+", dtype=np.uint8, shape=shape).flush()
    images = [(picture.image.image_id,) for picture in plan]
    rows = (picture.row for picture in plan for _ in picture.boxes)
    persons = list(zip(sample_ids, rows, strict=True))
    write_text(folder / IMAGE_TABLE, _csv_text([("image_id",), *images]))
    write_text(folder / PERSON_TABLE, _csv_text([("sample_id", "image_row"), *persons]))


def _sound_chunks(
    folder: Path, rows: Sequence[Sequence[str]], chunks: Sequence[Sequence[PicturePlan]]
) -> dict[int, tuple[int, tuple[str, ...]]]:
    """The journal's chunks whose pixels on disk have the CRC-32 they were written with."""
    images = np.load(folder / IMAGES, mmap_mode="r")
    bodies = np.load(folder / BODIES, mmap_mode="r")
    sound = {}
    for row in rows:
        if len(row) < 2 or not (row[0].isdigit() and row[1].isdigit()):
            continue  # the line that a kill cut short
        number, crc, missing = int(row[0]), int(row[1]), tuple(row[2:])
        if number >= len(chunks):
            continue
        first, last = chunks[number][0], chunks[number][-1]
        stop = last.first_body + len(last.boxes)
        counts = [len(picture.boxes) for picture in chunks[number]]
        written = images[first.row : last.row + 1], bodies[first.first_body : stop]
        if _crc(*written, counts) == crc:
            sound[number] = (crc, missing)
    return sound


def _run(jobs: Iterator[tuple[Any, ...]], workers: int) -> Iterator[tuple[int, int, list[str]]]:
    if workers < 2:
        yield from (_prepare_chunk(*job) for job in jobs)
        return
    with process_pool(workers) as pool:
        futures = [pool.submit(_prepare_chunk, *job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _prepare_chunk(
    number: int,
    chunk: Sequence[PicturePlan],
    image_folders: Mapping[str, Sequence[Path]],
    folder: Path,
    size: int,
) -> tuple[int, int, list[str]]:
    """Decode, resize and write one chunk; its number, CRC-32, and the images that are grey."""
    missing = []
    crc = 0
    side = (size, size)
    resample = Image.Resampling.BILINEAR
    with (
        pillow_quiet(),
        _rows_from(folder / IMAGES, chunk[0].row, size) as images,
        _rows_from(folder / BODIES, chunk[0].first_body, size) as bodies,
    ):
        for picture in chunk:
            opened = open_image(picture.image, image_folders)
            if opened is None:
                missing.append(picture.image.image_id)
                opened = Image.new("RGB", side, _GREY)
            rows = [(images, opened.resize(side, resample))]
            rows += [
                (bodies, body_crop(opened, box).resize(side, resample)) for box in picture.boxes
            ]
            for stream, resized in rows:
                content = resized.tobytes()
                crc = zlib.crc32(content, crc)
                stream.write(content)
    return number, crc, missing


@contextmanager
def _rows_from(path: Path, first: int, size: int) -> Iterator[io.FileIO]:
    """An array file, open for writing at a row."""
    with path.open("r+b", buffering=0) as stream:
        version = np.lib.format.read_magic(stream)
        assert version == (1, 0), version
        np.lib.format.read_array_header_1_0(stream)
        stream.seek(first * size * size * 3, io.SEEK_CUR)
        yield stream


def _crc(images: Pixels, bodies: Pixels, counts: Sequence[int]) -> int:
    """The CRC-32 of each image followed by its bodies, `counts` of them."""
    crc = first = 0
    for image, count in zip(images, counts, strict=True):
        crc = zlib.crc32(image.tobytes(), crc)
        crc = zlib.crc32(bodies[first : first + count].tobytes(), crc)
        first += count
    return crc


def _check_same(folder: Path, document: Mapping[str, Any], identity: Mapping[str, Any]) -> None:
    if document.get("plan") != identity["plan"]:
        raise InputError(
            Problem(
                "was prepared from other annotations or at another size",
                str(folder),
                "Remove it, or give another folder with -o",
            )
        )


def _read_document(folder: Path) -> dict[str, Any]:
    path = folder / DOCUMENT
    if not path.is_file():
        state = "is not finished" if (folder / JOURNAL).exists() else "holds no prepared pictures"
        raise InputError(
            Problem(state, str(folder), "Run `oneshot-emotic prepare ROOT` (again: it goes on)")
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(Problem(f"cannot be read: {error}", str(path))) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(Problem(f"is not of the format {FORMAT}", str(path)))
    return document


def _read_csv(path: Path, *, heading: bool = True) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        if heading:
            next(reader, None)
        yield from reader


def _csv_text(rows: Sequence[Sequence[object]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()
