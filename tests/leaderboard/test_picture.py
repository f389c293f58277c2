"""The picture of ranks: where its dots and lines are, and that no name can do anything in it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from oneshot_emotic.leaderboard.board import Ranked
from oneshot_emotic.leaderboard.picture import family_picture, picture_path
from oneshot_emotic.scoring.scores import Overall
from oneshot_emotic.splits import DatasetIdentity

SVG = "{http://www.w3.org/2000/svg}"


def row(rank, mean, low, high, name="A model", best=False):
    overall = None if mean is None else Overall(mean, low, high)
    return Ranked(rank, SimpleNamespace(model={"name": name}), overall, best)


def drawn(rows):
    return ElementTree.fromstring(family_picture("Levels", rows))


def test_dots_and_lines_lie_where_the_scale_says():
    root = drawn(
        [row(1, 0.31, 0.2, 0.42, best=True), row(2, 0.0, -0.1, 0.1), row(3, 0.05, None, None)]
    )
    ticks = {}
    lines = [x for x in root.iter(f"{SVG}line") if x.get("class") in ("grid", "zero")]
    labels = [x for x in root.iter(f"{SVG}text") if x.get("text-anchor") == "middle"]
    for line, label in zip(lines, labels, strict=True):
        assert line.get("x1") == line.get("x2") == label.get("x")
        ticks[0 if label.text == "chance" else int(label.text)] = float(label.get("x"))
    assert list(ticks) == [-10, 0, 10, 20, 30, 40, 50]
    width = (ticks[50] - ticks[-10]) / 6
    assert [x - y for x, y in pairwise(reversed(ticks.values()))] == pytest.approx(
        [width] * 6, abs=0.2
    )

    def at(per_cent):
        return ticks[0] + per_cent / 10 * width

    groups = list(root.iter(f"{SVG}g"))
    for group, mean in zip(groups, (31, 0, 5), strict=True):
        assert float(group.find(f"{SVG}circle").get("cx")) == pytest.approx(at(mean), abs=0.2)
    bars = [group.find(f"{SVG}line") for group in groups]
    assert float(bars[0].get("x1")) == pytest.approx(at(20), abs=0.2)
    assert float(bars[0].get("x2")) == pytest.approx(at(42), abs=0.2)
    assert bars[2] is None
    assert [group.get("class") for group in groups] == ["best", None, None]
    assert [group.findall(f"{SVG}text")[-1].text for group in groups] == ["31.0", "0.0", "5.0"]


@pytest.mark.parametrize(
    "name",
    [
        "</text><script>alert(1)</script>",
        '"><image href="https://evil.example/x.png"/>',
        "]]><!-- & &amp; %x; \x1b[31m \u202e \ufffe",
        "a" * 5000,
    ],
)
def test_a_name_is_text(name):
    root = drawn([row(1, 0.1, 0.0, 0.2, name), row(2, 0.1, 0.0, 0.2)])
    plain = drawn([row(1, 0.1, 0.0, 0.2), row(2, 0.1, 0.0, 0.2)])
    assert [x.tag for x in root.iter()] == [x.tag for x in plain.iter()]
    shown = root.find(f".//{SVG}svg/{SVG}text").text
    assert shown[:5] == name[:5] and len(shown) <= 60


def test_rows_without_a_figure_are_left_to_the_table():
    assert family_picture("Levels", [row(None, None, None, None)]) == ""
    root = drawn([row(1, 0.1, 0.0, 0.2), row(None, None, None, None)])
    assert len(list(root.iter(f"{SVG}g"))) == 1
    assert "1 more rows in the table" in "".join(root.itertext())
    assert len(list(drawn([row(1, 0.1, 0.0, 0.2)] * 90).iter(f"{SVG}g"))) == 40


@pytest.mark.parametrize(
    "values", [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (-0.2, -0.25, -0.1), (0.001, 0, 0.002)]
)
def test_any_figure_is_inside(values):
    for circle in drawn([row(1, *values)]).iter(f"{SVG}circle"):
        assert 330 <= float(circle.get("cx")) <= 740


def test_a_path_is_one_file():
    identity = DatasetIdentity("lab/data", "argmax", 1, "ab" * 32)
    assert picture_path(identity, "cat") == "pictures/lab-data-argmax-abababab-cat.svg"
    assert picture_path(replace(identity, label_rule="rarest"), "cat") != picture_path(
        identity, "cat"
    )
