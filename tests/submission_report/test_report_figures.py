"""Figures for a paper: the same bytes, vector text, harmless names, and they compile."""

from __future__ import annotations

import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest
from PIL import Image
from submission_report.small_reports import HOSTILE, small_report, small_task

from oneshot_emotic.submission_report.figures import (
    FORMATS,
    WIDTHS,
    figure_files,
    paper_figures,
)

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.usefixtures("flat_map")

OF_A_TASK = {"shots", "draws", "recall", "slices", "hubs", "confusion", "map"}


@pytest.fixture(scope="module")
def files():
    with pytest.MonkeyPatch.context() as patch:
        name = "oneshot_emotic.submission_report.embedding_map._tsne"
        patch.setattr(name, lambda points: points[:, :2].copy())
        return made(small_report())


def made(report, *names):
    """The files of some charts, all without names."""
    charts = (x for x in paper_figures(report) if not names or x.name in names)
    return dict(figure_files(charts, report.dataset))


def widths_of(content):
    """In inches, of a PDF's pages."""
    boxes = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) [\d.]+ \]", content)
    return [float(width) / 72 for width in boxes]


def test_every_chart_in_every_width_and_format(files):
    assert files.keys() == {
        f"cat-6-6-{name}-{width}.{kind}"
        for name in OF_A_TASK
        for width in WIDTHS
        for kind in FORMATS
    }
    for name, content in files.items():
        width = WIDTHS["column" if "-column." in name else "page"]
        if name.endswith(".pdf"):
            assert widths_of(content) == pytest.approx([width])
        elif name.endswith(".svg"):
            points = re.search(rb'<svg [^>]*width="([\d.]+)pt"', content)[1]
            assert float(points) / 72 == pytest.approx(width)


def test_two_submissions_have_their_differences_and_maps():
    names = [chart.name for chart in paper_figures(small_report(("One", "Two")))]
    assert names == [
        "differences",
        *(f"cat-6-6-{name}" for name in ("shots", "draws", "recall", "slices", "hubs")),
        *(f"cat-6-6-{name}-{letter}" for letter in "ab" for name in ("confusion", "map")),
    ]


def test_the_same_report_gives_the_same_bytes(files):
    for name, content in made(small_report(), "cat-6-6-draws", "cat-6-6-map").items():
        assert content == files[name], name
    for name, content in files.items():
        assert b"CreationDate" not in content and b"<dc:date>" not in content, name
        assert not re.search(rb"matplotlib v|Matplotlib v", content), name


def test_text_is_text(files):
    assert b">Yearning</text>" in files["cat-6-6-recall-column.svg"]
    content = files["cat-6-6-recall-column.pdf"]
    assert b"/Type0" in content or b"/TrueType" in content
    assert b"/Subtype /Image" not in content  # no pixels
    assert b"/Type3" not in content


def test_the_data_set_is_named():
    for dataset, said in (("synthetic", True), ("emotic", False)):
        task = small_task(dataset=dataset)
        for name, content in made(small_report(task=task), "cat-6-6-hubs").items():
            if name.endswith(".svg"):
                assert (b"synthetic stand-in, no real data" in content) == said
                assert b"argmax, 00000000" in content


def test_the_figures_drawn_are_the_scores(files):
    """Read back from the picture: a dot of each class at its recall, on the scale of the ticks."""
    text = files["cat-6-6-recall-page.svg"].decode()
    report = small_report()
    recalls = [x.mean for x in report.submissions[0].scores.tasks["cat-6-6"][1].recall.values()]
    ticks = re.findall(
        r'id="xtick_\d+">.*?<use [^>]*x="([\d.]+)".*?<text [^>]*>(\d+)</text>', text, re.DOTALL
    )
    (x0, v0), (x1, v1) = [(float(x), float(value)) for x, value in (ticks[0], ticks[-1])]
    dots = [
        float(re.search(r'<use [^>]*x="([\d.]+)"', part)[1])
        for part in text.split('id="line2d_')
        if "clip-path" in part and re.search(r"style=\"fill: #0072b2", part)
    ]
    drawn = [v0 + (x - x0) * (v1 - v0) / (x1 - x0) for x in dots]
    assert drawn == pytest.approx([100 * x for x in recalls], abs=0.01)


def test_names_are_text():
    report = small_report((*HOSTILE, "_other"))
    found = made(report, "differences", "cat-6-6-shots", "cat-6-6-map-d")
    assert len(found) == 18
    for name, content in found.items():
        if name.endswith(".svg"):
            tree = ElementTree.fromstring(content)
            assert not [x for x in tree.iter() if x.tag.endswith(("script", "image", "h1"))]
            texts = "".join(x.text or "" for x in tree.iter() if x.tag.endswith("text"))
            assert "D: _{{ 7 * 7 }} {% raw %} $\\frac{1}{2}$" in texts
            assert "map" in name or "G: _other" in texts


def test_pictures_are_sound(files, tmp_path):
    (tmp_path / "a.png").write_bytes(files["cat-6-6-confusion-column.png"])
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width == 990 and picture.getextrema() != ((255, 255),) * 4


@pytest.mark.skipif(shutil.which("xelatex") is None, reason="needs a TeX")
def test_they_compile_into_a_paper_of_two_columns(files, tmp_path):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    columns = "\n".join(
        rf"\begin{{figure}}\includegraphics{{cat-6-6-{name}-column.pdf}}\end{{figure}}"
        for name in sorted(OF_A_TASK)
    )
    pages = "\n".join(
        rf"\begin{{figure*}}\includegraphics{{cat-6-6-{name}-page.pdf}}\end{{figure*}}"
        for name in sorted(OF_A_TASK)
    )
    paper = (
        r"\documentclass[twocolumn]{article}\usepackage[letterpaper,left=0.75in,right=0.75in,"
        r"columnsep=0.35in]{geometry}\usepackage{graphicx}\begin{document}Text."
        "\n" + columns + "\n" + pages + "\n" + r"\end{document}"
    )
    (tmp_path / "paper.tex").write_text(paper)
    result = subprocess.run(
        ["xelatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-2000:]
    log = (tmp_path / "paper.log").read_text(errors="replace")
    assert "Overfull \\hbox" not in log and "Float too large" not in log
    assert (tmp_path / "paper.pdf").stat().st_size > 50_000
