"""Tables that are measured: a CSV file in docs/, and what a page shows of it between two marks."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oneshot_emotic.files import write_text

DOCS = Path(__file__).parents[1] / "docs"
Line = Mapping[str, Any]


def read_lines(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV file; none where there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_lines(path: Path, columns: Sequence[str], lines: Sequence[Line]) -> None:
    """Write a CSV file."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    write_text(path, stream.getvalue())


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in markdown, all columns but the first to the right."""
    under = ["---", *("---:" for _ in headings[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, under, *rows))


def with_table(page: str, name: str, table: str) -> str:
    """A page with a table between `<!-- NAME -->` and `<!-- /NAME -->`, in place of what was there.

    Raises:
        ValueError: The page has not each mark once, in this order.
    """
    first, last = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    if page.count(first) != 1 or page.count(last) != 1:
        raise ValueError(f"{first.strip()} and {last} must each stand once in the page")
    before, _, rest = page.partition(first)
    _, there, after = rest.partition(last)
    if not there:
        raise ValueError(f"{last} must stand after {first.strip()}")
    return f"{before}{first}{table}\n{last}{after}"


def put_table(path: Path, name: str, table: str) -> None:
    """`with_table` of a page's file."""
    write_text(path, with_table(path.read_text(encoding="utf-8"), name, table))


def figure(line: Line, *columns: str) -> str:
    """`mean [low, high]` in per cent, of three columns of fractions; nothing where they are empty.

    A mean of which there is no interval stands alone.
    """
    known = [f"{100 * float(line[name]):.1f}" for name in columns if line[name] not in ("", None)]
    mean, *bounds = (x.replace("-0.0", "0.0") if x == "-0.0" else x for x in known or [""])
    return f"{mean} [{', '.join(bounds)}]" if bounds else mean
