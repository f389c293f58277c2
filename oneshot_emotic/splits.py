"""From the table of persons to the tasks: who is base, who is novel, and the support draws."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from oneshot_emotic.draws import draw_supports
from oneshot_emotic.errors import InputError
from oneshot_emotic.labels import LabelRule, argmax_class, count_carriers, level_class, rarest_class
from oneshot_emotic.rng import CounterStream
from oneshot_emotic.tasks import (
    DRAWS,
    MAX_SHOTS,
    PROTOCOL,
    TASKS,
    OneShotClass,
    TaskDefinition,
    paper_order,
    task_definition,
)

if TYPE_CHECKING:
    import pandas as pd

#: A novel class with fewer persons leaves its task: one would be support, none query.
FEWEST_PERSONS = 2


@dataclass(frozen=True)
class Persons:
    """Persons with their class, sorted by sample_id.

    Attributes:
        sample_ids: `{partition}/{folder}/{filename}#{ordinal}`, each once.
        image_ids: The image of each, `{folder}/{filename}`.
        labels: The one-shot class of each.
    """

    sample_ids: tuple[str, ...]
    image_ids: tuple[str, ...]
    labels: tuple[str, ...]

    @classmethod
    def sorted_from(cls, rows: Iterable[tuple[str, str, str]]) -> Persons:
        """From (sample_id, image_id, label) rows in any order."""
        columns = list(zip(*sorted(rows), strict=True)) or [(), (), ()]
        return cls(*columns)

    def __repr__(self) -> str:
        return f"Persons({len(self):,} persons of {len(self.counts)} classes)"

    def __len__(self) -> int:
        return len(self.sample_ids)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Persons a class."""
        return dict(Counter(self.labels))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes that have persons, in the order of the paper's index, as of every task."""
        return tuple(sorted(self.counts, key=paper_order))

    def to_pandas(self) -> pd.DataFrame:
        """The persons as a table with the columns sample_id, image_id and label."""
        import pandas as pd

        columns = {"sample_id": self.sample_ids, "image_id": self.image_ids, "label": self.labels}
        table: pd.DataFrame = pd.DataFrame(columns, dtype="str")
        return table


