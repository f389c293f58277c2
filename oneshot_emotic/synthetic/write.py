"""Writing a stand-in to disk in EMOTIC's layout.

OUT/emotic/{mscoco,framesdb,emodb_small,ade20k}/images/synthetic_*.jpg
OUT/Annotations/Annotations.mat     as EMOTIC's, and a variable that says it is synthetic
OUT/sem2vec.csv                     the true ADE20K classes of every image
OUT/SYNTHETIC.json                  the settings
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import lru_cache, partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oneshot_emotic.ade20k import ADE20K_INDEX
from oneshot_emotic.emotic.matfile import SYNTHETIC_VARIABLE
from oneshot_emotic.emotic.tables import csv_text
from oneshot_emotic.files import json_text, write_bytes, write_text
from oneshot_emotic.processes import process_pool
from oneshot_emotic.synthetic.drawing import body_box, draw
from oneshot_emotic.synthetic.population import PARTITIONS, StandInImage, StandInPerson
from oneshot_emotic.synthetic.settings import StandInSettings

#: The file that tells a stand-in's folder.
SETTINGS_FILE = "SYNTHETIC.json"
ANNOTATIONS_FILE = "Annotations/Annotations.mat"
SEM2VEC_FILE = "sem2vec.csv"
#: What lies in a stand-in's folder, at its top.
CONTENTS = frozenset({SETTINGS_FILE, SEM2VEC_FILE, "Annotations", "emotic"})

_JPEG_QUALITY = 90
_IMAGE_FIELDS = ("filename", "folder", "image_size", "original_database", "person")
_LEVEL_FIELDS = ("valence", "arousal", "dominance")

_BATCH = 32

Objects = npt.NDArray[np.object_]


def write_annotations(
    folder: Path, images: Sequence[StandInImage], settings: StandInSettings
) -> None:
    """Write everything but the pictures into a folder."""
    write_bytes(folder / ANNOTATIONS_FILE, annotations_mat(images, settings))
    write_text(folder / SEM2VEC_FILE, sem2vec_csv(images))
    write_text(folder / SETTINGS_FILE, json_text({"synthetic": settings.to_dict()}))


def write_pictures(
    folder: Path,
    images: Sequence[StandInImage],
    *,
    workers: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Draw the pictures into a folder.

    Args:
        folder: The stand-in's folder.
        images: What to draw.
        workers: Processes; the result does not depend on it.
        progress: Called with the number of pictures drawn so far.
    """
    root = folder / "emotic"
    for image_folder in {image.folder for image in images}:
        (root / image_folder).mkdir(parents=True, exist_ok=True)
    batches = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
    draw_batch = partial(_draw_batch, root)
    alone = workers == 1 or len(batches) < 2
    with nullcontext() if alone else process_pool(workers) as pool:
        numbers = pool.map(draw_batch, batches) if pool else map(draw_batch, batches)
        for done in accumulate(numbers):
            progress(done)


def _draw_batch(folder: Path, images: Sequence[StandInImage]) -> int:
    for image in images:
        # Not into the file: Pillow does not look whether all bytes were written.
        stream = io.BytesIO()
        draw(image.picture).save(stream, format="JPEG", quality=_JPEG_QUALITY)
        (folder / image.folder / image.filename).write_bytes(stream.getvalue())
    return len(images)


def sem2vec_csv(images: Iterable[StandInImage]) -> str:
    """The true Sem2Vec of every image: its image_id and the indices of the ADE20K classes in it."""
    rows = []
    for image in images:
        indices = sorted(ADE20K_INDEX[name] for name in image.picture.scene.ade20k_classes)
        rows.append((f"{image.folder}/{image.filename}", " ".join(map(str, indices))))
    return csv_text(("image_id", "ade20k_classes"), rows)


