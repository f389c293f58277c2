"""The report in a browser, from disk: quiet, without network, harmless, accessible."""

from __future__ import annotations

import numpy as np
import pytest
from submission_report.small_reports import HOSTILE, small_report, small_task

from oneshot_emotic.submission.check import Checked
from oneshot_emotic.submission_report.contents import gather
from oneshot_emotic.submission_report.page import report_page

pytest.importorskip("jinja2")
pytestmark = pytest.mark.usefixtures("flat_map")


@pytest.fixture
def show(browser, tmp_path):
    """Open a report; the page and what it said and asked for."""

    def opened(report, **context):
        path = tmp_path / "report.html"
        path.write_text(report_page(report))
        page = browser.new_context(**context).new_page()
        heard, asked = [], []
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        if context.get("java_script_enabled", True):
            page.wait_for_selector("[data-chart=slices] svg")
        assert heard == [] and [x for x in asked if not x.startswith("data:")] == [path.as_uri()]
        return page

    return opened


@pytest.mark.parametrize("names", [("Model",), ("One", "Two", "Three")])
def test_all_charts_are_drawn(show, names):
    page = show(small_report(names))
    charts = page.locator("[data-chart]")
    assert charts.count() == (8 if len(names) == 1 else 2 + 4 + 4 * 3)
    for place in charts.all():
        assert place.locator("svg").count() >= 1, place.get_attribute("data-chart")
    assert page.locator("[data-chart=map]").first.locator("circle").count() == 72 + 6


@pytest.mark.parametrize("persons", [2, 3, 12])
def test_little_to_show(show, persons):
    """All in one place: no map. With two persons a class an image is all that some class has."""
    task = small_task(persons=persons)
    constant = np.ones((len(task.novel), 3), dtype=np.float32)
    page = show(gather([("one", [Checked(task, constant, None, "one.npz")])]))
    assert page.get_by_text("No map: hardly any two embeddings differ.").is_visible()
    assert page.locator("[data-chart=map]").count() == 0


@pytest.mark.parametrize("width", [360, 1280, 1920])
def test_nothing_is_wider_than_the_window(show, width):
    report = small_report(("One", HOSTILE[5]))
    page = show(report, viewport={"width": width, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach((x) => { x.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_names_and_ids_do_nothing(show):
    mark = HOSTILE[1].replace("/", "")
    page = show(small_report((*HOSTILE, "last"), small_task(mark=mark)))
    assert page.title().startswith("Report: ") and page.title() != "hit"
    assert page.locator("h1").count() == 1 and page.locator("img").count() == 0
    page.locator("[data-chart=map] svg").first.scroll_into_view_if_needed()
    for circle in page.locator("[data-chart=map]").first.locator("circle").all()[:3]:
        circle.hover(force=True)
    assert page.title() != "hit"


def test_tips_of_the_map_name_persons(show):
    page = show(small_report())
    place = page.locator("[data-chart=map]")
    place.scroll_into_view_if_needed()
    place.locator("circle").nth(5).hover(force=True)
    tip = place.locator("[aria-label=tip]").text_content()
    assert "train/i/" in tip and any(x in tip for x in ("taken for", "support", "no query"))


def test_tables_are_there_without_scripts(show):
    page = show(small_report(), java_script_enabled=False)
    assert page.locator("figure.drawn").first.is_hidden()
    assert page.get_by_text("balanced accuracy", exact=True).first.is_visible()


def test_prints_every_table(show):
    page = show(small_report(), viewport={"width": 794, "height": 1123})
    page.emulate_media(media="print")
    assert page.get_by_text("Recall of each class in per cent").is_visible()
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
