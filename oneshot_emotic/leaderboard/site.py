"""The leaderboard as a site: a page of all boards, one of each row, one of the reported figures.

Pages are whole without script. The first one's scripts filter, sort, draw and compare its rows.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from oneshot_emotic import __version__
from oneshot_emotic.dataset.locate import is_bundled
from oneshot_emotic.errors import InputError, printable, some
from oneshot_emotic.escaping import is_plain_https, latex_text
from oneshot_emotic.files import json_text, new_folder
from oneshot_emotic.leaderboard.board import Board, Row, ranked
from oneshot_emotic.leaderboard.reported import reported_tables
from oneshot_emotic.leaderboard.sections import (
    COLUMNS_NOTE,
    MARKS_NOTE,
    NOT_BUNDLED_NOTE,
    OVERALL_NOTE,
    RANKS_NOTE,
    SYNTHETIC_NOTE,
    Cell,
    Emphasis,
    FamilySection,
    Name,
    Table,
    Words,
    card_fields,
    family_sections,
)
from oneshot_emotic.leaderboard.site_data import Ranks, board_data
from oneshot_emotic.report import NONE, interval, levels, percent
from oneshot_emotic.scoring.scores import ShotScores
from oneshot_emotic.scoring.statistics import INTERVAL, Estimate
from oneshot_emotic.submission.folder import SubmissionFolder
from oneshot_emotic.tasks import FAMILIES, TASKS
from oneshot_emotic.webpage.page import page

#: The list of a site's files, by which its folder is known again.
LIST = "site.json"
CONTENTS = frozenset({LIST, "index.html", "reported.html", "rows", "README.md"})

_NOTES = {
    "interval": INTERVAL,
    "synthetic_note": SYNTHETIC_NOTE,
    "overall_note": OVERALL_NOTE,
    "ranks_note": RANKS_NOTE,
    "marks_note": MARKS_NOTE,
    "columns_note": COLUMNS_NOTE,
    "not_bundled_note": NOT_BUNDLED_NOTE,
    "version": __version__,
}
_SPACE = f"""---
title: oneshot-emotic leaderboard
emoji: 🎯
colorFrom: blue
colorTo: gray
sdk: static
app_file: index.html
pinned: false
license: mit
---

The leaderboard of oneshot-emotic, one-shot recognition of unseen emotions of people in scenes: a
static site made by `oneshot-emotic leaderboard --format site --space`, version {__version__}. Do
not edit it here: it is made from a checkout of the repository.
"""


def site_files(
    boards: Sequence[Board],
    reported: dict[str, Any],
    waiting: Sequence[SubmissionFolder] = (),
    space: bool = False,
) -> dict[str, str]:
    """The texts of the site by their paths in its folder.

    Args:
        boards: All.
        reported: From `reported.read_reported`.
        waiting: Submissions that nobody has scored yet.
        space: Whether it is for a Space of the Hub, with its card.
    """
    order = sorted(boards, key=lambda x: (x.dataset.is_synthetic, x.dataset.name != "emotic"))
    ranks = [{family: ranked(board.rows, family) for family in FAMILIES} for board in order]
    files = {"index.html": _index(order, ranks, waiting), "reported.html": _reported_page(reported)}
    for board, of_board in zip(order, ranks, strict=True):
        for row in board.rows:
            files[f"rows/{row.slug}.html"] = _row_page(board, row, of_board)
    return files | ({"README.md": _SPACE} if space else {})


def write_site(folder: Path, files: Mapping[str, str]) -> None:
    """Write what `site_files` gives, in place of a site that was there.

    Raises:
        InputError: The folder holds what no such site has listed as its own.
    """
    if (folder / LIST).is_file():
        own = {LIST}
        with contextlib.suppress(ValueError, KeyError, TypeError):
            own |= set(json.loads((folder / LIST).read_bytes())["files"])
        there = (x for x in folder.rglob("*") if x.is_symlink() or not x.is_dir())
        if strange := sorted({x.relative_to(folder).as_posix() for x in there} - own):
            what = f"already holds other files: {some(strange)}"
            raise InputError(what, folder, "Give an empty or a new folder")
    with new_folder(folder, marker=LIST, contents=CONTENTS) as made:
        (made / "rows").mkdir()
        listed = {LIST: json_text({"format": "oneshot-emotic-site/1", "files": sorted(files)})}
        for name, text in {**files, **listed}.items():
            (made / name).write_bytes(text.encode())


def _page(template: str, title: str, **values: Any) -> str:
    package = __package__ or ""
    return page(template, package=package, title=f"{title}: oneshot-emotic", **values, **_NOTES)


def _index(
    boards: Sequence[Board], ranks: Sequence[Ranks], waiting: Sequence[SubmissionFolder]
) -> str:
    shown = [
        {
            "id": _board_id(board),
            "tab": _tab(board),
            "dataset": board.dataset,
            "bundled": is_bundled(board.dataset),
            "sections": [_section(x) for x in family_sections(board)],
        }
        for board in boards
    ]
    return _page(
        "site.html",
        "Leaderboard",
        boards=shown,
        waiting=waiting,
        data={_board_id(x): board_data(x, of) for x, of in zip(boards, ranks, strict=True)},
        libraries=("d3", "plot", "tabulator"),
        scripts=("charts.js", "site.js"),
    )


def _board_id(board: Board) -> str:
    """Names a board in addresses; with the fingerprint, for there may be several of a name."""
    dataset = board.dataset
    return f"{dataset.name}-{dataset.label_rule}-{dataset.fingerprint[:8]}".replace("/", "-")


def _tab(board: Board) -> str:
    name = "EMOTIC" if board.dataset.name == "emotic" else board.dataset.name
    stand_in = " stand-in" if name == "synthetic" else ""
    return f"{name}{stand_in} ({board.dataset.label_rule})"


def _section(section: FamilySection) -> dict[str, Any]:
    """For the template, the names of submissions leading to their pages."""
    main = _table(section.main)
    for item, cells in zip(section.rows, main["rows"], strict=False):  # control rows follow
        cells[1] |= {"href": f"rows/{item.row.slug}.html"}
    return vars(section) | {"main": main, "more": _table(section.more)}


def _table(table: Table) -> dict[str, Any]:
    """For the template's macro."""
    headers, *rows = [[_cell(cell) for cell in row] for row in (table.headers, *table.rows)]
    return {"headers": headers, "rows": rows, "left": table.left}


