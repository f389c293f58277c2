"""Every image of an EMOTIC copy decoded once: full images and body crops as memory-mapped arrays.

    OUT/prepared.json   size, counts, the width and height of each image as stored (null where it
                        is missing or broken, and grey here), a digest over it and the tables;
                        written last, so that it says done
    OUT/images.npy      uint8 (images, size, size, 3), RGB
    OUT/bodies.npy      uint8 (persons, size, size, 3), RGB
    OUT/images.csv      the image_id of each row of images.npy
    OUT/persons.csv     the sample_id of each row of bodies.npy, and the row of the person's image

Or whole images with their proportions, without bodies (whole.py). A run that was killed goes on
(worklist.py) after checking the CRC-32 of what it had written, and gives the same files as one that
was not.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from oneshot_emotic.emotic.images import open_image, pillow_quiet
from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.emotic.places import (
    GREY,
    PicturePlan,
    Place,
    pixel_box,
    places_of,
    square,
)
from oneshot_emotic.emotic.tables import csv_rows, csv_text
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.files import write_text
from oneshot_emotic.whole import Whole, file_crc, part_file, read_whole, write_whole
from oneshot_emotic.whole import prepare_part as prepare_whole_part
from oneshot_emotic.worklist import PARTS, WorkList, in_processes

FORMAT, FORMAT_WHOLE = "oneshot-emotic-prepared/2", "oneshot-emotic-prepared-whole/1"
DOCUMENT, IMAGES, BODIES = "prepared.json", "images.npy", "bodies.npy"
IMAGE_TABLE, PERSON_TABLE = "images.csv", "persons.csv"
CONTENTS = frozenset({DOCUMENT, IMAGES, BODIES, IMAGE_TABLE, PERSON_TABLE})

#: Images a part, the unit of work.
CHUNK = 32

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Prepared:
    """A finished folder.

    Attributes:
        folder: Where it is.
        size: Side of the pictures in pixels; of whole images the longer one.
        images: uint8 (images, size, size, 3), memory-mapped; of whole images flat.
        bodies: uint8 (persons, size, size, 3), memory-mapped; none beside whole images.
        image_ids: The image of each row of `images`.
        image_row: sample_id -> row of `images`.
        body_row: sample_id -> row of `bodies`, or of `whole.boxes`.
        stored: Width and height of each image as stored; None where it was missing or broken, and
            is grey here.
        whole: How whole images lie in `images`; None of squares.
    """

    folder: Path
    size: int
    images: Pixels
    bodies: Pixels
    image_ids: tuple[str, ...]
    image_row: Mapping[str, int]
    body_row: Mapping[str, int]
    stored: tuple[tuple[int, int] | None, ...]
    whole: Whole | None = None

    @property
    def without_picture(self) -> tuple[str, ...]:
        """Images that were missing or broken."""
        pairs = zip(self.image_ids, self.stored, strict=True)
        return tuple(image_id for image_id, size in pairs if size is None)


def default_folder(root: Path, size: int, proportions: bool = False) -> Path:
    """Where the pictures of an EMOTIC copy are prepared unless somebody says otherwise."""
    return root / (f"prepared-{size}-whole" if proportions else f"prepared-{size}")


def prepare(
    root: Path,
    output: Path | None = None,
    *,
    size: int,
    proportions: bool = False,
    annotations: Path | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Prepared:
    """Decode every image that shows an annotated person; go on where an earlier run was stopped.

    Args:
        root: The EMOTIC copy or stand-in.
        output: The folder to make; default `root/prepared-<size>`, with `proportions` and `-whole`.
        size: Side of the pictures; both the image and the crop are resized to a square of it.
        proportions: True makes whole images alone, each with its proportions and its longer side
            of `size` pixels.
        annotations: The annotations file, where it is not under `root`.
        workers: Processes; the result does not depend on it.
        progress: Called with the images done so far and all of them.

    Raises:
        InputError: There is nothing to prepare, no room for it, or `output` holds something else.
    """
    checked_size(size)
    layout = find_layout(root)
    folder = output or default_folder(root, size, proportions)
    persons = read_annotations(annotations or find_annotations(layout)).persons
    plan, sample_ids = plan_pictures(places_of(persons))
    if not plan:
        raise InputError(Problem("the annotations have no persons", str(root)))
    if not layout.image_folders:
        raise InputError(Problem("no image folders (such as mscoco/images) found", str(root)))
    identity = _identity(plan, sample_ids, size, FORMAT_WHOLE if proportions else FORMAT)
    other = "was prepared from other annotations, at another size or by another version"
    work = WorkList(folder, DOCUMENT, CONTENTS, identity, other, len(plan), CHUNK)
    if not work.is_finished():
        images, bodies = (size * size * 3 * len(x) for x in (plan, sample_ids))
        make = partial(_make_files, folder, plan, sample_ids, size)
        # Whole images take less, but twice: as parts and then as one array.
        held = work.held(images, last=images) if proportions else work.held(images + bodies, make)
        with held:
            jobs = (plan, layout.image_folders, size, workers, progress)
            (_work_off_whole if proportions else _work_off)(work, *jobs)
            results = list(work.results().values())
            if proportions:
                files = [part_file(folder / PARTS, start) for start in work.starts]
                tables = (IMAGE_TABLE, PERSON_TABLE)
                write_whole(folder, IMAGES, tables, files, plan, sample_ids, results)
            document = {
                **identity,
                "images": len(plan),
                "persons": len(sample_ids),
                "stored": [pair for result in results for pair in result["stored"]],
                "crc32": [result["crc32"] for result in results],
            }
            work.finish({**document, "sha256": _digest(folder, document)})
    return read_prepared(folder)


def checked_size(size: int) -> int:
    """The side of prepared pictures.

    Raises:
        InputError: It cannot be.
    """
    if not isinstance(size, int) or not 8 <= size <= 4096:
        raise InputError(Problem(f"size must be from 8 to 4096 pixels, not {size!r}"))
    return size


def _identity(
    plan: Sequence[PicturePlan], sample_ids: Sequence[str], size: int, form: str = FORMAT
) -> dict[str, Any]:
    """What tells prepared pictures from others: whose, from which boxes, of which size."""
    lines = [f"{form}\t{size}\t{CHUNK}"]
    lines += [f"{picture.image.image_id}\t{picture.boxes}" for picture in plan]
    content = "".join(f"{line}\n" for line in [*lines, *sample_ids])
    plan_digest = hashlib.sha256(content.encode()).hexdigest()
    return {"format": form, "size": size, "plan": plan_digest}


def _digest(folder: Path, document: Mapping[str, Any]) -> str:
    """SHA-256 over what a finished folder says but by its pixels."""
    said = {key: value for key, value in document.items() if key != "sha256"}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for name in (IMAGE_TABLE, PERSON_TABLE):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def prepared_of(root: Path, size: int, places: Sequence[Place]) -> Prepared | None:
    """What was prepared of just these persons; None where there is none, or it is not finished.

    Raises:
        InputError: It is damaged.
    """
    folder = default_folder(root, size)
    if not (folder / DOCUMENT).is_file():
        return None
    wanted, document = _identity(*plan_pictures(places), size), _read_document(folder)
    if any(document.get(key) != value for key, value in wanted.items()):
        return None
    return read_prepared(folder)


def _work_off(
    work: WorkList,
    plan: Sequence[PicturePlan],
    image_folders: Mapping[str, Sequence[Path]],
    size: int,
    workers: int,
    progress: Callable[[int, int], None],
) -> None:
    """Do every part that is not done, or whose pixels are not what was written."""
    images, bodies = (np.load(work.folder / name, mmap_mode="r") for name in (IMAGES, BODIES))
    bodies_of = [len(picture.boxes) for picture in plan]
    done = work.results()
    bad = [x for x in done if done[x]["crc32"] != _crc(images, bodies, bodies_of, x)]
    _do_parts(work, _prepare_part, (image_folders, work.folder, size), bad, plan, workers, progress)
    for name in (IMAGES, BODIES):
        with (work.folder / name).open("r+b") as stream:
            os.fsync(stream.fileno())  # some systems say only here that a disk was full


def _work_off_whole(
    work: WorkList,
    plan: Sequence[PicturePlan],
    image_folders: Mapping[str, Sequence[Path]],
    size: int,
    workers: int,
    progress: Callable[[int, int], None],
) -> None:
    """The same where each part is a file of its own."""
    parts, done = work.folder / PARTS, work.results()
    bad = [start for start in done if done[start]["crc32"] != file_crc(part_file(parts, start))]
    _do_parts(work, prepare_whole_part, (image_folders, parts, size), bad, plan, workers, progress)


def _do_parts(
    work: WorkList,
    function: Callable[[Any], dict[str, Any]],
    given: tuple[Any, ...],
    bad: Sequence[int],
    plan: Sequence[PicturePlan],
    workers: int,
    progress: Callable[[int, int], None],
) -> None:
    """Do the parts that are not done, or bad."""
    left_out = set(work.results()) - set(bad)
    jobs = [(plan[start : start + CHUNK], *given) for start in work.starts if start not in left_out]
    left = sum(len(job[0]) for job in jobs)
    progress(len(plan) - left, len(plan))
    for (part, *_), result in in_processes(function, jobs, workers):
        work.note(part[0].row, result)
        left -= len(part)
        progress(len(plan) - left, len(plan))


def read_prepared(folder: Path) -> Prepared:
    """Open a finished folder; the pixels stay on disk until they are used.

    Raises:
        InputError: It is not there, not finished, or damaged.
    """
    document = _read_document(folder)
    remedy = "Remove the folder and run `oneshot-emotic prepare` again"
    size, of_whole = document.get("size"), document["format"] == FORMAT_WHOLE
    whole = None
    try:
        if document.get("sha256") != _digest(folder, document):
            raise ValueError(f"{DOCUMENT} or a table is not as it was written")
        count, persons_count = document["images"], document["persons"]
        images = np.lib.format.open_memmap(folder / IMAGES, mode="r")
        bodies = np.empty((persons_count, 0), dtype=np.uint8)
        if of_whole:
            whole = read_whole(folder / IMAGE_TABLE, folder / PERSON_TABLE, len(images))
        else:
            bodies = np.lib.format.open_memmap(folder / BODIES, mode="r")
        for name, array, expected in (
            (IMAGES, images, images.shape[:1] if whole else (count, size, size, 3)),
            (BODIES, bodies, (persons_count, 0) if whole else (persons_count, size, size, 3)),
        ):
            if array.shape != expected or array.dtype != np.uint8:
                raise ValueError(f"{name} has the shape {array.shape}")
        image_ids = tuple(row[0] for row in csv_rows(folder / IMAGE_TABLE)[1:])
        persons = [(row[0], int(row[1])) for row in csv_rows(folder / PERSON_TABLE)[1:]]
        stored = tuple(pair and (int(pair[0]), int(pair[1])) for pair in document["stored"])
        if {len(image_ids), len(stored)} != {count} or len(persons) != persons_count:
            raise ValueError("tables and arrays have different lengths")
    except (OSError, ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise InputError(Problem(f"is damaged: {error}", str(folder), remedy)) from None
    return Prepared(
        folder,
        int(document["size"]),
        images,
        bodies,
        image_ids,
        dict(persons),
        {sample_id: row for row, (sample_id, _) in enumerate(persons)},
        stored,
        whole,
    )


def damaged_chunks(
    prepared: Prepared, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[int]:
    """The numbers of the chunks whose pixels are not what was written; empty for a sound folder."""
    images, bodies, count = prepared.images, prepared.bodies, len(prepared.image_ids)
    rows = list(prepared.image_row.values())
    bodies_of = np.bincount(rows, minlength=count).tolist()
    bad = []
    for number, crc in enumerate(_read_document(prepared.folder)["crc32"]):
        start = number * CHUNK
        if prepared.whole is None:
            found = _crc(images, bodies, bodies_of, start)
        else:
            ends = [*prepared.whole.starts, len(images)]
            found = zlib.crc32(images[ends[start] : ends[min(start + CHUNK, count)]].tobytes())
        if found != crc:
            bad.append(number)
        progress(min(start + CHUNK, count), count)
    return bad


def plan_pictures(places: Sequence[Place]) -> tuple[list[PicturePlan], list[str]]:
    """The images with persons in the order of the file, and the persons in the order of images."""
    by_image: dict[str, list[Place]] = {}
    for person in places:
        by_image.setdefault(person.image.image_id, []).append(person)
    plan = []
    sample_ids: list[str] = []
    for row, persons in enumerate(by_image.values()):
        boxes = tuple(person.box for person in persons)
        plan.append(PicturePlan(row, persons[0].image, len(sample_ids), boxes))
        sample_ids += [person.sample_id for person in persons]
    return plan, sample_ids


def _make_files(
    folder: Path, plan: Sequence[PicturePlan], sample_ids: Sequence[str], size: int
) -> None:
    """The arrays, still empty, and the tables."""
    for name, count in ((IMAGES, len(plan)), (BODIES, len(sample_ids))):
        shape = (count, size, size, 3)
        np.lib.format.open_memmap(folder / name, mode="w+", dtype=np.uint8, shape=shape).flush()
    images = [(picture.image.image_id,) for picture in plan]
    rows = (picture.row for picture in plan for _ in picture.boxes)
    persons = zip(sample_ids, rows, strict=True)
    write_text(folder / IMAGE_TABLE, csv_text(("image_id",), images))
    write_text(folder / PERSON_TABLE, csv_text(("sample_id", "image_row"), persons))


def _prepare_part(
    job: tuple[Sequence[PicturePlan], Mapping[str, Sequence[Path]], Path, int],
) -> dict[str, Any]:
    """Decode, resize and write one part; its CRC-32, and the sizes of its images."""
    part, image_folders, folder, size = job
    stored: list[tuple[int, int] | None] = []
    crc = 0
    with (
        pillow_quiet(),
        _rows_from(folder / IMAGES, part[0].row, size) as images,
        _rows_from(folder / BODIES, part[0].first_body, size) as bodies,
    ):
        for picture in part:
            opened = open_image(picture.image, image_folders)
            stored.append(None if opened is None else opened.size)
            image = opened or Image.new("RGB", (size, size), GREY)
            rows = [(images, square(image, size))]
            rows += [
                (bodies, square(image, size, pixel_box(box, image.size))) for box in picture.boxes
            ]
            for stream, resized in rows:
                content = resized.tobytes()
                crc = zlib.crc32(content, crc)
                stream.write(content)
    return {"crc32": crc, "stored": stored}


def _rows_from(path: Path, first: int, size: int) -> BinaryIO:
    """An array file, open for writing at a row.

    Buffered: a bare file writes a part and says so where a disk gets full, a buffer writes all or
    raises.
    """
    stream = path.open("r+b")
    stream.seek(np.load(path, mmap_mode="r").offset + first * size * size * 3)
    return stream


def _crc(images: Pixels, bodies: Pixels, bodies_of: Sequence[int], start: int) -> int:
    """The CRC-32 of a part: its images from `start` on, each followed by its bodies."""
    crc, body = 0, sum(bodies_of[:start])
    for image, count in zip(images[start:], bodies_of[start : start + CHUNK], strict=False):
        crc = zlib.crc32(image.tobytes(), crc)
        crc = zlib.crc32(bodies[body : body + count].tobytes(), crc)
        body += count
    return crc


def _read_document(folder: Path) -> dict[str, Any]:
    path = folder / DOCUMENT
    if not path.is_file():
        state = "is not finished" if (folder / PARTS).exists() else "holds no prepared pictures"
        remedy = "Run `oneshot-emotic prepare ROOT` (again: it goes on)"
        if others := sorted(x.parent.name for x in folder.parent.glob(f"prepared-*/{DOCUMENT}")):
            remedy += f"; of another size (--size) there is {some(others)}"
        raise InputError(Problem(state, str(folder), remedy))
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(Problem(f"cannot be read: {error}", str(path))) from None
    if not isinstance(document, dict) or document.get("format") not in (FORMAT, FORMAT_WHOLE):
        remedy = "Remove the folder and run `oneshot-emotic prepare` again"
        raise InputError(Problem(f"is not of the format {FORMAT}", str(path), remedy))
    return document
