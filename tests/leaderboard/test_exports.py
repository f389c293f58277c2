"""The leaderboard as CSV, JSON, LaTeX and markdown: its figures, and nothing of a stranger's."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace

import pytest
from boards import HOSTILE, board_of, hostile_rows, plain_rows, some_controls, some_rows
from conftest import REPOSITORY
from made import empty_checkout
from markdown_it import MarkdownIt
from pages import CHROMIUM, Page

from oneshot_emotic.errors import printable
from oneshot_emotic.leaderboard.page import leaderboard_page
from oneshot_emotic.leaderboard.page_latex import latex_tables
from oneshot_emotic.leaderboard.records import DISCLOSURES, csv_lines, json_document
from oneshot_emotic.leaderboard.reported import read_reported
from oneshot_emotic.leaderboard.site import site_files
from oneshot_emotic.submission.model_card import FIELDS

REPORTED = read_reported(REPOSITORY / "leaderboard/reported.json")


@pytest.fixture(scope="module")
def rows():
    return some_rows()


@pytest.fixture(scope="module")
def controls():
    return some_controls()


class TestCsv:
    def test_the_figures_are_the_scores(self, rows, controls):
        lines = list(csv.DictReader(io.StringIO(csv_lines([board_of(rows, controls)]))))
        # whole: 2 tasks x 2 shots; part: 1 x 2; two controls: 2 x 2 each
        assert Counter(x["submission"] for x in lines) == {
            "whole": 4,
            "part": 2,
            "chance": 4,
            "majority": 4,
        }
        line = next(
            x
            for x in lines
            if (x["submission"], x["task"], x["shots"]) == ("whole", "cat-6-4", "5")
        )
        scores = rows[0].scores
        figure = scores.tasks["cat-6-4"][5].balanced_accuracy
        assert float(line["balanced_accuracy"]) == figure.mean
        assert float(line["balanced_accuracy_high"]) == figure.high
        assert float(line["overall"]) == scores.overall("cat").mean
        assert (line["rank"], line["kind"], line["level_error"]) == ("1", "verified", "")
        part = next(x for x in lines if x["submission"] == "part")
        assert (part["rank"], part["overall"]) == ("", "")

    def test_no_formula(self, rows, controls):
        text = csv_lines([board_of(hostile_rows(rows), controls)])
        for line in csv.reader(io.StringIO(text)):
            assert len(line) == len(next(csv.reader(io.StringIO(text))))
            for cell in line:
                assert not re.match(r"[\s\"']*[=+\-@]", cell) or re.fullmatch(r"'.*", cell)


class TestJson:
    def test_reads_back(self, rows, controls):
        document = json.loads(json_document([board_of(rows, controls)], REPORTED))
        (board,) = document["verified"]
        assert board["dataset"]["name"] == "synthetic"
        assert [x["submission"] for x in board["families"]["cat"]] == ["whole", "part"]
        found = board["submissions"]["part"]["tasks"]["cat-6-6"]["1"]["balanced_accuracy"]
        assert found == rows[1].scores.tasks["cat-6-6"][1].balanced_accuracy.to_dict()
        assert document["reported"] == REPORTED
        assert board["controls"]["chance"]["cat-6-4"]["1"]["balanced_accuracy"]["mean"] == 0.25

    def test_no_address_but_https(self, rows, controls):
        document = json.loads(json_document([board_of(hostile_rows(rows), controls)], REPORTED))
        for item in document["verified"][0]["submissions"].values():
            assert "code" not in item["model"] and "paper" not in item["model"]


class TestLatex:
    def test_rows_and_columns(self, rows, controls):
        def cells(some_rows):
            text = latex_tables([board_of(some_rows, controls)])
            lines = [x for x in text.splitlines() if x.endswith(r"\\")]
            return [len(re.findall(r"(?<!\\)&", line)) + 1 for line in lines], text

        hostile, text = cells(hostile_rows(rows))
        assert hostile == [8] * (1 + len(HOSTILE) + 2)
        assert hostile == cells(plain_rows(rows))[0]
        assert r"\input" not in text and r"\hline" not in text
        assert text.count(r"\begin{tabular}{lllllrrr}") == text.count(r"\end{tabular}") == 1
        assert "≈" not in text and "‡" not in text and "–" not in text

    def test_the_best_is_bold_and_intervals_are_small(self, rows, controls):
        text = latex_tables([board_of(rows, controls)])
        (whole,) = (line for line in text.splitlines() if line.startswith("1 & Whole"))
        figures = rows[0].scores.tasks["cat-6-4"][1].balanced_accuracy
        mean, low, high = (f"{100 * x:.1f}" for x in (figures.mean, figures.low, figures.high))
        assert f"\\textbf{{{mean}}} {{\\footnotesize {{[}}{low}, {high}{{]}}}}" in whole
        # Equal figures are bold both; what is no figure is not.
        (part,) = (line for line in text.splitlines() if "& Part" in line)
        assert part.count(r"\textbf") == 1 and whole.count(r"\textbf") == 3
        assert text.count(r"\textbf") == 4

    @pytest.mark.skipif(not shutil.which("xelatex"), reason="xelatex is not installed")
    @pytest.mark.parametrize("columns", ["", "twocolumn"])
    def test_it_compiles_and_fits(self, rows, controls, tmp_path, columns):
        table = latex_tables([board_of(hostile_rows(rows), controls)])
        (tmp_path / "a.tex").write_text(
            f"\\documentclass[{columns}]{{article}}\\usepackage{{booktabs,graphicx}}"
            f"\\begin{{document}}{table}\\end{{document}}"
        )
        done = subprocess.run(
            ["xelatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-2000:]
        log = (tmp_path / "a.log").read_text(errors="replace")
        wide = re.findall(r"Overfull .hbox .* in (?:alignment|paragraph)[^\n]*", log)
        assert not [line for line in wide if "alignment" in line]


class TestMarkdown:
    def test_nothing_hostile_is_more_than_text(self, rows, controls):
        """The reader sees the characters that were given, control characters as escapes."""

        def shown(some_rows):
            board = board_of(some_rows, controls)
            return Page(MarkdownIt("gfm-like").render(leaderboard_page([board], REPORTED)))

        hostile, plain = shown(hostile_rows(rows)), shown(plain_rows(rows))
        assert hostile.tags == plain.tags
        assert hostile.attributes == plain.attributes
        assert hostile.shape == plain.shape
        names = [row[1] for row in hostile.tables[0][1 : 1 + len(HOSTILE)]]
        for name, text in zip(names, HOSTILE, strict=True):
            assert name.startswith(printable(text, 200)), text


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
class TestInChromium:
    """What a browser makes of the pages; a script that ran would have changed the title."""

    def opened(self, path):
        done = subprocess.run(
            [
                *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu"),
                *(f"--user-data-dir={path.parent / 'profile'}", "--virtual-time-budget=2000"),
                *("--dump-dom", path.as_uri()),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return Page(done.stdout), re.search("<title>(.*?)</title>", done.stdout)[1]

    def test_a_script_would_be_seen(self, tmp_path):
        path = tmp_path / "a.html"
        path.write_text(f"<title>a</title><table><tr><td>{HOSTILE[1]}</td></tr></table>")
        assert self.opened(path)[1] == "hit"

    def test_no_script_runs_and_the_tables_keep_their_shape(self, rows, controls, tmp_path):
        shapes = []
        for of_board in (hostile_rows(rows), plain_rows(rows)):
            board = board_of(of_board, controls)
            body = MarkdownIt("gfm-like").render(leaderboard_page([board], REPORTED))
            text = f"<!DOCTYPE html><meta charset=utf-8><title>t</title>{body}"
            path = tmp_path / "page.html"
            path.write_text(text)
            page, title = self.opened(path)
            assert title == "t"
            assert page.tags["script"] == page.tags["iframe"] == 0
            assert page.tags["img"] == 1  # our own, of the ranks
            shapes.append(page.shape)
        assert shapes[0] == shapes[1]
        # The first table: a head, the rows and two controls, of eight columns each.
        assert shapes[0][0] == [8] * (1 + len(HOSTILE) + 2)


def test_from_the_command_line(tmp_path, run):
    empty_checkout(tmp_path)
    shutil.copytree(REPOSITORY / "submissions/random", tmp_path / "submissions/random")
    output = tmp_path / "board.csv"
    assert "written" in run("leaderboard", tmp_path, "--format", "csv", "-o", output).output
    assert output.read_text().startswith("dataset,")
    assert not (tmp_path / "leaderboard/README.md").exists()
    assert r"\begin{tabular}" in run("leaderboard", tmp_path, "--format", "latex").output
    assert (
        "do not go together"
        in run("leaderboard", tmp_path, "--format", "csv", "--check", status=2).output
    )
    assert "--output goes with" in run("leaderboard", tmp_path, "-o", output, status=2).output


def test_nothing_that_submit_asks_for_is_invisible(rows, controls):
    """Every field of a card is on the page; what one may filter by is a field of the exports."""
    card = {
        "name": "Full card",
        "description": "All of it",
        "authors": ["Ada", "Ben"],
        "date": "2026-11-21",
        "code": "https://example.org/code",
        "paper": "https://example.org/paper",
        "modalities": ["semantic"],
        "backbone": "ViT-B",
        "pretraining": "LAION",
        "parameters": 86_000_000,
        "training_seeds": [3, 5],
        "licence": "Apache-2.0",
        "seen_unseen_names": False,
        "base": "clean",
        "seen_test_images": True,
    }
    assert card.keys() == set(FIELDS)
    board = board_of([replace(rows[0], model=card)], controls)
    page = site_files([board], REPORTED)["rows/whole.html"]
    texts = ("Full card", "All of it", "Ada, Ben", "2026-11-21", "https://example.org/code")
    texts += ("https://example.org/paper", "semantic", "ViT-B", "LAION", "86,000,000", "3, 5")
    for text in (
        *texts,
        "Apache-2.0",
        "clean",
        'test images</th><td class="text given">yes</td>',
    ):
        assert text in page
    line = next(csv.DictReader(io.StringIO(csv_lines([board]))))
    assert line["seen_unseen_names"] == "False" and line["training_seeds"] == "3, 5"
    row = json.loads(json_document([board], REPORTED))["verified"][0]["submissions"]["whole"]
    for name in DISCLOSURES:
        assert line[name] and row[name] == card[name]


def test_the_parts_of_a_combination_stand_in_every_form(rows, controls):
    """A column of their own, and none where no row has any."""
    parts = [{"name": "=A", "digest": 64 * "a", "weight": 2.0}]
    parts += [{"name": "<b>", "digest": 64 * "b", "weight": 0.5}]
    text = "2 x =A (aaaaaaaaaaaa), 0.5 x <b> (bbbbbbbbbbbb)"
    two = [replace(rows[0], model={"name": "C", "parts": parts}), rows[1]]
    board = board_of(two, controls)
    (about,) = (x for x in page_of(board).cells if "parts" in x[0])
    assert {row[0]: row[-1] for row in about[1:]} == {"C": text, "Part": "–"}
    assert not any("parts" in x[0] for x in page_of(board_of(rows, controls)).cells)
    site = site_files([board], REPORTED)
    assert ["parts", text] in Page(site["rows/whole.html"]).cells[0]
    assert "<th>parts" not in site["rows/part.html"] and "<b>" not in site["rows/whole.html"]
    lines = list(csv.DictReader(io.StringIO(csv_lines([board]))))
    assert {x["parts"] for x in lines if x["submission"] == "whole"} == {text}
    assert {x["parts"] for x in lines if x["submission"] != "whole"} == {""}
    found = json.loads(json_document([board], REPORTED))["verified"][0]["submissions"]
    assert found["whole"]["parts"] == found["whole"]["model"]["parts"] == parts
    assert found["part"]["parts"] is None


def test_eight_parts_of_long_names_are_shown_whole(rows, controls):
    """With 12 digits of every digest, escaped; LaTeX shows no parts."""
    names = [f"_{n}|" + 97 * "<" for n in range(8)]
    parts = [{"name": x, "digest": f"{n:064}"[::-1], "weight": 0.125} for n, x in enumerate(names)]
    text = ", ".join(f"0.125 x {name} ({n}{11 * '0'})" for n, name in enumerate(names))
    board = board_of([replace(rows[0], model={"name": "C", "parts": parts})], controls)
    (about,) = (x for x in page_of(board).cells if "parts" in x[0])
    assert about[1][-1] == text
    assert ["parts", text] in Page(site_files([board], REPORTED)["rows/whole.html"]).cells[0]
    line = next(csv.DictReader(io.StringIO(csv_lines([board]))))
    assert line["parts"] == text
    assert "0.125 x" not in latex_tables([board])


def page_of(board):
    return Page(MarkdownIt("gfm-like").render(leaderboard_page([board], REPORTED)))
