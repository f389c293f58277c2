"""Start-up and the demo, as whole processes.

python benchmarks/commands.py [--runs 9]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time

from machine import machine


def run(*arguments: str) -> float:
    """Seconds of a command line, from start to end."""
    command = [sys.executable, "-m", "oneshot_emotic", *arguments]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    print(machine())
    for arguments in (("--help",), ("score", "--help"), ("tasks",)):
        run(*arguments)
        times = [run(*arguments) for _ in range(runs)]
        print(
            f"  {' '.join(arguments):16} {statistics.median(times):6.2f} s   "
            f"(least {min(times):.2f}, greatest {max(times):.2f}, {runs} runs)"
        )
    with tempfile.TemporaryDirectory() as scratch:
        print(f"  {'demo, fresh':16} {run('demo', '--workdir', scratch):6.1f} s")
        print(f"  {'demo, again':16} {run('demo', '--workdir', scratch):6.1f} s")


if __name__ == "__main__":
    main()
