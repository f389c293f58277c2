"""The README's pictures of the site.

oneshot-emotic leaderboard --format site -o SITE && python benchmarks/pictures.py SITE

Two rows of the first family of the synthetic stand-in are pinned. Needs playwright and Chromium.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

OUT = Path(__file__).parents[1] / "docs/pictures"
PINNED = "sem-ib-dml-resnet18,colour-gradient"


def main() -> None:
    """Write docs/pictures/site.png, the board, and site_pinned.png, two rows side by side."""
    index = Path(sys.argv[1], "index.html").resolve()
    found = re.search(r'"(synthetic-argmax-[0-9a-f]{8})"', index.read_text())
    assert found is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.goto(f"{index.as_uri()}#board={found[1]}&pin={PINNED}")
        page.locator("#confusion svg").last.wait_for()
        ends = {"site": (".family:visible", "#rows"), "site_pinned": ("#pinned", "#recall")}
        for name, (first, last) in ends.items():
            top, bottom = (page.locator(x).bounding_box() for x in (first, last))
            height = bottom["y"] + bottom["height"] - top["y"] + 8
            clip = {"x": 0, "y": top["y"] - 8, "width": 1200, "height": height}
            content = page.screenshot(full_page=True, clip=clip)
            picture = Image.open(io.BytesIO(content)).convert("RGB").quantize(128)
            picture.save(OUT / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
