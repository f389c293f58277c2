"""Figures in the documents are those of the files they come from."""

from __future__ import annotations

import csv
import json
import re

import pytest
from conftest import REPOSITORY
from oneshot_emotic_baselines.recipes import RECIPES

from oneshot_emotic.tasks import FAMILIES, TASKS

PAGE = (REPOSITORY / "docs/baselines.md").read_text()


def rows_of(text):
    """Recipe -> cells, of the rows of a markdown table."""
    found = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", text, re.M)
    return {name: cells.split(" | ") for name, cells in found}


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_beside_the_papers_figures(family):
    """Two tables side by side: one recomputed from the embeddings, one as printed."""
    part = PAGE.split(f"**{FAMILIES[family]}**")[1].split("</table>")[0]
    verified, reported = map(rows_of, part.split("</td><td>"))
    assert list(verified) == list(reported) and len(verified) >= 7
    assert "reported, on EMOTIC" in part and "not comparable" in part and "synthetic" in part
    tasks = [name for name in TASKS if TASKS[name].family == family]
    for recipe, cells in verified.items():
        slug = recipe if recipe == "random" else f"{recipe}-resnet18"
        scores = json.loads((REPOSITORY / f"leaderboard/scores/{slug}.json").read_text())
        for task, cell, printed in zip(tasks, cells, reported[recipe], strict=True):
            figure = scores["tasks"][task]["1"]["balanced_accuracy"]
            mean, low, high = (f"{100 * figure[key]:.1f}" for key in ("mean", "low", "high"))
            assert cell == f"{mean} [{low}, {high}]"
            assert printed == f"{RECIPES[recipe].reported[task]:.2f}"


def test_the_ablation_is_that_of_its_table():
    """Every figure of the tables is a line of the file, and the other way round."""
    with (REPOSITORY / "docs/ablation.csv").open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    figures = {}
    for line in lines:
        values = [f"{100 * float(line[k]):.1f}" for k in ("balanced_accuracy", "low", "high")]
        key = line["cue"], f"{float(line['strength']):.3f}", line["recipe"]
        figures[key] = "{} [{}, {}]".format(*values)
    shown, recipes = {}, []
    for row in re.findall(r"^\| ((?:cue|body|scene|semantic) \| .*) \|$", PAGE, re.M):
        name, strength, *cells = row.split(" | ")
        if name == "cue":
            recipes = [cell.strip("`") for cell in cells]
        else:
            shown |= {(name, strength, x): y for x, y in zip(recipes, cells, strict=True)}
    assert shown == figures and len(lines) == len(figures) == 27
