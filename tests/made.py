"""What several tests make."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

from conftest import REPOSITORY

from oneshot_emotic import write_submission
from oneshot_emotic.cli.main import main
from oneshot_emotic.dataset.folder import write_dataset
from oneshot_emotic.splits import split_task
from oneshot_emotic.submission.folder import DOCUMENT, write_submission_document
from oneshot_emotic.tasks import TASKS

#: What `submit` must be told.
SAID = ("--seen-unseen-names", "no", "--seen-test-images", "no")


def small_tasks(persons=2, engagement=2):
    """All eight tasks with few persons in every class, each in an image of its own."""
    tasks = {}
    for name, definition in TASKS.items():
        rows = [
            (f"train/i/{item.name}{n}.jpg#0", f"i/{item.name}{n}.jpg", item.name)
            for item in definition.classes
            for n in range(engagement if item.name == "Engagement" else persons)
        ]
        tasks[name] = split_task(definition, rows)
    return tasks


def small_dataset(folder, tasks=None, name="emotic", rule="argmax"):
    """A new dataset folder; its identity."""
    folder.mkdir(parents=True)
    return write_dataset(folder, tasks or small_tasks(), name, rule)


def submission_folder(folder, task, array):
    """A submission of one task, of "Model FOLDER"; vectors in the order of the persons."""
    file = f"{task.name}.npz"
    write_submission(folder / file, (task.novel.sample_ids, array), task)
    dataset = {"name": task.dataset.name, "fingerprint": task.dataset.fingerprint}
    write_submission_document(folder, dataset, {"name": f"Model {folder.name}"}, {task.name: file})
    return folder


def empty_checkout(root):
    """A checkout without submissions and boards."""
    for name in ("submissions", "leaderboard"):
        (root / name).mkdir(parents=True)
    shutil.copy(REPOSITORY / "leaderboard/reported.json", root / "leaderboard")
    return root


def small_checkout(root, slugs=("random",)):
    """A checkout with committed submissions, of which one task is left, and no boards yet."""
    empty_checkout(root)
    for slug in slugs:
        folder = root / "submissions" / slug
        shutil.copytree(REPOSITORY / "submissions" / slug, folder)
        document = json.loads((folder / DOCUMENT).read_text())
        document["tasks"] = {"cat-6-4": document["tasks"]["cat-6-4"]}
        (folder / DOCUMENT).write_text(json.dumps(document))
        for path in folder.glob("*.safetensors"):
            if not path.name.startswith("cat-6-4"):
                path.unlink()
    return root


def persons_of(tasks):
    """The novel persons of several tasks, each once."""
    return sorted({sample_id for task in tasks for sample_id in task.novel.sample_ids})


def python(*arguments, status=0, cwd=None, timeout=600, **environment):
    """Run Python in a process of its own, such as by `python("-c", code)`; what it said."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **environment},
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


def small_stand_in(folder, persons):
    """The synthetic stand-in with pictures of a few persons."""
    arguments = ["synth", str(folder), "--persons", str(persons), "--workers", "1"]
    main(arguments, standalone_mode=False)
    return folder
