"""`prepare` against the bare decoding and resizing of the same pictures by Pillow on all cores.

    python benchmarks/prepare.py [--data ROOT] [--size 256] [--workers N] [--runs 5]

Without --data, a synthetic stand-in is written first. The bare rate decodes every image, resizes it
and cuts and resizes every body, in as many processes, and throws the result away. The two take
turns; the ratio is that of each pair.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from machine import machine

from oneshot_emotic.emotic.images import open_image
from oneshot_emotic.emotic.layout import find_annotations, find_layout
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.emotic.places import PicturePlan, pixel_box, places_of, square
from oneshot_emotic.prepared import CHUNK, plan_pictures, prepare
from oneshot_emotic.processes import available_processors, process_pool


def bare(
    chunk: Sequence[PicturePlan], image_folders: Mapping[str, Sequence[Path]], size: int
) -> int:
    """Decode and resize the pictures of a chunk; how many there were."""
    for plan in chunk:
        opened = open_image(plan.image, image_folders)
        assert opened is not None
        square(opened, size).load()
        for box in plan.boxes:
            square(opened, size, pixel_box(box, opened.size)).load()
    return len(chunk)


def bare_seconds(root: Path, size: int, workers: int) -> float:
    """Seconds of the bare work, from reading the annotations to the last picture."""
    started = time.perf_counter()
    layout = find_layout(root)
    plan, _ = plan_pictures(places_of(read_annotations(find_annotations(layout)).persons))
    chunks = [plan[at : at + CHUNK] for at in range(0, len(plan), CHUNK)]
    with process_pool(workers) as pool:
        count = len(chunks)
        done = sum(pool.map(bare, chunks, [layout.image_folders] * count, [size] * count))
    assert done == len(plan)
    return time.perf_counter() - started


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--workers", type=int, default=available_processors())
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        root = given.data
        if root is None:
            from oneshot_emotic.cli.synth import write_stand_in_folder
            from oneshot_emotic.synthetic.settings import StandInSettings

            root = Path(scratch) / "stand-in"
            write_stand_in_folder(root, StandInSettings(), pictures=True, workers=given.workers)
        ours, theirs = [], []
        for run in range(given.runs):
            output = Path(scratch) / f"prepared-{run}"
            theirs.append(bare_seconds(root, given.size, given.workers))
            started = time.perf_counter()
            prepared = prepare(root, output, size=given.size, workers=given.workers)
            ours.append(time.perf_counter() - started)
            images, bodies = len(prepared.images), len(prepared.bodies)
            del prepared
            shutil.rmtree(output)
    ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
    print(
        f"\n{images:,} images and {bodies:,} bodies to {given.size} x {given.size}, "
        f"{given.workers} processes, median of {given.runs} runs"
    )
    print(f"  bare decode + resize  {statistics.median(theirs):6.2f} s")
    print(f"  prepare               {statistics.median(ours):6.2f} s")
    print(
        f"  rate of prepare to the bare one  {statistics.median(ratios):.2f}   "
        f"(least {min(ratios):.2f}, greatest {max(ratios):.2f})"
    )


if __name__ == "__main__":
    main()
