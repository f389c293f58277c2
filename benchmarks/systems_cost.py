"""What each trained system costs: parameters, persons a second, CPU-seconds, memory.

python benchmarks/systems_cost.py --data STAND_IN [--full] [--steps 20] [--device cpu] [NAME ...]

At the scale `reduced` of `reproduce`, or with --full the papers' networks with random first weights
on noise of their pictures' size, in batches of 8. Each is measured in a process of its own: steps
of `train` after some that are not counted, then `embed_places` of novel persons, from pictures. A
network with frozen trunks is trained on what they made of the pictures before; that pass is not in
its steps, but in its embedding. Peak memory is the process's, and on a GPU what torch took of it.
Adds to docs/systems_cost.csv and writes the table in docs/systems.md. STAND_IN has the pictures and
trunks of `reduced`. Needs [baselines].
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from documents import DOCS, Line, markdown, put_table, read_lines, write_lines
from machine import machine

#: Steps before it counts: at `reduced`, and of full networks.
WARM = {False: 3, True: 1}
#: Persons a step of full networks, which take long.
FULL_BATCH = 8
#: Images of noise.
_SHARED = 48
COLUMNS = (
    *("scale", "system", "backbone", "pixels", "batch", "trunks", "parameters"),
    *("train_persons_s", "train_cpu_s", "embed_persons_s", "embed_cpu_ms", "peak_mib", "device"),
)
_HEADINGS = {
    "system": "system",
    "backbone": "network",
    "pixels": "pixels",
    "batch": "batch",
    "trunks": "trunks",
    "parameters": "parameters",
    "train_persons_s": "training, persons/s",
    "train_cpu_s": "CPU-s a step",
    "embed_persons_s": "embedding, persons/s",
    "embed_cpu_ms": "CPU-ms a person",
    "peak_mib": "peak memory, MiB",
}


def measure(
    name: str, root: Path, *, full: bool, steps: int, persons: int, device: str
) -> dict[str, Any]:
    """One system, in this process; nothing where its recipe is left out at this scale."""
    import torch
    from oneshot_emotic_baselines.data import base_split, load_person_data, person_batches
    from oneshot_emotic_baselines.distributed import join_processes
    from oneshot_emotic_baselines.embed import embed_places
    from oneshot_emotic_baselines.model import build_network
    from oneshot_emotic_baselines.reproduce import Reproduction, chosen_scale
    from oneshot_emotic_baselines.targets import base_targets
    from oneshot_emotic_baselines.train import train

    from oneshot_emotic import load_task

    weights = "none" if full else "default"
    scale = chosen_scale(
        "full" if full else "reduced", synthetic=True, weights=weights, tasks=("cat-6-6",), seeds=1
    )
    with tempfile.TemporaryDirectory() as scratch:
        runs = Reproduction(scale, Path(scratch), root, "synthetic", device=device)
        (job,) = runs.jobs((name,), lambda line: print(line, file=sys.stderr))
        recipe, files = job.settings.effective_recipe, runs.weights_of(job)
        size = scale.size_of(recipe)
        task, ours = load_task("cat-6-6"), join_processes(device)
        split = base_split(task)
        semantic, whole = ("semantic" in recipe.branches, "scene" in recipe.branches)
        if full:
            data = noise(load_person_data(root, size=64, semantic=semantic), size, whole)
        else:
            data = load_person_data(root, size=size, semantic=semantic, proportions=whole)
        settings = replace(job.settings, select="last")
        if full and recipe.losses:
            settings = replace(settings, batch_size=FULL_BATCH)
        taken = (WARM[full] + steps) * settings.batch_size
        moments: list[tuple[float, float]] = []

        def note(done: int, total: int) -> None:
            del done, total
            if ours.device.type == "cuda":
                torch.cuda.synchronize(ours.device)
            moments.append((time.perf_counter(), time.process_time()))

        if recipe.losses:
            settings = replace(settings, epochs=1, persons_per_epoch=taken)
            targets = base_targets(split, data, root) if recipe.targets else None
            how: dict[str, Any] = {"weight_files": files, "targets": targets, "device": device}
            train(settings, split, data, Path(scratch) / "run", progress=note, **how)
        trained = rates(moments[WARM[full] - 1 :], settings.batch_size)
        network = build_network(settings, len(split.classes), files).to(ours.device)
        many = task.novel.sample_ids[:persons]
        seen = person_batches(data, many, recipe.branches, ours.device, resident=False, alone=True)
        embed_places(network, seen, min(persons, FULL_BATCH), settings)
        moments.clear()
        note(0, 0)
        embed_places(network, seen, len(many), settings)
        note(0, 0)
        embedded = rates(moments, len(many))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        kind = f"{machine().partition(';')[0]}, {torch.get_num_threads()} thread(s)"
        if ours.device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(ours.device) / 2**20
            kind = torch.cuda.get_device_name(ours.device)
    pixels = bool(recipe.pixel_branches)
    return {
        "scale": scale.name,
        "system": name,
        "backbone": job.settings.backbone if pixels else "MLP",
        "pixels": size if pixels else "",
        "batch": settings.batch_size if recipe.losses else "",
        "trunks": ("frozen" if settings.frozen else "trained") if pixels else "",
        "parameters": sum(x.numel() for x in network.parameters()),
        "train_persons_s": round(trained[0], 1) if trained else "",
        "train_cpu_s": round(trained[1], 4) if trained else "",
        "embed_persons_s": round(embedded[0], 1) if embedded else "",
        "embed_cpu_ms": round(1000 * embedded[1] / len(many), 3) if embedded else "",
        "peak_mib": round(peak),
        "device": f"{kind}, torch {torch.__version__}",
    }


def noise(data: Any, size: int, whole: bool) -> Any:
    """The same persons with noise in place of their pictures: a few images that all of them share.

    Args:
        data: Of squares.
        size: Side of the pictures; of whole ones the longer, to 3 of the other's 4.
        whole: True for whole ones.
    """
    import numpy as np

    from oneshot_emotic.whole import Whole

    random = np.random.default_rng(0)
    height = size * 3 // 4 if whole else size
    pixels = random.integers(0, 256, (_SHARED, height, size, 3), dtype=np.uint8)
    rows = {
        name: {person: row % _SHARED for person, row in getattr(data, name).items()}
        for name in ("image_row", "body_row")
    }
    if not whole:
        return replace(data, size=size, images=pixels, bodies=pixels, **rows)
    sizes = np.tile(np.array([height, size]), (_SHARED, 1))
    starts = np.arange(_SHARED) * (3 * height * size)
    boxes = np.tile(np.array([0.3, 0.2, 0.6, 0.9], dtype=np.float32), (_SHARED, 1))
    known = Whole(sizes, starts, boxes)
    return replace(data, size=size, images=pixels.reshape(-1), whole=known, **rows)


def rates(moments: Sequence[tuple[float, float]], persons: int) -> tuple[float, float] | None:
    """Persons a second and CPU-seconds a step, each step of so many persons.

    Args:
        moments: Seconds of a clock and of the process before the first step and after each.
        persons: Of a step.
    """
    steps = len(moments) - 1
    if steps < 1:
        return None
    wall, used = (last - first for first, last in zip(moments[0], moments[-1], strict=True))
    return steps * persons / wall, used / steps


def table(lines: Sequence[Line]) -> str:
    """In markdown: a table for each scale, the device above it."""
    parts = []
    for scale in dict.fromkeys(line["scale"] for line in lines):
        mine = [line for line in lines if line["scale"] == scale]
        devices = "; ".join(dict.fromkeys(line["device"] for line in mine))
        rows = [[_cell(name, line[name]) for name in _HEADINGS] for line in mine]
        parts.append(f"`{scale}`, {devices}:\n\n{markdown(list(_HEADINGS.values()), rows)}")
    return "\n\n".join(parts)


def _cell(name: str, value: Any) -> str:
    if name == "system":
        return f"`{value}`"
    return f"{int(value):,}" if name in ("parameters", "peak_mib") else str(value)


def merged(before: Sequence[Line], now: Sequence[Line], order: Sequence[str]) -> list[Line]:
    """Lines of a file with those that were measured again in their place."""
    found = {(line["scale"], line["system"]): line for line in (*before, *now)}
    known = [key for key in found if key[1] in order]
    known.sort(key=lambda key: (key[0] != "reduced", order.index(key[1])))
    return [found[key] for key in known]


def main() -> None:
    """Measure each in a process of its own, then write the file and the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("systems", nargs="*")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--steps", type=int, help="default: 20, of full networks 2")
    parser.add_argument("--persons", type=int, help="to embed; default: 256, of full networks 16")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--child", action="store_true", help="measure the one named here, and print it"
    )
    given = parser.parse_args()
    given.steps = given.steps or (2 if given.full else 20)
    given.persons = given.persons or (16 if given.full else 256)
    if given.child:
        how = {name: getattr(given, name) for name in ("full", "steps", "persons", "device")}
        print(json.dumps(measure(given.systems[0], given.data, **how)))
        return
    from oneshot_emotic_baselines.recipes import RECIPES

    print(machine())
    trained = [name for name, recipe in RECIPES.items() if recipe.kind == "trained"]
    path = DOCS / "systems_cost.csv"
    for name in given.systems or trained:
        options = ["--data", given.data, "--steps", given.steps, "--persons", given.persons]
        options += ["--device", given.device, *(["--full"] if given.full else [])]
        command = [sys.executable, __file__, "--child", name, *map(str, options)]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if result.returncode:
            print(f"  {name}: not measured at this scale")
            continue
        line = json.loads(result.stdout.splitlines()[-1])
        print("  " + ", ".join(f"{key} {value}" for key, value in line.items()))
        write_lines(path, COLUMNS, merged(read_lines(path), [line], trained))
        put_table(DOCS / "systems.md", "systems_cost", table(read_lines(path)))


if __name__ == "__main__":
    main()
