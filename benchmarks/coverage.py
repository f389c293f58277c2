"""Do the 95 % intervals cover what they claim to? A simulation with a known truth.

python benchmarks/coverage.py [--repetitions 400] [--sizes 227 515 67 45 218 141]

People come in images of one to three who share an image effect; a person's embedding is the mean of
its class plus the image's effect plus its own. Each repetition draws a data set anew, makes its
1,000 support draws and scores it. The truth, what the interval is to cover, is the balanced
accuracy expected for support persons and queries of the same source: the mean over 40,000 sets of
support persons and queries drawn for it alone. Beside it stands what few-shot papers print, the
mean over draws -/+ 1.96 standard errors over draws.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from oneshot_emotic import evaluate
from oneshot_emotic.splits import DatasetIdentity, Task, split_task
from oneshot_emotic.tasks import TASKS

FloatArray = npt.NDArray[np.float64]

CLASSES = TASKS["cat-6-6"].novel_classes
DIMENSIONS, IMAGE_EFFECT, CLASS_EFFECT = 8, 0.6, 0.45
IDENTITY = DatasetIdentity("simulation", "argmax", 1, "0" * 64)


def class_means() -> FloatArray:
    """Where the classes are, of shape (classes, dimensions); some near each other."""
    rng = np.random.default_rng(1)
    return CLASS_EFFECT * rng.normal(size=(len(CLASSES), DIMENSIONS))


def truth(means: FloatArray, sets: int = 40_000, queries: int = 20) -> float:
    """Balanced accuracy expected for one-shot sets of this source."""
    rng = np.random.default_rng(2)
    spread = np.sqrt(1 + IMAGE_EFFECT**2)
    right = 0
    for _ in range(sets):
        support = means + spread * rng.normal(size=means.shape)
        asked = means[:, None] + spread * rng.normal(size=(len(means), queries, DIMENSIONS))
        distance = np.square(asked[:, :, None] - support).sum(axis=-1)
        right += int((distance.argmin(axis=-1) == np.arange(len(means))[:, None]).sum())
    return right / (sets * len(means) * queries)


def data_set(
    means: FloatArray, sizes: list[int], seed: int
) -> tuple[Task, tuple[tuple[str, ...], FloatArray]]:
    """A task and its embeddings."""
    rng = np.random.default_rng([3, seed])
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    in_image = np.repeat(np.arange(len(labels)), rng.integers(1, 4, len(labels)))[: len(labels)]
    effect = IMAGE_EFFECT * rng.normal(size=(len(labels), DIMENSIONS))
    vectors = means[labels] + effect[in_image] + rng.normal(size=(len(labels), DIMENSIONS))
    rows = [
        (f"train/{seed}/{image:05d}.jpg#{person:05d}", f"{seed}/{image:05d}.jpg", CLASSES[label])
        for person, (image, label) in enumerate(zip(in_image, labels, strict=True))
    ]
    vector_of = dict(zip((row[0] for row in rows), vectors, strict=True))
    task = replace(split_task("cat-6-6", rows), dataset=IDENTITY)
    ids = task.novel.sample_ids
    return task, (ids, np.stack([vector_of[sample_id] for sample_id in ids]))


def main() -> None:
    """Print how many intervals held the truth."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--sizes", type=int, nargs=6, default=[227, 515, 67, 45, 218, 141])
    arguments = parser.parse_args()
    means = class_means()
    target = truth(means)
    print(f"class sizes {arguments.sizes}, truth {100 * target:.2f} %")
    covered = plain = 0
    widths, plain_widths, means_seen = [], [], []
    for repetition in range(arguments.repetitions):
        task, embeddings = data_set(means, arguments.sizes, repetition)
        figure = evaluate(embeddings, task)[1].balanced_accuracy
        assert None not in (figure.mean, figure.low, figure.high, figure.std)
        low, high, mean = float(figure.low), float(figure.high), float(figure.mean)  # type: ignore[arg-type]
        half = 1.96 * float(figure.std) / np.sqrt(task.draws)  # type: ignore[arg-type]
        covered += low <= target <= high
        plain += mean - half <= target <= mean + half
        widths.append(high - low)
        plain_widths.append(2 * half)
        means_seen.append(mean)
    many = arguments.repetitions
    print(
        f"mean of the means      {100 * np.mean(means_seen):.2f} % (their spread, 1 sd: "
        f"{100 * np.std(means_seen):.2f} points)"
    )
    print(
        f"two-level interval     covers in {100 * covered / many:.1f} % of {many} repetitions, "
        f"mean width {100 * np.mean(widths):.2f} points"
    )
    print(
        f"plain interval (draws) covers in {100 * plain / many:.1f} %, "
        f"mean width {100 * np.mean(plain_widths):.2f} points"
    )


if __name__ == "__main__":
    main()
