"""Each system of docs/systems.md without one of its parts: what does the part bring?

python benchmarks/systems_ablation.py -o WORK --data STAND_IN [--scale reduced] [--jobs 2]

Trains systems and variants (ablated.py) on the synthetic stand-in as the rows are, from the trunks
in STAND_IN, with the same seeds, and compares them person by person; intervals and differences
count the seeds. Of dsct also how well it puts boxes right: on held-out base persons, of the epoch
that was taken. Writes docs/systems_ablation.csv and the table in docs/systems.md. Stopped at any
time, the same command goes on. Needs [baselines].
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ablated import VARIANTS
from documents import DOCS, Line, figure, markdown, put_table, read_lines, write_lines
from machine import machine
from oneshot_emotic_baselines.reproduce import Job, Reproduction, chosen_scale

from oneshot_emotic import evaluate, load_task
from oneshot_emotic.scoring.comparison import difference
from oneshot_emotic.scoring.runs import combine_runs
from oneshot_emotic.scoring.scores import Scores
from oneshot_emotic.submission.embeddings_file import read_embeddings_file

SHOTS = (1, 5)
FIGURE, GAIN = ("balanced_accuracy", "low", "high"), ("gain", "gain_low", "gain_high")
BOXES = ("iou", "jittered_iou")
COLUMNS = ("system", "without", "shots", *FIGURE, *GAIN, *BOXES)


def lines_of(
    scores: Mapping[str, Scores], boxes: Mapping[str, Mapping[str, float]], task: str
) -> list[Line]:
    """The lines of the file.

    Args:
        scores: Of each recipe, its runs put together.
        boxes: Of each recipe that measures them: `BOXES`.
        task: The task.

    Returns:
        By `COLUMNS`: of each system itself, then without each part, by how much the system is
        above that (`gain`); fractions.
    """
    rows: dict[tuple[str, str], str] = {}
    for variant in VARIANTS:
        rows[variant.system, ""] = variant.system
        rows[variant.system, variant.part] = variant.recipe
    lines: list[Line] = []
    for (system, part), recipe in rows.items():
        for shots in SHOTS:
            whole, ours = (scores[x].tasks[task][shots].balanced_accuracy for x in (system, recipe))
            gain = difference(whole, ours) if part else None
            values: list[Any] = [system, part, shots, ours.mean, ours.low, ours.high]
            values += [gain.mean, gain.low, gain.high] if gain else ["", "", ""]
            values += [boxes.get(recipe, {}).get(name, "") for name in BOXES]
            lines.append(dict(zip(COLUMNS, values, strict=True)))
    return lines


def table(lines: Sequence[Line]) -> str:
    """In markdown: a row for each system and part."""
    rows = []
    for key in dict.fromkeys((line["system"], line["without"]) for line in lines):
        mine = [line for line in lines if (line["system"], line["without"]) == key]
        cells = [f"`{key[0]}`" + (f" without {key[1]}" if key[1] else "")]
        for line in mine:
            cells += [figure(line, *FIGURE), figure(line, *GAIN)]
        known = [f"{float(mine[0][name]):.3f}" for name in BOXES if mine[0][name] != ""]
        rows.append([*cells, " from ".join(known)])
    heads = [x for shots in SHOTS for x in (f"{shots}-shot", f"{shots}-shot, whole - without")]
    return markdown(["", *heads, "IoU of boxes, from jittered ones"], rows)


def log_of_epoch(path: Path) -> dict[str, str]:
    """The line of a run's log whose epoch was taken: the first that is best, or the last."""
    lines = read_lines(path)
    chosen = [line for line in lines if line["validation"]]
    return max(chosen, key=lambda line: float(line["validation"])) if chosen else lines[-1]


def boxes_of(logs: Sequence[Mapping[str, str]]) -> dict[str, float]:
    """`BOXES` as means over the runs; nothing of a system that does not measure them."""
    return {
        name: math.fsum(float(log[name]) for log in logs) / len(logs)
        for name in BOXES
        if all(name in log for log in logs)
    }


def main() -> None:
    """Train what is missing, then write the file and the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--task", default="cat-6-6")
    parser.add_argument("--scale", choices=("reduced", "quick"), default="reduced")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    print(machine())
    scale = chosen_scale(given.scale, synthetic=True, tasks=(given.task,), seeds=given.seeds)
    runs = Reproduction(
        scale,
        given.output,
        given.data,
        "synthetic",
        device=given.device,
        parallel=given.jobs,
        imports=("ablated",),
    )
    names = dict.fromkeys(x for variant in VARIANTS for x in (variant.system, variant.recipe))
    jobs = runs.jobs(tuple(names), print)
    runs.run_jobs(jobs, print)
    task = load_task(given.task)
    members: dict[str, list[Job]] = {}
    for job in jobs:
        members.setdefault(job.settings.recipe, []).append(job)
    scores, boxes = {}, {}
    for name, found in members.items():
        vectors = (read_embeddings_file(runs.output(job)).embeddings for job in found)
        scores[name] = combine_runs([evaluate(each, task, SHOTS) for each in vectors])
        boxes[name] = boxes_of([log_of_epoch(runs._run_folder(job) / "log.csv") for job in found])
    lines = lines_of(scores, boxes, given.task)
    write_lines(DOCS / "systems_ablation.csv", COLUMNS, lines)
    shown = table(read_lines(DOCS / "systems_ablation.csv"))
    put_table(DOCS / "systems.md", "systems_ablation", shown)
    print(shown)


if __name__ == "__main__":
    main()
