"""Scoring at EMOTIC's size against the bare matrix product and against how people do it.

python benchmarks/scoring.py [--runs 5] [--peers] [--large] [--process]

12,134 persons with the class sizes of the list that the paper's authors released, 512 dimensions,
float32, 1,000 draws, 1 shot. The bare product is that of all persons with the 6,000 support rows.
All times are medians of runs made in turn. --peers runs other libraries as they are normally
called, those that are installed; --large 100,000 persons of 1,024 dimensions; --process the whole
command on files.
"""

from __future__ import annotations

import argparse
import importlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from machine import machine

from oneshot_emotic import evaluate, write_submission
from oneshot_emotic.dataset.folder import write_dataset
from oneshot_emotic.splits import DatasetIdentity, Task, split_task
from oneshot_emotic.tasks import TASKS

SIZES = (2272, 5148, 668, 454, 2182, 1410)
PERSONS_PER_IMAGE = 1.45
Array = npt.NDArray[np.float32]


def task_of(sizes: tuple[int, ...]) -> Task:
    """A cat-6-6 task with so many persons in each novel class."""
    rng = np.random.default_rng(0)
    classes = TASKS["cat-6-6"].novel_classes
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    image = np.sort(rng.integers(0, int(len(labels) / PERSONS_PER_IMAGE), len(labels)))
    rows = [
        (f"train/a/{i:06d}.jpg#{n:06d}", f"a/{i:06d}.jpg", classes[label])
        for n, (i, label) in enumerate(zip(image, labels, strict=True))
    ]
    return replace(
        split_task("cat-6-6", rows), dataset=DatasetIdentity("made-up", "argmax", 1, "0" * 64)
    )


def peak() -> float:
    """The most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def seconds(function: Callable[[], Any]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


# How people score one-shot episodes: each gives the accuracy of every draw.


def faiss_pairwise(x: Array, labels: Array, support: Any) -> None:
    """All distances at once, then the nearest of each draw."""
    import faiss

    distances = faiss.pairwise_distances(x, x[support.ravel()])
    nearest = distances.reshape(len(x), *support.shape).argmin(axis=2)
    (nearest == labels[:, None]).mean(axis=0)


def faiss_knn(x: Array, labels: Array, support: Any) -> None:
    """`faiss.knn`, draw by draw."""
    import faiss

    for draw in support:
        _, nearest = faiss.knn(x, x[draw], 1)
        (nearest[:, 0] == labels).mean()


def sklearn_neighbours(x: Array, labels: Array, support: Any) -> None:
    """`KNeighborsClassifier`, draw by draw."""
    from sklearn.neighbors import KNeighborsClassifier

    classes = np.arange(support.shape[1])
    for draw in support:
        model = KNeighborsClassifier(1).fit(x[draw], classes)
        (model.predict(x) == labels).mean()


def pml_custom_knn(x: Array, labels: Array, support: Any) -> None:
    """pytorch-metric-learning's `CustomKNN`, draw by draw."""
    import torch
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.utils.inference import CustomKNN

    knn = CustomKNN(LpDistance(normalize_embeddings=False))
    queries, truth = torch.from_numpy(x), torch.from_numpy(labels)
    for draw in support:
        _, nearest = knn(queries, k=1, reference=queries[torch.from_numpy(draw)])
        (nearest[:, 0] == truth).float().mean()


def pml_faiss_knn(x: Array, labels: Array, support: Any) -> None:
    """pytorch-metric-learning's `FaissKNN`, draw by draw."""
    import torch
    from pytorch_metric_learning.utils.inference import FaissKNN

    knn = FaissKNN()
    queries, truth = torch.from_numpy(x), torch.from_numpy(labels)
    for draw in support:
        _, nearest = knn(queries, k=1, reference=queries[torch.from_numpy(draw)])
        (nearest[:, 0] == truth).float().mean()


def pml_inference_model(x: Array, labels: Array, support: Any) -> None:
    """pytorch-metric-learning's `InferenceModel` with its own defaults, draw by draw."""
    import torch
    from pytorch_metric_learning.utils.inference import InferenceModel

    model = InferenceModel(torch.nn.Identity())
    queries, truth = torch.from_numpy(x), torch.from_numpy(labels)
    for draw in support:
        model.train_knn(queries[torch.from_numpy(draw)])
        _, nearest = model.get_nearest_neighbors(queries, k=1)
        (nearest[:, 0] == truth).float().mean()


def pml_accuracy_calculator(x: Array, labels: Array, support: Any) -> None:
    """pytorch-metric-learning's `AccuracyCalculator` for precision at 1, draw by draw."""
    import torch
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    calculator = AccuracyCalculator(
        include=("precision_at_1",), avg_of_avgs=True, k=1, device=torch.device("cpu")
    )
    queries, truth = torch.from_numpy(x), torch.from_numpy(labels)
    classes = torch.arange(support.shape[1])
    for draw in support:
        calculator.get_accuracy(queries, truth, queries[torch.from_numpy(draw)], classes)


