"""From 1 to 5 shots: what more labelled persons a class give to submissions that are there.

python benchmarks/k_shot.py [SUBMISSION ...] [--task TASK ...] [--root CHECKOUT]

Scores stored embeddings; nothing is trained. Writes docs/k_shot.csv, docs/pictures/k_shot.png and
the table in docs/systems.md. Beside the figures stands which share of the task's novel persons the
supports are. Needs matplotlib.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from documents import DOCS, Line, figure, markdown, put_table, write_lines
from machine import machine

from oneshot_emotic import load_task
from oneshot_emotic.cli.submissions import checked_files, scores_of
from oneshot_emotic.tasks import MAX_SHOTS, task_definition

COLUMNS = ("task", "submission", "shots", "share", "balanced_accuracy", "low", "high")
SHOTS = range(1, MAX_SHOTS + 1)

#: Where they are not named: those of the paper and beyond it that differ most in what they learn.
SUBMISSIONS = (
    *("hog-colour", "kosti-resnet18", "ib-dml-resnet18", "sem-ib-dml-resnet18"),
    *("cage-maxvit-64", "mt-clar-resnet18", "dsct-resnet18"),
    *("frozen-resnet18", "frozen-head-resnet18"),
)
#: A categorical task, and the two dimensions that MT-CLAR's abstract is about.
TASKS = ("cat-6-6", "lev-7-3-valence", "lev-7-3-arousal")


def curve(submission: Path, task_name: str) -> list[Line]:
    """A line for each number of shots of a submission."""
    task = load_task(task_name)
    scores = scores_of(checked_files([submission], task=task_name), list(SHOTS))
    lines: list[Line] = []
    for shots in SHOTS:
        estimate = scores.tasks[task_name][shots].balanced_accuracy
        share = support_share(shots, len(task.classes), len(task.novel))
        figures = (estimate.mean, estimate.low, estimate.high)
        values = (task_name, submission.name, shots, share, *figures)
        lines.append(dict(zip(COLUMNS, values, strict=True)))
    return lines


def support_share(shots: int, classes: int, persons: int) -> float:
    """Which share of the novel persons the supports of a draw are, the same person once."""
    return shots * classes / persons


def table(lines: Sequence[Line]) -> str:
    """In markdown: a row for each task and submission, above each task the share of the supports.

    Args:
        lines: By `COLUMNS`.
    """
    rows = []
    for task in dict.fromkeys(line["task"] for line in lines):
        of_task = [line for line in lines if line["task"] == task]
        shares = {int(line["shots"]): f"{100 * float(line['share']):.2f} %" for line in of_task}
        rows.append([f"{task}: supports", *(shares[shots] for shots in SHOTS)])
        for name in dict.fromkeys(line["submission"] for line in of_task):
            cells = {
                int(line["shots"]): figure(line, "balanced_accuracy", "low", "high")
                for line in of_task
                if line["submission"] == name
            }
            rows.append([f"`{name}`", *(cells[shots] for shots in SHOTS)])
    return markdown(["", *(f"{n} shot" + "s" * (n > 1) for n in SHOTS)], rows)


def draw(lines: Sequence[Line], path: Path) -> None:
    """A panel for each task: balanced accuracy against shots."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    tasks = list(dict.fromkeys(line["task"] for line in lines))
    names = list(dict.fromkeys(line["submission"] for line in lines))
    size = (3.6 * len(tasks) + 0.6, 4)
    figure_, axes = pyplot.subplots(1, len(tasks), figsize=size, squeeze=False)
    for axis, task in zip(axes[0], tasks, strict=True):
        for place, name in enumerate(names):
            points = [x for x in lines if (x["task"], x["submission"]) == (task, name)]
            middle = [100 * x["balanced_accuracy"] for x in points]
            spread = [
                [100 * (x["balanced_accuracy"] - x["low"]) for x in points],
                [100 * (x["high"] - x["balanced_accuracy"]) for x in points],
            ]
            shots = [x["shots"] + 0.05 * (place - (len(names) - 1) / 2) for x in points]
            label = name if axis is axes[0][0] else None
            axis.errorbar(shots, middle, spread, marker="o", markersize=3, capsize=2, label=label)
        chance = 100 / len(load_task(task).classes)
        label = "chance" if axis is axes[0][0] else None
        axis.axhline(chance, color="grey", linestyle=":", label=label)
        axis.set_title(task, fontsize="medium")
        axis.set_xlabel("shots (support persons a class)")
        axis.set_xticks(SHOTS)
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("balanced accuracy, %")
    figure_.suptitle("synthetic stand-in; bars: 95 % intervals", fontsize="medium")
    figure_.tight_layout(rect=(0, 0.16, 1, 1))
    figure_.legend(loc="lower center", ncols=4, fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure_.savefig(path, dpi=110)


def main() -> None:
    """Score, then write the file, the table and the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("submissions", nargs="*", help="folders' names; default: those there are")
    parser.add_argument("--task", action="append", type=lambda x: task_definition(x).name)
    parser.add_argument("--root", type=Path, default=DOCS.parent, help="with submissions/")
    given = parser.parse_args()
    print(machine())
    folder = given.root / "submissions"
    names = given.submissions or [name for name in SUBMISSIONS if (folder / name).is_dir()]
    lines: list[dict[str, Any]] = []
    for task in given.task or TASKS:
        for name in names:
            lines += map(dict, curve(folder / name, task))
            print(f"  {task:18} {name:24}", *(f"{x['balanced_accuracy']:.3f}" for x in lines[-5:]))
    write_lines(DOCS / "k_shot.csv", COLUMNS, lines)
    put_table(DOCS / "systems.md", "k_shot", table(lines))
    draw(lines, DOCS / "pictures" / "k_shot.png")


if __name__ == "__main__":
    main()
