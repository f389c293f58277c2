"""Do the 95 % intervals cover what they claim to? Simulations with a known truth.

python benchmarks/coverage.py [--repetitions 400] [--world NAME ...] [--bootstrap]
    [-o coverage.csv] [--summary docs/coverage.csv] [--picture docs/pictures/coverage.svg]

Each repetition of a world draws a data set of novel persons anew, of the same class sizes, and two
models of equal quality for it whose errors go together; it scores both on CAT-6:6 and CAT-6:4 at 1
and 5 shots, with 1,000 support draws. A person's embedding is the mean of its class plus its
image's effect plus its own. The truth, what an interval is to cover, is the figure expected for
support persons and queries of that source: a mean over sets drawn for it alone. For the difference
of the two models it is 0. Repetitions are drawn from their number: a run goes on where the last one
with the same output stopped.

--bootstrap measures another way to an interval for CAT-6:6 instead: images are drawn with
replacement, supports drawn anew among their persons, everything scored again.
"""

from __future__ import annotations

import argparse
import csv
import io
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_emotic import evaluate
from oneshot_emotic.files import write_text
from oneshot_emotic.scoring.arrays import FloatArray, IntArray
from oneshot_emotic.scoring.comparison import difference
from oneshot_emotic.scoring.scores import Overall, Scores, merged
from oneshot_emotic.scoring.statistics import Estimate
from oneshot_emotic.scoring.workers import use_workers
from oneshot_emotic.splits import DatasetIdentity, Task, split_task
from oneshot_emotic.tasks import TASKS

NAMES = ("cat-6-6", "cat-6-4")
CLASSES = {name: TASKS[name].novel_classes for name in NAMES}
DIMENSIONS, IMAGE_EFFECT, SHARED = 8, 0.6, 0.7
SHOTS = (1, 5)
RESAMPLES, REDRAWN = 100, 100
IDENTITY = DatasetIdentity("simulation", "argmax", 1, "0" * 64)
COLUMNS = ("world", "repetition", "figure", "shots", "truth", "mean", "low", "high")


@dataclass(frozen=True)
class World:
    """A source of data sets.

    Attributes:
        sizes: Persons of each class of CAT-6:6.
        apart: How far the class means are apart, in standard deviations of a person.
        in_image: The most persons in an image.
        heavy: Embeddings with heavy tails (Student's t with 3 degrees of freedom).
    """

    sizes: tuple[int, ...]
    apart: float
    in_image: int = 3
    heavy: bool = False


def _sizes(smallest: int) -> tuple[int, ...]:
    return tuple(smallest * factor for factor in (3, 4, 2, 1, 3, 2))


WORLDS = {
    "smallest class 8": World(_sizes(8), 0.45),
    "smallest class 15": World(_sizes(15), 0.45),
    "smallest class 30": World(_sizes(30), 0.45),
    "smallest class 60": World(_sizes(60), 0.45),
    "chance": World(_sizes(15), 0.0),
    "about 70 %": World(_sizes(15), 1.25),
    "about 97 %": World(_sizes(15), 2.6),
    "heavy tails": World(_sizes(15), 1.25, heavy=True),
    "up to 6 to an image": World(_sizes(15), 1.25, in_image=6),
    "EMOTIC's proportions": World((227, 515, 67, 45, 218, 141), 0.45),
}


