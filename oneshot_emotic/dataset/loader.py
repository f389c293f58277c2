"""A loader of the tasks that submissions name, which reads each one once."""

from __future__ import annotations

from oneshot_emotic.dataset.folder import read_task
from oneshot_emotic.dataset.locate import dataset_folder, named_dataset_folder
from oneshot_emotic.splits import Task


class TaskLoader:
    """Gives tasks; may be sent to worker processes, which then read for themselves.

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
