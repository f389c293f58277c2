"""The report's page: its figures are the scores', its text is harmless."""

from __future__ import annotations

import json
import re

import pytest
from pages import Page
from submission_report.small_reports import HIT, HOSTILE, small_report, small_task

from oneshot_emotic.errors import printable
from oneshot_emotic.report import percent, plain_interval
from oneshot_emotic.submission_report.page import report_page

pytest.importorskip("jinja2")
pytestmark = pytest.mark.usefixtures("flat_map")


def data_of(text):
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', text)[1]
    )


def tables_of(text):
    """Caption -> rows of cells."""
    captions = re.findall(r"<caption>(.*?)</caption>", text)
    return dict(zip(captions, Page(text).cells, strict=True))


def by_caption(text, start):
    """The last of the tables whose captions begin so."""
    return [rows for caption, rows in tables_of(text).items() if caption.startswith(start)][-1]


@pytest.fixture
def two():
    return small_report(("One", "Two"))


def test_the_data_is_the_report(two):
    assert data_of(report_page(two)) == json.loads(json.dumps(two.to_dict()))


def test_every_figure_of_the_tables_is_the_scores(two):
    text = report_page(two)
    data = data_of(text)
    scores = {x["letter"]: x["scores"]["tasks"]["cat-6-6"] for x in data["submissions"]}

    def shown(figure):
        low = None if figure["low"] is None else percent(figure["low"])
        mean = percent(figure["mean"])
        plain = low is None or low == mean == percent(figure["high"])
        return mean if plain else f"{mean} [{low}, {percent(figure['high'])}]"

    rows = {row[0]: row[1:] for row in by_caption(text, "Figures in per cent")[1:]}
    controls = data["tasks"]["cat-6-6"]["controls"]
    wanted = {
        f"{a}: {n}, {s}-shot": scores[a][s] for a, n in (("A", "One"), ("B", "Two")) for s in "15"
    }
    wanted |= {
        "Chance": controls["chance"]["1"],
        "Always the majority class": controls["majority"]["1"],
    }
    assert rows.keys() == wanted.keys()
    for name, of in wanted.items():
        balanced, plain = of["balanced_accuracy"], of["accuracy"]
        ends = dict.fromkeys((percent(balanced["min"]), percent(balanced["max"])))
        assert rows[name] == [
            shown(balanced),
            percent(balanced["draw_0"]),
            percent(balanced["std"]),
            " to ".join(ends),
            shown(plain),
            percent(plain["draw_0"]),
            percent(of["macro_f1"]["mean"]),
        ]
    rows = by_caption(text, "Recall of each class")
    assert rows[0][2:] == ["A, 1-shot", "A, 5-shot", "B, 1-shot", "B, 5-shot"]
    for name, persons, *cells in rows[1:]:
        assert persons == "12"
        assert cells == [shown(scores[a][s]["recall"][name]) for a in "AB" for s in "15"]
    rows = by_caption(text, "Of each true class")  # the last of them is B's
    for (name, *cells), shares in zip(rows[1:], scores["B"]["1"]["confusion"], strict=True):
        assert name in scores["B"]["1"]["classes"] and cells == [percent(x) for x in shares]
    found = scores["B"]["1"]["diagnostics"]
    rows = by_caption(text, "Hubs")
    assert [row[1:] for row in rows[1:]] == [
        [percent(x["predicted"]), percent(x["queries"])] for x in found["hubs"].values()
    ]
    rows = by_caption(text, "Slices")
    assert {row[0]: row[2:] for row in rows[1:]} == {
        name: [percent(x["balanced_accuracy"]), percent(x["accuracy"])]
        for name, x in found["slices"].items()
    }
    rows = by_caption(text, "Paired differences")
    for row, x in zip(rows[1:], data["differences"], strict=True):
        assert row[0] == f"{x['a']} - {x['b']}, {x['what']}, {x['shots']}-shot"
        line = next(y for y in two.pairs[0].lines if (y.what, y.shots) == (x["what"], x["shots"]))
        assert line.difference.to_dict() == {y: x[y] for y in line.difference.to_dict()}
        assert row[3] == plain_interval(line.difference)
        assert row[5] == ("yes" if x["separated"] else "no")


def test_levels_have_their_error():
    text = report_page(small_report(task=small_task("lev-7-3-valence")))
    head, first, *_ = by_caption(text, "Figures in per cent")
    error = data_of(text)["submissions"][0]["scores"]["tasks"]["lev-7-3-valence"]["1"][
        "level_error"
    ]
    assert head[-1] == "level error"
    assert first[-1] == f"{error['mean']:.2f} [{error['low']:.2f}, {error['high']:.2f}]"
    assert "Always the best level" in text


def test_the_same_report_gives_the_same_bytes():
    assert report_page(small_report()) == report_page(small_report())


@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_ids_are_text(name):
    mark = name.replace("/", "")
    text = report_page(small_report((name, f"Other {name}"), small_task(mark=mark)))
    page = Page(text)
    plain = Page(report_page(small_report(("a", "b"))))
    assert page.tags == plain.tags
    assert len(page.attributes) == len(plain.attributes)
    assert printable(f"A: {name}") in by_caption(text, "The submissions")[1][0]
    assert HIT not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL) or "&#39;" in text
    for char in "\u202e\x1b\u2028":
        assert char not in text
    assert data_of(text)["submissions"][0]["scores"]["submission"]["name"] == name


def test_synthetic_is_called_synthetic():
    assert "<strong>Synthetic stand-in:</strong>" in report_page(small_report())
    other = small_report(task=small_task(dataset="emotic"))
    assert "ynthetic" not in re.sub(r"<script.*?</script>", "", report_page(other), flags=re.DOTALL)


def test_runs_are_said(two):
    text = report_page(small_report(runs=3))
    assert "means of 3 runs" in text and "means of" not in report_page(two).split("<main>")[1]
    assert by_caption(text, "The submissions")[1][3] == "3"
    assert "Hubs" in text


def test_nothing_is_fetched(two):
    text = re.sub(r"<(script|style)\b.*?</\1>", "", report_page(two), flags=re.DOTALL)
    assert not re.search(r"\bsrc=|https?://|url\(", text) and "img-src data:;" in text
