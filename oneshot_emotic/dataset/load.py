"""`load_task`: from the name of a task and of a data set to the task."""

from __future__ import annotations

import os

from oneshot_emotic.dataset.folder import read_task
from oneshot_emotic.dataset.locate import dataset_folder
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
