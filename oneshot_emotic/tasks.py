"""The eight tasks: which EMOTIC labels make up which one-shot class, and which classes are novel.

Source: Affect-DML (arXiv 2111.15271), Table I for the categorical tasks and section III-A for the
levels. The order of the classes is the paper's class index: it decides ties of the label rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Literal

from oneshot_emotic.errors import InputError

#: The version of the rules in docs/protocol.md: label rules, draws, queries, classification.
PROTOCOL = 1
#: Support draws of a task, and support persons a class in each.
DRAWS = 1000
MAX_SHOTS = 5

Dimension = Literal["valence", "arousal", "dominance"]
DIMENSIONS: tuple[Dimension, ...] = ("valence", "arousal", "dominance")
LEVELS = range(1, 11)


@dataclass(frozen=True)
class OneShotClass:
    """A class of a task.

    Attributes:
        name: Its name; a level is "1" to "10".
        novel: True for an unseen class (test), False for a base class (train).
        members: The EMOTIC categories it is made of; empty for a level.
    """

    name: str
    novel: bool
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskDefinition:
    """A task as the paper defines it, before any data.

    Attributes:
        name: The task's name, as in commands and files.
        title: The paper's name for it.
        family: The group of tasks that one leaderboard table shows.
        dimension: What a level task recognises; None for the categorical tasks.
        classes: All classes in the order of the paper's index.
    """

    name: str
    title: str
    family: str
    dimension: Dimension | None
    classes: tuple[OneShotClass, ...]

    @cached_property
    def base_classes(self) -> tuple[str, ...]:
        """The seen classes."""
        return tuple(item.name for item in self.classes if not item.novel)

    @cached_property
    def novel_classes(self) -> tuple[str, ...]:
        """The unseen classes."""
        return tuple(item.name for item in self.classes if item.novel)

    @cached_property
    def class_of_category(self) -> dict[str, str]:
        """The class of each of the 26 categories; empty for a level task."""
        return {member: item.name for item in self.classes for member in item.members}


#: Class -> categories of CAT-6:6: six base classes, then the novel ones.
_BASE = {
    "Angry": ("Disapproval", "Aversion", "Annoyance", "Anger"),
    "Sadness": ("Suffering", "Sadness", "Fatigue", "Pain"),
    "Fear": ("Fear", "Disquietment"),
    "Love": ("Peace", "Affection", "Sympathy"),
    "Joy": ("Happiness", "Pleasure", "Excitement", "Anticipation"),
    "Surprising": ("Surprise", "Doubt/Confusion", "Confidence"),
}
_NOVEL = {
    "Disconnection": ("Disconnection",),
    "Engagement": ("Engagement",),
    "Sensitive": ("Sensitivity",),
    "Embarrassment": ("Embarrassment",),
    "Esteem": ("Esteem",),
    "Yearning": ("Yearning",),
}
#: In CAT-6:4 two of the novel classes belong to base classes.
_MOVED = {"Sensitive": "Sadness", "Embarrassment": "Fear"}


def _categorical(title: str, moved: Mapping[str, str]) -> TaskDefinition:
    base = dict(_BASE)
    for name, into in moved.items():
        base[into] += _NOVEL[name]
    novel = {name: members for name, members in _NOVEL.items() if name not in moved}
    classes = [OneShotClass(name, False, members) for name, members in base.items()]
    classes += [OneShotClass(name, True, members) for name, members in novel.items()]
    return TaskDefinition(_name(title), title, "cat", None, tuple(classes))


def _levels(title: str, dimension: Dimension, novel: tuple[int, ...]) -> TaskDefinition:
    base = [level for level in LEVELS if level not in novel]
    classes = [OneShotClass(str(level), level in novel) for level in (*base, *novel)]
    family = _name(title)
    return TaskDefinition(
        f"{family}-{dimension}", f"{title} {dimension}", family, dimension, tuple(classes)
    )


def _name(title: str) -> str:
    return title.lower().replace(":", "-")


_DEFINITIONS = (
    _categorical("CAT-6:6", {}),
    _categorical("CAT-6:4", _MOVED),
    *(_levels("LEV-7:3", dimension, (2, 4, 7)) for dimension in DIMENSIONS),
    *(_levels("LEV-6:4", dimension, (2, 4, 7, 10)) for dimension in DIMENSIONS),
)

TASKS: dict[str, TaskDefinition] = {item.name: item for item in _DEFINITIONS}

#: The families in the order of the leaderboard, with the title of their tables.
FAMILIES: dict[str, str] = {
    "cat": "Categorical (CAT-6:6, CAT-6:4)",
    "lev-7-3": "Levels LEV-7:3 (valence, arousal, dominance)",
    "lev-6-4": "Levels LEV-6:4 (valence, arousal, dominance)",
}


def paper_order(name: str) -> tuple[int, str]:
    """What sorts class names as the paper lists them, levels by their number."""
    names = [item.name for item in _DEFINITIONS[0].classes]
    if name in names:
        return names.index(name), ""
    return (int(name), "") if name.isdigit() else (len(names), name)


def task_definition(name: str) -> TaskDefinition:
    """The task called `name`.

    Raises:
        InputError: There is no such task.
    """
    try:
        return TASKS[name]
    except (KeyError, TypeError):
        near = get_close_matches(str(name).lower(), TASKS, 1)
        meant = f"Did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"there is no task {name!r}", remedy=f"{meant}The tasks are {', '.join(TASKS)}"
        ) from None
