"""Figures that papers print, shown as they are printed: never recomputed, never ranked here."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.markdown import escaped

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


def reported_tables(reported: dict[str, Any]) -> str:
    """The reported tables as markdown."""
    from tabulate import tabulate

    parts = [
        f"Source: {escaped(reported['source'])}. Unit: {escaped(reported['unit'])}.",
        "",
        *(f"- {escaped(note, 500)}" for note in reported["notes"]),
        "",
    ]
    for table in reported["tables"]:
        marked = False
        rows = []
        for row in table["rows"]:
            figures = [f"{value:.2f}" for value in row["figures"]]
            for place, members in averages_that_do_not_add_up(table["columns"], row["figures"]):
                figures[place] += " †"
                marked = bool(members) or marked
            rows.append([escaped(row["method"]), escaped(row["sees"]) or "–", *figures])
        headers = ["method", "sees", *(escaped(column) for column in table["columns"])]
        parts += [
            f"### {escaped(table['title'])}",
            "",
            tabulate(
                rows,
                headers,
                tablefmt="github",
                colalign=("left", "left", *("right" for _ in table["columns"])),
                disable_numparse=True,
            ),
            "",
        ]
        if marked:
            parts += ["† printed so; it is not the mean of the three figures before it.", ""]
        parts += [f"{escaped(note, 500)}\n" for note in table.get("notes", [])]
    return "\n".join(parts)


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
