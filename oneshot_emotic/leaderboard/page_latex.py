"""The verified tables for a LaTeX document; they need the packages booktabs and hyperref."""

from __future__ import annotations

from collections.abc import Sequence

from oneshot_emotic import __version__
from oneshot_emotic.escaping import latex_link, latex_text
from oneshot_emotic.leaderboard.board import Board
from oneshot_emotic.leaderboard.sections import (
    COLUMNS_NOTE,
    SEEN_IMAGES_MARK,
    SEEN_NAMES_MARK,
    TIED_MARK,
    Cell,
    Style,
    Table,
    family_sections,
)
from oneshot_emotic.report import NONE
from oneshot_emotic.scoring.statistics import INTERVAL

#: Signs of our own that not every font has.
_SIGNS = {
    SEEN_NAMES_MARK: r"$\ddagger$",
    SEEN_IMAGES_MARK: r"\S{}",
    TIED_MARK: r"$\approx$",
    NONE: "--",
}


def _own(text: str) -> str:
    shown = latex_text(text)
    for sign, command in _SIGNS.items():
        shown = shown.replace(sign, command)
    return shown


_LATEX = Style(latex_text, latex_link, lambda words: f"\\emph{{{_own(words)}}}", _own)


def latex_tables(boards: Sequence[Board]) -> str:
    """A table for each data set and family of tasks."""
    tables = [
        _table(section.main, board, section.title)
        for board in boards
        for section in family_sections(board)
    ]
    return "\n".join(["% \\usepackage{booktabs,hyperref}", *tables])


def _table(table: Table, board: Board, title: str) -> str:
    dataset = board.dataset
    invented = ", the synthetic stand-in" if dataset.name == "synthetic" else ""
    caption = (
        f"{title} on {dataset.name}{invented} (label rule {dataset.label_rule}, fingerprint "
        f"{dataset.fingerprint[:12]}): 1-shot balanced accuracy in per cent, ranked by its mean "
        f"above chance; brackets: {INTERVAL}. {COLUMNS_NOTE} oneshot-emotic "
        f"{__version__}, protocol {dataset.protocol}."
    )
    columns = "l" * table.left + "r" * (len(table.headers) - table.left)
    lines = [
        r"\begin{table}",
        r"\centering",
        f"\\caption{{{latex_text(caption, 1000)}}}",
        f"\\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _row(table.headers),
        r"\midrule",
        *map(_row, table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[Cell]) -> str:
    return " & ".join(map(_LATEX.cell, cells)) + r" \\"
