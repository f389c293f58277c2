"""Model selection without novel persons: one-shot episodes among held-out base persons."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from oneshot_emotic.rng import CounterStream
from oneshot_emotic.splits import DatasetIdentity, Task, split_task
from oneshot_emotic.tasks import OneShotClass, task_definition
from oneshot_emotic_baselines.data import BaseSplit


def hold_out(split: BaseSplit, share: float, seed: int) -> tuple[BaseSplit, BaseSplit]:
    """Part base persons into those to train on and those to select on, whole images at a time.

    Args:
        split: All base persons of the task.
        share: Of the persons to hold out, about.
        seed: Another seed, other images.

    Returns:
        The persons to train on, and the held-out ones; no image has persons in both.
    """
    images = sorted(set(split.image_ids))
    persons = Counter(split.image_ids)
    stream = CounterStream(f"oneshot-emotic/baselines/validation/{split.task}/{seed}")
    held: set[str] = set()
    count = 0
    for place in stream.permutation(len(images)):
        if count + persons[images[place]] > share * len(split):
            break
        held.add(images[place])
        count += persons[images[place]]
    inside = [image in held for image in split.image_ids]
    return (
        split.subset([place for place, out in enumerate(inside) if not out]),
        split.subset([place for place, out in enumerate(inside) if out]),
    )


def validation_task(held: BaseSplit, draws: int) -> Task | None:
    """Held-out base persons as a task of their own, to be scored like any other.

    Args:
        held: The held-out persons.
        draws: Support draws.

    Returns:
        The task; None when fewer than two classes have two persons.
    """
    # Here the base classes play the part of the novel ones.
    novel = tuple(OneShotClass(name, novel=True) for name in held.classes)
    definition = replace(task_definition(held.task), name=f"{held.task}/validation", classes=novel)
    rows = zip(held.sample_ids, held.image_ids, held.labels, strict=True)
    task = replace(
        split_task(definition, rows, draws),
        dataset=DatasetIdentity("validation", "argmax", 1, "0" * 64),
    )
    return None if task.unscorable else task
