"""Figures that papers print, shown as they are printed: never recomputed, never ranked here."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.leaderboard.sections import Cell, Table, Words
from oneshot_emotic.report import NONE

#: A printed average may differ from the mean of its columns by rounding alone, half a unit of the
#: last of two decimals in each of the figures.
_ROUNDING = 0.0101


def read_reported(path: Path) -> dict[str, Any]:
    """Read leaderboard/reported.json.

    Raises:
        InputError: It is missing or not of the expected form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for table in content["tables"]:
            for row in table["rows"]:
                if len(row["figures"]) != len(table["columns"]):
                    raise InputError(
                        Problem(
                            f"row {row['method']!r} has {len(row['figures'])} figures for "
                            f"{len(table['columns'])} columns",
                            f"{path}: {table['title']}",
                        )
                    )
    except OSError as error:
        raise InputError(Problem(f"cannot be read: {error.strerror}", str(path))) from None
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(Problem(f"is not of the expected form: {error!r}", str(path))) from None
    reported: dict[str, Any] = content
    return reported


@dataclass(frozen=True)
class ReportedSection:
    """A table of a paper.

    Attributes:
        title: Its title.
        table: Its figures as printed.
        notes: What to say below.
    """

    title: str
    table: Table
    notes: tuple[str, ...]


def reported_sections(reported: dict[str, Any]) -> list[ReportedSection]:
    """The reported tables."""
    sections = []
    for table in reported["tables"]:
        marked = False
        rows: list[tuple[Cell, ...]] = []
        for row in table["rows"]:
            figures = [f"{value:.2f}" for value in row["figures"]]
            for place, members in averages_that_do_not_add_up(table["columns"], row["figures"]):
                figures[place] += " †"
                marked = bool(members) or marked
            sees = Words(row["sees"]) if row["sees"] else NONE
            rows.append((Words(row["method"]), sees, *figures))
        notes = ["† as printed; it is not the mean of the three figures before it."] * marked
        headers: tuple[Cell, ...] = (
            "method",
            "sees",
            *(Words(column) for column in table["columns"]),
        )
        sections.append(
            ReportedSection(
                table["title"],
                Table(headers, tuple(rows), left=2),
                (*notes, *table.get("notes", [])),
            )
        )
    return sections


def averages_that_do_not_add_up(
    columns: Sequence[str], figures: Sequence[float]
) -> list[tuple[int, tuple[float, ...]]]:
    """The places of printed averages that are not the mean of the three figures before them."""
    found = []
    for place, column in enumerate(columns):
        if column.endswith("average"):
            members = tuple(figures[place - 3 : place])
            if abs(math.fsum(members) / len(members) - figures[place]) > _ROUNDING:
                found.append((place, members))
    return found
