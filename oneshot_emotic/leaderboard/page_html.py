"""The leaderboard as one HTML page: no script, nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oneshot_emotic.escaping import html_link, html_text
from oneshot_emotic.leaderboard.board import Board
from oneshot_emotic.leaderboard.reported import reported_sections
from oneshot_emotic.leaderboard.sections import (
    COLUMNS_NOTE,
    SEEN_IMAGES_MARK,
    SEEN_NAMES_MARK,
    SYNTHETIC_NOTE,
    TIED_MARK,
    Cell,
    Style,
    Table,
    about_table,
    family_sections,
)
from oneshot_emotic.scoring.statistics import INTERVAL

_HTML = Style(html_text, html_link, lambda words: f"<em>{html_text(words)}</em>", html_text)

# The policy forbids what no escaping should ever let through.
_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>oneshot-emotic: leaderboard</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
th, td { padding: 0.25rem 0.75rem; border-bottom: 1px solid #8885; text-align: right; }
th { border-bottom-width: 2px; vertical-align: bottom; }
td { white-space: nowrap; }
.text { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 2rem; }
code { overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>Leaderboard</h1>
"""


def html_page(boards: Sequence[Board], reported: dict[str, Any]) -> str:
    """The whole page.

    Args:
        boards: In the order to show them.
        reported: From `reported.read_reported`.
    """
    parts = [
        _HEAD,
        "<p><strong>Verified</strong> rows are recomputed from the submitted embeddings by "
        "oneshot-emotic, protocol 1. <strong>Reported</strong> figures are copied from papers. The "
        "two never share a table and cannot be compared.</p>\n"
        "<p>Figures are in per cent. Each table shows the 1-shot balanced accuracy of its tasks "
        "and ranks by <em>overall</em>, the mean over its tasks of balanced accuracy above chance, "
        f"with chance at 0 and perfection at 100. Brackets: {html_text(INTERVAL)}. A row's rank is "
        "1 + the place of the last row above that it can be told apart from by a paired difference "
        "(5 % over all pairs of the table, Holm's correction); "
        f"{TIED_MARK} marks those that cannot be told apart from the first, {SEEN_NAMES_MARK} "
        f"models that saw words of the unseen classes in training, {SEEN_IMAGES_MARK} models that "
        "saw images of novel persons beyond those that the base persons they used share with them."
        "</p>\n",
    ]
    for board in boards:
        dataset = board.dataset
        parts.append(
            f"<h2>Verified on <code>{html_text(dataset.name)}</code>, label rule "
            f"<code>{html_text(dataset.label_rule)}</code></h2>\n"
        )
        if dataset.name == "synthetic":
            parts.append(f"<p>The <strong>synthetic</strong> {html_text(SYNTHETIC_NOTE)}</p>\n")
        parts.append(
            f"<p>Protocol {dataset.protocol}, fingerprint "
            f"<code>{html_text(dataset.fingerprint)}</code>.</p>\n"
        )
        for section in family_sections(board):
            parts.append(f"<h3>{html_text(section.title)}</h3>\n{_table(section.main)}")
            parts.append(f"<p>{html_text(COLUMNS_NOTE, 500)}</p>\n")
            parts.append(
                "<details><summary>More figures</summary>\n"
                f"<p>{html_text(section.explained)}.</p>\n{_table(section.more)}</details>\n"
            )
        parts.append(
            "<details><summary>About the submissions</summary>\n"
            f"{_table(about_table(board))}</details>\n"
        )
    parts.append("<h2>Reported in papers, on EMOTIC</h2>\n")
    parts.append(
        f"<p>Source: {html_text(reported['source'])}. Unit: {html_text(reported['unit'])}.</p>\n"
    )
    parts += [f"<p>{html_text(note, 500)}</p>\n" for note in reported["notes"]]
    for table in reported_sections(reported):
        parts.append(f"<h3>{html_text(table.title)}</h3>\n{_table(table.table)}")
        parts += [f"<p>{html_text(note, 500)}</p>\n" for note in table.notes]
    return "".join([*parts, "</body>\n</html>\n"])


def _table(table: Table) -> str:
    lines = [
        _row("th", table.headers, table.left),
        *(_row("td", x, table.left) for x in table.rows),
    ]
    head, body = lines[0], "\n".join(lines[1:])
    return (
        f'<div class="table"><table>\n<thead>\n{head}\n</thead>\n<tbody>\n{body}\n</tbody>\n'
        "</table></div>\n"
    )


def _row(tag: str, cells: Sequence[Cell], left: int) -> str:
    opening = [
        f'<{tag} class="text">' if place < left else f"<{tag}>" for place in range(len(cells))
    ]
    marked = (f"{start}{_HTML.cell(x)}</{tag}>" for start, x in zip(opening, cells, strict=True))
    return f"<tr>{''.join(marked)}</tr>"
