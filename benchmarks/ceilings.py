"""What the cues of the stand-in could give a network that saw them without fault.

python benchmarks/ceilings.py [--task cat-6-6] [--body-cue 0.65 0.85] [--submit SUBMISSIONS]

Every person's true cues, taken from what was decided before anything was drawn, go through the
trainer of the baselines in place of pictures: each branch a hidden layer of 256, then the paper's
fusion and losses. Labels and splits do not depend on the cues. Prints the table of
docs/synthetic.md; `--submit` writes a submission for each line, a control on the leaderboard. Needs
[baselines]; no pictures.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import machine
from oneshot_emotic_baselines.data import PersonData, base_split
from oneshot_emotic_baselines.embed import embed_task, model_card
from oneshot_emotic_baselines.model import BRANCH_WIDTH, Outputs, small_branch
from oneshot_emotic_baselines.recipes import RECIPES, Recipe, register
from oneshot_emotic_baselines.reproduce import SCALES
from oneshot_emotic_baselines.settings import Settings
from oneshot_emotic_baselines.train import train
from tabulate import tabulate
from torch import nn

from oneshot_emotic import evaluate, load_task
from oneshot_emotic.ade20k import ADE20K_INDEX
from oneshot_emotic.splits import Task
from oneshot_emotic.submission.embeddings_file import write_submission
from oneshot_emotic.submission.folder import write_submission_document
from oneshot_emotic.synthetic.population import generate
from oneshot_emotic.synthetic.settings import StandInSettings
from oneshot_emotic.synthetic.spec import ARMS, Pose
from oneshot_emotic.tasks import TASKS

#: The recipes that differ in what they see.
NAMES = ("i-dml", "b-dml", "ib-dml", "sem-dml", "sem-i-dml", "sem-ib-dml")
SUBMITTED = ("i-dml", "ib-dml", "sem-ib-dml")
WHAT = {"image": "light", "body": "posture, hands", "semantic": "objects, setting"}


#: Numbers in each branch's cues.
NUMBERS = {"image": 3, "body": 3 + 2 * len(ARMS), "semantic": 150}


class CueNet(nn.Module):
    """The paper's network with a hidden layer in place of each ResNet."""

    def __init__(self, recipe: Recipe, settings: Settings, classes: int, _: object) -> None:
        """As any network of a recipe is made; there are no files of weights."""
        super().__init__()
        numbers = {name: NUMBERS[name] for name in recipe.branches}
        self.branches = nn.ModuleDict({name: small_branch(n) for name, n in numbers.items()})
        self.scaled = nn.ModuleDict(
            {
                name: nn.BatchNorm1d(n, affine=False)
                for name, n in numbers.items()
                if name != "semantic"
            }
        )
        self.embedder = nn.Linear(BRANCH_WIDTH * len(numbers), settings.embedding)
        self.classifier = nn.Linear(settings.embedding, classes)

    def forward(self, inputs: Mapping[str, torch.Tensor]) -> Outputs:
        """Embed persons by their cues, of shape (persons, numbers)."""
        seen = {k: self.scaled[k](x) if k in self.scaled else x for k, x in inputs.items()}
        parts = [branch(seen[name]) for name, branch in self.branches.items()]
        embedding = self.embedder(torch.cat(parts, dim=1))
        return Outputs(embedding, self.classifier(embedding))


def true_cues(settings: StandInSettings) -> PersonData:
    """In place of pictures: light; posture and hands; the ADE20K classes."""
    light: list[Any] = []
    body: list[Any] = []
    objects: list[Any] = []
    image_ids: list[str] = []
    image_row: dict[str, int] = {}
    body_row: dict[str, int] = {}
    for image in generate(settings):
        of_light = image.picture.scene.light
        light.append((of_light.warmth, of_light.brightness, of_light.vividness))
        there = {ADE20K_INDEX[name] for name in image.picture.scene.ade20k_classes}
        objects.append([index in there for index in range(NUMBERS["semantic"])])
        path = f"{image.partition}/{image.folder}/{image.filename}"
        for place, person in enumerate(image.persons):
            image_row[f"{path}#{place}"], body_row[f"{path}#{place}"] = len(image_ids), len(body)
            body.append(_of_body(person.figure.pose))
        image_ids.append(path)
    arrays: Any = {"images": np.array(light, np.float32), "bodies": np.array(body, np.float32)}
    rows: Any = {"image_row": image_row, "body_row": body_row, "stored": ((1, 1),) * len(light)}
    semantic = np.array(objects, np.uint8)
    return PersonData(Path(), 1, image_ids=tuple(image_ids), semantic=semantic, **arrays, **rows)


def _of_body(pose: Pose) -> list[float]:
    hands = [arm == place for arm in (pose.left_arm, pose.right_arm) for place in ARMS]
    return [pose.smile, pose.energy, pose.stature, *map(float, hands)]


def recipe_of(name: str) -> Recipe:
    """The recipe with true cues in place of what it sees."""
    known = RECIPES[name]
    title = f"True cues of {known.title}: a control"
    return replace(known, name=f"true-cues-{name}", title=title, pretraining={}, network=CueNet)


def trained(recipe: Recipe, task: Task, data: PersonData, seed: int) -> dict[str, Any]:
    """sample_id -> embedding, by the settings of the reduced rows."""
    changes = SCALES["reduced"].changes
    settings = Settings.of(recipe.name, task.name, "tuned", **changes, weights="none", seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        run = train(settings, base_split(task), data, folder, device="cpu")
        return embed_task(run.checkpoint, task, data, device="cpu")


def submit(folder: Path, recipe: Recipe, data: PersonData, seeds: int) -> None:
    """Write the control's submission, of all tasks."""
    slug, files = folder / recipe.name, {}
    for name in TASKS:
        task = load_task(name)
        files[name] = [f"{name}-seed-{seed}.safetensors" for seed in range(seeds)]
        for seed, path in enumerate(files[name]):
            vectors = trained(recipe, task, data, seed)
            write_submission(slug / path, vectors, task, {"name": recipe.title}, "float16")
    settings = Settings.of(recipe.name, "cat-6-6", "tuned", weights="none")
    dataset = load_task("cat-6-6").dataset
    assert dataset is not None
    sees = ", ".join(WHAT[branch] for branch in recipe.branches)
    how = f"It is given what the synthetic pictures show, {sees}, and sees none: a ceiling."
    card = model_card(recipe, settings, {}, how)
    card |= {"name": recipe.title, "backbone": "MLP", "training_seeds": list(range(seeds))}
    identity = {"name": dataset.name, "fingerprint": dataset.fingerprint}
    write_submission_document(slug, identity, card, files)


def main() -> None:
    """Fit and score every recipe at every strength; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", default="cat-6-6")
    default = [StandInSettings.body_cue]
    parser.add_argument("--body-cue", type=float, nargs="+", default=default)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--submit", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipes = [register(recipe_of(name)) for name in NAMES]
    if options.submit:
        for recipe in (x for x in recipes if x.name.removeprefix("true-cues-") in SUBMITTED):
            submit(options.submit, recipe, true_cues(StandInSettings()), options.seeds)
        return
    task, started = load_task(options.task), time.process_time()
    table = {name: [name] for name in NAMES}
    for strength in options.body_cue:
        data = true_cues(StandInSettings(body_cue=strength))
        for name, recipe in zip(NAMES, recipes, strict=True):
            figures = []
            for seed in range(options.seeds):
                scores = evaluate(trained(recipe, task, data, seed), task, intervals=False)
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
