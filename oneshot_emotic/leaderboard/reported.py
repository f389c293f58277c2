"""Figures that papers print, shown as they are printed: never recomputed, never ranked here."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.leaderboard.sections import Cell, Table, Words
from oneshot_emotic.report import NONE
from oneshot_emotic.untrusted.files import opened
from oneshot_emotic.untrusted.limits import MAX_BYTES

#: A printed average may differ from the mean of its columns by rounding alone, half a unit of the
#: last of two decimals in each of the figures.
_ROUNDING = 0.0101


def read_reported(path: Path) -> dict[str, Any]:
    """Read leaderboard/reported.json.

    Raises:
        InputError: It is missing or not of the expected form.
    """
    problems = []
    with opened(path, MAX_BYTES) as stream:
        text = stream.read()
    try:
        content: dict[str, Any] = json.loads(text)
        for table in content["tables"]:
            columns = len(table["columns"])
            for row in table["rows"]:
                if (count := len(row["figures"])) != columns:
                    what = f"row {row['method']!r} has {count} figures for {columns} columns"
                    problems.append(Problem(what, f"{path}: {table['title']}"))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"is not of the expected form: {error!r}", path) from None
    if problems:
        raise InputError(problems)
    return content


def reported_tables(reported: dict[str, Any]) -> Iterator[tuple[str, Table, list[str]]]:
    """The title of each reported table, its figures as printed, and what to say below."""
    for table in reported["tables"]:
        notes: list[str] = []
        rows: list[tuple[Cell, ...]] = []
        for row in table["rows"]:
            figures = [f"{value:.2f}" for value in row["figures"]]
            for place in averages_that_do_not_add_up(table["columns"], row["figures"]):
                figures[place] += " †"
                notes = ["† as printed; it is not the mean of the three figures before it."]
            sees = Words(row["sees"]) if row["sees"] else NONE
            rows.append((Words(row["method"]), sees, *figures))
        headers: tuple[Cell, ...] = ("method", "sees", *map(Words, table["columns"]))
        yield table["title"], Table(headers, tuple(rows), left=2), notes + table.get("notes", [])


def averages_that_do_not_add_up(columns: Sequence[str], figures: Sequence[float]) -> list[int]:
    """The places of printed averages that are not the mean of the three figures before them."""
    return [
        place
        for place, column in enumerate(columns)
        if column.endswith("average")
        and abs(math.fsum(figures[place - 3 : place]) / 3 - figures[place]) > _ROUNDING
    ]
