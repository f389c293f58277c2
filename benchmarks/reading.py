"""Reading an Annotations.mat of EMOTIC's size against the bare loadmat, and a whole build.

    python benchmarks/reading.py [--mat FILE] [--runs 5]

Without --mat, a synthetic one of 34,320 persons is written first.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from machine import machine

PERSONS = 34_320

#: Runs the command line and then prints the peak memory of its process, in KiB.
_WITH_PEAK = """
import resource, sys
from oneshot_emotic.cli.main import main
main(sys.argv[1:], standalone_mode=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def seconds(function: Callable[[], object]) -> float:
    """How long a call takes; what it returns is let go outside the time."""
    started = time.perf_counter()
    result = function()
    elapsed = time.perf_counter() - started
    del result
    return elapsed


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mat", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "stand-in"
        if arguments.mat is None:
            cli("synth", root, "--annotations-only", "--persons", PERSONS)
            mat = root / "Annotations/Annotations.mat"
        else:
            mat = arguments.mat
            root = mat.parent
        measure_reading(mat, arguments.runs)
        measure_build(root, mat, Path(scratch) / "dataset")


def measure_reading(mat: Path, runs: int) -> None:
    """Bare loadmat and the reader in turn, after one run of each that is not counted."""
    from scipy.io import loadmat

    from oneshot_emotic.emotic.persons import read_annotations

    bare: list[float] = []
    ours: list[float] = []
    for run in range(runs + 1):
        pair = seconds(lambda: loadmat(mat)), seconds(lambda: read_annotations(mat))
        if run:
            bare.append(pair[0])
            ours.append(pair[1])
    ratios = [b / a for a, b in zip(bare, ours, strict=True)]
    content = read_annotations(mat)
    images = sum(content.images_found.values())
    print(f"\n{images:,} images, {len(content.persons):,} persons, median of {runs} runs")
    print(f"  scipy.io.loadmat      {statistics.median(bare):6.2f} s")
    print(f"  read_annotations      {statistics.median(ours):6.2f} s")
    print(
        f"  ratio                 {statistics.median(ratios):6.2f}   "
        f"(least {min(ratios):.2f}, greatest {max(ratios):.2f})"
    )


def measure_build(root: Path, mat: Path, output: Path) -> None:
    """A whole `oneshot-emotic build` as a process of its own."""
    started = time.perf_counter()
    arguments = ["build", root, "--annotations", mat, "-o", output]
    command = [sys.executable, "-c", _WITH_PEAK, *map(str, arguments)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    elapsed = time.perf_counter() - started
    peak = int(result.stdout.split()[-1]) / 1024
    print("\noneshot-emotic build, whole process")
    print(f"  time                  {elapsed:6.1f} s")
    print(f"  peak memory           {peak:6.0f} MiB")


def cli(*arguments: object) -> None:
    """Run a command line, its output thrown away."""
    command = [sys.executable, "-m", "oneshot_emotic", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
