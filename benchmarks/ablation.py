"""Turning a cue of the stand-in down: does the advantage of the branch that sees it go?

python benchmarks/ablation.py -o WORK [--task cat-6-6] [--jobs 2]

For each cue (body, scene, semantic) and each strength (0, half of the default, the default) a
synthetic stand-in is made; labels and splits are the same in all. The body cue is turned down where
there is no scene cue: light is learnt in fewer steps than posture, and falls on bodies too.
Baselines are trained on each with small pictures and few steps, and scored. Writes
docs/ablation.csv and docs/pictures/ablation.png. Stopped at any time, the same command goes on.
Needs [baselines] and matplotlib.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from machine import machine
from oneshot_emotic_baselines.reproduce import SCALES, Reproduction
from oneshot_emotic_baselines.settings import Settings

from oneshot_emotic import evaluate, load_task
from oneshot_emotic.cli.synth import write_stand_in_folder
from oneshot_emotic.files import write_text
from oneshot_emotic.prepared import prepare
from oneshot_emotic.submission.embeddings_file import read_embeddings_file
from oneshot_emotic.synthetic.settings import StandInSettings
from oneshot_emotic.synthetic.write import SETTINGS_FILE

DOCS = Path(__file__).parents[1] / "docs"
COLOURS = {"i-dml": "C0", "b-dml": "C1", "sem-i-dml": "C2", "ib-dml": "C3"}
COLUMNS = ("cue", "strength", "recipe", "steps", "balanced_accuracy", "low", "high")


@dataclass(frozen=True)
class Panel:
    """A cue that is turned down.

    Attributes:
        cue: Its name.
        elsewhere: Settings of all its stand-ins.
        recipes: The baselines to train.
        training: What differs from the reduced settings of `reproduce`.
    """

    cue: str
    elsewhere: Mapping[str, float]
    recipes: tuple[str, ...]
    training: Mapping[str, Any]

    def stand_ins(self) -> list[tuple[float, StandInSettings]]:
        """Each strength with its stand-in."""
        name = f"{self.cue}_cue"
        full = getattr(StandInSettings, name)
        changes: dict[str, Any] = dict(self.elsewhere)
        return [
            (strength, StandInSettings(**{**changes, name: strength}))
            for strength in (0.0, full / 2, full)
        ]


_SHORT = {"persons_per_epoch": 640}
#: Posture takes longer to be found than light, and with AdamW less long than with RMSprop.
_LONGER = {
    "epochs": 4,
    "step_epochs": 3,
    "persons_per_epoch": 3200,
    "optimiser": "adamw",
    "learning_rate": 1e-3,
}
PANELS = (
    Panel("body", {"scene_cue": 0.0}, ("i-dml", "b-dml", "ib-dml"), _LONGER),
    Panel("scene", {}, ("i-dml", "b-dml", "sem-i-dml"), _SHORT),
    Panel("semantic", {}, ("i-dml", "b-dml", "sem-i-dml"), _SHORT),
)


def trained(work: Path, task_name: str, jobs: int) -> list[dict[str, Any]]:
    """A line for each panel, strength and baseline."""
    task = load_task(task_name)
    lines = []
    for panel in PANELS:
        changes = {**SCALES["reduced"].changes, **panel.training, "weights": "none"}
        scale = replace(SCALES["reduced"], tasks=(task_name,), changes=changes, keep=False)
        steps = changes["epochs"] * changes["persons_per_epoch"] // Settings.batch_size
        for strength, settings in panel.stand_ins():
            root = _stand_in(work, settings, scale.size, jobs)
            folder = work / "runs" / panel.cue / f"{strength:g}"
            runs = Reproduction(scale, folder, root, "synthetic", parallel=jobs)
            planned = runs.jobs(panel.recipes)
            runs.run_jobs(planned, print)
            for job in planned:
                embeddings = read_embeddings_file(runs.output(job)).embeddings
                figure = evaluate(embeddings, task)[1].balanced_accuracy
                known = (panel.cue, strength, job.recipe, steps)
                line = (*known, figure.mean, figure.low, figure.high)
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
    for axis, panel in zip(axes, PANELS, strict=True):
        for place, recipe in enumerate(panel.recipes):
            points = [x for x in lines if (x["cue"], x["recipe"]) == (panel.cue, recipe)]
            middle = [100 * x["balanced_accuracy"] for x in points]
            spread = [
                [100 * (x["balanced_accuracy"] - x["low"]) for x in points],
                [100 * (x["high"] - x["balanced_accuracy"]) for x in points],
            ]
            strengths = [x["strength"] + 0.012 * (place - 1) for x in points]  # bars side by side
            colour = COLOURS[recipe]
            axis.errorbar(
                strengths, middle, spread, marker="o", capsize=3, color=colour, label=recipe
            )
        axis.axhline(100 * chance, color="grey", linestyle=":", label="chance")
        without = "".join(f", {name.removesuffix('_cue')} cue 0" for name in panel.elsewhere)
        axis.set_xlabel(f"strength of the {panel.cue} cue{without}")
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
    parser.add_argument("--task", default="cat-6-6")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    print(machine())
    lines = trained(given.output, given.task, given.jobs)
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
