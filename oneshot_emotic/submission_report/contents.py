"""What a report says of one or several submissions, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from oneshot_emotic import __version__
from oneshot_emotic.errors import InputError, memory_for, printable
from oneshot_emotic.scoring.arrays import IntArray
from oneshot_emotic.scoring.comparison import Compared, compare
from oneshot_emotic.scoring.evaluate import (
    LEADERBOARD_SHOTS,
    evaluate_aligned,
    evaluate_controls,
)
from oneshot_emotic.scoring.preparation import prepare
from oneshot_emotic.scoring.scores import Scores, ShotScores, check_same_dataset
from oneshot_emotic.splits import DatasetIdentity, Task
from oneshot_emotic.submission.check import Checked
from oneshot_emotic.submission.runs import row_of_files
from oneshot_emotic.submission_report.embedding_map import EmbeddingMap, embedding_map
from oneshot_emotic.submission_report.examples import Example, examples, taken_classes
from oneshot_emotic.submission_report.supports import Extremes, draw_values, extreme_supports
from oneshot_emotic.tasks import MAX_SHOTS, TASKS

FORMAT = "oneshot-emotic-report/1"
#: Submissions side by side: as many as there are letters and colours for.
MOST_SUBMISSIONS = 8
SHOTS = tuple(range(1, MAX_SHOTS + 1))


@dataclass(frozen=True)
class Submission:
    """A submission of the report.

    Attributes:
        letter: A to H.
        name: The model's, or the file's where the file names none.
        title: Its name in charts: with the letter, where there are several.
        scores: Its scores with 1 to 5 shots.
    """

    letter: str
    name: str
    title: str
    scores: Scores


@dataclass(frozen=True)
class Entry:
    """A submission on a task.

    Attributes:
        submission: The submission.
        figures: Shots -> figures.
        first_run: The figures of the first run, which alone has diagnostics, map and examples.
        map: See `embedding_map`.
        taken: See `taken_classes`.
        supports: See `extreme_supports`.
        examples: See `examples`.
    """

    submission: Submission
    figures: Mapping[int, ShotScores]
    first_run: Mapping[int, ShotScores]
    map: EmbeddingMap | None
    taken: IntArray
    supports: Mapping[str, Extremes]
    examples: Sequence[Example]

    def to_dict(self, task: Task) -> dict[str, Any]:
        """What the page's charts need beside the scores."""
        one, runs = self.figures[1], self.figures[1].runs
        return {
            "submission": self.submission.letter,
            "draws": {
                "balanced_accuracy": {
                    str(shots): draw_values(self.figures[shots].balanced_accuracy)
                    for shots in LEADERBOARD_SHOTS
                },
                "accuracy": {"1": draw_values(one.accuracy)},
            },
            "diagnostics": {
                str(shots): figures.diagnostics and figures.diagnostics.to_dict()
                for shots, figures in (self.first_run.items() if runs > 1 else ())
            },
            "map": self.map and self._map(task, self.map),
            "supports": {label: asdict(found) for label, found in self.supports.items()},
            "examples": [asdict(example) for example in self.examples],
        }

    def _map(self, task: Task, found: EmbeddingMap) -> list[dict[str, Any]]:
        supports = set(task.support[0, 0].tolist())
        return [
            {
                "id": task.novel.sample_ids[place],
                "x": x,
                "y": y,
                "class": task.novel.labels[place],
                "taken": task.classes[taken] if (taken := int(self.taken[place])) >= 0 else None,
                "support": place in supports,
            }
            for place, (x, y) in zip(found.persons.tolist(), found.positions.tolist(), strict=True)
        ]


@dataclass(frozen=True)
class TaskPart:
    """The part of a report on a task.

    Attributes:
        task: The task.
        controls: Control row -> shots -> figures.
        entries: The submissions that have the task.
    """

    task: Task
    controls: Mapping[str, Mapping[int, ShotScores]]
    entries: Sequence[Entry]


