"""The fingerprint of a data set: SHA-256 over its split content, whatever files hold it.

A task's digest is over UTF-8 lines: a heading, the base persons, the novel persons (each sorted by
sample_id, `sample_id TAB image_id TAB label`), and the support draws (sorted by draw, shot and
class index, `draw TAB shot TAB label TAB sample_id`). The data set's fingerprint is over the lines
that name it and the digests of its tasks. No name holds a TAB or a line end: the reader sees to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from oneshot_emotic.splits import Persons, Task
from oneshot_emotic.tasks import TASKS

_TASK_HEADING = "oneshot-emotic-task/1"
_DATASET_HEADING = "oneshot-emotic-dataset/1"


def task_digest(task: Task) -> str:
    """The digest of a task's content, in hexadecimal."""
    lines = [_TASK_HEADING, task.name]
    for title, persons in (("base", task.base), ("novel", task.novel)):
        lines.append(title)
        lines.extend(_person_lines(persons))
    lines.append("support")
    lines.extend(f"{d}\t{s}\t{label}\t{name}" for d, s, label, name in support_rows(task))
    return _digest(lines)


def dataset_fingerprint(
    name: str, label_rule: str, protocol: int, task_digests: Mapping[str, str]
) -> str:
    """The fingerprint of a data set, in hexadecimal."""
    return _digest(
        [
            _DATASET_HEADING,
            f"dataset\t{name}",
            f"label_rule\t{label_rule}",
            f"protocol\t{protocol}",
            *(f"{task}\t{task_digests[task]}" for task in TASKS),
        ]
    )


def support_rows(task: Task) -> Iterator[tuple[int, int, str, str]]:
    """(draw, shot, label, sample_id) of every support person, sorted by draw, shot and class."""
    sample_ids = task.novel.sample_ids
    for draw, shots in enumerate(task.support.tolist()):
        for shot, places in enumerate(shots):
            for label, place in zip(task.classes, places, strict=True):
                if place >= 0:
                    yield draw, shot, label, sample_ids[place]


def _person_lines(persons: Persons) -> Iterator[str]:
    for row in zip(persons.sample_ids, persons.image_ids, persons.labels, strict=True):
        yield "\t".join(row)


def _digest(lines: Iterable[str]) -> str:
    content = "".join(f"{line}\n" for line in lines)
    return hashlib.sha256(content.encode("utf-8")).hexdigest()
