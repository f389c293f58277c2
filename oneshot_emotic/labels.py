"""From a person's annotations to its one class: the label rules.

`argmax` is the official rule (Affect-DML, equations 1 and 2): every label of every annotator votes
for the class it belongs to, the class with most votes wins, ties go to the lowest class index.
`rarest` stands beside it: a person takes the class of the rarest category it carries. See
docs/protocol.md for why there are two.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

from oneshot_emotic.categories import CATEGORIES
from oneshot_emotic.tasks import LEVELS, TaskDefinition

LabelRule = Literal["argmax", "rarest"]
LABEL_RULES: tuple[LabelRule, ...] = get_args(LabelRule)


def argmax_class(labels: Iterable[str], definition: TaskDefinition) -> str | None:
    """The class with most votes among `labels`; ties go to the lowest class index.

    Args:
        labels: Category names, each as often as an annotator gave it.
        definition: A categorical task.

    Returns:
        The class's name, or None for a person without labels.
    """
    votes = Counter(definition.class_of_category[label] for label in labels)
    if not votes:
        return None
    # max() keeps the first of equals, and the classes stand in the order of their index.
    return max((item.name for item in definition.classes), key=lambda name: votes[name])


def rarest_class(
    labels: Iterable[str], definition: TaskDefinition, carriers: Mapping[str, int]
) -> str | None:
    """The class of the rarest category among `labels`; ties go to the lowest class index.

    Args:
        labels: Category names.
        definition: A categorical task.
        carriers: Persons of the whole data set that carry each category.

    Returns:
        The class's name, or None for a person without labels.
    """
    carried = set(labels)
    if not carried:
        return None
    fewest = min(carriers[label] for label in carried)
    candidates = {definition.class_of_category[x] for x in carried if carriers[x] == fewest}
    return next(item.name for item in definition.classes if item.name in candidates)


def count_carriers(labels_of_persons: Iterable[Sequence[str]]) -> dict[str, int]:
    """For each of the 26 categories, the number of persons that carry it at least once."""
    counts = Counter(label for labels in labels_of_persons for label in set(labels))
    return {category: counts[category] for category in CATEGORIES}


def level_class(value: float) -> str | None:
    """The level of a continuous annotation: rounded half up, clipped to 1..10; None for NaN.

    >>> level_class(6.5), level_class(0.2), level_class(float("nan"))
    ('7', '1', None)
    """
    if math.isnan(value):
        return None
    clipped = min(max(value, float(LEVELS[0])), float(LEVELS[-1]))
    # floor(x + 0.5) would round 0.49999999999999994 up; the fraction itself is exact.
    whole = math.floor(clipped)
    return str(whole + (clipped - whole >= 0.5))
