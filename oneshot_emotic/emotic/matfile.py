"""From Annotations.mat to plain Python values, with nothing judged or dropped yet.

`scipy.io.loadmat` gives nested object arrays in which a whole number may arrive as any integer type
and a list of one may have lost its list; here every value becomes a str, a float or a tuple.
"""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oneshot_emotic.emotic.layout import csv_problem
from oneshot_emotic.emotic.mattags import MOST_BYTES, check_tags
from oneshot_emotic.emotic.published import PARTITIONS
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.tasks import DIMENSIONS

#: The variable that marks a synthetic stand-in and holds its settings; EMOTIC's file has none.
SYNTHETIC_VARIABLE = "oneshot_emotic_synthetic"

_IMAGE_FIELDS = ("filename", "folder", "image_size", "person")
_PERSON_FIELDS = ("body_bbox", "annotations_categories", "annotations_continuous")
_ALL_FIELDS = (
    *_PERSON_FIELDS,
    "combined_categories",
    "combined_continuous",
    "gender",
    "age",
)

Triple = tuple[float, float, float]
_NAN = float("nan")
_NOT_EMOTIC = "This is not EMOTIC's annotations file"
#: The largest float32; a number beyond it, or its like below zero, counts as none.
_LARGEST = 3.4028234663852886e38
#: Characters of a stand-in's settings, and bytes of a file's name on any disk.
_MOST_TEXT, _MOST_NAME = 10_000, 255


@dataclass(frozen=True)
class PersonRecord:
    """A person as the file has it.

    Attributes:
        box: The numbers of `body_bbox`.
        categories: The list of each annotator, names as spelt.
        combined_categories: The union over annotators; None where the field is absent (train).
        continuous: Valence, arousal, dominance of each annotator.
        combined_continuous: Their mean; None where the field is absent or empty.
        gender: As spelt.
        age: As spelt.
    """

    box: tuple[float, ...]
    categories: tuple[tuple[str, ...], ...]
    combined_categories: tuple[str, ...] | None
    continuous: tuple[Triple, ...]
    combined_continuous: Triple | None
    gender: str
    age: str

    def same_as(self, other: PersonRecord) -> bool:
        """True when nothing tells the two apart (NaN is like NaN)."""
        # repr() writes NaN as a word and every other float exactly.
        return repr(self) == repr(other)


@dataclass(frozen=True)
class ListedImage:
    """An image as the annotations name it; width and height as stored there, NaN where not."""

    folder: str
    filename: str
    width: float
    height: float

    @property
    def image_id(self) -> str:
        """`{folder}/{filename}`: the picture itself, whatever partition lists it."""
        return f"{self.folder}/{self.filename}"


@dataclass(frozen=True)
class ImageRecord:
    """An image with its persons, as a partition of the file lists it."""

    partition: str
    image: ListedImage
    persons: tuple[PersonRecord, ...]


def read_annotations_file(path: Path) -> tuple[list[ImageRecord], dict[str, Any] | None]:
    """Read an Annotations.mat or CVPR17_Annotations.mat.

    Returns:
        The images in the order of the file, train before val before test; and the settings of a
        synthetic stand-in, None for anything else.

    Raises:
        InputError: The file is not there, is not such a file, is damaged, or is a preprocessed CSV.
    """
    variables = _load(path)
    problems: list[Problem] = []
    images: list[ImageRecord] = []
    for partition in PARTITIONS:
        listing = variables[partition]
        if not listing.size:
            continue
        names = listing.dtype.names
        missing = [name for name in _IMAGE_FIELDS if name not in (names or ())]
        if missing:
            what = (
                f"variable `{partition}` is not a struct array of images"
                if names is None
                else f"the images of `{partition}` have no field {some(missing)}"
            )
            problems.append(Problem(what, str(path), _NOT_EMOTIC))
        else:
            images.extend(_images(listing, partition, path, problems))
    if not images and not problems:
        problems.append(Problem("lists no images", str(path)))
    if problems:
        raise InputError(problems)
    return images, _synthetic_settings(variables)


