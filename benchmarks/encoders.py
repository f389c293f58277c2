"""What `run` adds to an encoder's own work: reading, time beside the forward pass, memory.

    python benchmarks/encoders.py [reading] [forward] [memory] [--data ROOT] [--runs 3]

- reading: persons a second that the reading threads hand on, image and body as tensors for a ViT,
  against a DataLoader with as many processes that does the same to the same files
- forward: the time inside `embed` of timm's ViT-B (random weights) as a share of that of making the
  features; and the time of the same forward passes on tensors that are ready, with nothing beside
- memory: the most that `run` takes with an encoder that invents 1,536 numbers for each of 34,320
  persons (without pictures), beyond what it takes where that invents one

Without --data, a synthetic stand-in is written first. Nothing else is kept.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import machine
from torch.utils.data import DataLoader, Dataset

from oneshot_emotic import open_pictures
from oneshot_emotic.cli.synth import write_stand_in_folder
from oneshot_emotic.encoders.features import _ahead, make_features
from oneshot_emotic.encoders.network import NetworkEncoder
from oneshot_emotic.pictures import Pictures
from oneshot_emotic.processes import available_processors
from oneshot_emotic.synthetic.settings import StandInSettings

BATCH = 32
EMOTIC_PERSONS, DIMENSIONS = 34_320, 1_536
MODULE = f"""
import numpy as np

class Encoder:
    def __init__(self, dimensions):
        self.identity, self.dimensions = f"invented {{dimensions}}", dimensions
        self.stream = np.random.default_rng(0)
    def embed(self, images, bodies):
        return self.stream.standard_normal((len(bodies), self.dimensions), dtype=np.float32)

def make_1():
    return Encoder(1)

def make_{DIMENSIONS}():
    return Encoder({DIMENSIONS})
