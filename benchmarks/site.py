"""The site of many rows: how long it takes to make, how large it is, how soon it shows.

python benchmarks/site.py [--rows 200] [--chromium PATH]

The rows are those of this repository over and over, each with the terms of its images shuffled, so
that every two of them differ. How soon it shows is measured in Chromium, from disk, where
playwright is installed.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from machine import machine

from oneshot_emotic.dataset.load import TaskLoader
from oneshot_emotic.leaderboard.board import Board, Row
from oneshot_emotic.leaderboard.cache import with_evidence
from oneshot_emotic.leaderboard.checkout import boards_of_checkout
from oneshot_emotic.leaderboard.reported import read_reported
from oneshot_emotic.leaderboard.site import site_files

ROOT = Path(__file__).parents[1]
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
_DRAWN = "document.querySelectorAll('#rows .tabulator-row').length"


def many(board: Board, rows: int) -> Board:
    """A board of so many rows."""

    def another(number: int) -> Row:
        row, rng = board.rows[number % len(board.rows)], np.random.default_rng(number)
        scores = with_evidence(
            row.scores,
            lambda *what: replace(
                what[3],
                terms=rng.permutation(what[3].terms),
                query_terms=rng.permutation(what[3].query_terms),
            ),
        )
        card = {**row.model, "name": f"{row.model['name']} {number}", "parameters": 10**6 * number}
        return Row(f"row-{number:03}", card, scores, row.submission)

    return replace(board, rows=tuple(map(another, range(rows))))


def shown(index: Path, chromium: str) -> None:
    """Print how soon a page shows."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        print("  playwright is not installed: what a browser does is not measured")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        (board,) = [x for x in index.read_text().split('"') if x.startswith("synthetic-argmax-")][
            :1
        ]
        paints, drawn = [], []
        for _ in range(5):
            page = browser.new_page()
            started = time.perf_counter()
            page.goto(f"{index.as_uri()}#board={board}")
            page.wait_for_function(f"{_DRAWN} > 0")
            drawn.append(time.perf_counter() - started)
            paints.append(page.evaluate(_PAINT) / 1000)
            page.close()
        print(f"  Chromium {browser.version}: first paint {statistics.median(paints):.2f} s, ")
        print(f"  the table drawn {statistics.median(drawn):.2f} s after the address was given")
        browser.close()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    given = parser.parse_args()
    print(machine())
    (board,) = boards_of_checkout(ROOT, TaskLoader()).boards
    board = many(board, given.rows)
    started = time.perf_counter()
    files = site_files([board], read_reported(ROOT / "leaderboard/reported.json"))
    print(f"  {given.rows} rows: made in {time.perf_counter() - started:.1f} s")
    index = files["index.html"]
    data = index.split('id="data">')[1].split("</script>")[0]
    whole = sum(len(text.encode()) for text in files.values())
    print(f"  data {len(data) / 1e6:.2f} MB, the page {len(index.encode()) / 1e6:.2f} MB, ")
    print(f"  all {len(files)} files {whole / 1e6:.1f} MB")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.html"
        path.write_bytes(index.encode())
        shown(path, given.chromium)


if __name__ == "__main__":
    main()
