"""The charts of a report for a paper: PDF, SVG and PNG, in the width of a column and of a page."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from oneshot_emotic.errors import printable
from oneshot_emotic.report import percent
from oneshot_emotic.scoring.scores import Overall
from oneshot_emotic.scoring.statistics import Estimate
from oneshot_emotic.splits import DatasetIdentity, Task
from oneshot_emotic.submission_report.contents import Entry, Report, Submission, TaskPart
from oneshot_emotic.submission_report.supports import draw_values
from oneshot_emotic.tasks import FAMILIES
from oneshot_emotic.webpage.colours import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: In inches: a column of a two-column paper, and both.
WIDTHS = {"column": 3.3, "page": 7.0}
FORMATS = ("pdf", "svg", "png")
#: Nothing that a run, a machine or a version of matplotlib would change.
_METADATA: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}
_SETTINGS: dict[Any, Any] = {
    "axes.linewidth": 0.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "figure.dpi": 300,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 7,
    "legend.fontsize": 6,
    "legend.frameon": False,
    "lines.linewidth": 1,
    "pdf.fonttype": 42,  # text stays text
    "svg.fonttype": "none",
    "svg.hashsalt": "oneshot-emotic",
    "text.parse_math": False,  # a name is no formula
    "text.usetex": False,
    "xtick.labelsize": 6,
    "xtick.major.width": 0.5,
    "ytick.labelsize": 6,
    "ytick.major.width": 0.5,
}
_GREY, _LIGHT = "#6e7781", "#d0d7de"
#: Heights in inches: of a row of dots, of what is above and below, of a plot.
_ROW, _AROUND, _PLOT = 0.2, 0.75, 2.1
_MARKS = "osD^vP*X"


@dataclass(frozen=True)
class PaperFigure:
    """A chart.

    Attributes:
        name: Its file's name, without width and format.
        height: In inches, in a column; None for a square.
        draw: Draws it.
    """

    name: str
    height: float | None
    draw: Callable[[Figure], None]


@dataclass(frozen=True)
class _Dots:
    """A submission's figures, one a row: mean and interval; None where there is none."""

    submission: Submission
    values: Sequence[Estimate | Overall | float | None]


def paper_figures(report: Report) -> Iterator[PaperFigure]:
    """All charts of a report, in the order of its page."""
    if any(len(row.scores.tasks) > 1 for row in report.submissions):
        yield _tasks(report)
    if any(pair.lines for pair in report.pairs):
        yield _differences(report)
    for part in report.tasks:
        yield from _of_task(report, part)


def figure_files(
    charts: Iterable[PaperFigure], dataset: DatasetIdentity
) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file: each chart in every width and format.

    Args:
        charts: From `paper_figures`.
        dataset: What each says at its foot.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # Letters that the font lacks show as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        for chart in charts:
            for width_name, width in WIDTHS.items():
                figure = Figure(figsize=(width, chart.height or min(width, 5.0)))
                chart.draw(figure)
                figure.supxlabel(_note(dataset), fontsize=5, color=_GREY, x=0.99, ha="right")
                figure.draw_without_rendering()  # lays it out, once for all formats
                figure.set_layout_engine("none")
                for kind in FORMATS:
                    content = io.BytesIO()
                    figure.savefig(content, format=kind, metadata=_METADATA[kind])
                    yield f"{chart.name}-{width_name}.{kind}", content.getvalue()


def _note(dataset: DatasetIdentity) -> str:
    name = f"{dataset.name} ({dataset.label_rule}, {dataset.fingerprint[:8]})"
    return f"synthetic stand-in, no real data: {name}" if dataset.is_synthetic else name


def _tasks(report: Report) -> PaperFigure:
    """Balanced accuracy on every task, and the overall figures."""
    names = [part.task.name for part in report.tasks]
    families = [x for x in FAMILIES if any(row.scores.overall(x) for row in report.submissions)]
    dots = [
        _Dots(
            row,
            [
                *map(row.scores.balanced_accuracy, names),
                *map(row.scores.overall, families),
            ],
        )
        for row in report.submissions
    ]
    rows = [*names, *(f"overall {x}" for x in families)]
    return _dot_figure("tasks", rows, dots, "1-shot balanced accuracy (overall: above chance), %")


def _differences(report: Report) -> PaperFigure:
    """The paired differences with one shot."""
    lines = [
        (f"{pair.a.letter} - {pair.b.letter}, {line.what}", line.difference)
        for pair in report.pairs
        for line in pair.lines
        if line.shots == 1
    ]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for place, (_, found) in enumerate(lines):
            colour = "black" if found.separated else _GREY
            axes.plot([100 * found.low, 100 * found.high], [place, place], color=colour)
            axes.plot([100 * found.mean], [place], "o", markersize=3, color=colour)
        _rows(axes, [name for name, _ in lines])
        axes.axvline(0, color=_GREY, linewidth=0.5, linestyle="--")
        axes.set_xlabel("difference in 1-shot balanced accuracy, points")
        _key(figure, [(row.title, None) for row in report.submissions])

    return PaperFigure("differences", _AROUND + _ROW * len(lines) + _keys(report.submissions), draw)


