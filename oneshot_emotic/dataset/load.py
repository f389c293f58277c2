"""From the names of a task and a data set to the task."""

from __future__ import annotations

import os

from oneshot_emotic.dataset.folder import read_task
from oneshot_emotic.dataset.locate import dataset_folder, named_dataset_folder
from oneshot_emotic.splits import Task


def load_task(name: str, dataset: str | os.PathLike[str] = "synthetic") -> Task:
    """Load a task of a data set.

    Args:
        name: `cat-6-6`, `cat-6-4`, or `lev-7-3-` or `lev-6-4-` with `valence`, `arousal` or
            `dominance`.
        dataset: `synthetic` (inside the package), `emotic` (built from a licensed copy; see
            docs/data.md), a dataset folder, or a repository on the Hub as `ORG/NAME` or
            `ORG/NAME@REVISION`, which is fetched once and checked.

    Returns:
        The task: `task.base` to train on, `task.novel` to embed, `task.support` with the draws.

    Raises:
        InputError: There is no such task or data set, its folder is damaged, or it cannot be
            fetched.

    Example:
        >>> from oneshot_emotic import load_task
        >>> task = load_task("lev-7-3-valence")
        >>> task.classes
        ('2', '4', '7')
    """
    return read_task(dataset_folder(dataset), name)


class TaskLoader:
    """Gives the tasks that submissions name, each read once.

    It may be sent to worker processes, which then read for themselves.

    Args:
        dataset: A data set's name, folder or repository on the Hub, given by the user, in place
            of what submissions name.
    """

    def __init__(self, dataset: str | None = None) -> None:
        self.dataset = dataset
        self._known: dict[tuple[str, str, str], Task] = {}

    def __call__(self, name: str, fingerprint: str, task: str) -> Task:
        """The task of the data set that a submission names.

        Raises:
            InputError: The data set is not here, or is damaged.
        """
        key = (name, fingerprint, task)
        if key not in self._known:
            given = self.dataset
            folder = dataset_folder(given) if given else named_dataset_folder(name, fingerprint)
            self._known[key] = read_task(folder, task)
        return self._known[key]

    def __reduce__(self) -> tuple[type[TaskLoader], tuple[str | None]]:
        return type(self), (self.dataset,)
