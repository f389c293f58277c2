"""Why a score may disappoint: ties, dead dimensions, hub classes, lucky draws, leaks from base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring import metrics
from oneshot_emotic.scoring.arrays import IntArray
from oneshot_emotic.scoring.decisions import Decisions, is_tie
from oneshot_emotic.scoring.embeddings import EmbeddingArray
from oneshot_emotic.scoring.preparation import PreparedEmbeddings
from oneshot_emotic.scoring.statistics import exact_mean
from oneshot_emotic.splits import Task

#: A dimension is near-constant when its range is below this share of the widest dimension's.
NEAR_CONSTANT = 0.01


@dataclass(frozen=True)
class Hub:
    """How often a class is predicted and how often it is right to.

    Attributes:
        predicted: The class's share of all decisions over all draws.
        queries: Its share of all queries.
    """

    predicted: float
    queries: float


@dataclass(frozen=True)
class Extreme:
    """The best or the worst draw by balanced accuracy; the first of equals.

    Attributes:
        draw: Its number.
        balanced_accuracy: Its value.
        support: The sample_ids of its support persons by class.
    """

    draw: int
    balanced_accuracy: float
    support: Mapping[str, list[str]]


@dataclass(frozen=True)
class Slice:
    """Accuracy on some of the queries, over all draws together.

    Attributes:
        persons: Novel persons in the slice.
        balanced_accuracy: Mean over the classes in the slice of the share recognised; None when
            nobody is in it.
        accuracy: The share recognised.
    """

    persons: int
    balanced_accuracy: float | None = None
    accuracy: float | None = None


@dataclass(frozen=True)
class Diagnostics:
    """What `score --verbose` shows.

    Attributes:
        decisions: Queries over all draws.
        ties: Decisions in which several classes were exactly as near.
        dimensions: Of the embeddings.
        constant_dimensions: Dimensions in which all persons have the same value.
        near_constant_dimensions: Those and the dimensions whose range is below `NEAR_CONSTANT`
            of the widest dimension's.
        zero_vectors: Persons whose embedding is all zeros.
        different_vectors: Different embeddings among the persons.
        hubs: By class.
        best, worst: None where no draw has a value.
        slices: Accuracy by `image holds a base person`, by `no base person in the image`, and by
            partition.
    """

    decisions: int
    ties: int
    dimensions: int
    constant_dimensions: int
    near_constant_dimensions: int
    zero_vectors: int
    different_vectors: int
    hubs: Mapping[str, Hub]
    best: Extreme | None
    worst: Extreme | None
    slices: Mapping[str, Slice]

    def to_dict(self) -> dict[str, Any]:
        """The form in score files."""
        return asdict(self)


def diagnose(
    aligned: EmbeddingArray,
    prepared: PreparedEmbeddings,
    decisions: Decisions,
    confusion: IntArray,
    task: Task,
    shots: int,
) -> Diagnostics:
    """Find out what there is to say.

    Args:
        aligned: The embeddings of the novel persons.
        prepared: The same, prepared.
        decisions: The decisions on them.
        confusion: The confusion matrix of each draw, of shape (classes, classes, draws).
        task: The task.
        shots: Support persons a class.
    """
    # Halves, since a range may be beyond the largest number.
    span = aligned.max(axis=0) / 2 - aligned.min(axis=0) / 2
    ties = is_tie(decisions.nearest[:, decisions.tied])
    values = metrics.balanced_accuracy(metrics.Tally.of(confusion))
    return Diagnostics(
        decisions=int(decisions.asked.sum()),
        ties=int(np.count_nonzero(ties)),
        dimensions=aligned.shape[1],
        constant_dimensions=int(np.count_nonzero(span == 0)),
        near_constant_dimensions=int(np.count_nonzero(span <= NEAR_CONSTANT * span.max())),
        zero_vectors=int(np.count_nonzero(~aligned.any(axis=1))),
        different_vectors=len(prepared.rows),
        hubs=_hubs(confusion, task),
        best=_extreme(values, task, shots, sign=1),
        worst=_extreme(values, task, shots, sign=-1),
        slices=_slices(decisions, task),
    )


def _hubs(confusion: IntArray, task: Task) -> dict[str, Hub]:
    total = confusion.sum(axis=2)
    whole = max(int(total.sum()), 1)
    return {
        name: Hub(int(total[:, place].sum()) / whole, int(total[place].sum()) / whole)
        for place, name in enumerate(task.classes)
    }


def _extreme(values: npt.NDArray[np.float64], task: Task, shots: int, sign: int) -> Extreme | None:
    known = np.flatnonzero(~np.isnan(values))
    if known.size == 0:
        return None
    draw = int(known[np.argmax(sign * values[known])])
    return Extreme(draw, float(values[draw]), task.support_ids(draw, shots))


def _slices(decisions: Decisions, task: Task) -> dict[str, Slice]:
    right = _credits(decisions)
    base_images = set(task.base.image_ids)
    shared = np.array([image in base_images for image in task.novel.image_ids])
    partition = np.array([sample_id.split("/", 1)[0] for sample_id in task.novel.sample_ids])
    members = {"image holds a base person": shared, "no base person in the image": ~shared}
    members |= {f"partition {name}": partition == name for name in sorted(set(partition.tolist()))}
    return {
        name: _slice(chosen[decisions.persons], right, decisions)
        for name, chosen in members.items()
    }


def _credits(decisions: Decisions) -> npt.NDArray[np.int64]:
    """What each person got over all draws, in units."""
    own = np.left_shift(1, decisions.labels).astype(np.uint8)
    alone = np.count_nonzero(decisions.nearest == own, axis=0)
    right: IntArray = alone.astype(np.int64) * decisions.unit
    shares = decisions.shares().T
    for start in range(0, len(decisions.tied), 256):
        some = decisions.tied[start : start + 256]
        nearest = decisions.nearest[:, some]
        tied = np.where(is_tie(nearest), nearest, 0)
        right[some] += shares[decisions.labels[some], tied].sum(axis=0, dtype=np.int64)
    return right


def _slice(
    chosen: npt.NDArray[np.bool_], right: npt.NDArray[np.int64], decisions: Decisions
) -> Slice:
    possible = decisions.asked * decisions.unit
    by_class = [chosen & (decisions.labels == item) for item in range(decisions.classes)]
    sums = [(int(right[some].sum()), int(possible[some].sum())) for some in by_class]
    recalls = [hits / whole for hits, whole in sums if whole]
    persons = int(np.count_nonzero(chosen))
    if not recalls:
        return Slice(persons)
    accuracy = int(right[chosen].sum()) / int(possible[chosen].sum())
    return Slice(persons, exact_mean(recalls), accuracy)
