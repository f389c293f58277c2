"""Finding EMOTIC's files under a folder, in every arrangement that is met.

The archive unpacks to `emotic/` and `Annotations/`; people also have both under `EMOTIC/PAMI/`,
have doubled folders (`emotic/emotic/`, `Annotations/Annotations/`), and have nested copies of some
images (`framesdb/framesdb/images`). So nothing is expected in one place: all of it is looked for.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.files import sha256_of_file

_CSV_NAMES = ("train.csv", "val.csv", "test.csv")
_DEPTH = 6

#: How a caller names the annotations file.
_NAMED = "as `annotations` (a command: with --annotations)"


@dataclass(frozen=True)
class Layout:
    """What was found under a folder.

    Attributes:
        root: The folder.
        mats: Files called Annotations.mat, the shallowest first.
        cvpr17_mats: Files called CVPR17_Annotations.mat, likewise.
        csvs: Tables of a preprocessed copy.
        image_folders: For a folder as the annotations write it (`mscoco/images`), the real folders
            that end so, the shallowest first.
    """

    root: Path
    mats: tuple[Path, ...]
    cvpr17_mats: tuple[Path, ...]
    csvs: tuple[Path, ...]
    image_folders: dict[str, tuple[Path, ...]]


def find_layout(root: Path) -> Layout:
    """Look for EMOTIC's files under `root`, to a depth of six folders.

    Raises:
        InputError: `root` is not a folder.
    """
    if not root.is_dir():
        raise InputError(
            "is a file, not a folder" if root.exists() else "there is no such folder",
            root,
            "Give the folder that EMOTIC was unpacked into; or make a stand-in: "
            "`oneshot-emotic synth DIR`",
        )
    files: dict[str, list[Path]] = defaultdict(list)
    image_folders: dict[str, list[Path]] = defaultdict(list)
    for folder, entries in _folders(root):
        if folder.name == "images":
            image_folders[f"{folder.parent.name}/images"].append(folder)
        for path in entries:
            files[path.name.lower()].append(path)
    return Layout(
        root,
        _shallow_first(files["annotations.mat"]),
        _shallow_first(files["cvpr17_annotations.mat"]),
        _shallow_first(path for name in _CSV_NAMES for path in files[name]),
        {name: _shallow_first(folders) for name, folders in sorted(image_folders.items())},
    )


def find_annotations(layout: Layout) -> Path:
    """The one annotations file of a copy.

    Several Annotations.mat with the same content are one. The CVPR17 file is taken only where
    there is no other.

    Raises:
        InputError: There is none, there are several different ones, or only preprocessed tables.
    """
    candidates = layout.mats or layout.cvpr17_mats
    if not candidates:
        if layout.csvs:
            raise InputError(csv_problem(layout.csvs[0]))
        what = f"no Annotations.mat found in it or in {_DEPTH} levels of folders below"
        remedy = (
            f"Give the folder that holds both `emotic` and `Annotations`, or name the file {_NAMED}"
        )
        raise InputError(what, layout.root, remedy)
    if len({sha256_of_file(path) for path in candidates}) > 1:
        what = f"holds {len(candidates)} different annotation files: {some(candidates, 8)}"
        raise InputError(what, layout.root, f"Name the one to use {_NAMED}")
    return candidates[0]


def csv_problem(path: Path) -> Problem:
    """Why a preprocessed table is refused."""
    return Problem(
        "is a preprocessed table, not EMOTIC's annotations. Persons were dropped from it before "
        "its rows were counted, so a row no longer tells which person of its image it is, and "
        "sample_ids made from it would not match anybody's",
        str(path),
        f"Use the original Annotations.mat, or name it {_NAMED}",
    )


def _folders(root: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Every folder to look at with its files; image folders come without (they are large).

    A folder that is met again through a link is left out: links may lead round in a circle.
    """
    seen: set[tuple[int, int]] = set()
    level = [root]
    for _ in range(_DEPTH + 1):
        below: list[Path] = []
        for folder in level:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            entries: list[Path] = []
            if folder.name != "images":
                with contextlib.suppress(OSError):  # not ours to read
                    entries = sorted(folder.iterdir())
            yield folder, [entry for entry in entries if entry.is_file()]
            below += [x for x in entries if x.is_dir() and not x.name.startswith(".")]
        level = below


def _shallow_first(paths: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(sorted(paths, key=lambda path: (len(path.parts), str(path))))
