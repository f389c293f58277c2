"""Scores as tables to read on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from string import ascii_uppercase

from oneshot_emotic import __version__
from oneshot_emotic.errors import printable
from oneshot_emotic.escaping import latex_text
from oneshot_emotic.scoring.comparison import Compared, Difference
from oneshot_emotic.scoring.controls import CONTROLS
from oneshot_emotic.scoring.diagnostics import Diagnostics
from oneshot_emotic.scoring.scores import Overall, Scores, ShotScores
from oneshot_emotic.scoring.statistics import INTERVAL, Estimate
from oneshot_emotic.tasks import FAMILIES, TASKS

Controls = Mapping[str, Mapping[int, ShotScores]]


#: What stands where there is no figure.
NONE = "–"
#: Columns of a terminal, and the fewest that a name is given of them.
_COLUMNS = 80
_NARROWEST = 12


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction as a percentage, `NONE` where there is none."""
    if value is None:
        return NONE
    text = f"{100 * value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def levels(value: float | None) -> str:
    """An error in levels, `NONE` where there is none."""
    return NONE if value is None else f"{value:.2f}"


def interval(
    figure: Estimate | Overall | Difference | None,
    shown: Callable[[float | None], str] = percent,
) -> str:
    """`mean [low, high]`; the mean alone where every draw is the same, `NONE` for no figure."""
    if figure is None:
        return NONE
    mean, low, high = map(shown, (figure.mean, figure.low, figure.high))
    return mean if figure.low is None or low == mean == high else f"{mean} [{low}, {high}]"


def task_report(scores: Scores, task: str, controls: Controls) -> str:
    """The tables of one task: the submission and the control rows, and the recall of each class."""
    by_shots = scores.tasks[task]
    name = scores.name or "embeddings"
    rows = [[f"{name}, {shots}-shot", *_cells(figures)] for shots, figures in by_shots.items()]
    fewest = min(by_shots)
    rows += [[CONTROLS[control], *_cells(row[fewest])] for control, row in controls.items()]
    first = by_shots[fewest]
    headers = ["", "balanced accuracy", "plain accuracy", "macro-F1"]
    headers += ["level error"] if first.level_error else []
    title = (
        f"{task} on {scores.dataset.name} ({scores.dataset.label_rule}): "
        f"{len(first.classes)} novel classes, {first.draws:,} support draws"
    )
    recalls = [
        [name, *(percent(figures.recall[name].mean) for figures in by_shots.values())]
        for name in first.classes
    ]
    recall_headers = ["recall", *(f"{shots}-shot" for shots in by_shots)]
    return f"{title}\n{_table(headers, rows)}\n\n{_table(recall_headers, recalls)}\n"


def overall_report(scores: Scores) -> str:
    """Balanced accuracy of every task, then the overall figure of each family."""
    shots = sorted({count for figures in scores.tasks.values() for count in figures})
    rows = [
        [name, *(interval(figures[count].balanced_accuracy) for count in shots)]
        for name, figures in scores.tasks.items()
    ]
    families = {TASKS[name].family for name in scores.tasks}
    rows += [
        [f"overall {family}", *(overall_cell(scores, family, count) for count in shots)]
        for family in FAMILIES
        if family in families
    ]
    headers = ["balanced accuracy", *(f"{count}-shot" for count in shots)]
    return f"{_table(headers, rows)}\n"


def overall_cell(scores: Scores, family: str, shots: int) -> str:
    """A family's overall figure with its interval, `NONE` when a task is missing."""
    return interval(scores.overall(family, shots))


def combination_report(combination: Scores, parts: Sequence[Scores]) -> str:
    """1-shot balanced accuracy of a combination beside its parts', then the overall figures."""
    rows = [
        [
            name,
            *(percent(part.tasks[name][1].balanced_accuracy.mean) for part in parts),
            interval(figures[1].balanced_accuracy),
        ]
        for name, figures in combination.tasks.items()
    ]
    for family in FAMILIES:
        if (overall := combination.overall(family)) is not None:
            beside = (part.overall(family) for part in parts)
            cells = (percent(None if x is None else x.mean) for x in beside)
            rows.append([f"overall {family}", *cells, interval(overall)])
    letters = ascii_uppercase[: len(parts)]
    names = [f"{letter}: {part.name}" for letter, part in zip(letters, parts, strict=True)]
    headers = ["1-shot balanced accuracy", *letters, "combination"]
    return "\n".join([*map(printable, names), "", _table(headers, rows), ""])


OVERALL_NOTE = (
    "Overall: mean over a family's tasks of balanced accuracy above chance, with chance at 0 and "
    'perfection at 100; "–" when a task of the family is missing.'
)

INTERVAL_NOTE = f"In per cent. Brackets: {INTERVAL}; of several runs, seeds count too."


def verbose_report(scores: Scores, task: str) -> str:
    """What may explain a task's figures, for every number of shots."""
    return "\n".join(
        f"{task}, {shots}-shot\n{_diagnostics(figures.diagnostics)}\n{_confusion(figures)}"
        for shots, figures in scores.tasks[task].items()
    )


def _confusion(figures: ShotScores) -> str:
    names = figures.classes
    width = (_COLUMNS - max(map(len, names))) // len(names) - 4  # so that it fits a terminal
    rows = [[name, *map(percent, row)] for name, row in zip(names, figures.confusion, strict=True)]
    return (
        "Of each true class (row), per cent taken for each class, mean over draws:\n"
        f"{_table(['', *(name[:width] for name in names)], rows)}\n"
    )