"""


class ImageFiles(Dataset[Any]):
    """A plain data set: of each image a tensor, and one of each body in it."""

    def __init__(self, pictures: Pictures, transform: Callable[[Any], Any]) -> None:
        """Look up who is in which image."""
        self.pictures, self.transform = pictures, transform
        self.images = [list(x) for _, x in groupby(pictures, lambda x: x.partition("#")[0])]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> list[tuple[Any, Any]]:
        persons = [self.pictures[sample_id] for sample_id in self.images[place]]
        image = self.transform(persons[0].image)
        return [(image, self.transform(person.body)) for person in persons]


def stacked(items: Sequence[list[tuple[Any, Any]]]) -> tuple[Any, Any]:
    """The images and the bodies of a batch."""
    pairs = [pair for item in items for pair in item]
    return torch.stack([image for image, _ in pairs]), torch.stack([body for _, body in pairs])


def vit() -> tuple[NetworkEncoder, Callable[[Any], Any]]:
    """A ViT-B of timm as `run` has it, with random weights; and its preprocessing."""
    import timm

    network = timm.create_model("vit_base_patch16_224", num_classes=0)
    config = timm.data.resolve_model_data_config(network)
    transform = timm.data.create_transform(**config, is_training=False)
    encoder = NetworkEncoder(
        "vit",
        network,
        lambda picture: {"pixels": transform(picture)[None]},
        lambda inputs: network(inputs["pixels"]),
        "",
        batch_size=BATCH,
    )
    return encoder, transform


def seconds(function: Callable[[], object]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def reading(pictures: Pictures, runs: int) -> None:
    """Our threads and the loader in turn."""
    encoder, transform = vit()
    workers, names = available_processors(), list(pictures)
    batches = [names[at : at + BATCH] for at in range(0, len(names), BATCH)]

    def ours() -> None:
        seen = _ahead(encoder, pictures.of(names), batches)
        for batch in batches:
            persons = [next(seen) for _ in batch]
            np.concatenate([person.image["pixels"].numpy() for person in persons])
            np.concatenate([person.body["pixels"].numpy() for person in persons])

    def theirs() -> None:
        files = ImageFiles(pictures.of(names), transform)
        size = round(BATCH * len(files) / len(names))
        loader = DataLoader(files, size, num_workers=workers, collate_fn=stacked)
        assert sum(len(bodies) for _, bodies in loader) == len(names)

    rates = [(len(names) / seconds(theirs), len(names) / seconds(ours)) for _ in range(runs)]
    print(f"\nreading: {len(names):,} persons, {workers} threads or processes, {runs} runs in turn")
    for name, found in zip(("DataLoader", "ours"), zip(*rates, strict=True), strict=True):
        print(f"  {name:12s}{line(found, '.0f')} persons a second")
    print(f"  {'ratio':12s}{line([b / a for a, b in rates], '.2f')}")


def forward(pictures: Pictures, runs: int) -> None:
    """The features of some persons, and the forward passes of it alone."""
    encoder, _ = vit()
    names = list(pictures)
    batches = [names[at : at + BATCH] for at in range(0, len(names), BATCH)]
    seen = _ahead(encoder, pictures.of(names), batches)
    ready = [[next(seen) for _ in batch] for batch in batches]

    embed, inside = encoder.embed, [0.0]

    def timed(images: list[Any], bodies: list[Any]) -> Any:
        started = time.perf_counter()
        vectors = embed(images, bodies)
        inside[0] += time.perf_counter() - started
        return vectors

    def bare() -> None:
        for persons in ready:
            embed([x.image for x in persons], [x.body for x in persons])

    def whole() -> None:
        inside[0] = 0.0
        with tempfile.TemporaryDirectory() as folder:
            make_features(encoder, "", pictures.of(names), Path(folder))

    encoder.embed = timed  # type: ignore[method-assign]
    embed([x.image for x in ready[0]], [x.body for x in ready[0]])  # warm
    rows = [(seconds(bare), seconds(whole), *inside) for _ in range(runs)]
    threads = f"{torch.get_num_threads()} threads"
    print(f"\nforward: ViT-B on {encoder.device}, {len(names)} persons, {threads}, {runs} runs")
    titles = ("forward passes alone", "making the features", "of it inside embed")
    for name, found in zip(titles, zip(*rows, strict=True), strict=True):
        print(f"  {name:22s}{line(found, '.1f')} s")
    print(f"  {'share inside embed':22s}{line([c / b for _, b, c in rows], '.2f')}")
    print(f"  {'alone / making':22s}{line([a / b for a, b, _ in rows], '.2f')}")


def memory(scratch: Path, runs: int) -> None:
    """The private memory of whole commands; a mapped file's pages are the system's to take back."""
    root, dataset = scratch / "emotic-size", scratch / "dataset"
    cli("synth", root, "--annotations-only", "--persons", EMOTIC_PERSONS)
    cli("build", root, "-o", dataset, "--no-images")
    first = next(iter(open_pictures(root))).partition("/")[2].partition("#")[0]
    image = root / "emotic" / first
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(b"one that is broken will do")
    (scratch / "invented.py").write_text(MODULE)
    size = EMOTIC_PERSONS * DIMENSIONS * 4 / 1e6
    found: dict[str, list[float]] = {}
    for run in range(runs):
        for name, dimensions in (("least", 1), ("run", DIMENSIONS), ("-o", DIMENSIONS)):
            command = ["run", f"invented:make_{dimensions}", "--data", root, "--dataset", dataset]
            command += ["--features", scratch / f"features-{run}"]
            command += ["-o", scratch / "out"] if name == "-o" else []
            found.setdefault(name, []).append(peak(scratch, *command))
    print(f"\nmemory: {EMOTIC_PERSONS:,} x {DIMENSIONS:,} float32, {size:.0f} MB; {runs} runs")
    print(f"  with one number a person        {line(found['least'], '.0f')} MB")
    for name, text in (("run", "run, making them and scoring"), ("-o", "run -o, from the file")):
        times = [(a - b) / size for a, b in zip(found[name], found["least"], strict=True)]
        print(f"  {text:32s}{line(found[name], '.0f')} MB")
        print(f"  {'more than with one number':32s}{line(times, '.2f')} times {size:.0f} MB")


def peak(folder: Path, *arguments: object) -> float:
    """The most private memory of a command in MB, looked at every 5 ms (Linux)."""
    command = [sys.executable, "-m", "oneshot_emotic", *map(str, arguments)]
    paths = [str(folder), *sys.path[1:]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=quiet, stderr=quiet)
    status, most = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        most = max([most, *private(status)])
        time.sleep(0.005)
    assert process.returncode == 0
    return most / 1000


def private(status: Path) -> Iterator[int]:
    """Kilobytes of memory that is no file's; nothing once the process has ended."""
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return
    yield from (int(x.split()[1]) for x in lines if x.startswith("RssAnon:"))


def cli(*arguments: object) -> None:
    """Run a command line."""
    command = [sys.executable, "-m", "oneshot_emotic", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


def line(found: Sequence[float], form: str) -> str:
    """Median, and least to greatest."""
    least, middle, most = min(found), statistics.median(found), max(found)
    return f"{middle:8{form}}   ({least:{form}} to {most:{form}})"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = ("reading", "forward", "memory")
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=parts)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--persons", type=int, default=1500, help="for reading")
    parser.add_argument("--forward-persons", type=int, default=96)
    given = parser.parse_args()
    print(f"{machine()}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as scratch:
        root = given.data
        if root is None and {*given.parts} - {"memory"}:
            root = Path(scratch) / "stand-in"
            workers = available_processors()
            write_stand_in_folder(root, StandInSettings(), pictures=True, workers=workers)
        if "reading" in given.parts:
            pictures = open_pictures(root)
            reading(pictures.of(list(pictures)[: given.persons]), given.runs)
        if "forward" in given.parts:
            pictures = open_pictures(root)
            forward(pictures.of(list(pictures)[: given.forward_persons]), given.runs)
        if "memory" in given.parts:
            memory(Path(scratch), given.runs)


if __name__ == "__main__":
    main()