@dataclass(frozen=True)
class BasePersons(Persons):
    """Persons of the base classes, each marked if its image holds a novel person of the task too.

    Attributes:
        shares_image: True for a person in such an image.
        definition: The task.
    """

    shares_image: tuple[bool, ...]
    definition: TaskDefinition

    @classmethod
    def beside(cls, novel: Persons, base: Persons, definition: TaskDefinition) -> BasePersons:
        """The base persons of a task, marked by the images of its novel ones."""
        images = set(novel.image_ids)
        marks = tuple(image in images for image in base.image_ids)
        return cls(base.sample_ids, base.image_ids, base.labels, marks, definition)

    def __repr__(self) -> str:
        return (
            f"BasePersons({len(self):,} persons of {len(self.counts)} classes, "
            f"{self.shares_image.count(True):,} in an image with a novel person)"
        )

    @cached_property
    def clean(self) -> BasePersons:
        """The persons in whose images no novel person of the task is."""
        return self.subset([place for place, mark in enumerate(self.shares_image) if not mark])

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The base classes that have persons, in the order of the paper's index."""
        return tuple(name for name in self.definition.base_classes if name in self.counts)

    def subset(self, places: Iterable[int]) -> BasePersons:
        """Some of the persons, in the order given."""
        places = list(places)
        columns: dict[str, Any] = {
            name: tuple(getattr(self, name)[place] for place in places)
            for name in ("sample_ids", "image_ids", "labels", "shares_image")
        }
        return replace(self, **columns)

    def split(
        self,
        share: float = 0.1,
        seed: int = 0,
        by: Literal["image", "class"] = "image",
        draws: int = DRAWS,
    ) -> tuple[BasePersons, Task]:
        """Hold some persons out, as a task of their own to choose epochs and settings on.

        Args:
            share: About how much of the persons, or of the classes, to hold out.
            seed: Another seed, other images or classes.
            by: `image` holds out whole images, with persons of all classes; `class` two or more
                whole classes, which training then has never seen, like the novel ones.
            draws: Support draws of the task.

        Returns:
            The persons to train on, marked too if they share an image with a held-out one, which
            by `class` they may; and the held-out persons as the novel ones of a task to `evaluate`.

        Raises:
            InputError: `share` is not between 0 and 1, or `by` is something else.

        Example:
            >>> from oneshot_emotic import load_task
            >>> train, val = load_task("cat-6-6").base.split(0.4, by="class")
            >>> train.classes, val.classes
            (('Angry', 'Fear', 'Joy', 'Surprising'), ('Sadness', 'Love'))
        """
        if not 0 <= share < 1 or by not in ("image", "class"):
            raise InputError(f"share is from 0 to 1, by `image` or `class`: not {share} by {by!r}")
        name = self.definition.name
        stream = CounterStream(f"oneshot-emotic/baselines/validation/{name}/{seed}")
        names = set(self.classes)
        if by == "class":
            order = stream.permutation(len(self.classes))
            names = {self.classes[x] for x in order[: max(2, round(share * len(order)))]}
            is_held = [label in names for label in self.labels]
        else:
            persons, left = Counter(self.image_ids), share * len(self)
            images, chosen = sorted(persons), set()
            for place in stream.permutation(len(images)):
                left -= persons[images[place]]
                if left < 0:
                    break
                chosen.add(images[place])
            is_held = [image in chosen for image in self.image_ids]
        held = self.subset(place for place, out in enumerate(is_held) if out)
        kept = self.subset(place for place, out in enumerate(is_held) if not out)
        # Base classes play the part of the novel ones.
        classes = tuple(OneShotClass(item, item in names) for item in self.classes)
        definition = replace(self.definition, name=f"{name}/validation", classes=classes)
        rows = zip(held.sample_ids, held.image_ids, held.labels, strict=True)
        task = split_task(definition, rows, draws)
        beside = BasePersons.beside(task.novel, kept, self.definition).shares_image
        marks = tuple(a or b for a, b in zip(kept.shares_image, beside, strict=True))
        kept = replace(kept, shares_image=marks)
        ids = hashlib.sha256("\n".join(held.sample_ids).encode("utf-8")).hexdigest()
        identity = DatasetIdentity("validation", "argmax", PROTOCOL, ids)
        return kept, replace(task, base=kept, dataset=identity)

    def to_pandas(self) -> pd.DataFrame:
        """The persons as a table with the columns sample_id, image_id, label and shares_image."""
        return super().to_pandas().assign(shares_image=list(self.shares_image))


@dataclass(frozen=True, eq=False)
class Task:
    """A task on a data set: everything a submission is scored against.

    Attributes:
        definition: The task as the paper defines it.
        base: Persons of the base classes, for training; `base.clean` without those in an image
            with a novel person.
        novel: Persons of the novel classes, which an embedding is needed for.
        classes: The novel classes, in the order of the paper's index; those that were left out
            for lack of persons are not among them.
        support: The draws, as places in `novel`, of shape (draws, shots, classes): int32, -1 where
            a class offers fewer shots.
        dropped_classes: Novel classes left out, with the persons they had.
        dataset: Name, label rule, protocol and fingerprint of the data set; None for a task that
            is not part of one yet.
    """

    definition: TaskDefinition
    base: BasePersons
    novel: Persons
    classes: tuple[str, ...]
    support: npt.NDArray[np.int32]
    dropped_classes: Mapping[str, int]
    dataset: DatasetIdentity | None = None

    def __repr__(self) -> str:
        where = f" on {self.dataset.name} ({self.dataset.label_rule})" if self.dataset else ""
        return (
            f"Task({self.name}{where}: base {self.base}, novel {self.novel}, {self.draws:,} draws)"
        )

    @property
    def name(self) -> str:
        """The task's name, such as `cat-6-6`."""
        return self.definition.name

    @property
    def draws(self) -> int:
        """How many support draws there are."""
        return int(self.support.shape[0])

    @property
    def unscorable(self) -> str:
        """Why the task cannot be scored on this data set; empty when it can."""
        if len(self.classes) >= 2:
            return ""
        return (
            f"{self.name} has {len(self.classes)} novel classes with at least "
            f"{FEWEST_PERSONS} persons on this data set, and needs two to be scored"
        )

    @cached_property
    def novel_labels(self) -> npt.NDArray[np.int64]:
        """The class of each novel person as a place in `classes`."""
        place = {name: index for index, name in enumerate(self.classes)}
        return np.array([place[label] for label in self.novel.labels], dtype=np.int64)

    @cached_property
    def novel_images(self) -> npt.NDArray[np.int64]:
        """The image of each novel person as its place in `image_names`."""
        number = {name: index for index, name in enumerate(self.image_names)}
        return np.array([number[image] for image in self.novel.image_ids], dtype=np.int64)

    @cached_property
    def image_names(self) -> tuple[str, ...]:
        """The images of the novel persons, each once, sorted."""
        return tuple(sorted(set(self.novel.image_ids)))

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """The classes as numbers; empty for a categorical task."""
        return tuple(map(int, self.classes)) if self.definition.dimension else ()

    def support_ids(self, draw: int, shots: int = 1) -> dict[str, list[str]]:
        """The sample_ids of the support persons of a draw, for each class."""
        return {
            name: [
                self.novel.sample_ids[place]
                for place in self.support[draw, :shots, index].tolist()
                if place >= 0
            ]
            for index, name in enumerate(self.classes)
        }


