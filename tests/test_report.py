"""Tables that fit a terminal of 80 columns and lose nothing."""

from __future__ import annotations

import pytest

from oneshot_emotic.report import _table

FIGURES = ["99.9 [98.5, 100.0]", "100.0 [99.9, 100.0]", "100.0"]
HEADERS = ["", "balanced accuracy", "plain accuracy", "macro-F1", "level error"]


@pytest.mark.parametrize("levels", [False, True])
@pytest.mark.parametrize(
    "name", ["Ours", "Colour and gradient statistics", "A-name-without-a-space-" * 4, "word " * 19]
)
def test_score_tables_fit(name, levels):
    rows = [
        [f"{name}, 5-shot", *FIGURES, *(["10.00"] if levels else [])],
        ["Always the majority class", "16.7", "41.2", "9.7", *(["1.74"] if levels else [])],
    ]
    text = _table(rows, HEADERS[: len(rows[0])])
    assert max(map(len, text.splitlines())) <= 80
    assert set(" ".join([*rows[1], *HEADERS[: len(rows[0])]]).split()) <= set(text.split())
    # A long name goes on in the lines below its figures.
    [rule] = [line for line in text.splitlines() if line.startswith("---")]
    column = "".join(line[: rule.index(" ")] for line in text.splitlines())
    assert f"{name}, 5-shot".replace(" ", "") in column.replace(" ", "")
    for figure in FIGURES:
        assert figure in text


def test_what_fits_stays_on_one_line():
    text = _table([["Ours, 1-shot", "28.0 [25.9, 30.0]", "24.1"]], ["", "balanced accuracy", "x"])
    assert len(text.splitlines()) == 3 and "balanced accuracy" in text


def test_a_cell_is_one_line():
    text = _table([["a\n\x1b[2Jb", "1"]], ["", "x"])
    assert "a\\n\\x1b[2Jb" in text and len(text.splitlines()) == 3
