"""The fingerprint of a data set: SHA-256 over its split content, whatever files hold it.

A task's digest is over the canonical JSON (RFC 8785) of

    ["oneshot-emotic-task/2", task, base, novel, support]

with base and novel as lists of [sample_id, image_id, label] sorted by sample_id, and support as a
list of [draw, shot, label, sample_id] sorted by draw, shot and class index. The data set's
fingerprint is over that of

    ["oneshot-emotic-dataset/2", name, label rule, protocol, [[task, digest], ...]]

Other content always has another text: JSON tells where each field ends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

from oneshot_emotic.splits import Persons, Task
from oneshot_emotic.tasks import TASKS

_TASK_HEADING = "oneshot-emotic-task/2"
_DATASET_HEADING = "oneshot-emotic-dataset/2"


def task_digest(task: Task) -> str:
    """The digest of a task's content, in hexadecimal."""
    base, novel = (_rows(persons) for persons in (task.base, task.novel))
    return _digest([_TASK_HEADING, task.name, base, novel, list(support_rows(task))])


def dataset_fingerprint(
    name: str, label_rule: str, protocol: int, task_digests: Mapping[str, str]
) -> str:
    """The fingerprint of a data set, in hexadecimal."""
    digests = [(task, task_digests[task]) for task in TASKS]
    return _digest([_DATASET_HEADING, name, label_rule, protocol, digests])


def support_rows(task: Task) -> Iterator[tuple[int, int, str, str]]:
    """(draw, shot, label, sample_id) of every support person, sorted by draw, shot and class."""
    sample_ids = task.novel.sample_ids
    for draw, shots in enumerate(task.support.tolist()):
        for shot, places in enumerate(shots):
            for label, place in zip(task.classes, places, strict=True):
                if place >= 0:
                    yield draw, shot, label, sample_ids[place]


def _rows(persons: Persons) -> list[tuple[str, str, str]]:
    return list(zip(persons.sample_ids, persons.image_ids, persons.labels, strict=True))


def _digest(content: list[object]) -> str:
    # Of texts and small integers this is the canonical form.
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
