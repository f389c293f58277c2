"""CSV tables, written and read the same way everywhere: UTF-8, line feeds, one line of headings."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path


def csv_text(headings: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A table as text."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(rows)
    return stream.getvalue()


def csv_rows(path: Path) -> list[list[str]]:
    """The rows of a table, its headings first."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))
