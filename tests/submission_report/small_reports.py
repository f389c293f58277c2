"""Small tasks, reports of them, and a map without scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from oneshot_emotic.splits import DatasetIdentity, split_task
from oneshot_emotic.submission.check import Checked
from oneshot_emotic.submission_report.contents import gather
from oneshot_emotic.tasks import TASKS

#: Every text does something where it is not escaped.
HIT = 'document.title="hit"'
HOSTILE = (
    f"<script>{HIT}</script>",
    f"\"'><img src=x onerror='{HIT}'>",
    "</td></tr></table></script></title></style><h1>new</h1>",
    r"_{{ 7 * 7 }} {% raw %} $\frac{1}{2}$ ]]> &lt; <!-- \u003c/script>",
    "a\u202eb\x1b[31m\nc\u2028d",
    "name-without-a-space-" * 20,
)


@pytest.fixture
def flat_map(monkeypatch):
    """The first two dimensions in place of t-SNE: only the map needs scikit-learn."""
    name = "oneshot_emotic.submission_report.embedding_map._tsne"
    monkeypatch.setattr(name, lambda points: points[:, :2].copy())


def small_task(name="cat-6-6", persons=12, dataset="synthetic", mark=""):
    """A task with so many persons of every class, two in an image."""
    rows = [
        (
            f"train/i/{mark}{item.name}{n // 2}.jpg#{n % 2}",
            f"i/{mark}{item.name}{n // 2}.jpg",
            item.name,
        )
        for item in TASKS[name].classes
        for n in range(persons)
    ]
    identity = DatasetIdentity(dataset, "argmax", 1, "0" * 64)
    return replace(split_task(name, rows, draws=60), dataset=identity)


def vectors(task, seed=0, dimensions=6):
    """Embeddings in which classes lie a little apart."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(len(task.classes), dimensions))
    noise = rng.normal(size=(len(task.novel), dimensions))
    return (middles[task.novel_labels] + noise).astype(np.float32)


def small_report(names=("Model",), task=None, runs=1):
    """A report of submissions on one task."""
    task = task or small_task()
    files = [
        (
            f"file-{place}",
            [
                Checked(task, vectors(task, 10 * place + run), name, f"{place}-{run}.npz")
                for run in range(runs)
            ],
        )
        for place, name in enumerate(names)
    ]
    return gather(files)
