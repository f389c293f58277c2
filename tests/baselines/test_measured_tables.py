"""Tables of docs/systems.md: those of the files that benchmarks/ wrote, made as they say."""

from __future__ import annotations

import csv
import re
import sys

import pytest
from conftest import REPOSITORY
from oneshot_emotic_baselines.recipes import RECIPES

from oneshot_emotic import load_task
from oneshot_emotic.encoders.known import KNOWN

sys.path.append(str(REPOSITORY / "benchmarks"))

import claims
import documents
import k_shot
import systems_cost

DOCS = REPOSITORY / "docs"
PAGE = (DOCS / "systems.md").read_text()


def shown(name):
    """The rows between two marks, as lists of cells."""
    part = PAGE.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0]
    return [row.strip("| ").split(" | ") for row in part.splitlines() if row.startswith("| ")]


def lines_of(name):
    """The lines of a file; no table may stand where there is none."""
    if not (DOCS / f"{name}.csv").exists():
        assert "no row yet" in PAGE.split(f"<!-- {name} -->")[1].split("<!-- /")[0]
        pytest.skip("not measured yet")
    with (DOCS / f"{name}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def per_cent(line, *names):
    values = [f"{100 * float(line[name]):.1f}" for name in names if line[name]]
    values = [value.replace("-0.0", "0.0") for value in values]
    return f"{values[0]} [{values[1]}, {values[2]}]" if len(values) == 3 else "".join(values)


def test_k_shot():
    """Every figure is that of the file, and each share a task's supports over its persons."""
    figures, shares = {}, {}
    for line in lines_of("k_shot"):
        key = line["task"], line["submission"], line["shots"]
        figures[key] = per_cent(line, "balanced_accuracy", "low", "high")
        task = load_task(line["task"])
        share = int(line["shots"]) * len(task.classes) / len(task.novel)
        shares[key[0], key[2]] = f"{100 * share:.2f} %"
        assert float(line["share"]) == pytest.approx(share)
        drawn = task.support[:, : int(line["shots"])]
        assert all(len(set(draw.ravel().tolist())) == draw.size for draw in drawn[:5])
    task = ""
    found, seen = {}, {}
    for name, *cells in shown("k_shot")[2:]:
        for shots, cell in enumerate(cells, 1):
            if name.endswith(": supports"):
                task = name.removesuffix(": supports")
                seen[task, str(shots)] = cell
            else:
                found[task, name.strip("`"), str(shots)] = cell
    assert found == figures and seen == shares


def test_k_shot_agrees_with_the_leaderboard():
    """At 1 shot, of the submissions that have a row."""
    import json

    checked = 0
    for line in lines_of("k_shot"):
        path = REPOSITORY / f"leaderboard/scores/{line['submission']}.json"
        if line["shots"] in ("1", "5") and path.exists():
            figures = json.loads(path.read_text())["tasks"][line["task"]][line["shots"]]
            assert float(line["balanced_accuracy"]) == figures["balanced_accuracy"]["mean"]
            checked += 1
    assert checked > 10


def test_ablation():
    figures, boxes = {}, {}
    for line in lines_of("systems_ablation"):
        name = f"`{line['system']}`" + (f" without {line['without']}" if line["without"] else "")
        cells = figures.setdefault(name, [])
        cells.append(per_cent(line, "balanced_accuracy", "low", "high"))
        cells.append(per_cent(line, "gain", "gain_low", "gain_high"))
        both = [f"{float(line[x]):.3f}" for x in ("iou", "jittered_iou") if line[x]]
        boxes[name] = " from ".join(both)
    rows = [(*row, "", "", "")[:6] for row in shown("systems_ablation")[2:]]
    cells = {name: [x.strip() for x in row] for name, *row in rows}
    assert {name: row[:4] for name, row in cells.items()} == figures
    assert {name: row[4] for name, row in cells.items()} == boxes


def test_cost():
    rows = {}
    for line in lines_of("systems_cost"):
        key = line["scale"], line["system"]
        assert key not in rows and float(line["parameters"]) > 0
        rows[key] = {
            *(line[name] for name in ("backbone", "pixels", "batch", "trunks")),
            *(line[name] for name in ("train_persons_s", "train_cpu_s")),
            *(line[name] for name in ("embed_persons_s", "embed_cpu_ms")),
            *(f"{int(line[name]):,}" for name in ("parameters", "peak_mib")),
        }
        assert line["device"] in PAGE
    part = PAGE.split("<!-- systems_cost -->")[1].split("<!-- /systems_cost -->")[0]
    seen = {}
    for line in part.splitlines():
        if found := re.match(r"`(\w+)`, .*:$", line):
            scale = found[1]
        elif line.startswith("| `"):
            name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
            seen[scale, name.strip("`")] = set(cells)
    assert seen == rows


def test_the_page_lists_the_systems():
    """The paper's and those beyond it, with size and pixels as their recipes have them."""
    part = PAGE.split("| system | sees |")[1].split("\n\n")[0]
    rows = [row.strip("| ").split(" | ") for row in part.splitlines() if row.startswith("| `")]
    listed = {name: row for row in rows for name in re.findall("`([a-z-]+)`", row[0])}
    wanted = [x for x in RECIPES.values() if x.system or (x.reported and x.branches)]
    assert len(wanted) > 10
    for recipe in wanted:
        *_, parameters, pixels, _ = listed[recipe.name]
        assert parameters == f"{recipe.parameters:,}"
        assert pixels.split(",")[0] == str(recipe.size)


def test_the_page_lists_the_encoders():
    part = PAGE.split("## Encoders by name\n")[1].split("\n## ")[0]
    rows = [row.strip("| ").split(" | ") for row in part.splitlines() if row.startswith("| `")]
    paper = "https://arxiv.org/abs/"
    assert rows == [
        [
            f"`{x.name}`",
            f"{x.parameters:,}",
            str(x.size),
            f"{x.dimensions:,}",
            x.licence,
            x.seen_unseen_names,
            x.paper.replace(paper, "arXiv "),
        ]
        for x in KNOWN
    ]


def test_the_claims_are_those_of_the_files():
    """The table is what the files give now; without a row it says so."""
    ablation, shots = (
        documents.read_lines(DOCS / f"{x}.csv") for x in ("systems_ablation", "k_shot")
    )
    table = claims.table(ablation, shots, REPOSITORY / "submissions")
    assert f"<!-- claims -->\n{table}\n<!-- /claims -->" in PAGE
    assert claims.table([], [], DOCS).count("no row yet") == 8


def test_a_claims_figures_are_found():
    line = {"system": "a", "without": "b", "shots": "1", "gain": "0.012", "gain_low": "-0.0001"}
    line |= {"gain_high": "0.02"}
    assert claims.gain([line], "a", "b") == "1-shot 1.2 [0.0, 2.0]"
    assert claims.gain([line], "a", "c") == "no row yet"
    points = [
        dict(zip(k_shot.COLUMNS, ("t", "s", str(n), n / 100, n / 10, n / 20, n / 5), strict=True))
        for n in (1, 5)
    ]
    expected = (
        "10.0 [5.0, 20.0] with supports of 1.0 % to 50.0 [25.0, 100.0] with supports of 5.0 %"
    )
    assert claims.growth(points, "s", "t") == expected
    assert claims.growth(points[:1], "s", "t") == "no row yet"


def test_a_table_is_put_between_its_marks():
    page = "before\n<!-- x -->\nold\n<!-- /x -->\nafter\n"
    once = documents.with_table(page, "x", "| new |")
    assert once == "before\n<!-- x -->\n| new |\n<!-- /x -->\nafter\n"
    assert documents.with_table(once, "x", "old") == page
    for wrong in ("", "<!-- x -->\n", page + page, "<!-- /x -->\n<!-- x -->\n"):
        with pytest.raises(ValueError, match="must"):
            documents.with_table(wrong, "x", "new")


def test_rates():
    """Two steps of 32 persons in 4 s of the clock and 3 of the processor."""
    assert systems_cost.rates([(10.0, 1.0), (11.0, 2.0), (14.0, 4.0)], 32) == (16.0, 1.5)
    assert systems_cost.rates([(10.0, 1.0)], 32) is None and systems_cost.rates([], 32) is None


def test_what_is_measured_again_takes_the_place_of_what_was():
    def line(scale, system, value):
        return {"scale": scale, "system": system, "value": value}

    before = [line("full", "a", 1), line("reduced", "b", 2), line("reduced", "gone", 3)]
    now = [line("reduced", "b", 4), line("reduced", "a", 5)]
    found = systems_cost.merged(before, now, ["a", "b"])
    assert found == [line("reduced", "a", 5), line("reduced", "b", 4), line("full", "a", 1)]