def _noise(world: World, rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    normal = rng.normal(size=shape)
    if not world.heavy:
        return normal
    # One length a person, as real embeddings have it; variance 1.
    scale = np.sqrt(rng.chisquare(3, size=(*shape[:-1], 1)))
    result: FloatArray = normal / scale
    return result


def class_means(world: World) -> FloatArray:
    """Where the classes are, of shape (classes, dimensions); some near each other."""
    means: FloatArray = world.apart * np.random.default_rng(1).normal(size=(6, DIMENSIONS))
    return means


@cache
def truth(world: World, name: str, shots: int, sets: int = 5_000, queries: int = 20) -> float:
    """Balanced accuracy expected for sets of `shots` support persons a class of this source."""
    rng = np.random.default_rng([2, shots])
    chosen = [CLASSES["cat-6-6"].index(item) for item in CLASSES[name]]
    means = class_means(world)[chosen]
    classes = len(means)
    right = 0
    for _ in range(sets):
        near = np.full((classes, queries, classes), np.inf)
        asked = means[:, None] + _person(world, rng, (classes, queries, DIMENSIONS))
        for _ in range(shots):
            support = means + _person(world, rng, means.shape)
            distance = np.square(asked[:, :, None] - support).sum(axis=-1)
            near = np.minimum(near, distance)
        right += int((near.argmin(axis=-1) == np.arange(classes)[:, None]).sum())
    return right / (sets * classes * queries)


def _person(world: World, rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    return _noise(world, rng, shape) + IMAGE_EFFECT * rng.normal(size=shape)


def repetition(world: World, seed: int) -> tuple[dict[str, Task], list[dict[str, FloatArray]]]:
    """The tasks of a data set, and the vectors of two models by sample_id."""
    rng = np.random.default_rng([3, seed])
    labels = rng.permutation(np.repeat(np.arange(6), world.sizes))
    many = len(labels)
    in_image = np.repeat(np.arange(many), rng.integers(1, world.in_image + 1, many))[:many]
    means, shape = class_means(world), (many, DIMENSIONS)
    shared = (rng.normal(size=shape), _noise(world, rng, shape))
    models = []
    for _ in range(2):
        own = (rng.normal(size=shape), _noise(world, rng, shape))
        rest = np.sqrt(1 - SHARED**2)
        if world.heavy:  # a mixture: a sum of two would have lighter tails
            take = rng.random((many, 1)) < SHARED
            image, person = own[0], np.where(take, shared[1], own[1])
            image = SHARED * shared[0] + rest * image
        else:
            image, person = (SHARED * a + rest * b for a, b in zip(shared, own, strict=True))
        models.append(means[labels] + IMAGE_EFFECT * image[in_image] + person)
    rows = [
        (
            f"train/{seed}/{image:05d}.jpg#{person:05d}",
            f"{seed}/{image:05d}.jpg",
            CLASSES["cat-6-6"][label],
        )
        for person, (image, label) in enumerate(zip(in_image, labels, strict=True))
    ]
    tasks = {
        name: replace(
            split_task(name, [row for row in rows if row[2] in CLASSES[name]]), dataset=IDENTITY
        )
        for name in NAMES
    }
    ids = [row[0] for row in rows]
    return tasks, [dict(zip(ids, vectors, strict=True)) for vectors in models]


def measure(name: str, seed: int) -> list[tuple[object, ...]]:
    """The lines of a repetition: each figure's truth, mean and interval."""
    world = WORLDS[name]
    tasks, models = repetition(world, seed)
    scores: list[Scores] = []
    for vectors in models:
        parts = []
        for task in tasks.values():
            ids = task.novel.sample_ids
            parts.append(evaluate((ids, np.stack([vectors[x] for x in ids])), task, SHOTS))
        scores.append(merged(parts))
    lines: list[tuple[object, ...]] = []
    for shots in SHOTS:
        expected = {task: truth(world, task, shots) for task in NAMES}
        above = [
            (value - 1 / len(CLASSES[task])) / (1 - 1 / len(CLASSES[task]))
            for task, value in expected.items()
        ]
        pairs: list[tuple[str, float, list[Estimate | Overall]]] = [
            (task, expected[task], [x.tasks[task][shots].balanced_accuracy for x in scores])
            for task in NAMES
        ]
        both = [figure for x in scores if (figure := x.overall("cat", shots)) is not None]
        pairs.append(("overall", float(np.mean(above)), [*both]))
        for what, value, (one, other) in pairs:
            apart = difference(one, other)
            assert apart is not None
            lines.append((name, seed, what, shots, value, one.mean, one.low, one.high))
            what = f"difference {what}"
            lines.append((name, seed, what, shots, 0.0, apart.mean, apart.low, apart.high))
    return lines


def measure_bootstrap(name: str, seed: int) -> list[tuple[object, ...]]:
    """The lines of a repetition with the percentiles of a bootstrap that draws supports anew."""
    world = WORLDS[name]
    tasks, (vectors, _) = repetition(world, seed)
    task = tasks["cat-6-6"]
    x = np.stack([vectors[sample_id] for sample_id in task.novel.sample_ids])
    apart = np.square(x[:, None] - x).sum(axis=-1)
    rng = np.random.default_rng([4, seed])
    lines: list[tuple[object, ...]] = []
    for shots in SHOTS:
        everybody = np.arange(len(x))
        mean = _redrawn(task, apart, everybody, shots, 1_000, rng)
        values = []
        for _ in range(RESAMPLES):
            taken = rng.integers(0, len(task.image_names), len(task.image_names))
            persons = np.concatenate([np.flatnonzero(task.novel_images == i) for i in taken])
            values.append(_redrawn(task, apart, persons, shots, REDRAWN, rng))
        half = 1.96 * float(np.nanstd(values, ddof=1))
        low, high = mean - half, mean + half
        lines.append(
            (name, seed, "bootstrap", shots, truth(world, task.name, shots), mean, low, high)
        )
    return lines


def _redrawn(
    task: Task,
    apart: FloatArray,
    persons: IntArray,
    shots: int,
    draws: int,
    rng: np.random.Generator,
) -> float:
    """Mean balanced accuracy of some persons, with supports drawn among them."""
    labels, images = task.novel_labels[persons], task.novel_images[persons]
    members = [np.flatnonzero(labels == item) for item in range(len(task.classes))]
    if not all(map(len, members)):
        return float("nan")
    values = []
    for _ in range(draws):
        # A person who was drawn twice may be support twice; nobody in the picture is a query.
        support = [rng.permutation(some)[:shots] for some in members]
        nearest = np.stack([apart[np.ix_(persons, persons[some])].min(axis=1) for some in support])
        asked = ~np.isin(images, images[np.concatenate(support)])
        right = nearest.argmin(axis=0) == labels
        queries = np.bincount(labels[asked], minlength=len(members))
        hits = np.bincount(labels[asked & right], minlength=len(members))
        values.append(
            (hits[queries > 0] / queries[queries > 0]).mean() if queries.any() else np.nan
        )
    return float(np.nanmean(values))


def summary(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    """How often the intervals of each world, number of shots and figure held the truth."""
    groups: dict[tuple[str, str, int], list[tuple[float, ...]]] = {}
    for row in rows:
        numbers = tuple(float(row[name]) for name in ("truth", "low", "high"))
        groups.setdefault((row["world"], row["figure"], int(row["shots"])), []).append(numbers)
    order = [*WORLDS]
    return [
        {
            "world": world,
            "figure": figure,
            "shots": shots,
            "truth": round(found[0][0], 4),
            "repetitions": len(found),
            "covered": round(float(np.mean([low <= x <= high for x, low, high in found])), 4),
            "width": round(float(np.mean([high - low for _, low, high in found])), 4),
        }
        for (world, figure, shots), found in sorted(
            groups.items(), key=lambda item: (order.index(item[0][0]), item[0][2], item[0][1])
        )
    ]


def table(lines: list[dict[str, Any]]) -> str:
    """The summary as a markdown table, in per cent."""
    of = {(line["world"], line["shots"], line["figure"]): line for line in lines}
    text = [
        "| world | shots | truth | repetitions | cat-6-6 | overall "
        "| equal models told apart: cat-6-6 | overall | width cat-6-6 |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for world in WORLDS:
        for shots in SHOTS:
            if (world, shots, "cat-6-6") not in of:
                continue
            own = of[world, shots, "cat-6-6"]
            covered = [100 * of[world, shots, x]["covered"] for x in ("cat-6-6", "overall")]
            covered += [
                100 - 100 * of[world, shots, f"difference {x}"]["covered"]
                for x in ("cat-6-6", "overall")
            ]
            shown = " | ".join(f"{cell:.1f}" for cell in [*covered, 100 * own["width"]])
            begin = f"| {world} | {shots} | {100 * own['truth']:.1f} | {own['repetitions']}"
            text.append(f"{begin} | {shown} |")
    return "\n".join(text) + "\n"


def draw(lines: list[dict[str, Any]], path: Path) -> None:
    """The summary as a picture: coverage by world, with what is aimed at as a band."""
    import matplotlib.pyplot as plt

    plt.rcParams |= {"svg.hashsalt": "oneshot-emotic", "svg.fonttype": "none", "font.size": 9}
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="constrained")
    shown = {"cat-6-6": "CAT-6:6", "overall": "overall", "difference cat-6-6": "difference"}
    for axis, shots in zip(axes, SHOTS, strict=True):
        axis.axvspan(92, 99, color="#dde8f5")
        for offset, (name, title) in enumerate(shown.items()):
            there = [x for x in lines if (x["shots"], x["figure"]) == (shots, name)]
            at = [[*WORLDS].index(x["world"]) + (offset - 1) * 0.2 for x in there]
            share = [x["covered"] for x in there]
            error = [
                196 * (p * (1 - p) / x["repetitions"]) ** 0.5
                for p, x in zip(share, there, strict=True)
            ]
            axis.errorbar(
                [100 * p for p in share], at, xerr=error, fmt="os^"[offset], ms=4, lw=1, label=title
            )
        axis.set(title=f"{shots}-shot", xlim=(80, 101), xlabel="% of intervals that hold the truth")
        axis.set_yticks(range(len(WORLDS)), list(WORLDS))
    axes[0].invert_yaxis()
    axes[1].legend(loc="lower left", frameon=False)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure what is missing, keep it, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--world", action="append", choices=list(WORLDS))
    parser.add_argument("--bootstrap", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=Path("coverage.csv"))
    parser.add_argument("--summary", type=Path, help="Write a line a world and figure here.")
    parser.add_argument("--picture", type=Path, help="Draw them here, as SVG.")
    arguments = parser.parse_args()
    rows: list[dict[str, str]] = []
    if arguments.output.exists():
        with arguments.output.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    done = {(row["world"], int(row["repetition"])) for row in rows}
    with ProcessPoolExecutor(arguments.workers, initializer=use_workers, initargs=(1,)) as pool:
        for first in range(0, arguments.repetitions, 20):
            jobs = [
                (world, number)
                for world in arguments.world or WORLDS
                for number in range(first, min(first + 20, arguments.repetitions))
                if (world, number) not in done
            ]
            way = measure_bootstrap if arguments.bootstrap else measure
            for lines in pool.map(way, *zip(*jobs, strict=True)) if jobs else ():
                rows += [
                    dict(
                        zip(
                            COLUMNS,
                            (f"{x:.6g}" if isinstance(x, float) else str(x) for x in line),
                            strict=True,
                        )
                    )
                    for line in lines
                ]
            stream_out = io.StringIO()
            writer = csv.DictWriter(stream_out, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            write_text(arguments.output, stream_out.getvalue())
            print(table(summary(rows)), flush=True)
    found = summary(rows)
    if arguments.summary:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(found[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
        write_text(arguments.summary, text.getvalue())
    if arguments.picture:
        draw(found, arguments.picture)


if __name__ == "__main__":
    main()
