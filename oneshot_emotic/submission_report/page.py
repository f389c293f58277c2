"""The report as a page: tables in the document, charts drawn over them by scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from oneshot_emotic import __version__
from oneshot_emotic.errors import counted
from oneshot_emotic.report import (
    INTERVAL_NOTE,
    NONE,
    OVERALL_NOTE,
    difference_cells,
    hub_rows,
    interval,
    levels,
    percent,
    slice_rows,
)
from oneshot_emotic.scoring.controls import CONTROLS
from oneshot_emotic.scoring.diagnostics import Diagnostics
from oneshot_emotic.scoring.evaluate import LEADERBOARD_SHOTS
from oneshot_emotic.scoring.scores import ShotScores
from oneshot_emotic.splits import Task
from oneshot_emotic.submission_report.contents import Entry, Report, Submission, TaskPart
from oneshot_emotic.submission_report.thumbnails import Thumbnail
from oneshot_emotic.tasks import FAMILIES, TASKS
from oneshot_emotic.webpage.page import page

EMBEDDED_WARNING = (
    "Pictures of the data set are copied into this page. EMOTIC's licence does not let you share "
    "them: keep the page to yourself."
)
_HUBS = "Hubs: classes that are taken more often than they occur, 1-shot"
_SLICES = "Slices: some of the queries, 1-shot, over all draws"


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        caption: What it shows.
        headers: Of the columns.
        rows: Of text.
        left: Columns of text, the first ones; the others hold figures.
    """

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1


@dataclass(frozen=True)
class EntrySection:
    """What the page says of one submission on a task.

    Attributes:
        entry: The submission on the task.
        number: Its place among those of the task.
        about: Sentences.
        tables: Confusion, hubs, slices.
        examples: The queries beside their supports.
        supports: The hardest and easiest supports.
        map_note: Who is on the map; empty where there is none.
    """

    entry: Entry
    number: int
    about: Sequence[str]
    tables: Sequence[Table]
    examples: Table
    supports: Table
    map_note: str


@dataclass(frozen=True)
class TaskSection:
    """What the page says of a task."""

    task: Task
    about: str
    headline: Table
    shots: Table
    recall: Table
    entries: Sequence[EntrySection] = field(default_factory=tuple)


def shown_persons(report: Report) -> Iterator[str]:
    """The sample_ids of all persons whose pictures the page has room for."""
    for part in report.tasks:
        for entry in part.entries:
            for example in entry.examples:
                yield from (example.query, example.nearest, example.other)
            for found in entry.supports.values():
                yield from (person.sample_id for person in (*found.hardest, *found.easiest))


def report_page(report: Report, pictures: Mapping[str, Thumbnail] = MappingProxyType({})) -> str:
    """The page.

    Args:
        report: What it says.
        pictures: From `thumbnails`; empty for a page without any.
    """
    copies = any(x.is_copy for x in pictures.values())
    names = ", ".join(row.name for row in report.submissions)
    return page(
        "report.html",
        package=__package__ or "",
        title=f"Report: {names}",
        data=report.to_dict(),
        libraries=("d3", "plot"),
        scripts=("charts.js", "report.js"),
        styles=("report.css",),
        pictures="data: file:" if pictures and not copies else "data:",
        report=report,
        submissions=_submissions(report),
        overview=_overview(report),
        differences=_differences(report),
        sections=[_task(part) for part in report.tasks],
        thumbnails=pictures,
        warning=EMBEDDED_WARNING if copies else "",
        interval_note=INTERVAL_NOTE,
        overall_note=OVERALL_NOTE,
        version=__version__,
    )


def _submissions(report: Report) -> Table:
    rows = [
        [
            row.title,
            ", ".join(row.scores.tasks),
            row.scores.digest,
            str(max(x[1].runs for x in row.scores.tasks.values())),
        ]
        for row in report.submissions
    ]
    headers = ["submission", "tasks", "digest", "runs (training seeds)"]
    return Table("The submissions", headers, rows, left=3)


def _overview(report: Report) -> Table | None:
    """Balanced accuracy of all, on all tasks; None where that is a single figure."""
    if len(report.submissions) == len(report.tasks) == 1:
        return None
    headers = ["task", *_shot_columns(report.submissions)]
    rows = [
        [
            part.task.name,
            *(
                interval(row.scores.balanced_accuracy(part.task.name, shots))
                for row in report.submissions
                for shots in LEADERBOARD_SHOTS
            ),
            percent(1 / len(part.task.classes)),
        ]
        for part in report.tasks
    ]
    for family in FAMILIES:
        overall = [
            row.scores.overall(family, shots)
            for row in report.submissions
            for shots in LEADERBOARD_SHOTS
        ]
        if any(overall):
            cells = map(interval, overall)
            rows.append([f"overall {family}, above chance", *cells, percent(0.0)])
    return Table("Balanced accuracy of all in per cent", [*headers, "chance"], rows)


def _shot_columns(submissions: Sequence[Submission]) -> list[str]:
    several = len(submissions) > 1
    return [
        f"{row.letter}, {shots}-shot" if several else f"{shots}-shot"
        for row in submissions
        for shots in LEADERBOARD_SHOTS
    ]


def _differences(report: Report) -> Table | None:
    """The paired differences; None for a single submission."""
    rows = [
        [
            f"{pair.a.letter} - {pair.b.letter}, {line.what}, {line.shots}-shot",
            interval(line.a),
            interval(line.b),
            *difference_cells(line.difference),
        ]
        for pair in report.pairs
        for line in pair.lines
    ]
    headers = ["balanced accuracy", "first", "second", "difference", "p", "told apart"]
    return Table("Paired differences in points", headers, rows) if rows else None


