"""Turning a cue of the stand-in down: does the advantage of the branch that sees it go?

python benchmarks/ablation.py -o WORK [--task cat-6-6] [--persons 640] [--jobs 2]

For each cue (body, scene, semantic) and each strength (0, half of the default, the default) a
synthetic stand-in is made; labels and splits are the same in all. I-DML, B-DML and Sem-I-DML are
trained on each with small pictures and few steps, and scored. Writes docs/ablation.csv and
docs/pictures/ablation.png. Stopped at any time, the same command goes on. Needs [baselines] and
matplotlib.
"""

from __future__ import annotations

import argparse
import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

from machine import machine

from baselines.prepare import prepare
from baselines.reproduce import SCALES, plan_jobs, run_jobs
from oneshot_emotic import evaluate, load_task
from oneshot_emotic.cli.synth import write_stand_in_folder
from oneshot_emotic.files import write_text
from oneshot_emotic.submission.forms import read_predictions
from oneshot_emotic.synthetic.settings import StandInSettings
from oneshot_emotic.synthetic.write import SETTINGS_FILE

DOCS = Path(__file__).parents[1] / "docs"
CUES = ("body", "scene", "semantic")
RECIPES = ("i-dml", "b-dml", "sem-i-dml")
COLUMNS = ("cue", "strength", "recipe", "balanced_accuracy", "low", "high")


def stand_ins() -> list[tuple[str, float, StandInSettings]]:
    """Cue, strength and settings of every stand-in; the default one once for each cue."""
    default = StandInSettings()
    return [
        (cue, strength, _with_cue(default, cue, strength))
        for cue in CUES
        for full in [getattr(default, f"{cue}_cue")]
        for strength in (0.0, full / 2, full)
    ]


def _with_cue(settings: StandInSettings, cue: str, strength: float) -> StandInSettings:
    changed: dict[str, Any] = {f"{cue}_cue": strength}
    return replace(settings, **changed)


def trained(work: Path, task_name: str, persons: int, jobs: int) -> list[dict[str, Any]]:
    """A line for each stand-in and baseline."""
    task = load_task(task_name)
    changes = {**SCALES["reduced"].changes, "persons_per_epoch": persons, "weights": "none"}
    scale = replace(SCALES["reduced"], tasks=(task_name,), changes=changes, keep=False)
    lines = []
    for cue, strength, settings in stand_ins():
        name = "default" if settings.is_default else f"{cue}-{strength:g}"
        root = work / name / "stand-in"
        if not (root / SETTINGS_FILE).exists():
            write_stand_in_folder(root, settings, pictures=True, workers=jobs)
        prepare(root, size=scale.size, workers=jobs)
        planned = plan_jobs(scale, work / name, root, "synthetic", recipes=RECIPES)
        run_jobs([replace(job, threads=1) for job in planned], jobs, print)
        for job in planned:
            embeddings = read_predictions(job.output).embeddings
            figure = evaluate(embeddings, task)[1].balanced_accuracy
            values = (figure.mean, figure.low, figure.high)
            lines.append(dict(zip(COLUMNS, (cue, strength, job.recipe, *values), strict=True)))
    return lines


def draw(lines: list[dict[str, Any]], chance: float, title: str, path: Path) -> None:
    """A panel for each cue: balanced accuracy against the cue's strength."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(CUES), figsize=(10, 3.6), sharey=True)
    for panel, cue in zip(panels, CUES, strict=True):
        for recipe in RECIPES:
            points = [x for x in lines if (x["cue"], x["recipe"]) == (cue, recipe)]
            middle = [100 * x["balanced_accuracy"] for x in points]
            spread = [
                [100 * (x["balanced_accuracy"] - x["low"]) for x in points],
                [100 * (x["high"] - x["balanced_accuracy"]) for x in points],
            ]
            strengths = [x["strength"] for x in points]
            panel.errorbar(strengths, middle, spread, marker="o", capsize=3, label=recipe)
        panel.axhline(100 * chance, color="grey", linestyle=":", label="chance")
        panel.set_xlabel(f"strength of the {cue} cue")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("1-shot balanced accuracy, %")
    panels[-1].legend(fontsize="small")
    figure.suptitle(title, fontsize="medium")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Train what is missing, then write the table and the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--task", default="cat-6-6")
    parser.add_argument("--persons", type=int, default=640)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    print(machine())
    lines = trained(given.output, given.task, given.persons, given.jobs)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    write_text(DOCS / "ablation.csv", stream.getvalue())
    chance = 1 / len(load_task(given.task).classes)
    title = f"{given.task} of the synthetic stand-in; bars: 95 % intervals"
    draw(lines, chance, title, DOCS / "pictures" / "ablation.png")
    for line in lines:
        print(
            f"  {line['cue']:9} {line['strength']:.3f}  {line['recipe']:10}"
            f"  {100 * line['balanced_accuracy']:.1f} "
            f"[{100 * line['low']:.1f}, {100 * line['high']:.1f}]"
        )


if __name__ == "__main__":
    main()
