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
    below = PAGE.split(f"**{FAMILIES[family]}**")[1].split("</table>")[1]
    others = rows_of("\n".join(below.split("\n\n")[:3]))
    assert {"sem-dml", "hog-colour", "true-cues-ib-dml"} < set(others)
    for recipe, cells in (verified | others).items():
        slug = f"{recipe}-resnet18"
        if not (REPOSITORY / "submissions" / slug).exists():
            slug = recipe
        scores = json.loads((REPOSITORY / f"leaderboard/scores/{slug}.json").read_text())
        for task, cell in zip(tasks, cells, strict=True):
            figure = scores["tasks"][task]["1"]["balanced_accuracy"]
            mean, low, high = (f"{100 * figure[key]:.1f}" for key in ("mean", "low", "high"))
            assert cell == f"{mean} [{low}, {high}]"
        if recipe in verified:
            printed = [f"{RECIPES[recipe].reported[task]:.2f}" for task in tasks]
            assert printed == reported[recipe]


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
    assert shown == figures and len(lines) == len(figures) == 54


def test_the_coverage_is_that_of_its_table():
    """Shares in per cent, with one decimal."""
    page = (REPOSITORY / "docs/benchmarks.md").read_text()
    part = page.split("## What the intervals cover")[1].split("\n## ")[0]
    with (REPOSITORY / "docs/coverage.csv").open(newline="") as stream:
        lines = {(x["world"], x["shots"], x["figure"]): x for x in csv.DictReader(stream)}
    rows = [row.split(" | ") for row in re.findall(r"^\| (.* \| [15] \| .*) \|$", part, re.M)]
    rows = [row for row in rows if len(row) == 9]
    assert len(rows) == 20
    for world, shots, _, repetitions, *cells in rows:
        found = [
            lines[world, shots, name]
            for name in ("cat-6-6", "overall", "difference cat-6-6", "difference overall")
        ]
        assert {x["repetitions"] for x in found} == {repetitions} == {"400"}
        shares = [100 * float(x["covered"]) for x in found]
        shown = [*shares[:2], 100 - shares[2], 100 - shares[3], 100 * float(found[0]["width"])]
        assert [float(cell) for cell in cells] == [pytest.approx(x, abs=0.051) for x in shown]


def test_what_to_open_is_there():
    """CONTRIBUTING's table; later paths of a cell are beside the first, or in the package."""
    page = (REPOSITORY / "CONTRIBUTING.md").read_text()
    table = page.split("| to change | open |")[1].split("\n\n")[0]
    rows = [re.findall("`([^`]+)`", row.split(" | ")[1]) for row in table.splitlines()[2:]]
    assert len(rows) > 15
    for first, *others in rows:
        assert (REPOSITORY / first).exists()
        beside = REPOSITORY / first if first.endswith("/") else (REPOSITORY / first).parent
        for other in others:
            places = (beside / other, REPOSITORY / "oneshot_emotic" / other, REPOSITORY / other)
            assert any(place.exists() for place in places), other