def _task(part: TaskPart) -> TaskSection:
    task = part.task
    images = counted(len(task.image_names), "image")
    about = (
        f"{TASKS[task.name].title} of the paper. {counted(len(task.novel), 'novel person')} of "
        f"{len(task.classes)} classes in {images}, {task.draws:,} support draws; "
        f"{len(task.base):,} base persons."
    )
    return TaskSection(
        task,
        about,
        _headline(part),
        _shots(part),
        _recall(part),
        [_entry(task, entry, number) for number, entry in enumerate(part.entries)],
    )


def _headline(part: TaskPart) -> Table:
    """All figures with one and five shots, and the control rows."""
    rows = [
        [f"{entry.submission.title}, {shots}-shot", *_figures(entry.figures[shots])]
        for shots in LEADERBOARD_SHOTS
        for entry in part.entries
    ]
    rows += [[CONTROLS[name], *_figures(by_shots[1])] for name, by_shots in part.controls.items()]
    headers = [
        *("submission", "balanced accuracy", "in draw 0", "spread over draws", "least to most"),
        *("plain accuracy", "plain in draw 0", "macro-F1"),
        *(["level error"] if part.task.levels else []),
    ]
    return Table("Figures in per cent; the level error in levels", headers, rows)


def _figures(figures: ShotScores) -> list[str]:
    balanced, plain = figures.balanced_accuracy, figures.accuracy
    ends = percent(balanced.min), percent(balanced.max)
    cells = [
        interval(balanced),
        percent(balanced.draw_0),
        percent(balanced.std),
        " to ".join(dict.fromkeys(ends)),
        interval(plain),
        percent(plain.draw_0),
        percent(figures.macro_f1.mean),
    ]
    if figures.level_error is not None:
        cells.append(interval(figures.level_error, levels))
    return cells


def _shots(part: TaskPart) -> Table:
    rows = [
        [f"{shots}-shot", *(interval(x.figures[shots].balanced_accuracy) for x in part.entries)]
        for shots in part.entries[0].figures
    ]
    headers = ["shots", *(entry.submission.title for entry in part.entries)]
    return Table("Balanced accuracy by shots in per cent", headers, rows)


def _recall(part: TaskPart) -> Table:
    task = part.task
    headers = ["class", "persons", *_shot_columns([x.submission for x in part.entries])]
    rows = [
        [name, f"{task.novel.counts[name]:,}"]
        + [interval(x.figures[shots].recall[name]) for x in part.entries for shots in (1, 5)]
        for name in task.classes
    ]
    return Table("Recall of each class in per cent", headers, rows)


def _entry(task: Task, entry: Entry, number: int) -> EntrySection:
    one, found = entry.figures[1], entry.first_run[1].diagnostics
    about = []
    if one.runs > 1:
        about.append(
            f"Figures and confusion are means of {one.runs} runs; the diagnostics, the map and the "
            "examples are the first run's."
        )
    tables = [_confusion(one)]
    if found is not None:
        about.append(_facts(found))
        tables += [Table(_HUBS, *hub_rows(found)), Table(_SLICES, *slice_rows(found))]
    return EntrySection(
        entry, number, about, tables, _examples(entry), _supports(entry), _map_note(task, entry)
    )


def _examples(entry: Entry) -> Table:
    rows = [
        [
            "recognised" if x.right else "not recognised",
            f"{x.query} ({x.label})",
            f"{x.nearest} ({x.taken})",
            f"{x.other} ({x.other_label})",
            NONE if x.further is None else f"{x.further:.3f}",
        ]
        for x in entry.examples
    ]
    headers = ["result", "query", "nearest support", "the other support", "times as far"]
    caption = (
        "The other support is that of the query's own class where it was not recognised, else the "
        "nearest of another class"
    )
    return Table(caption, headers, rows, left=4)


def _facts(found: Diagnostics) -> str:
    share = found.ties / found.decisions if found.decisions else 0.0
    return (
        f"{found.dimensions:,} dimensions, of them {found.constant_dimensions:,} constant; "
        f"{found.different_vectors:,} different embeddings, {found.zero_vectors:,} of only zeros; "
        f"{found.ties:,} of {found.decisions:,} decisions are exact ties ({percent(share, 2)} %)."
    )


def _confusion(figures: ShotScores) -> Table:
    rows = [
        [name, *map(percent, shares)]
        for name, shares in zip(figures.classes, figures.confusion, strict=True)
    ]
    caption = "Of each true class (row), per cent taken for each class, 1-shot, mean over draws"
    return Table(caption, ["true class", *figures.classes], rows)


def _supports(entry: Entry) -> Table:
    rows = [
        [
            f"{label}, {kind}",
            person.sample_id,
            str(person.draws),
            percent(person.balanced_accuracy),
            percent(person.recall),
        ]
        for label, found in entry.supports.items()
        for kind, persons in (("hardest", found.hardest), ("easiest", found.easiest))
        for person in persons
    ]
    headers = ["class", "support person", "draws", "balanced accuracy", "recall of the class"]
    return Table("Mean over the draws in which the person is the support", headers, rows, left=2)


def _map_note(task: Task, entry: Entry) -> str:
    if entry.map is None:
        return ""
    shown, whole = len(entry.map.persons), len(task.novel)
    who = (
        f"all {whole:,} novel persons"
        if shown == whole
        else (f"{shown:,} of the {whole:,} novel persons, drawn by lot")
    )
    return (
        f"t-SNE of {who}, with the supports of draw 0 ringed. Distances on the map are not "
        "distances of the embedding; on another machine the points may lie elsewhere."
    )
