"""Tables that fit a terminal of 80 columns and lose nothing."""

from __future__ import annotations

import numpy as np
import pytest

from oneshot_emotic import evaluate, load_task
from oneshot_emotic.report import _table, comparison_report, verbose_report
from oneshot_emotic.scoring.comparison import Compared, Difference
from oneshot_emotic.scoring.runs import combine_runs
from oneshot_emotic.scoring.statistics import Estimate

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
    text = _table(HEADERS[: len(rows[0])], rows)
    assert max(map(len, text.splitlines())) <= 80
    assert set(" ".join([*rows[1], *HEADERS[: len(rows[0])]]).split()) <= set(text.split())
    # A long name goes on in the lines below its figures.
    [rule] = [line for line in text.splitlines() if line.startswith("---")]
    column = "".join(line[: rule.index(" ")] for line in text.splitlines())
    assert f"{name}, 5-shot".replace(" ", "") in column.replace(" ", "")
    for figure in FIGURES:
        assert figure in text


def test_what_fits_stays_on_one_line():
    text = _table(["", "balanced accuracy", "x"], [["Ours, 1-shot", "28.0 [25.9, 30.0]", "24.1"]])
    assert len(text.splitlines()) == 3 and "balanced accuracy" in text


def test_a_cell_is_one_line():
    text = _table(["", "x"], [["a\n\x1b[2Jb", "1"]])
    assert "a\\n\\x1b[2Jb" in text and len(text.splitlines()) == 3


def test_confusion_by_hand(task):
    """Two classes lie on one point, so that their persons are shared between them; the others not.

    Each of the first two classes is half taken for the other, and every other class for itself.
    """
    place = np.array([0, 0, 2, 3, 4, 5])[task.novel_labels]
    scores = evaluate((task.novel.sample_ids, np.eye(6)[place]), task)
    *_, title, head, rule, first, second, third, fourth, fifth, sixth = verbose_report(
        scores, task.name
    ).splitlines()
    assert title.startswith("Of each true class (row), per cent taken for each class")
    assert head.split() == [name[:7] for name in task.classes] and set(rule) == {"-", " "}
    assert first.split() == ["Disconnection", "50.0", "50.0", "0.0", "0.0", "0.0", "0.0"]
    assert second.split() == ["Engagement", "50.0", "50.0", "0.0", "0.0", "0.0", "0.0"]
    for number, line in enumerate((third, fourth, fifth, sixth), 2):
        whole = ["100.0" if other == number else "0.0" for other in range(6)]
        assert line.split() == [task.classes[number], *whole]
    several = verbose_report(combine_runs([scores, scores]), task.name)
    assert "Several runs have no diagnostics" in several and first in several


@pytest.mark.parametrize("name", ["cat-6-6", "lev-6-4-valence"])
def test_confusion_fits(name):
    task = load_task(name)
    scores = evaluate((task.novel.sample_ids, np.eye(6)[task.novel_labels]), task)
    lines = verbose_report(scores, name).splitlines()
    table = lines[-len(task.classes) - 2 :]
    assert max(map(len, table)) <= 80 and len(table[0].split()) == len(task.classes)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (-0.0104, -0.0003, "-0.50 [-1.04, -0.03]"),
        (-0.0104, -0.00003, "-0.500 [-1.040, -0.003]"),
        (-0.0104, 0.0004, "-0.5 [-1.0, 0.0]"),
        (-0.0104, -0.004, "-0.5 [-1.0, -0.4]"),
    ],
)
def test_an_interval_does_not_contradict_its_verdict(low, high, shown):
    apart = Difference(-0.005, low, high, 0.05)
    figure = Estimate(0.5, 0.4, 0.6, 0.5, 0.1, 0.4, 0.6)
    text = comparison_report([Compared("cat-6-6", 1, figure, figure, apart)], "A", "B")
    assert shown in text and (" yes" if high < 0 else " no") in text
