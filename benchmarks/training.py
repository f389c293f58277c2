"""Training steps of sem-ib-dml: with our data, with none, and with a plain picture loader.

    python benchmarks/training.py [--data ROOT] [--size 256] [--steps 50] [--device auto]

- resident batch: the same step again and again on one batch that lies on the device, the ceiling
- ours: the step with batches from the prepared arrays, augmented and normalised on the device
- loader: the step with batches from the picture files by torchvision and a DataLoader, all cores
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import machine
from oneshot_emotic_baselines import train as training
from oneshot_emotic_baselines.data import (
    PersonBatches,
    base_split,
    load_person_data,
    network_inputs,
    random_changes,
)
from oneshot_emotic_baselines.distributed import Processes, join_processes
from oneshot_emotic_baselines.metric_learning import Losses, batch_order
from oneshot_emotic_baselines.model import autocast
from oneshot_emotic_baselines.settings import Settings
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from oneshot_emotic import load_task
from oneshot_emotic.emotic.images import FORMATS
from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.emotic.places import pixel_box, places_of
from oneshot_emotic.prepared import prepare
from oneshot_emotic.processes import available_processors

Inputs = dict[str, torch.Tensor]

#: An assumption for the expected time; EMOTIC has 34,320 persons in all.
EMOTIC_BASE_PERSONS = 23_000


class PictureFiles(Dataset[Any]):
    """What a plain pipeline does: open the file, crop, resize, mirror, to tensor, normalise."""

    def __init__(self, root: Path, persons: tuple[str, ...], semantic: Any, size: int) -> None:
        """Look up files and boxes."""
        from torchvision import transforms

        layout = find_layout(root)
        self.folders = layout.image_folders
        table = read_annotations(find_annotations(layout)).persons.set_index("sample_id")
        self.persons = places_of(table.loc[list(persons)].reset_index())
        self.semantic = semantic
        self.change = transforms.Compose(
            [
                transforms.Resize((size, size)),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
            ]
        )

    def __len__(self) -> int:
        return len(self.persons)

    def __getitem__(self, place: int) -> tuple[Any, Any, Any]:
        person = self.persons[place]
        file = self.folders[person.image.folder][0] / person.image.filename
        with Image.open(file, formats=FORMATS) as opened:
            picture = opened.convert("RGB")
        body = picture.crop(pixel_box(person.box, picture.size))
        return self.change(picture), self.change(body), self.semantic[place]


def measured(
    step: Callable[[Inputs, torch.Tensor], None],
    batches: Iterator[Any],
    steps: int,
    device: torch.device,
) -> float:
    """Persons per second over `steps` steps, after a few that are not counted."""
    count = 0
    started = 0.0
    for number, (inputs, wanted) in enumerate(batches):
        if number == 5:
            wait(device)
            started = time.perf_counter()
        step(inputs, wanted)
        if number >= 5:
            count += len(wanted)
        if number + 1 == steps + 5:
            break
    wait(device)
    return count / (time.perf_counter() - started)


def wait(device: torch.device) -> None:
    """Let the device finish."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    ours = join_processes(given.device)
    name = torch.cuda.get_device_name() if ours.device.type == "cuda" else "CPU"
    print(f"{machine()}; {name}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    with tempfile.TemporaryDirectory() as scratch:
        root = given.data
        if root is None:
            from oneshot_emotic.cli.synth import write_stand_in_folder
            from oneshot_emotic.synthetic.settings import StandInSettings

            root = Path(scratch) / "stand-in"
            write_stand_in_folder(
                root, StandInSettings(), pictures=True, workers=available_processors()
            )
        compare(root, given, ours)


def compare(root: Path, given: argparse.Namespace, ours: Processes) -> None:
    """Measure the three in turn and print their rates."""
    prepare(root, size=given.size, workers=available_processors())
    data = load_person_data(root, size=given.size)
    assert data.semantic is not None
    split = base_split(load_task("cat-6-6"))
    settings = Settings("sem-ib-dml", "cat-6-6", weights="none")
    branches = settings.effective_recipe.branches
    persons = PersonBatches(data, split.sample_ids, branches, ours.device)
    targets = split.targets()
    network = training._network(settings, len(split.classes), {}, ours)
    optimiser = training._optimiser(settings, network)
    losses = Losses(settings, ours.world)
    generator = torch.Generator().manual_seed(0)
    order = batch_order(targets, settings, 0, given.steps + 5)

    def step(inputs: Inputs, wanted: torch.Tensor) -> None:
        network.train()
        with autocast(settings, ours.device):
            embeddings, logits = network(inputs)
        loss, _ = losses(embeddings.float(), logits.float(), wanted)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    def from_arrays() -> Iterator[Any]:
        for places, batch in zip(order, persons.batches(order), strict=True):
            changes = random_changes(
                len(places), given.size, settings.flip, settings.shift, generator
            )
            yield network_inputs(batch, changes), torch.from_numpy(targets[places]).to(ours.device)

    def resident() -> Iterator[Any]:
        first = next(from_arrays())
        while True:
            yield first

    rows = [data.image_row[sample_id] for sample_id in split.sample_ids]
    files = PictureFiles(root, split.sample_ids, data.semantic[rows].astype(np.float32), given.size)

    def from_files() -> Iterator[Any]:
        loader: DataLoader[Any] = DataLoader(
            files,
            batch_sampler=[places.tolist() for places in order],
            num_workers=available_processors(),
            pin_memory=ours.device.type == "cuda",
        )
        for places, (image, body, semantic) in zip(order, loader, strict=True):
            inputs = {"image": image, "body": body, "semantic": semantic}
            moved = {key: value.to(ours.device, non_blocking=True) for key, value in inputs.items()}
            yield moved, torch.from_numpy(targets[places]).to(ours.device)

    rates: dict[str, list[float]] = {"resident batch": [], "ours": [], "loader": []}
    for _ in range(given.runs):
        for name, batches in zip(rates, (resident, from_arrays, from_files), strict=True):
            rates[name].append(measured(step, batches(), given.steps, ours.device))
    where = "resident on the GPU" if persons.resident else "from the memory map"
    print(
        f"\nsem-ib-dml, ResNet18, {given.size} x {given.size}, batch {settings.batch_size}, "
        f"pictures {where}; persons per second, median of {given.runs} runs of {given.steps} steps"
    )
    middle = {name: statistics.median(values) for name, values in rates.items()}
    for name, value in middle.items():
        print(f"  {name:16} {value:9.1f}")
    print(f"  ours to resident batch  {middle['ours'] / middle['resident batch']:.2f}")
    print(f"  ours to loader          {middle['ours'] / middle['loader']:.2f}")
    persons_seen = 8 * 7 * 12 * EMOTIC_BASE_PERSONS
    print(
        f"  all baselines and tasks, 12 epochs, if a task of EMOTIC has {EMOTIC_BASE_PERSONS:,} "
        f"base persons: at most {persons_seen / middle['ours'] / 3600:.1f} h "
        "(most baselines are smaller)"
    )


if __name__ == "__main__":
    main()
