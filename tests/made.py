"""What several tests make."""

from __future__ import annotations

import json
import shutil

from conftest import REPOSITORY

from oneshot_emotic import write_submission
from oneshot_emotic.submission.folder import DOCUMENT, write_submission_document


def submission_folder(folder, task, array):
    """A submission of one task, of "Model FOLDER"; vectors in the order of the persons."""
    file = f"{task.name}.npz"
    write_submission(folder / file, (task.novel.sample_ids, array), task)
    dataset = {"name": task.dataset.name, "fingerprint": task.dataset.fingerprint}
    write_submission_document(folder, dataset, {"name": f"Model {folder.name}"}, {task.name: file})
    return folder


def small_checkout(root, slugs=("random",)):
    """A checkout with committed submissions, of which one task is left, and no boards yet."""
    for slug in slugs:
        folder = root / "submissions" / slug
        shutil.copytree(REPOSITORY / "submissions" / slug, folder)
        document = json.loads((folder / DOCUMENT).read_text())
        document["tasks"] = {"cat-6-4": document["tasks"]["cat-6-4"]}
        (folder / DOCUMENT).write_text(json.dumps(document))
        for path in folder.glob("*.safetensors"):
            if not path.name.startswith("cat-6-4"):
                path.unlink()
    (root / "leaderboard").mkdir()
    shutil.copy(REPOSITORY / "leaderboard/reported.json", root / "leaderboard")
    return root
