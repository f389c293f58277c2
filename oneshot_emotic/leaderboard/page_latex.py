"""The verified tables for a LaTeX document; they need the packages booktabs and graphicx.

A table that is wider than the line, be it a column's or a page's, is made as wide as that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

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
    return "\n".join(["% \\usepackage{booktabs,graphicx}", *tables])


def _table(table: Table, board: Board, title: str) -> str:
    dataset = board.dataset
    invented = ", the synthetic stand-in" if dataset.is_synthetic else ""
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
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        f"\\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _row(map(_LATEX.cell, table.headers)),
        r"\midrule",
        *map(_row, _body(table)),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _body(table: Table) -> list[list[str]]:
    """The cells, the best figure of each column bold, intervals small."""
    means = [[_mean(cell) for cell in cells[table.left :]] for cells in table.rows]
    best = [max(column) for column in zip(*means, strict=True)]
    return [
        [
            *map(_LATEX.cell, cells[: table.left]),
            *(
                _figure(cell, mean == most > -math.inf)
                for cell, mean, most in zip(cells[table.left :], row, best, strict=True)
            ),
        ]
        for cells, row in zip(table.rows, means, strict=True)
    ]


def _mean(cell: Cell) -> float:
    """The mean of a cell as it is shown; minus infinity where there is none."""
    return -math.inf if cell in (NONE, "") else float(str(cell).split()[0])


def _figure(cell: Cell, is_best: bool) -> str:
    mean, _, brackets = str(cell).partition(" ")
    shown = f"\\textbf{{{_own(mean)}}}" if is_best else _own(mean)
    return f"{shown} {{\\footnotesize {_own(brackets)}}}" if brackets else shown


def _row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