def annotations_mat(images: Sequence[StandInImage], settings: StandInSettings) -> bytes:
    """The stand-in's Annotations.mat, with every structure in the form that EMOTIC's has."""
    from scipy.io import savemat

    variables: dict[str, Any] = {SYNTHETIC_VARIABLE: json.dumps(settings.to_dict())}
    for partition in PARTITIONS:
        members = [image for image in images if image.partition == partition]
        variables[partition] = _struct_array(
            _IMAGE_FIELDS, [_image_values(image) for image in members]
        )
    stream = io.BytesIO()
    savemat(stream, variables, do_compression=True, oned_as="row")
    # The file's text header holds the date of writing; without it the bytes are the same every day.
    header = b"MATLAB 5.0 MAT-file, synthetic stand-in made by oneshot-emotic"
    content = bytearray(stream.getvalue())
    content[:116] = header.ljust(116)
    return bytes(content)


def _image_values(image: StandInImage) -> tuple[Any, ...]:
    size = _struct(n_col=_number(image.picture.width), n_row=_number(image.picture.height))
    # Only COCO images carry the info field in EMOTIC.
    source: dict[str, Any] = {"name": image.database}
    if image.database == "mscoco":
        source["info"] = _struct(image_id=_number(int(image.filename[-10:-4])))
    persons = [_person_values(image, person) for person in image.persons]
    # The combined fields are those of several annotators: train has one.
    fields = [x for x in persons[0] if image.partition != "train" or "combined" not in x]
    return (
        image.filename,
        image.folder,
        size,
        _struct(**source),
        _struct_array(fields, [tuple(values[field] for field in fields) for values in persons]),
    )


def _person_values(image: StandInImage, person: StandInPerson) -> dict[str, Any]:
    left, top, right, bottom = body_box(image.picture, person.figure)
    union = sorted({name for names in person.categories for name in names})
    return {
        # MATLAB counts pixels from 1 and names the last one, not the one after it.
        "body_bbox": _numbers((left + 1, top + 1, right, bottom)),
        "annotations_categories": _struct_array(
            ("categories",), [(_cell(names),) for names in person.categories]
        ),
        "combined_categories": _cell(()) if person.combined_empty else _cell(union),
        "annotations_continuous": _struct_array(
            _LEVEL_FIELDS,
            [tuple(_number(level) for level in levels) for levels in person.levels],
        ),
        "combined_continuous": _struct_array(_LEVEL_FIELDS, [_mean_levels(person)]),
        "gender": person.gender,
        "age": person.age,
    }


def _mean_levels(person: StandInPerson) -> tuple[Any, ...]:
    means = []
    for dimension in range(3):
        given = [levels[dimension] for levels in person.levels]
        known = [level for level in given if level is not None]
        means.append(_number(math.fsum(known) / len(known) if len(known) == len(given) else None))
    return tuple(means)


def _number(value: float | None) -> npt.NDArray[Any]:
    """A 1 x 1 matrix in the smallest type that holds the value, as MATLAB stores it."""
    return _numbers((float("nan") if value is None else value,))


@lru_cache(maxsize=1 << 16)
def _numbers(values: tuple[float, ...]) -> npt.NDArray[Any]:
    exact = np.array([values], dtype=np.float64)
    for small in (np.uint8, np.uint16, np.int16, np.int32):
        limits = np.iinfo(small)
        if ((exact >= limits.min) & (exact <= limits.max) & (exact == np.floor(exact))).all():
            return exact.astype(small)
    return exact


def _cell(strings: Sequence[str]) -> Objects:
    """A 1 x k cell of strings; 0 x 0 when there are none, as in EMOTIC."""
    cell = np.empty((1, len(strings)) if strings else (0, 0), dtype=object)
    for place, text in enumerate(strings):
        cell[0, place] = text
    return cell


def _struct(**values: Any) -> npt.NDArray[Any]:
    return _struct_array(tuple(values), [tuple(values.values())])


def _struct_array(fields: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> npt.NDArray[Any]:
    """A 1 x n struct array."""
    array = np.empty((1, len(rows)), dtype=[(field, object) for field in fields])
    for place, row in enumerate(rows):
        for field, value in zip(fields, row, strict=True):
            array[field][0, place] = value
    return array