def _diagnostics(found: Diagnostics | None) -> str:
    if found is None:
        return "  Several runs have no diagnostics: score one of them to see its own.\n"
    share = found.ties / found.decisions if found.decisions else 0.0
    lines = [
        f"  exact ties         {found.ties:,} of {found.decisions:,} decisions "
        f"({percent(share, 2)} %)",
        f"  dimensions         {found.dimensions:,}, of them {found.constant_dimensions:,} "
        f"constant and {found.near_constant_dimensions:,} with less than 1 % of the widest range",
        f"  embeddings         {found.different_vectors:,} different ones, "
        f"{found.zero_vectors:,} persons with all zeros",
    ]
    for title, draw in (("best draw", found.best), ("worst draw", found.worst)):
        if draw is not None:
            support = [f"{name}: {', '.join(ids)}" for name, ids in draw.support.items()]
            lines.append(f"  {title:18} {draw.draw}, {percent(draw.balanced_accuracy)} %")
            lines += [f"    {line}" for line in support]
    tables = [_table(*hub_rows(found)), _table(*slice_rows(found))]
    return "\n".join(lines) + "\n\n" + "\n\n".join(tables) + "\n"


def hub_rows(found: Diagnostics) -> tuple[list[str], list[list[str]]]:
    """Headers and rows: how often each class is predicted and how often it is right to."""
    rows = [[name, percent(x.predicted), percent(x.queries)] for name, x in found.hubs.items()]
    return ["class", "share of predictions", "share of queries"], rows


def slice_rows(found: Diagnostics) -> tuple[list[str], list[list[str]]]:
    """Headers and rows: accuracy on some of the queries."""
    rows = [
        [name, f"{part.persons:,}", percent(part.balanced_accuracy), percent(part.accuracy)]
        for name, part in found.slices.items()
    ]
    return ["queries", "persons", "balanced accuracy", "plain accuracy"], rows


def comparison_report(lines: Sequence[Compared], a: str, b: str) -> str:
    """A table of paired differences."""
    rows = [
        [
            f"{line.what}, {line.shots}-shot",
            percent(line.a.mean),
            percent(line.b.mean),
            *difference_cells(line.difference),
        ]
        for line in lines
    ]
    headers = ["balanced accuracy", "A", "B", "A - B", "p", "told apart"]
    return (
        f"A: {a}\nB: {b}\n\n{_table(headers, rows)}\n\n"
        "In per cent; overall: above chance. A - B with the 95 % interval of the paired\n"
        "difference by leaving out one image at a time in both; p: how likely so great a\n"
        "difference would be between equals; told apart: the interval leaves out 0. Each line\n"
        "is judged alone: of twenty lines between equals, one is told apart by chance."
    )


def difference_cells(found: Difference) -> list[str]:
    """The difference with its interval, p, and whether the two are told apart."""
    p = "< 0.001" if found.p < 0.001 else f"{found.p:.3f}"
    return [plain_interval(found), p, "yes" if found.separated else "no"]


def plain_interval(difference: Difference) -> str:
    """The interval with so many digits that one sees on which side of 0 it lies."""
    bounds = (difference.low, difference.high)
    for digits in (1, 2, 3):
        shown = [float(percent(bound, digits)) for bound in bounds]
        if not difference.separated or min(map(abs, shown)) > 0:
            break
    return interval(difference, partial(percent, digits=digits))


def latex_rows(scores: Scores) -> str:
    """A row of a LaTeX table for each number of shots, with the column heads as a comment."""
    shots = sorted({count for figures in scores.tasks.values() for count in figures})
    version = scores.dataset
    name = latex_text(scores.name or "embeddings")
    lines = [
        f"% oneshot-emotic {__version__}, protocol {version.protocol}, {version.name} "
        f"({version.label_rule}, fingerprint {version.fingerprint[:12]})",
        f"% balanced accuracy in per cent with {INTERVAL}",
        f"% submission & shots & {' & '.join(scores.tasks)} \\\\",
    ]
    for count in shots:
        cells = [_latex_cell(figures.get(count)) for figures in scores.tasks.values()]
        lines.append(f"{name} & {count} & {' & '.join(cells)} \\\\")
    return "\n".join(lines) + "\n"


def _latex_cell(figures: ShotScores | None) -> str:
    if figures is None or figures.balanced_accuracy.mean is None:
        return "--"
    figure = figures.balanced_accuracy
    bounds = f"{percent(figure.low)}, {percent(figure.high)}"
    return f"{percent(figure.mean)} {{\\footnotesize [{bounds}]}}"


def _cells(figures: ShotScores) -> list[str]:
    cells = [
        interval(figures.balanced_accuracy),
        interval(figures.accuracy),
        percent(figures.macro_f1.mean),
    ]
    if figures.level_error is not None:
        cells.append(levels(figures.level_error.mean))
    return cells


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; one too wide for a terminal gets heads of several lines, then a narrower name."""
    rows = [[printable(cell, limit=None) for cell in row] for row in rows]
    text = _tabulated(rows, headers)
    if _width(text) > _COLUMNS:
        headers = [header.replace(" ", "\n") for header in headers]
        text = _tabulated(rows, headers)
    if (beyond := _width(text) - _COLUMNS) > 0:
        widest = max(len(row[0]) for row in rows)
        text = _tabulated(rows, headers, name_width=max(widest - beyond, _NARROWEST))
    return text


def _tabulated(
    rows: Sequence[Sequence[str]], headers: Sequence[str], name_width: int | None = None
) -> str:
    from tabulate import tabulate

    return tabulate(
        rows,
        headers,
        tablefmt="simple",
        colalign=["left", *("right" for _ in headers[1:])],
        maxcolwidths=None if name_width is None else [name_width, *(None for _ in headers[1:])],
        disable_numparse=True,
    )


def _width(text: str) -> int:
    return max(map(len, text.splitlines()))