def _of_task(report: Report, part: TaskPart) -> Iterator[PaperFigure]:
    task, entries = part.task, part.entries
    chance = 1 / len(task.classes)
    recalls = [
        _Dots(x.submission, [x.figures[1].recall[name] for name in task.classes]) for x in entries
    ]
    yield _shots(part)
    if any(x.figures[1].balanced_accuracy.evidence is not None for x in entries):
        yield _draws(part)
    yield _dot_figure(f"{task.name}-recall", task.classes, recalls, "1-shot recall, %", chance)
    told = [(x, found) for x in entries if (found := x.first_run[1].diagnostics) is not None]
    slices = list(dict.fromkeys(name for _, found in told for name in found.slices))
    yield _dot_figure(
        f"{task.name}-slices",
        slices,
        [
            _Dots(x.submission, [found.slices[name].balanced_accuracy for name in slices])
            for x, found in told
        ],
        "1-shot balanced accuracy, %",
        chance,
    )
    yield _dot_figure(
        f"{task.name}-hubs",
        task.classes,
        [
            _Dots(
                x.submission,
                [found.hubs[y].predicted - found.hubs[y].queries for y in task.classes],
            )
            for x, found in told
        ],
        "share of predictions less share of queries, points",
        0.0,
    )
    for entry in entries:
        letter = f"-{entry.submission.letter.lower()}" if len(report.submissions) > 1 else ""
        yield _confusion(f"{task.name}-confusion{letter}", task, entry)
        if entry.map is not None:
            yield _map(f"{task.name}-map{letter}", task, entry)


def _dot_figure(
    name: str,
    rows: Sequence[str],
    dots: Sequence[_Dots],
    label: str,
    reference: float | None = None,
) -> PaperFigure:
    """A row of dots with intervals for each of `rows`, in per cent."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        step = 0.8 / len(dots)
        for number, of in enumerate(dots):
            colour, mark = _look(of.submission)
            for place, value in enumerate(of.values):
                y = place + step * (number - (len(dots) - 1) / 2)
                mean = value.mean if isinstance(value, Estimate | Overall) else value
                if mean is None:
                    continue
                axes.plot([100 * mean], [y], mark, markersize=3, color=colour)
                if isinstance(value, Estimate | Overall) and value.low is not None:
                    assert value.high is not None
                    axes.plot([100 * value.low, 100 * value.high], [y, y], color=colour)
        if reference is not None:
            axes.axvline(100 * reference, color=_GREY, linewidth=0.5, linestyle="--")
        _rows(axes, rows)
        axes.set_xlabel(label)
        _key(figure, [(x.submission.title, x.submission) for x in dots])

    submissions = [x.submission for x in dots]
    height = _ROW * len(rows) * max(1, len(dots) / 2.5)
    return PaperFigure(name, _AROUND + height + _keys(submissions), draw)


def _shots(part: TaskPart) -> PaperFigure:
    """Balanced accuracy with 1 to 5 shots."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for number, entry in enumerate(part.entries):
            colour, mark = _look(entry.submission)
            found = [
                (shots + 0.06 * (number - (len(part.entries) - 1) / 2), x.balanced_accuracy)
                for shots, x in entry.figures.items()
                if x.balanced_accuracy.mean is not None
            ]
            means = [100 * (x.mean or 0.0) for _, x in found]
            axes.plot([x for x, _ in found], means, f"{mark}-", markersize=3, color=colour)
            for x, figures in found:
                if figures.low is not None and figures.high is not None:
                    ends = [100 * figures.low, 100 * figures.high]
                    axes.plot([x, x], ends, color=colour, linewidth=0.75)
        chance = 100 / len(part.task.classes)
        axes.axhline(chance, color=_GREY, linewidth=0.5, linestyle="--")
        axes.annotate(
            "chance",
            (5, chance),
            (0, 2),
            textcoords="offset points",
            color=_GREY,
            fontsize=6,
            ha="right",
        )
        axes.set_xticks(list(part.entries[0].figures))
        axes.set_xlabel("support persons a class (shots)")
        axes.set_ylabel("balanced accuracy, %")
        _key(figure, [(x.submission.title, x.submission) for x in part.entries])

    height = _PLOT + _keys([x.submission for x in part.entries])
    return PaperFigure(f"{part.task.name}-shots", height, draw)


