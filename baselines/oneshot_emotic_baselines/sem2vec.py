"""Sem2Vec: which of the 150 classes of ADE20K are in an image."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from oneshot_emotic.ade20k import ADE20K_CLASSES
from oneshot_emotic.errors import InputError, Problem, some

#: The table: the image_id, and the indices (0..149) of the classes in it, parted by blanks. The
#: stand-in writes its known truth in the same form.
TABLE = "sem2vec.csv"
COLUMNS = ("image_id", "ade20k_classes")

Table = Mapping[str, tuple[int, ...]]


def find_table(root: Path, given: Path | None = None) -> Table:
    """The Sem2Vec table of an EMOTIC copy.

    Args:
        root: The copy: `root/sem2vec.csv`, or the only `root/sem2vec-*/sem2vec.csv`.
        given: A table, or a folder with one, to take in its place.

    Raises:
        InputError: There is none, there are several, or it is damaged.
    """
    if given is not None:
        return read_table(given / TABLE if given.is_dir() else given)
    found = tables_of(root)
    if len(found) == 1:
        return read_table(found[0])
    what = f"holds {len(found)} Sem2Vec tables: {some(found)}" if found else "has no Sem2Vec table"
    remedy = (
        "Name one with --sem2vec"
        if found
        else "Make one with `oneshot-emotic sem2vec ROOT --model MODEL`, or name one with --sem2vec"
    )
    raise InputError(Problem(what, str(root), remedy))


def tables_of(root: Path) -> list[Path]:
    """The tables of an EMOTIC copy; there should be one."""
    return [root / TABLE] if (root / TABLE).is_file() else sorted(root.glob(f"sem2vec-*/{TABLE}"))


def read_table(path: Path) -> Table:
    """Read a Sem2Vec table.

    Raises:
        InputError: It is not there or not of the form; all problems at once.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
    except OSError as error:
        raise InputError(Problem(f"cannot be read: {error.strerror}", str(path))) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(Problem(f"is not a CSV table: {error}", str(path))) from None
    if not rows or tuple(rows[0]) != COLUMNS:
        found = ", ".join(rows[0]) if rows else "nothing"
        raise InputError(Problem(f"begins with {found}, not with {','.join(COLUMNS)}", str(path)))
    table: dict[str, tuple[int, ...]] = {}
    problems = []
    for number, row in enumerate(rows[1:], start=2):
        cells = row[1].split() if len(row) == 2 else ["?"]
        if not all(cell.isdecimal() and int(cell) < len(ADE20K_CLASSES) for cell in cells):
            problems.append(
                Problem("is not an image_id and indices from 0 to 149", f"{path}:{number}")
            )
        elif row[0] in table:
            problems.append(Problem(f"{row[0]} comes more than once", f"{path}:{number}"))
        else:
            table[row[0]] = tuple(int(cell) for cell in cells)
    if problems:
        raise InputError(problems)
    return table


def presence_vectors(table: Table, image_ids: Sequence[str]) -> npt.NDArray[np.uint8]:
    """The table as vectors of zeros and ones, uint8 of shape (images, 150).

    Raises:
        InputError: Images are not in the table.
    """
    if missing := [image_id for image_id in image_ids if image_id not in table]:
        raise InputError(
            Problem(
                f"{len(missing):,} of {len(image_ids):,} images are not in the Sem2Vec table, such "
                f"as {some(missing)}",
                remedy="Make it anew with `oneshot-emotic sem2vec ROOT --model MODEL`",
            )
        )
    vectors = np.zeros((len(image_ids), len(ADE20K_CLASSES)), dtype=np.uint8)
    for row, image_id in enumerate(image_ids):
        vectors[row, list(table[image_id])] = 1
    return vectors
