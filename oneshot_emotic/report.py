"""Scores as tables to read on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oneshot_emotic.scoring.controls import CONTROLS
from oneshot_emotic.scoring.scores import Scores, ShotScores
from oneshot_emotic.scoring.statistics import INTERVAL, Figure
from oneshot_emotic.tasks import FAMILIES, TASKS

Controls = Mapping[str, Mapping[int, ShotScores]]


#: What stands where there is no figure.
NONE = "–"


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction as a percentage, `NONE` where there is none."""
    if value is None:
        return NONE
    text = f"{100 * value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def interval(figure: Figure, digits: int = 1) -> str:
    """`mean [low, high]` in per cent; the mean alone where every draw is the same."""
    mean, low, high = (percent(x, digits) for x in (figure.mean, figure.low, figure.high))
    return mean if low == mean == high else f"{mean} [{low}, {high}]"


def task_report(scores: Scores, task: str, controls: Controls) -> str:
    """The tables of one task: the submission and the control rows, and the recall of each class."""
    by_shots = scores.tasks[task]
    rows: list[list[str]] = []
    for shots, figures in by_shots.items():
        rows.append([f"{scores.name or 'embeddings'}, {shots}-shot", *_cells(figures)])
    fewest = min(by_shots)
    rows += [[CONTROLS[name].title, *_cells(row[fewest])] for name, row in controls.items()]
    first = by_shots[fewest]
    headers = ["", "balanced accuracy", "plain accuracy", "macro-F1"]
    headers += ["level error"] if first.mean_absolute_error else []
    title = (
        f"{task} on {scores.dataset.name} ({scores.dataset.label_rule}): "
        f"{len(first.classes)} novel classes, {first.draws:,} support draws"
    )
    recalls = [
        [name, *(percent(figures.recall[name].mean) for figures in by_shots.values())]
        for name in first.classes
    ]
    recall_headers = ["recall", *(f"{shots}-shot" for shots in by_shots)]
    return f"{title}\n{_table(rows, headers)}\n\n{_table(recalls, recall_headers)}\n"


def overall_report(scores: Scores) -> str:
    """Balanced accuracy of every task, then the overall figure of each family."""
    shots = sorted({count for figures in scores.tasks.values() for count in figures})
    rows = [
        [name, *(percent(figures[count].balanced_accuracy.mean) for count in shots)]
        for name, figures in scores.tasks.items()
    ]
    families = {TASKS[name].family for name in scores.tasks}
    rows += [
        [f"overall {family}", *(percent(scores.overall(family, count)) for count in shots)]
        for family in FAMILIES
        if family in families
    ]
    headers = ["balanced accuracy", *(f"{count}-shot" for count in shots)]
    return f"{_table(rows, headers)}\n"


OVERALL_NOTE = (
    "Overall: mean over a family's tasks of balanced accuracy above chance, with chance at 0 and "
    'perfection at 100; "–" when a task of the family is missing.'
)

INTERVAL_NOTE = f"In per cent. Brackets: {INTERVAL}."


def _cells(figures: ShotScores) -> list[str]:
    cells = [
        interval(figures.balanced_accuracy),
        interval(figures.accuracy),
        percent(figures.macro_f1.mean),
    ]
    if figures.mean_absolute_error is not None:
        mean = figures.mean_absolute_error.mean
        cells.append(NONE if mean is None else f"{mean:.2f}")
    return cells


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    from tabulate import tabulate

    alignment = ["left", *("right" for _ in headers[1:])]
    return tabulate(rows, headers, tablefmt="simple", colalign=alignment, disable_numparse=True)