@dataclass(frozen=True)
class DatasetIdentity:
    """Which data set a task belongs to.

    Attributes:
        name: `emotic`, `synthetic` or another name given at the build.
        label_rule: `argmax` (official) or `rarest`.
        protocol: The version of the protocol.
        fingerprint: SHA-256 over the canonical split content, in hexadecimal.
    """

    name: str
    label_rule: str
    protocol: int
    fingerprint: str

    @property
    def is_synthetic(self) -> bool:
        """True for a stand-in; `build` lets nothing else be called so."""
        return self.name.startswith("synthetic")

    def to_dict(self) -> dict[str, str | int]:
        """The form in score files and manifests."""
        return asdict(self)


def build_tasks(persons: pd.DataFrame, rule: LabelRule) -> dict[str, Task]:
    """All eight tasks of a table of persons.

    Args:
        persons: The reader's table (`emotic.persons.COLUMNS`), all partitions pooled.
        rule: The label rule of the categorical tasks.
    """
    sample_ids, image_ids = persons["sample_id"].tolist(), persons["image_id"].tolist()
    tasks = {}
    for name, definition in TASKS.items():
        rows = zip(sample_ids, image_ids, _classes(persons, definition, rule), strict=True)
        labelled = ((person, image, label) for person, image, label in rows if label is not None)
        tasks[name] = split_task(definition, labelled)
    return tasks


def _classes(
    persons: pd.DataFrame, definition: TaskDefinition, rule: LabelRule
) -> list[str | None]:
    """The class of every person of the table, base or novel; None where it has none."""
    if definition.dimension is not None:
        return [level_class(value) for value in persons[definition.dimension].tolist()]
    labels = persons["labels"].tolist()
    if rule == "argmax":
        return [argmax_class(names, definition) for names in labels]
    carriers = count_carriers(labels)
    return [rarest_class(names, definition, carriers) for names in labels]


def split_task(
    definition: TaskDefinition | str, rows: Iterable[tuple[str, str, str]], draws: int = DRAWS
) -> Task:
    """Split labelled persons into base and novel ones and draw the supports.

    Args:
        definition: The task.
        rows: (sample_id, image_id, label) of persons, base and novel, in any order.
        draws: How many support draws to make.
    """
    definition = task_definition(definition) if isinstance(definition, str) else definition
    rows = list(rows)
    counts = Counter(row[2] for row in rows)
    classes = tuple(name for name in definition.novel_classes if counts[name] >= FEWEST_PERSONS)
    dropped = {name: counts[name] for name in definition.novel_classes if name not in classes}
    base = Persons.sorted_from(row for row in rows if row[2] in definition.base_classes)
    novel = Persons.sorted_from(row for row in rows if row[2] in classes)
    support = np.full((draws, MAX_SHOTS, len(classes)), -1, dtype=np.int32)
    for index, name in enumerate(classes):
        places = np.flatnonzero([label == name for label in novel.labels])
        drawn = draw_supports(definition.name, name, len(places), draws)
        support[:, : drawn.shape[1], index] = places[drawn]
    return Task(
        definition, BasePersons.beside(novel, base, definition), novel, classes, support, dropped
    )
