"""Turning a cue of the stand-in down: does the advantage of the branch that sees it go?

python benchmarks/ablation.py -o WORK --pretrained TRUNKS [--task cat-6-6] [--jobs 2]

For each cue (body, scene, semantic) and each strength (0, half of the default, the default) a
synthetic stand-in is made; labels and splits are the same in all. The scene cue, light, is turned
down where objects follow no mood either: an image branch sees both. Baselines are trained on each
as the rows of docs/baselines.md are, from the same trunks, which no cue had a part in, and scored.
Writes docs/ablation.csv and docs/pictures/ablation.png. Stopped at any time, the same command goes
on. Needs [baselines] and matplotlib.
"""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path
from typing import Any

from machine import machine
from oneshot_emotic_baselines.pretraining import BRANCHES, trunk_files
from oneshot_emotic_baselines.reproduce import Reproduction, chosen_scale

from oneshot_emotic import evaluate, load_task
from oneshot_emotic.cli.synth import write_stand_in_folder
from oneshot_emotic.files import write_text
from oneshot_emotic.prepared import prepare
from oneshot_emotic.scoring.comparison import difference
from oneshot_emotic.scoring.runs import combine_runs
from oneshot_emotic.scoring.scores import Scores
from oneshot_emotic.submission.embeddings_file import read_embeddings_file
from oneshot_emotic.synthetic.settings import StandInSettings
from oneshot_emotic.synthetic.write import SETTINGS_FILE

DOCS = Path(__file__).parents[1] / "docs"
COLOURS = dict(zip(("i-dml", "b-dml", "ib-dml", "sem-i-dml", "sem-ib-dml"), range(5), strict=True))
COLUMNS = ("cue", "strength", "recipe", "balanced_accuracy", "low", "high")

#: Cue -> settings of all its stand-ins.
PANELS: dict[str, dict[str, float]] = {"body": {}, "scene": {"semantic_cue": 0.0}, "semantic": {}}

#: Cue -> two baselines that differ in the branch which sees it.
GAINS = {
    "body": ("ib-dml", "i-dml"),
    "scene": ("ib-dml", "b-dml"),
    "semantic": ("sem-ib-dml", "ib-dml"),
}


def stand_ins(cue: str) -> list[tuple[float, StandInSettings]]:
    """Each strength of a cue with its stand-in."""
    name, changes = f"{cue}_cue", dict[str, Any](PANELS[cue])
    full: float = getattr(StandInSettings, name)
    strengths = (0.0, full / 2, full)
    return [(x, StandInSettings(**{**changes, name: x})) for x in strengths]


def trained(work: Path, pretrained: Path, task_name: str, jobs: int) -> list[dict[str, Any]]:
    """A line for each cue, strength and baseline."""
    task = load_task(task_name)
    scale = chosen_scale("reduced", synthetic=True, tasks=(task_name,))
    files = trunk_files(pretrained, "resnet18", BRANCHES)
    lines = []
    for cue in PANELS:
        for strength, settings in stand_ins(cue):
            root = _stand_in(work, settings, scale.size, jobs)
            known = (scale, work / "runs" / root.name, root, "synthetic")
            runs = Reproduction(*known, weight_files=files, device="cpu", parallel=jobs)
            planned = runs.jobs(tuple(COLOURS))
            runs.run_jobs(planned, print)
            found: dict[str, list[Scores]] = {}
            for job in planned:
                embeddings = read_embeddings_file(runs.output(job)).embeddings
                found.setdefault(job.settings.recipe, []).append(evaluate(embeddings, task))
            figures = {
                recipe: combine_runs(each).tasks[task_name][1].balanced_accuracy
                for recipe, each in found.items()
            }
            for recipe, figure in figures.items():
                line = (cue, strength, recipe, figure.mean, figure.low, figure.high)
                lines.append(dict(zip(COLUMNS, line, strict=True)))
            more, less = GAINS[cue]
            gain = difference(figures[more], figures[less])
            if gain is not None:
                line = (cue, strength, f"{more} - {less}", gain.mean, gain.low, gain.high)
                lines.append(dict(zip(COLUMNS, line, strict=True)))
    return lines


def _stand_in(work: Path, settings: StandInSettings, size: int, jobs: int) -> Path:
    """The prepared stand-in of some settings, made once."""
    cues = (settings.body_cue, settings.scene_cue, settings.semantic_cue)
    root = work / "stand-ins" / "-".join(f"{cue:g}" for cue in cues)
    if not (root / SETTINGS_FILE).exists():
        write_stand_in_folder(root, settings, pictures=True, workers=jobs)
    prepare(root, size=size, workers=jobs)
    return root


def draw(lines: list[dict[str, Any]], chance: float, title: str, path: Path) -> None:
    """A panel for each cue: balanced accuracy against the cue's strength."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(10, 3.6), sharey=True)
    for axis, cue in zip(axes, PANELS, strict=True):
        for place, recipe in enumerate(COLOURS):
            points = [x for x in lines if (x["cue"], x["recipe"]) == (cue, recipe)]
            middle = [100 * x["balanced_accuracy"] for x in points]
            spread = [
                [100 * (x["balanced_accuracy"] - x["low"]) for x in points],
                [100 * (x["high"] - x["balanced_accuracy"]) for x in points],
            ]
            strengths = [x["strength"] + 0.012 * (place - 2) for x in points]  # bars side by side
            colour = f"C{COLOURS[recipe]}"
            axis.errorbar(
                strengths, middle, spread, marker="o", capsize=3, color=colour, label=recipe
            )
        axis.axhline(100 * chance, color="grey", linestyle=":", label="chance")
        without = "".join(f", {name.removesuffix('_cue')} cue 0" for name in PANELS[cue])
        axis.set_xlabel(f"strength of the {cue} cue{without}")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("1-shot balanced accuracy, %")
    shown: dict[str, Any] = {}
    for axis in axes:
        handles, names = axis.get_legend_handles_labels()
        shown |= dict(zip(names, handles, strict=True))
    figure.suptitle(title, fontsize="medium")
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    figure.legend(shown.values(), shown, loc="lower center", ncols=len(shown), fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Train what is missing, then write the table and the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--pretrained", type=Path, required=True)
    parser.add_argument("--task", default="cat-6-6")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    print(machine())
    lines = trained(given.output, given.pretrained, given.task, given.jobs)
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
            f"  {line['cue']:9} {line['strength']:.3f}  {line['recipe']:20}"
            f"  {100 * line['balanced_accuracy']:.1f} "
            f"[{100 * line['low']:.1f}, {100 * line['high']:.1f}]"
        )


if __name__ == "__main__":
    main()