def easyfsl_simple_shot(x: Array, labels: Array, support: Any) -> None:
    """Easyfsl's `SimpleShot` on features, draw by draw."""
    import torch
    from easyfsl.methods import SimpleShot

    model = SimpleShot(torch.nn.Identity())
    queries, truth = torch.from_numpy(x), torch.from_numpy(labels)
    classes = torch.arange(support.shape[1])
    with torch.no_grad():
        for draw in support:
            model.process_support_set(queries[torch.from_numpy(draw)], classes)
            (model(queries).argmax(dim=1) == truth).float().mean()


PEERS: dict[str, tuple[str, Callable[..., None]]] = {
    "faiss.pairwise_distances, all supports at once": ("faiss", faiss_pairwise),
    "faiss.knn, draw by draw": ("faiss", faiss_knn),
    "pytorch-metric-learning FaissKNN": ("faiss", pml_faiss_knn),
    "pytorch-metric-learning InferenceModel": ("faiss", pml_inference_model),
    "easyfsl SimpleShot": ("easyfsl", easyfsl_simple_shot),
    "pytorch-metric-learning CustomKNN": ("pytorch_metric_learning", pml_custom_knn),
    "scikit-learn KNeighborsClassifier": ("sklearn", sklearn_neighbours),
    "pytorch-metric-learning AccuracyCalculator": (
        "pytorch_metric_learning",
        pml_accuracy_calculator,
    ),
}


def print_line(name: str, times: list[float], base: list[float]) -> None:
    """A row: median seconds, and the median ratio to the product of the same turn."""
    ratios = [time / bare for time, bare in zip(times, base, strict=False)]
    print(
        f"  {name:48} {statistics.median(times):7.2f} s   {statistics.median(ratios):6.2f} x   "
        f"({min(ratios):.2f} to {max(ratios):.2f})"
    )


def at_emotics_size(runs: int, peers: bool) -> None:
    """The table."""
    task = task_of(SIZES)
    x = np.random.default_rng(1).normal(size=(len(task.novel), 512)).astype(np.float32)
    embeddings = (task.novel.sample_ids, x)
    support = task.support[:, 0]
    rows = x[support.ravel()]
    before = peak()
    evaluate(embeddings, task)
    print(f"  peak memory over the inputs: {peak() - before:.0f} MB")
    calls = {
        "bare float32 product": lambda: x @ rows.T,
        "evaluate(intervals=False): every per-draw figure": lambda: evaluate(
            embeddings, task, intervals=False
        ),
        "evaluate: with intervals": lambda: evaluate(embeddings, task),
        "evaluate: 1 and 5 shots, with intervals": lambda: evaluate(embeddings, task, (1, 5)),
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            times[name].append(seconds(call))
    base = times["bare float32 product"]
    for name, measured in times.items():
        print_line(name, measured, base)
    for name, (module, peer) in PEERS.items() if peers else ():
        try:
            importlib.import_module(module)
        except ImportError:
            print(f"  {name:48} not installed")
            continue
        bare = seconds(lambda: x @ rows.T)
        measured = [seconds(partial(peer, x, task.novel_labels, support))]
        print_line(f"{name} (once)", measured, [bare])


def large() -> None:
    """100,000 persons of 1,024 dimensions, against a quarter of them."""
    for persons in (25_000, 100_000):
        sizes = tuple(persons * size // sum(SIZES) for size in SIZES)
        task = task_of(sizes)
        x = np.random.default_rng(1).standard_normal((sum(sizes), 1024), dtype=np.float32)
        took = seconds(partial(evaluate, (task.novel.sample_ids, x), task))
        print(f"  {sum(sizes):,} x 1,024: {took:.1f} s, peak memory of the process {peak():.0f} MB")


def whole_process() -> None:
    """`oneshot-emotic score` on files, start to end."""
    code = "import sys; from oneshot_emotic.cli.main import main; main(sys.argv[1:])"
    with tempfile.TemporaryDirectory() as scratch:
        task = task_of(SIZES)
        folder = Path(scratch) / "made-up"
        folder.mkdir()
        tasks = {name: split_task(name, []) for name in TASKS} | {task.name: task}
        identity = write_dataset(folder, tasks, "made-up", "argmax")
        task = replace(task, dataset=identity)
        rng = np.random.default_rng(1)
        for name, dimensions in (("a.npz", 512), ("a.json", 128)):
            x = rng.normal(size=(len(task.novel), dimensions)).astype(np.float32)
            path = Path(scratch) / name
            write_submission(path, (task.novel.sample_ids, x), task)
            alone = statistics.median(
                seconds(partial(evaluate, (task.novel.sample_ids, x), task)) for _ in range(3)
            )
            command = [sys.executable, "-c", code, "score", str(path), "--shots", "1"]
            command += ["--dataset", str(folder)]
            took = statistics.median(
                seconds(partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL))
                for _ in range(3)
            )
            print(
                f"  score {name}, 12,134 x {dimensions}, {path.stat().st_size / 1e6:.0f} MB: "
                f"{took:.2f} s as a process, evaluate alone {alone:.2f} s"
            )


def main() -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    for name in ("peers", "large", "process"):
        parser.add_argument(f"--{name}", action="store_true")
    arguments = parser.parse_args()
    print(machine())
    at_emotics_size(arguments.runs, arguments.peers)
    if arguments.large:
        large()
    if arguments.process:
        whole_process()


if __name__ == "__main__":
    main()
