"""The result of scoring, in the one form that is printed, stored and compared."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from oneshot_emotic.errors import InputError
from oneshot_emotic.scoring.diagnostics import Diagnostics
from oneshot_emotic.scoring.statistics import (
    INTERVAL,
    Estimate,
    Evidence,
    Scale,
    exact_mean,
    interval,
    weighted_sum,
)
from oneshot_emotic.splits import DatasetIdentity
from oneshot_emotic.tasks import FAMILIES, TASKS

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "oneshot-emotic-scores/1"

#: The figures of a task at one number of shots, as attributes and in score files.
FIGURES = ("balanced_accuracy", "accuracy", "macro_f1", "level_error")


@dataclass(frozen=True)
class ShotScores:
    """The figures of one task at one number of shots.

    Attributes:
        classes: The novel classes, in the order of `confusion`.
        draws: Support draws.
        balanced_accuracy: The figure that ranks.
        accuracy: Plain accuracy, the paper's figure.
        macro_f1: Mean F1 over classes.
        level_error: Mean over classes of the mean distance in levels; None for a categorical task.
        recall: Of each class.
        confusion: Mean over draws of the share of each true class (row) taken for each class.
        diagnostics: What may explain the figures; None for control rows and several runs.
        runs: Training runs (seeds) that the figures are means of.
    """

    classes: tuple[str, ...]
    draws: int
    balanced_accuracy: Estimate
    accuracy: Estimate
    macro_f1: Estimate
    level_error: Estimate | None
    recall: Mapping[str, Estimate]
    confusion: tuple[tuple[float | None, ...], ...]
    diagnostics: Diagnostics | None = None
    runs: int = 1

    def __repr__(self) -> str:
        means = ", ".join(
            f"{name}={figure.mean:.4f}"
            for name, figure in self.figures().items()
            if figure.mean is not None
        )
        return f"ShotScores({means}; {len(self.classes)} classes, {self.draws:,} draws)"

    @property
    def above_chance(self) -> float | None:
        """Mean balanced accuracy with chance at 0 and perfection at 1."""
        mean, chance = self.balanced_accuracy.mean, 1 / len(self.classes)
        return None if mean is None else (mean - chance) / (1 - chance)

    def figures(self) -> dict[str, Estimate]:
        """Those of `FIGURES` that the task has."""
        found = {name: getattr(self, name) for name in FIGURES}
        return {name: figure for name, figure in found.items() if figure is not None}

    def to_dict(self) -> dict[str, Any]:
        """The form in score files."""
        content: dict[str, Any] = {
            "classes": list(self.classes),
            "draws": self.draws,
            "runs": self.runs,
            **{name: figure.to_dict() for name, figure in self.figures().items()},
            "recall": {name: figure.to_dict() for name, figure in self.recall.items()},
            "confusion": [list(row) for row in self.confusion],
        }
        if self.diagnostics is not None:
            content["diagnostics"] = self.diagnostics.to_dict()
        return content


@dataclass(frozen=True)
class Overall:
    """A family's overall figure.

    Attributes:
        mean: Mean over the family's tasks of balanced accuracy above chance, with chance at 0 and
            perfection at 1.
        low, high: As in `statistics.INTERVAL`; None where a task's figure has no interval.
        evidence: What the interval is made of.
    """

    mean: float
    low: float | None
    high: float | None
    evidence: Evidence | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, float | None]:
        """The form in score files."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Scores:
    """The scores of a submission on one data set.

    Attributes:
        dataset: The data set.
        tasks: Task name -> shots -> figures.
        embeddings: Task name -> digest of the embeddings scored.
        name: The submission's name; None for embeddings scored in Python.
    """

    dataset: DatasetIdentity
    tasks: Mapping[str, Mapping[int, ShotScores]]
    embeddings: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def __repr__(self) -> str:
        figures = "; ".join(
            f"{task} {shots}-shot balanced accuracy {100 * mean:.1f} %"
            for task, by_shots in self.tasks.items()
            for shots, scores in by_shots.items()
            if (mean := scores.balanced_accuracy.mean) is not None
        )
        return f"Scores({self.name or 'embeddings'} on {self.dataset.name}: {figures})"

    def __getitem__(self, shots: int) -> ShotScores:
        """The figures at so many shots, for scores of a single task."""
        if len(self.tasks) != 1:
            raise KeyError(
                f"these are scores of {len(self.tasks)} tasks ({', '.join(self.tasks)}): "
                f"use scores.tasks[TASK][{shots!r}]"
            )
        by_shots = next(iter(self.tasks.values()))
        if shots not in by_shots:
            known = ", ".join(map(str, by_shots))
            raise KeyError(
                f"no figures at {shots!r} shots, only at {known}: ask for them, as in "
                f"evaluate(embeddings, task, shots=(1, 5))"
            )
        return by_shots[shots]

    def named(self, name: str | None) -> Scores:
        """The same scores under a submission's name."""
        return replace(self, name=name)

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of the embeddings of all tasks, in hexadecimal."""
        lines = (f"{task}\t{self.embeddings[task]}\n" for task in sorted(self.embeddings))
        return hashlib.sha256("".join(lines).encode("ascii")).hexdigest()

    def balanced_accuracy(self, task: str, shots: int = 1) -> Estimate | None:
        """The figure of a task; None where the task is missing."""
        return self.tasks[task][shots].balanced_accuracy if task in self.tasks else None

    def overall(self, family: str, shots: int = 1) -> Overall | None:
        """Mean over a family's tasks of the balanced accuracy above chance.

        None when a task is missing: never the mean of those that happen to be there.
        """
        members = [name for name, table in TASKS.items() if table.family == family]
        if any(shots not in self.tasks.get(name, {}) for name in members):
            return None
        figures = [self.tasks[name][shots] for name in members]
        values = [figure.above_chance for figure in figures]
        known = [value for value in values if value is not None]
        if len(known) < len(members):
            return None
        mean = exact_mean(known)
        there = [item for x in figures if (item := x.balanced_accuracy.evidence) is not None]
        if len(there) < len(members):
            return Overall(mean, None, None)
        chances = [1 / len(figure.classes) for figure in figures]
        weights = [1 / (1 - chance) / len(members) for chance in chances]
        least = -math.fsum(weight * chance for weight, chance in zip(weights, chances, strict=True))
        behind = min(item.scale.images for item in there if item.scale is not None)
        parts = list(zip(weights, there, strict=True))
        total = weighted_sum(parts, Scale(least, 1.0, behind), one_training=True)
        return Overall(mean, *interval(mean, total), total)

    def flat(self) -> dict[str, float]:
        """The means by `TASK/SHOTS-shot/FIGURE`, as loggers take them; recalls as `recall/CLASS`.

        Example:
            >>> scores.flat()  # doctest: +SKIP
            {'cat-6-6/1-shot/balanced_accuracy': 0.2817, ...}
        """
        return {
            f"{task}/{shots}-shot/{name}": figure.mean
            for task, shots, name, figure in self._rows()
            if figure.mean is not None
        }

    def to_pandas(self) -> pd.DataFrame:
        """A table with a row a task, number of shots and figure: task, shots, figure, mean, ..."""
        import pandas as pd

        return pd.DataFrame(
            {"task": task, "shots": shots, "figure": name, **figure.to_dict()}
            for task, shots, name, figure in self._rows()
        )

    def _rows(self) -> Iterator[tuple[str, int, str, Estimate]]:
        for task, by_shots in self.tasks.items():
            for shots, scores in by_shots.items():
                recalls = {f"recall/{name}": figure for name, figure in scores.recall.items()}
                for name, figure in (scores.figures() | recalls).items():
                    yield task, shots, name, figure

    def to_dict(self) -> dict[str, Any]:
        """The form of `score --json` and of the leaderboard's score files.

        Fractions between 0 and 1, `level_error` in levels, full precision.
        """
        order = [name for name in TASKS if name in self.tasks]
        shots = sorted({count for figures in self.tasks.values() for count in figures})
        return {
            "format": FORMAT,
            "protocol": self.dataset.protocol,
            "interval": INTERVAL,
            "dataset": self.dataset.to_dict(),
            "submission": {
                "name": self.name,
                "digest": self.digest,
                "embeddings": {name: self.embeddings[name] for name in order},
            },
            "tasks": {
                name: {str(count): self.tasks[name][count].to_dict() for count in self.tasks[name]}
                for name in order
            },
            "overall": {
                family: {
                    str(count): None if overall is None else overall.to_dict()
                    for count in shots
                    for overall in [self.overall(family, count)]
                }
                for family in FAMILIES
            },
        }


def merged(parts: Iterable[Scores], name: str | None = None) -> Scores:
    """The scores of several tasks as one.

    Raises:
        InputError: They are of different data sets, or a task comes twice.
    """
    parts = list(parts)
    check_same_dataset(parts)
    tasks: dict[str, Mapping[int, ShotScores]] = {}
    embeddings: dict[str, str] = {}
    for part in parts:
        if again := tasks.keys() & part.tasks.keys():
            raise InputError(f"task {sorted(again)[0]} comes more than once")
        tasks |= part.tasks
        embeddings |= part.embeddings
    return replace(parts[0], tasks=tasks, embeddings=embeddings, name=name or parts[0].name)


def check_same_dataset(parts: Sequence[Scores]) -> None:
    """Refuse scores of different data sets.

    Raises:
        InputError: They are.
    """
    shown = [f"{x.dataset.name} ({x.dataset.fingerprint[:12]})" for x in parts]
    for part, other in zip(parts, shown, strict=True):
        if part.dataset != parts[0].dataset:
            raise InputError(f"scores of the data sets {shown[0]} and {other} do not go together")
