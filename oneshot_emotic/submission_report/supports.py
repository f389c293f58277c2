"""Which persons are good examples of their class, and which are bad ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

from oneshot_emotic.scoring.scores import ShotScores
from oneshot_emotic.scoring.statistics import Estimate, exact_mean
from oneshot_emotic.splits import Task

#: Persons of a class that are named at either end.
NAMED = 3


@dataclass(frozen=True)
class SupportPerson:
    """What came of a person as the single support of their class.

    Attributes:
        sample_id: Who it is.
        label: The class.
        draws: In how many draws they are the support.
        balanced_accuracy: Mean over these draws.
        recall: Mean over these draws of the recall of the class; None where nobody was asked.
    """

    sample_id: str
    label: str
    draws: int
    balanced_accuracy: float
    recall: float | None


@dataclass(frozen=True)
class Extremes:
    """The persons at either end of a class.

    Attributes:
        persons: How many persons of the class are the support in some draw.
        hardest: Lowest balanced accuracy first.
        easiest: Highest balanced accuracy first.
    """

    persons: int
    hardest: tuple[SupportPerson, ...]
    easiest: tuple[SupportPerson, ...]


def draw_values(figure: Estimate) -> list[float | None] | None:
    """A figure's value in every draw, None where a draw has none; None where they are not kept.

    Of several runs it is the mean over the runs.
    """
    if figure.evidence is None:
        return None
    (part,) = figure.evidence.draws
    return [None if math.isnan(value) else value for value in part.values.tolist()]


def extreme_supports(task: Task, one_shot: ShotScores, named: int = NAMED) -> dict[str, Extremes]:
    """The hardest and easiest supports of every class, from the draws of one shot."""
    values = draw_values(one_shot.balanced_accuracy)
    if values is None:
        return {}
    found = {}
    for index, label in enumerate(task.classes):
        recalls = draw_values(one_shot.recall[label]) or [None] * task.draws
        served: dict[int, list[int]] = {}
        for draw, place in enumerate(task.support[:, 0, index].tolist()):
            if values[draw] is not None:
                served.setdefault(place, []).append(draw)
        persons = [
            SupportPerson(
                task.novel.sample_ids[place],
                label,
                len(draws),
                exact_mean([x for draw in draws if (x := values[draw]) is not None]),
                _mean([x for draw in draws if (x := recalls[draw]) is not None]),
            )
            for place, draws in served.items()
        ]
        persons.sort(key=lambda person: (person.balanced_accuracy, person.sample_id))
        few = min(named, len(persons) // 2)
        easiest = sorted(
            persons[len(persons) - few :], key=lambda x: (-x.balanced_accuracy, x.sample_id)
        )
        found[label] = Extremes(len(persons), tuple(persons[:few]), tuple(easiest))
    return found


def _mean(values: list[float]) -> float | None:
    return exact_mean(values) if values else None