def _cell(cell: Cell) -> dict[str, Any]:
    """A cell for the template's macro."""
    if isinstance(cell, Name):
        return {"text": printable(cell.text, 200), "marks": cell.marks, "given": True}
    if isinstance(cell, Words):
        return {"text": printable(cell.text, cell.limit), "given": True}
    return {"text": cell.text, "own": True} if isinstance(cell, Emphasis) else {"text": cell}


def _reported_page(reported: dict[str, Any]) -> str:
    tables = [(title, _table(table), notes) for title, table, notes in reported_tables(reported)]
    return _page("reported.html", "Reported in papers", reported=reported, tables=tables)


def _row_page(board: Board, row: Row, ranks: Ranks) -> str:
    places = [
        (FAMILIES[family], NONE if x.rank is None else x.rank, len(items), interval(x.overall))
        for family, items in ranks.items()
        for x in items
        if x.row.slug == row.slug
    ]
    tasks = [
        (TASKS[name], by_shots, list(_figure_rows(list(by_shots.values()))))
        for name, by_shots in row.scores.tasks.items()
    ]
    return _page(
        "row.html",
        printable(str(row.model["name"]), 200),
        row=row,
        card=[(title, _cell(cell)) for title, cell in card_fields(row)],
        board=board,
        board_id=_board_id(board),
        places=places,
        tasks=tasks,
        citation=_citation(board, row),
        percent=percent,
    )


def _figure_rows(by_shots: Sequence[ShotScores]) -> Iterator[list[str]]:
    """Every figure: with each number of shots its interval, draw 0, spread, least to greatest."""
    every = [_figures(found) for found in by_shots]
    for title in every[0]:
        shown = levels if title == "error in levels" else percent
        row = [title]
        for figure in (figures[title] for figures in every):
            row += [interval(figure, shown), shown(figure.draw_0), shown(figure.std)]
            row.append(f"{shown(figure.min)} to {shown(figure.max)}")
        yield row


def _figures(found: ShotScores) -> dict[str, Estimate]:
    """Every figure of a task by what the row's page calls it."""
    names = {
        "balanced_accuracy": "balanced accuracy",
        "accuracy": "plain accuracy",
        "macro_f1": "macro-F1",
        "level_error": "error in levels",
    }
    figures = {names[name]: figure for name, figure in found.figures().items()}
    return figures | {f"recall of {name}": found.recall[name] for name in found.classes}


def _citation(board: Board, row: Row) -> list[str]:
    """BibTeX of a row, line by line."""
    model, dataset = row.model, board.dataset

    def text(value: Any) -> str:
        # BibTeX counts braces even where LaTeX would print them.
        shown = latex_text(str(value)).replace("\\{", "\\textbraceleft{}")
        return shown.replace("\\}", "\\textbraceright{}")

    address = next((model[x] for x in ("paper", "code") if is_plain_https(model.get(x))), None)
    fields = {
        "title": text(model["name"]),
        "author": " and ".join(f"{{{text(name)}}}" for name in model.get("authors", [])),
        "year": text(str(model.get("date", ""))[:4]),
        "howpublished": f"\\url{{{address}}}" if address else "",
        "note": f"oneshot-emotic leaderboard, {dataset.name} ({dataset.label_rule}), protocol "
        f"{dataset.protocol}, embeddings {row.scores.digest[:12]}",
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return [f"@misc{{{row.slug},", *lines, "}"]
