"""What the cues of the stand-in could give a network that saw them without fault.

python benchmarks/ceilings.py [--task cat-6-6] [--body-cue 0.85 0.6] [--seeds 3]

Every person's true cues, taken from what was decided before anything was drawn, go through a small
network with the losses of the baselines (`fit_head` with a hidden layer); novel persons are scored
once. Labels and splits do not depend on the cues. Prints the table of docs/synthetic.md. Needs
[baselines]; no pictures.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence

import numpy as np
from machine import machine
from oneshot_emotic_baselines.head import fit_head
from oneshot_emotic_baselines.recipes import RECIPES, Branch
from oneshot_emotic_baselines.settings import HeadSettings
from tabulate import tabulate

from oneshot_emotic import evaluate, load_task
from oneshot_emotic.ade20k import ADE20K_INDEX
from oneshot_emotic.encoders.features import Features
from oneshot_emotic.synthetic.population import StandInImage, generate
from oneshot_emotic.synthetic.settings import StandInSettings
from oneshot_emotic.synthetic.spec import ARMS, Pose

#: The recipes that differ in what they see.
NAMES = ("i-dml", "b-dml", "ib-dml", "sem-dml", "sem-i-dml", "sem-ib-dml")
SEES: dict[str, tuple[Branch, ...]] = {name: RECIPES[name].branches for name in NAMES}


def true_cues(settings: StandInSettings) -> dict[Branch, Features]:
    """Of each branch what it is to find: light; posture and hands; the ADE20K classes."""
    sample_ids: list[str] = []
    rows: dict[Branch, list[Sequence[float]]] = {"image": [], "body": [], "semantic": []}
    for image in generate(settings):
        light = image.picture.scene.light
        for place, person in enumerate(image.persons):
            name = f"{image.partition}/{image.folder}/{image.filename}#{place}"
            sample_ids.append(name)
            rows["image"].append((light.warmth, light.brightness, light.vividness))
            rows["body"].append(_of_body(person.figure.pose))
            rows["semantic"].append(_of_objects(image))
    ids = tuple(sample_ids)
    return {name: Features(ids, np.array(values, np.float32)) for name, values in rows.items()}


def _of_body(pose: Pose) -> list[float]:
    hands = [arm == place for arm in (pose.left_arm, pose.right_arm) for place in ARMS]
    return [pose.smile, pose.energy, pose.stature, *map(float, hands)]


def _of_objects(image: StandInImage) -> list[float]:
    there = {ADE20K_INDEX[name] for name in image.picture.scene.ade20k_classes}
    return [float(index in there) for index in range(150)]


def main() -> None:
    """Fit and score every recipe at every strength; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", default="cat-6-6")
    parser.add_argument("--body-cue", type=float, nargs="+", default=[0.85, 0.6])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--hidden", type=int, default=256)
    options = parser.parse_args()
    task, started = load_task(options.task), time.process_time()
    table = {name: [name] for name in SEES}
    for strength in options.body_cue:
        cues = true_cues(StandInSettings(body_cue=strength))
        for name, branches in SEES.items():
            parts = [cues[branch] for branch in branches]
            joined = np.concatenate([part.array for part in parts], axis=1)
            features, figures = Features(parts[0].sample_ids, joined), []
            for seed in range(options.seeds):
                head = fit_head(features, task, HeadSettings(hidden=options.hidden, seed=seed))
                scores = evaluate(
                    head.embed(features.of(task.novel.sample_ids)), task, intervals=False
                )
                figures.append(100 * (scores[1].balanced_accuracy.mean or 0.0))
            spread = f" ({min(figures):.1f} to {max(figures):.1f})" if len(figures) > 1 else ""
            table[name].append(f"{statistics.fmean(figures):.1f}{spread}")
    headers = ["true cues of", *(f"body cue {strength:g}" for strength in options.body_cue)]
    print(tabulate(list(table.values()), headers, tablefmt="github", disable_numparse=True))
    took = f"{time.process_time() - started:.0f} CPU-seconds"
    print(f"\n{options.task}, training seeds 0 to {options.seeds - 1}; {took}")
    print(machine())


if __name__ == "__main__":
    main()