def _draws(part: TaskPart) -> PaperFigure:
    """How balanced accuracy spreads over the support draws, with draw 0."""

    def draw(figure: Figure) -> None:
        rows = figure.subplots(len(part.entries), sharex=True, squeeze=False)[:, 0]
        known = [
            [
                100 * x
                for x in draw_values(entry.figures[1].balanced_accuracy) or []
                if x is not None
            ]
            for entry in part.entries
        ]
        everything = [x for values in known for x in values]
        edges = np.histogram_bin_edges(everything, 40)
        for axes, entry, values in zip(rows, part.entries, known, strict=True):
            estimate = entry.figures[1].balanced_accuracy
            axes.hist(values, edges, color=_look(entry.submission)[0], alpha=0.6, linewidth=0)
            if estimate.mean is not None:
                axes.axvline(100 * estimate.mean, color="black", linewidth=0.75)
            if estimate.draw_0 is not None:
                axes.axvline(100 * estimate.draw_0, color="black", linestyle=":")
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            shown = (
                f"mean (line) {percent(estimate.mean)}, draw 0 (dots) {percent(estimate.draw_0)}"
            )
            axes.set_title(f"{_short(entry.submission.title)}: {shown}", fontsize=6, loc="left")
        rows[-1].set_xlabel("1-shot balanced accuracy of a support draw, %")

    return PaperFigure(f"{part.task.name}-draws", 0.5 + 0.9 * len(part.entries), draw)


def _confusion(name: str, task: Task, entry: Entry) -> PaperFigure:
    """What share of each class was taken for what."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        rates = [[np.nan if x is None else x for x in row] for row in entry.figures[1].confusion]
        axes.imshow(rates, cmap="Blues", vmin=0, vmax=1)
        for row, shares in enumerate(rates):
            for column, share in enumerate(shares):
                shown = "" if np.isnan(share) else f"{100 * share:.0f}"
                colour = "white" if share > 0.6 else "black"
                axes.text(column, row, shown, ha="center", va="center", color=colour, fontsize=6)
        places = range(len(task.classes))
        axes.set_xticks(places, task.classes, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(places, task.classes)
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
        axes.set_xlabel("taken for, % of the true class")
        axes.set_ylabel("true class")
        axes.set_title(_short(entry.submission.title), fontsize=7)

    return PaperFigure(name, None, draw)


def _map(name: str, task: Task, entry: Entry) -> PaperFigure:
    """The embedding by t-SNE, coloured by class."""

    def draw(figure: Figure) -> None:
        from matplotlib.lines import Line2D

        assert entry.map is not None
        axes = figure.subplots()
        x, y = entry.map.positions.T
        classes = task.novel_labels[entry.map.persons]
        supports = task.support[0, 0]
        keys = []
        for number, label in enumerate(task.classes):
            chosen = classes == number
            colour, mark = PALETTE[number], _MARKS[number]
            axes.scatter(
                x[chosen], y[chosen], s=4, color=colour, marker=mark, linewidth=0, alpha=0.7
            )
            key: dict[str, Any] = {
                "color": colour,
                "marker": mark,
                "linestyle": "",
                "markersize": 4,
            }
            keys.append(Line2D([], [], label=label, **key))
        for number, place in enumerate(supports.tolist()):
            at = np.searchsorted(entry.map.persons, place)
            axes.scatter(
                x[at],
                y[at],
                s=40,
                color=PALETTE[number],
                marker=_MARKS[number],
                edgecolor="black",
                linewidth=0.8,
                zorder=3,
            )
        key = {"color": "white", "marker": "o", "markeredgecolor": "black", "linestyle": ""}
        keys.append(Line2D([], [], label="support, draw 0", markersize=5, **key))
        axes.set_xticks([])
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_visible(False)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_title(_short(entry.submission.title), fontsize=7)
        figure.legend(
            handles=keys, loc="outside upper center", ncols=4, handletextpad=0.2, columnspacing=0.8
        )

    return PaperFigure(name, None, draw)


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [printable(name, 40) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=_LIGHT, linewidth=0.4)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)


def _key(figure: Figure, named: Sequence[tuple[str, Submission | None]]) -> None:
    """Which colour and mark is whose, where there are several."""
    from matplotlib.lines import Line2D

    if len(named) < 2:
        return
    keys = []
    for title, submission in named:
        colour, mark = _look(submission) if submission else ("none", "")
        look: dict[str, Any] = {"color": colour, "marker": mark, "markersize": 3}
        keys.append(Line2D([], [], label=_short(title), linewidth=1, **look))
    figure.legend(handles=keys, loc="outside upper left", ncols=1)


def _keys(submissions: Sequence[Submission]) -> float:
    """The height of `_key`."""
    return 0.13 * len(submissions) if len(submissions) > 1 else 0.0


def _look(submission: Submission) -> tuple[str, str]:
    """Colour and mark."""
    number = ord(submission.letter) - ord("A")
    return PALETTE[number], _MARKS[number]


def _short(title: str) -> str:
    return printable(title, 48)
