"""What several tests make."""

from __future__ import annotations

from oneshot_emotic import write_submission
from oneshot_emotic.submission.folder import write_submission_document


def submission_folder(folder, task, array):
    """A submission of one task, of "Model FOLDER"; vectors in the order of the persons."""
    file = f"{task.name}.npz"
    write_submission(folder / file, (task.novel.sample_ids, array), task)
    dataset = {"name": task.dataset.name, "fingerprint": task.dataset.fingerprint}
    write_submission_document(folder, dataset, {"name": f"Model {folder.name}"}, {task.name: file})
    return folder