@dataclass(frozen=True)
class Pair:
    """Two submissions compared.

    Attributes:
        a, b: The submissions.
        lines: Their differences in balanced accuracy.
    """

    a: Submission
    b: Submission
    lines: Sequence[Compared]


@dataclass(frozen=True)
class Report:
    """Everything a report says.

    Attributes:
        dataset: What it was scored on.
        submissions: Side by side.
        tasks: In the order of the paper.
        pairs: Every two submissions that share a task.
    """

    dataset: DatasetIdentity
    submissions: Sequence[Submission]
    tasks: Sequence[TaskPart]
    pairs: Sequence[Pair]

    def to_dict(self) -> dict[str, Any]:
        """The data of the page; `scores` is what `score --json` writes."""
        return {
            "format": FORMAT,
            "version": __version__,
            "dataset": self.dataset.to_dict(),
            "submissions": [
                {
                    "letter": x.letter,
                    "name": x.name,
                    "title": x.title,
                    "scores": x.scores.to_dict(),
                }
                for x in self.submissions
            ],
            "tasks": {
                part.task.name: {
                    "classes": list(part.task.classes),
                    "controls": {
                        name: {str(shots): x.to_dict() for shots, x in by_shots.items()}
                        for name, by_shots in part.controls.items()
                    },
                    "entries": [entry.to_dict(part.task) for entry in part.entries],
                }
                for part in self.tasks
            },
            "differences": [
                {
                    "a": pair.a.letter,
                    "b": pair.b.letter,
                    "what": line.what,
                    "shots": line.shots,
                    **line.difference.to_dict(),
                }
                for pair in self.pairs
                for line in pair.lines
            ],
        }


def gather(submissions: Sequence[tuple[str, Sequence[Checked]]]) -> Report:
    """The report of submissions.

    Args:
        submissions: Of each the name that it has if its files say none, and its checked files, in
            the order of their tasks; several of a task are its runs.

    Raises:
        InputError: There are too many, they are of different data sets, or there is not enough
            memory.
    """
    if len(submissions) > MOST_SUBMISSIONS:
        what = f"{len(submissions)} submissions side by side; at most {MOST_SUBMISSIONS}"
        raise InputError(what, remedy="Put the files of a submission into a folder")
    rows: list[Submission] = []
    entries: dict[str, list[Entry]] = {}
    tasks: dict[str, Task] = {}
    for letter, (fallback, files) in zip("ABCDEFGH", submissions, strict=False):
        parts = []
        for item in files:
            with memory_for(item.where):
                parts.append(evaluate_aligned(item.aligned, item.task, SHOTS))
        names = sorted({item.name for item in files if item.name is not None})
        scores = row_of_files(parts, names[0] if len(names) == 1 else None)
        name = printable(scores.name or fallback)
        title = f"{letter}: {name}" if len(submissions) > 1 else name
        row = Submission(letter, name, title, scores)
        rows.append(row)
        for task in scores.tasks:
            first = next(x for x, item in enumerate(files) if item.task.name == task)
            tasks[task] = files[first].task
            entry = _entry(row, files[first], parts[first].tasks[task])
            entries.setdefault(task, []).append(entry)
    check_same_dataset([row.scores for row in rows])
    return Report(
        rows[0].scores.dataset,
        rows,
        [
            TaskPart(tasks[name], evaluate_controls(tasks[name], SHOTS), entries[name])
            for name in TASKS
            if name in tasks
        ],
        [
            Pair(a, b, [x for x in compare(a.scores, b.scores) if x.shots in LEADERBOARD_SHOTS])
            for a, b in combinations(rows, 2)
            if a.scores.tasks.keys() & b.scores.tasks.keys()
        ],
    )


def _entry(row: Submission, item: Checked, first_run: Mapping[int, ShotScores]) -> Entry:
    task = item.task
    figures = row.scores.tasks[task.name]
    with memory_for(item.where):
        prepared = prepare(item.aligned)
        taken = taken_classes(prepared, task)
        return Entry(
            row,
            figures,
            first_run,
            embedding_map(prepared, task),
            taken,
            extreme_supports(task, figures[1]),
            examples(prepared, task, taken),
        )