def _load(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The variables of the file; every failure of the library becomes one message."""
    if path.suffix.lower() == ".csv":
        raise InputError(csv_problem(path))
    if not path.is_file():
        raise InputError("is not a file" if path.exists() else "there is no such file", path)
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadWarning

    wanted = [*PARTITIONS, SYNTHETIC_VARIABLE]
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES:,} bytes")
        content = path.read_bytes()
        if content[124:128] in (b"\x00\x02IM", b"\x02\x00MI"):
            remedy = "EMOTIC's own is v5 to v7; in MATLAB, `save(..., '-v7')` converts this one"
            raise InputError("is a MATLAB v7.3 (HDF5) file", path, remedy)
        check_tags(content, wanted)
        with warnings.catch_warnings():
            warnings.simplefilter("error", MatReadWarning)
            variables: dict[str, Any] = loadmat(io.BytesIO(content), variable_names=wanted)
    except (InputError, MemoryError):
        raise
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path) from None
    # loadmat raises almost anything on a damaged file, down to TypeError and zlib.error.
    except Exception as error:
        what = f"is not a MATLAB file or is damaged ({type(error).__name__}: {error})"
        raise InputError(what, path, "Unpack the EMOTIC archive again") from None
    missing = [name for name in PARTITIONS if not isinstance(variables.get(name), np.ndarray)]
    if missing:
        found = [name for name in variables if not name.startswith("__")]
        what = f"has no variable {some(missing)} (it has {some(found, 8) or 'none of them'})"
        raise InputError(what, path, _NOT_EMOTIC)
    return variables


def _synthetic_settings(variables: dict[str, npt.NDArray[Any]]) -> dict[str, Any] | None:
    """The settings of a stand-in, numbers by name; none where the variable holds anything else."""
    if SYNTHETIC_VARIABLE not in variables:
        return None
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        text = _text(variables[SYNTHETIC_VARIABLE])
        settings = json.loads(text if len(text) <= _MOST_TEXT else "")
        if isinstance(settings, dict) and all(
            name.isidentifier() and type(value) in (int, float) and abs(value) < 2**53
            for name, value in settings.items()
        ):
            return settings
    return {}


def _images(
    listing: npt.NDArray[Any], partition: str, path: Path, problems: list[Problem]
) -> Iterator[ImageRecord]:
    for number, values in enumerate(_rows(listing, _IMAGE_FIELDS)):
        try:
            yield _image(partition, *values)
        except Exception as error:  # arrays of the wrong shape or type, taken apart
            problems.append(
                Problem(f"image {number + 1} of `{partition}` cannot be read: {error}", str(path))
            )


def _image(partition: str, filename: Any, folder: Any, size: Any, person: Any) -> ImageRecord:
    name = _text(filename)
    place = _text(folder).replace("\\", "/").strip("/")
    for part in (name, *place.split("/")):
        strange = "/" in part or not part.isprintable()
        if strange or part in ("", ".", "..") or len(part.encode()) > _MOST_NAME:
            raise ValueError(f"folder {place!r} and filename {name!r} do not name a file")
    width, height = _image_size(size)
    return ImageRecord(partition, ListedImage(place, name, width, height), tuple(_persons(person)))


def _image_size(size: Any) -> tuple[float, float]:
    if not size.size or size.dtype.names is None:
        return _NAN, _NAN
    width, height = next(_rows(size, ("n_col", "n_row")))
    return _number(width), _number(height)


def _persons(array: npt.NDArray[Any]) -> Iterator[PersonRecord]:
    if not array.size:
        return
    names = array.dtype.names
    if names is None:
        raise TypeError("`person` is not a struct array")
    missing = [name for name in _PERSON_FIELDS if name not in names]
    if missing:
        raise KeyError(f"its persons have no field {some(missing)}")

    for box, categories, continuous, combined, mean, gender, age in _rows(array, _ALL_FIELDS):
        means = () if mean is None else _triples(mean)
        yield PersonRecord(
            box=tuple(map(float, box.ravel().tolist())),
            categories=_annotator_lists(categories),
            combined_categories=None if combined is None else _strings(combined),
            continuous=_triples(continuous),
            combined_continuous=means[0] if means else None,
            gender="" if gender is None else _text(gender),
            age="" if age is None else _text(age),
        )


def _annotator_lists(array: npt.NDArray[Any]) -> tuple[tuple[str, ...], ...]:
    """The `.categories` of each annotator; a bare cell counts as one annotator's list."""
    if not array.size:
        return ()
    if array.dtype.names is None:
        return (_strings(array),)
    return tuple(_strings(cell) for (cell,) in _rows(array, ("categories",)))


def _strings(cell: npt.NDArray[Any]) -> tuple[str, ...]:
    """The strings of a cell; a bare char array is a list of one that has lost its cell."""
    if cell.dtype.kind == "U":
        return tuple(text for item in cell.ravel().tolist() if (text := item.strip()))
    return tuple(text for item in cell.ravel().tolist() if (text := _text(item)))


def _triples(array: npt.NDArray[Any]) -> tuple[Triple, ...]:
    if not array.size:
        return ()
    return tuple(
        (_number(valence), _number(arousal), _number(dominance))
        for valence, arousal, dominance in _rows(array, DIMENSIONS)
    )


def _rows(array: npt.NDArray[Any], fields: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """The values of some fields of a struct array, None for those it lacks, struct by struct."""
    places = _places(array.dtype.names, fields)
    for values in array.ravel().tolist():
        row = (*values, None)
        yield tuple([row[place] for place in places])


@lru_cache(maxsize=64)
def _places(names: tuple[str, ...], fields: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(names.index(field) if field in names else len(names) for field in fields)


def _number(value: Any) -> float:
    """A 1 x 1 matrix as a float; NaN when it is empty or beyond what a float32 can hold."""
    if not value.size:
        return _NAN
    number = float(value.item() if value.size == 1 else value.flat[0])
    return number if abs(number) <= _LARGEST else _NAN


def _text(value: Any) -> str:
    """A char array as a str; "" when it is empty."""
    if not value.size:
        return ""
    text = value.item() if value.size == 1 else value.flat[0]
    if not isinstance(text, str):
        raise TypeError(f"expected text, got {type(text).__name__}")
    return text.strip()
