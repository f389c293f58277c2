"""Writes Annotations.mat files of any content, independently of the package's own writer."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat


def person(
    categories: Any = (("Engagement",),),
    continuous: Any = ((5, 5, 5),),
    box: Any = (10, 10, 50, 90),
    combined: Any = None,
    mean: Any = None,
    gender: str = "Female",
    age: str = "Adult",
) -> dict[str, Any]:
    """A person; `combined` and `mean` are for val and test only."""
    fields: dict[str, Any] = {
        "body_bbox": np.array([list(box)]),
        "annotations_categories": structs([{"categories": cell(names)} for names in categories]),
    }
    if combined is not None:
        fields["combined_categories"] = cell(combined)
    fields["annotations_continuous"] = structs([triple(values) for values in continuous])
    if mean is not None:
        fields["combined_continuous"] = structs([triple(mean)])
    return {**fields, "gender": gender, "age": age}


def image(
    filename: str,
    *persons: dict[str, Any],
    folder: str = "mscoco/images",
    size: Any = (100, 100),
) -> dict[str, Any]:
    width, height = size
    return {
        "filename": filename,
        "folder": folder,
        "image_size": structs([{"n_col": np.array([[width]]), "n_row": np.array([[height]])}]),
        "original_database": structs([{"name": folder.split("/")[0]}]),
        "person": structs(list(persons)),
    }


def write_mat(path: Any, *, train: Any = (), val: Any = (), test: Any = (), **extra: Any) -> Any:
    """Write a file at a path, or into a stream; the path or stream."""
    if isinstance(path, Path):
        path.parent.mkdir(parents=True, exist_ok=True)
    parts = {"train": train, "val": val, "test": test}
    savemat(path, {**{name: structs(list(x)) for name, x in parts.items()}, **extra})
    return path


def triple(values: Any) -> dict[str, Any]:
    names = ("valence", "arousal", "dominance")
    return {name: np.array([[value]]) for name, value in zip(names, values, strict=True)}


def cell(names: Any) -> Any:
    array = np.empty((1, len(names)) if names else (0, 0), dtype=object)
    for place, name in enumerate(names):
        array[0, place] = name
    return array


def structs(items: list[dict[str, Any]]) -> Any:
    if not items:
        return np.empty((0, 0))
    array = np.empty((1, len(items)), dtype=[(name, object) for name in items[0]])
    for place, item in enumerate(items):
        for name, value in item.items():
            array[name][0, place] = value
    return array


# Files byte by byte, after MathWorks' "MAT-File Format", version 5: what savemat cannot write.


def element(kind: int, data: bytes, order: str = "<") -> bytes:
    """An element with its tag, filled up to eight bytes; `kind` 14 for a matrix of elements."""
    return struct.pack(f"{order}II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def matrix(
    category: int, dimensions: Any, *parts: bytes, name: str = "", order: str = "<"
) -> bytes:
    """A matrix; `category` 1 is a cell, 2 a struct, 4 text, 5 sparse, 6 doubles, 9 uint8."""
    head = element(6, struct.pack(f"{order}II", category, 0), order)
    head += element(5, struct.pack(f"{order}{len(dimensions)}i", *dimensions), order)
    return element(14, head + element(1, name.encode(), order) + b"".join(parts), order)


def mat_bytes(*variables: bytes, packed: bool = False, order: str = "<") -> bytes:
    """A file of top-level variables."""
    mark = b"\x00\x01IM" if order == "<" else b"\x01\x00MI"
    if packed:
        bodies = [zlib.compress(variable) for variable in variables]
        variables = tuple(struct.pack(f"{order}II", 15, len(x)) + x for x in bodies)
    return b"MATLAB 5.0 MAT-file".ljust(124) + mark + b"".join(variables)
