"""Training steps of sem-ib-dml: with our data, with none, and with a plain picture loader.

    python benchmarks/training.py [--data ROOT] [--size 256] [--steps 50] [--device auto]

- resident batch: the same step again and again on one batch that lies on the device, the ceiling
- ours: the step with batches from the prepared arrays, augmented and normalised on the device
- the library's miner: the same with the miner and triplet loss that ask how many triplets there are
- loader: this with batches from the picture files by torchvision and a DataLoader, all cores
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from machine import machine
from oneshot_emotic_baselines import train as training
from oneshot_emotic_baselines.data import PersonBatches, base_split, load_person_data
from oneshot_emotic_baselines.distributed import Processes, join_processes
from oneshot_emotic_baselines.metric_learning import Losses, batch_order
from oneshot_emotic_baselines.model import autocast
from oneshot_emotic_baselines.settings import Settings
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from waits import HostWaits

from oneshot_emotic import load_task
from oneshot_emotic.emotic.images import FORMATS
from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.emotic.places import pixel_box, places_of
from oneshot_emotic.prepared import prepare
from oneshot_emotic.processes import available_processors

Inputs = dict[str, torch.Tensor]
Batch = tuple[Inputs, torch.Tensor]
Step = Callable[[Inputs, torch.Tensor], None]

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
    step: Step, batches: Iterator[Batch], steps: int, device: torch.device
) -> tuple[float, float]:
    """Persons per second and CPU-seconds a step, after a few steps that are not counted."""
    for batch in itertools.islice(batches, 5):
        step(*batch)
    wait(device)
    started, used, count = time.perf_counter(), time.process_time(), 0
    for inputs, wanted in itertools.islice(batches, steps):
        step(inputs, wanted)
        count += len(wanted)
    wait(device)
    return count / (time.perf_counter() - started), (time.process_time() - used) / steps


def waits(step: Step, batches: Iterator[Batch], device: torch.device) -> float:
    """How often the host waits for the device in a step, batch and all; not the first step's."""
    step(*next(batches))
    with HostWaits(device.type) as found:
        for batch in itertools.islice(batches, 4):
            step(*batch)
    return found.counts.total() / 4


def convolution_peak(settings: Settings, device: torch.device, clock: Callable[[], float]) -> float:
    """The most operations in a second of `clock`, of a convolution of 3 x 3 in 10 tries."""
    layer = torch.nn.Conv2d(256, 256, 3, padding=1, bias=False)
    layer = layer.to(device, memory_format=torch.channels_last)
    pixels = torch.randn(32, 256, 32, 32, device=device).to(memory_format=torch.channels_last)
    seconds = []
    for _ in range(10):
        wait(device)
        started = clock()
        with torch.no_grad(), autocast(settings, device):
            layer(pixels)
        wait(device)
        seconds.append(clock() - started)
    return 2 * pixels.numel() * 256 * 9 / min(seconds)


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
    """Measure all in turn and print the table."""
    prepare(root, size=given.size, workers=available_processors())
    data = load_person_data(root, size=given.size)
    assert data.semantic is not None
    split = base_split(load_task("cat-6-6"))
    settings = Settings("sem-ib-dml", "cat-6-6", weights="none")
    branches = settings.effective_recipe.branches
    persons = PersonBatches(data, split.sample_ids, branches, ours.device)
    targets = split.targets()
    network = training._network(settings, len(split.classes), {}, ours).train()
    optimiser = training._optimiser(settings, network)
    order = batch_order(targets, settings, 0, given.steps + 5)

    def steps_with(masked: Literal["auto", "off"]) -> Step:
        losses = Losses(replace(settings, masked=masked), ours.world)

        def step(inputs: Inputs, wanted: torch.Tensor) -> None:
            training.training_step(network, losses, optimiser, inputs, wanted, 1.0, settings)

        return step

    def from_arrays() -> Iterator[Batch]:
        return training.epoch_batches(persons, targets, order, given.size, settings, 0, ours)

    def resident() -> Iterator[Batch]:
        return itertools.repeat(next(from_arrays()))

    rows = [data.image_row[sample_id] for sample_id in split.sample_ids]
    files = PictureFiles(root, split.sample_ids, data.semantic[rows].astype(np.float32), given.size)

    def from_files() -> Iterator[Batch]:
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

    auto, off = steps_with("auto"), steps_with("off")
    kinds: dict[str, tuple[Step, Callable[[], Iterator[Batch]]]] = {
        "resident batch": (auto, resident),
        "ours": (auto, from_arrays),
        "the library's miner": (off, from_arrays),
        "loader": (off, from_files),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
    for _ in range(given.runs):
        for name, (step, batches) in kinds.items():
            found[name].append(measured(step, batches(), given.steps, ours.device))
    rates = {name: statistics.median(x for x, _ in runs) for name, runs in found.items()}
    used = {name: statistics.median(x for _, x in runs) for name, runs in found.items()}
    where = "resident on the GPU" if persons.resident else "from the memory map"
    print(
        f"\nsem-ib-dml, ResNet18, {given.size} x {given.size}, batch {settings.batch_size}, "
        f"pictures {where}; median of {given.runs} runs of {given.steps} steps"
    )
    print(f"  {'':20} {'persons/s':>9} {'CPU-s a step':>12} {'waits a step':>12}")
    for name, (step, batches) in kinds.items():
        often = waits(step, batches(), ours.device)
        print(f"  {name:20} {rates[name]:9.1f} {used[name]:12.4f} {often:12.1f}")
    if ours.device.type == "cpu":
        print("  waits: what would be one on a GPU; copies to it show there alone")
    print(f"  ours to resident batch  {rates['ours'] / rates['resident batch']:.2f}")
    print(f"  ours to loader          {rates['ours'] / rates['loader']:.2f}")
    with FlopCounterMode(display=False) as counted:
        auto(*next(resident()))
    # A CPU has others to serve, so what counts is its own seconds.
    alone = ours.device.type == "cuda"
    clock = time.perf_counter if alone else time.process_time
    of_step = settings.batch_size / rates["ours"] if alone else used["ours"]
    speed = counted.get_total_flops() / of_step
    peak = convolution_peak(settings, ours.device, clock)
    print(f"  {speed / 1e9:.0f} of {peak / 1e9:.0f} GFLOP/s of one convolution: {speed / peak:.0%}")
    persons_seen = 8 * 7 * 12 * EMOTIC_BASE_PERSONS
    print(
        f"  all baselines and tasks, 12 epochs, if a task of EMOTIC has {EMOTIC_BASE_PERSONS:,} "
        f"base persons: at most {persons_seen / rates['ours'] / 3600:.1f} h "
        "(most baselines are smaller)"
    )


if __name__ == "__main__":
    main()
