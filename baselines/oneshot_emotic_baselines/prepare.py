"""Every image of an EMOTIC copy decoded once: full images and body crops as memory-mapped arrays.

    OUT/prepared.json   size, counts, pictures that were missing; written last, so that it says done
    OUT/images.npy      uint8 (images, size, size, 3), RGB
    OUT/bodies.npy      uint8 (persons, size, size, 3), RGB
    OUT/images.csv      the image_id of each row of images.npy
    OUT/persons.csv     the sample_id of each row of bodies.npy, and the row of the person's image

A run that was killed goes on (worklist.py) after checking the CRC-32 of what it had written, and
gives the same files as one that was not.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from oneshot_emotic.emotic.boxes import Box
from oneshot_emotic.emotic.images import open_image, pillow_quiet
from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.matfile import ListedImage
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.emotic.tables import csv_rows, csv_text
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.files import write_text
from oneshot_emotic.pictures import GREY, Place, body_crop, places_of
from oneshot_emotic.worklist import PARTS, WorkList, in_processes
from oneshot_emotic_baselines.settings import SIZE

FORMAT = "oneshot-emotic-prepared/1"
DOCUMENT, IMAGES, BODIES = "prepared.json", "images.npy", "bodies.npy"
IMAGE_TABLE, PERSON_TABLE = "images.csv", "persons.csv"
CONTENTS = frozenset({DOCUMENT, IMAGES, BODIES, IMAGE_TABLE, PERSON_TABLE})

#: Images a part, the unit of work.
CHUNK = 32

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
        semantic: Of each image its Sem2Vec, uint8 (images, 150); None where it is not loaded.
    """

    folder: Path
    size: int
    images: Pixels
    bodies: Pixels
    image_ids: tuple[str, ...]
    image_row: Mapping[str, int]
    body_row: Mapping[str, int]
    without_picture: tuple[str, ...]
    semantic: npt.NDArray[np.uint8] | None = None


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
    lines = [f"{FORMAT}\t{size}\t{CHUNK}"]
    lines += [f"{picture.image.image_id}\t{picture.boxes}" for picture in plan] + sample_ids
    digest = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    identity = {"format": FORMAT, "size": size, "plan": digest}
    other = "was prepared from other annotations or at another size"
    work = WorkList(folder, DOCUMENT, CONTENTS, identity, other, len(plan), CHUNK)
    if not work.is_finished():
        needed = (len(plan) + len(sample_ids)) * size * size * 3
        with work.held(needed, lambda: _make_files(folder, plan, sample_ids, size)):
            _work_off(work, plan, layout.image_folders, size, workers, progress)
            results = work.results().values()
            work.finish(
                {
                    "images": len(plan),
                    "persons": len(sample_ids),
                    "without_picture": [name for result in results for name in result["missing"]],
                    "crc32": [result["crc32"] for result in results],
                }
            )
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
    jobs = [
        (plan[start : start + CHUNK], image_folders, work.folder, size)
        for start in work.starts
        if start not in done or done[start]["crc32"] != _crc(images, bodies, bodies_of, start)
    ]
    left = sum(len(job[0]) for job in jobs)
    progress(len(plan) - left, len(plan))
    for (part, *_), result in in_processes(_prepare_part, jobs, workers):
        work.note(part[0].row, result)
        left -= len(part)
        progress(len(plan) - left, len(plan))
    for name in (IMAGES, BODIES):
        with (work.folder / name).open("r+b") as stream:
            os.fsync(stream.fileno())  # some systems say only here that a disk was full


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
        image_ids = tuple(row[0] for row in csv_rows(folder / IMAGE_TABLE)[1:])
        persons = [(row[0], int(row[1])) for row in csv_rows(folder / PERSON_TABLE)[1:]]
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
    images, bodies = prepared.images, prepared.bodies
    rows = list(prepared.image_row.values())
    bodies_of = np.bincount(rows, minlength=len(images)).tolist()
    bad = []
    for number, crc in enumerate(_read_document(prepared.folder)["crc32"]):
        if _crc(images, bodies, bodies_of, number * CHUNK) != crc:
            bad.append(number)
        progress(min((number + 1) * CHUNK, len(images)), len(images))
    return bad


def plan_pictures(annotations: Path) -> tuple[list[PicturePlan], list[str]]:
    """The images with persons in the order of the file, and the persons in the order of images."""
    by_image: dict[str, list[Place]] = {}
    for person in places_of(read_annotations(annotations).persons):
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
    """Decode, resize and write one part; its CRC-32, and the images that are grey."""
    part, image_folders, folder, size = job
    missing = []
    crc = 0
    side = (size, size)
    resample = Image.Resampling.BILINEAR
    with (
        pillow_quiet(),
        _rows_from(folder / IMAGES, part[0].row, size) as images,
        _rows_from(folder / BODIES, part[0].first_body, size) as bodies,
    ):
        for picture in part:
            opened = open_image(picture.image, image_folders)
            if opened is None:
                missing.append(picture.image.image_id)
                opened = Image.new("RGB", side, GREY)
            rows = [(images, opened.resize(side, resample))]
            rows += [
                (bodies, body_crop(opened, box).resize(side, resample)) for box in picture.boxes
            ]
            for stream, resized in rows:
                content = resized.tobytes()
                crc = zlib.crc32(content, crc)
                stream.write(content)
    return {"crc32": crc, "missing": missing}


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
    except (OSError, ValueError) as error:
        raise InputError(Problem(f"cannot be read: {error}", str(path))) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(Problem(f"is not of the format {FORMAT}", str(path)))
    return document
