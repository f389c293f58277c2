"""The site: its figures are the scores', and what people do there, in Chromium where it is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from itertools import combinations

import numpy as np
import pytest
import yaml
from boards import HOSTILE, TASKS, board_of, hostile_rows, plain_rows, some_controls, some_rows
from conftest import REPOSITORY
from hypothesis import example, given
from hypothesis import strategies as st
from made import python, small_checkout
from pages import Page

from oneshot_emotic import evaluate, load_task
from oneshot_emotic.errors import printable
from oneshot_emotic.leaderboard.board import Row, ranked
from oneshot_emotic.leaderboard.reported import read_reported
from oneshot_emotic.leaderboard.sections import family_sections
from oneshot_emotic.leaderboard.site import site_files
from oneshot_emotic.leaderboard.site_data import fraction
from oneshot_emotic.report import interval, percent, plain_interval
from oneshot_emotic.scoring.comparison import compare, difference, half_widths
from oneshot_emotic.scoring.runs import combine_runs
from oneshot_emotic.scoring.scores import merged

REPORTED = read_reported(REPOSITORY / "leaderboard/reported.json")
CARDS = (
    {"parameters": 11_000_000, "base": "full", "pretraining": "ImageNet"},
    {"parameters": 86_000_000, "base": "clean", "seen_unseen_names": True},
    {"seen_test_images": True, "seen_unseen_names": False},
)


@cache
def guesses(name, seed, noise):
    task = load_task(name)
    rng = np.random.default_rng(seed)
    right = np.eye(len(task.classes))[task.novel_labels]
    return evaluate(
        (task.novel.sample_ids, right + noise * rng.normal(size=right.shape)), task, (1, 5)
    )


@cache
def board():
    """Three rows that guess, one of them of two runs, and one with a task alone."""
    rows = [
        Row(f"guess-{place}", {"name": f"Guess {place}", **card}, merged(parts), "ab" * 32)
        for place, (card, noise) in enumerate(zip(CARDS, (0.5, 0.52, 1.5), strict=True))
        for parts in [[guesses(name, place, noise) for name in TASKS]]
    ]
    runs = [merged([guesses(name, seed, 1.0) for name in TASKS]) for seed in (7, 8)]
    rows.append(Row("runs", {"name": "Two runs"}, combine_runs(runs), "cd" * 32))
    return board_of([*rows, some_rows()[1]], some_controls())


@cache
def made():
    return site_files([board()], REPORTED)


def data_of(files):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', files)[1]
    ((name, content),) = json.loads(text).items()
    assert name.startswith("synthetic-argmax-")
    return content


def without_code(text):
    return re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)


class TestFigures:
    @given(st.floats(-1, 1))
    @example(0.1225)
    @example(0.23249999999)
    def test_a_shipped_fraction_shows_what_the_figure_shows(self, value):
        hundredfold = Decimal(100 * fraction(value))  # exactly as a browser has it
        shown = str(hundredfold.quantize(Decimal("0.1"), ROUND_HALF_UP))
        assert shown.removeprefix("-") == percent(value).removeprefix("-")
        assert abs(fraction(value) - value) <= 0.000501

    def test_every_figure_is_the_scores(self):
        data = data_of(made()["index.html"])
        for row, there in zip(
            sorted(board().rows, key=lambda x: x.slug), data["rows"], strict=True
        ):
            assert (there["slug"], there["name"]) == (row.slug, row.model["name"])
            for name, by_shots in row.scores.tasks.items():
                one, found = by_shots[1], there["tasks"][name]
                figure = one.balanced_accuracy
                assert found["mean"] == figure.mean
                for key in ("low", "high", "draw_0", "std", "min", "max"):
                    assert percent(found[key]) == percent(getattr(figure, key))
                assert percent(found["plain"]) == percent(one.accuracy.mean)
                assert percent(found["f1"]) == percent(one.macro_f1.mean)
                five = by_shots[5].balanced_accuracy
                assert list(map(percent, found["five"])) == [
                    percent(x) for x in (five.mean, five.low, five.high)
                ]
                recalls = [[percent(x) for x in three] for three in found["recall"]]
                assert recalls == [
                    [percent(x) for x in (of.mean, of.low, of.high)]
                    for of in (one.recall[x] for x in one.classes)
                ]
                assert [list(map(percent, x)) for x in found["confusion"]] == [
                    list(map(percent, x)) for x in one.confusion
                ]
                assert len(found["runs"]) == (2 if row.slug == "runs" else 0)
        for item in ranked(board().rows, "cat"):
            place = next(x for x in data["rows"] if x["slug"] == item.row.slug)["places"]["cat"]
            assert place["rank"] == item.rank
            assert place["mean"] == (item.overall and item.overall.mean)

    def test_the_difference_of_two_rows_is_that_of_compare(self):
        """From what is shipped, by the page's arithmetic."""
        data = data_of(made()["index.html"])
        scores = [row.scores for row in sorted(board().rows, key=lambda x: x.slug)]
        seen = 0
        for a, b in combinations(range(len(scores)), 2):
            for line in compare(scores[a], scores[b]):
                what = line.what.removeprefix("overall ")
                if line.shots != 1:
                    continue
                of, half = data["pairs"][what]["of"], data["pairs"][what]["half"]
                i, j = of.index(a), of.index(b)
                wide = half[i * (2 * len(of) - i - 1) // 2 + j - i - 1] / 1e4
                mean = line.a.mean - line.b.mean
                shown = replace(line.difference, low=mean - wide, high=mean + wide)
                assert plain_interval(shown) == plain_interval(line.difference)
                assert shown.separated == line.difference.separated
                seen += 1
        assert seen == 6 * 3 + 4  # four rows with both tasks, one with one

    def test_half_widths(self):
        for figures in (
            [row.scores.overall("cat") for row in board().rows[:4]],
            [row.scores.tasks["cat-6-6"][1].balanced_accuracy for row in board().rows],
        ):
            pairs = [difference(a, b) for a, b in combinations(figures, 2)]
            expected = [(pair.high - pair.low) / 2 for pair in pairs]
            found = half_widths([figure.evidence for figure in figures])
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
            assert half_widths([figures[0].evidence]) == []

    def test_the_tables_without_script(self):
        page = Page(made()["index.html"])
        (section,) = family_sections(board())
        figures = [list(row[section.main.left :]) for row in section.main.rows]
        assert [row[section.main.left :] for row in page.cells[0][1:]] == figures

    def test_a_rows_page(self):
        row = board().rows[0]
        page = Page(made()["rows/guess-0.html"])
        figures = {cells[0]: cells[1:] for cells in page.cells[2][1:]}
        for shots, start in ((1, 0), (5, 4)):
            scores = row.scores.tasks["cat-6-6"][shots]
            for title, of in (
                ("balanced accuracy", scores.balanced_accuracy),
                ("plain accuracy", scores.accuracy),
                *((f"recall of {name}", figure) for name, figure in scores.recall.items()),
            ):
                ends = f"{percent(of.min)} to {percent(of.max)}"
                expected = [interval(of), percent(of.draw_0), percent(of.std), ends]
                assert figures[title][start : start + 4] == expected
        text = made()["rows/guess-0.html"]
        assert row.scores.digest in text and "ab" * 32 in text
        assert "oneshot-emotic score submissions/guess-0" in text and "@misc{guess-0," in text

    def test_reported_figures_are_apart(self):
        page = Page(made()["reported.html"])
        figures = {cell for table in page.cells for row in table[1:] for cell in row[2:]}
        assert {"33.76", "54.89 †"} <= figures
        for name, text in made().items():
            if name != "reported.html":
                shown = without_code(text)
                assert "Affect-DML" not in shown and "33.76" not in shown, name


class TestFiles:
    def test_the_same_boards_give_the_same_bytes(self):
        assert site_files([board()], REPORTED) == made()

    def test_the_synthetic_stand_in_is_called_so_everywhere(self):
        for name, text in made().items():
            if name != "reported.html":
                assert "stand-in: invented people" in text, name
                headings = re.findall("<h3>(.*?)</h3>", text)
                tasks = [x for x in headings if re.match("cat|lev|Categorical|Levels", x)]
                assert tasks and all("synthetic" in x for x in tasks), name
        emotic = replace(board(), dataset=replace(board().dataset, name="emotic"))
        page = site_files([board(), emotic], REPORTED)["index.html"]
        tabs = re.findall(r'data-board="([^"]*)">([^<]*)</a></li>', page)[:2]
        assert [title for _, title in tabs] == ["EMOTIC (argmax)", "synthetic stand-in (argmax)"]

    def test_a_space(self):
        card = site_files([board()], REPORTED, space=True)["README.md"]
        _, head, _ = card.split("---\n")
        assert yaml.safe_load(head)["sdk"] == "static"
        assert yaml.safe_load(head)["app_file"] == "index.html"
        assert "README.md" not in made()

    def test_nothing_hostile_is_more_than_text(self):
        hostile, plain = (
            site_files([board_of(rows, some_controls())], REPORTED)
            for rows in (hostile_rows(some_rows()), plain_rows(some_rows()))
        )
        assert hostile.keys() == plain.keys()
        for name in hostile:
            one, other = (Page(without_code(files[name])) for files in (hostile, plain))
            assert one.tags == other.tags and one.shape == other.shape
            assert one.tags["script"] == one.tags["img"] == one.tags["iframe"] == 0
            addresses = [x for x in one.links if x and ":" in x]
            assert not [x for x in addresses if not x.startswith("https://")]
        names = [row[1] for row in Page(hostile["index.html"]).tables[0][1 : 1 + len(HOSTILE)]]
        for name, text in zip(names, HOSTILE, strict=True):
            assert name.startswith(printable(text, 200)), text

    def test_a_citation_is_one_entry(self):
        """BibTeX counts braces, escaped or not."""
        row = replace(some_rows()[0], model={"name": "a}{ {b", "authors": ["A {", "}"]})
        page = site_files([board_of([row], some_controls())], REPORTED)["rows/whole.html"]
        citation = page.split("<h2>Cite it</h2>\n<pre>")[1].split("</pre>")[0]
        depths = np.cumsum([{"{": 1, "}": -1}.get(char, 0) for char in citation.strip()])
        assert depths[:-1].min() == 0 == depths[-1] and depths[len("@misc{") : -1].min() == 1

    def test_from_the_command_line(self, tmp_path, run):
        root, out = small_checkout(tmp_path / "checkout"), tmp_path / "site"
        given = ("leaderboard", root, "--format", "site")
        assert "--output DIR" in run(*given, status=2).output
        assert "--space" in run("leaderboard", root, "--space", status=2).output
        run(*given, "-o", out, "--space")
        files = {x.relative_to(out).as_posix() for x in out.rglob("*.*")}
        own = {"index.html", "reported.html", "README.md", "rows/random.html"}
        assert files == own | {"site.json"}
        before = (out / "index.html").read_bytes()
        run(*given, "-o", out)  # takes the place of the first one
        assert (out / "index.html").read_bytes() == before and not (out / "README.md").exists()
        for mine in ("mine.txt", "rows/mine.html"):
            (out / mine).write_text("kept")
            found = run(*given, "-o", out, status=2).output
            assert f"already holds other files: {mine}" in found
            (out / mine).unlink()
        (out / "site.json").unlink()  # somebody's own page of that name
        assert "already holds other files" in run(*given, "-o", out, status=2).output

    def test_without_the_extra(self, tmp_path):
        code = (
            "import sys; sys.modules['jinja2'] = None\n"
            "from oneshot_emotic.cli.main import main\n"
            f"main(['leaderboard', {str(tmp_path)!r}, '--format', 'site', '-o', 'x'])"
        )
        done = python("-c", code, status=2)
        assert "pip install 'oneshot-emotic[report]'" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a page of a site from disk; at the end, nothing was fetched and nothing complained."""
    complaints, asked = [], []
    context = browser.new_context(offline=True)
    context.set_default_timeout(120_000)  # other programs may take the processors

    def open_page(files, name="index.html", fragment=""):
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(text.encode())
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / name).as_uri() + fragment)
        if page.locator("#app").is_visible():
            page.locator("#count:not(:empty)").wait_for()
        return page

    yield open_page
    context.close()
    assert complaints == []
    assert not [x for x in asked if not x.startswith((tmp_path.as_uri(), "data:"))]


@cache
def first():
    """The address of the board."""
    fingerprint = board().dataset.fingerprint
    return f"#board=synthetic-argmax-{fingerprint[:8]}"


def becomes(read, page, expected):
    """Whether a page shows something before long."""
    for _ in range(600):
        if read(page) == expected:
            return True
        page.wait_for_timeout(50)
    return read(page) == expected


def pinned(page):
    return page.locator("#pins a").all_inner_texts()


def names(page):
    return page.locator("#rows .tabulator-cell[tabulator-field=name] a").all_inner_texts()


def column(page, field):
    return page.locator(f"#rows .tabulator-cell[tabulator-field='{field}']").all_inner_texts()


def figure_of(row):
    return row.scores.tasks["cat-6-6"][1].balanced_accuracy


def show_all_columns(page):
    page.locator("#columns summary").click()
    for box in page.locator("#columns input").all():
        box.check()


class TestInChromium:
    def test_tabs_by_click_and_keyboard(self, opened):
        page = opened(made())
        assert page.locator("h2").first.inner_text() == "Verified on EMOTIC"
        assert not page.locator("#app").is_visible()
        page.get_by_role("link", name="synthetic stand-in (argmax)").first.focus()
        page.keyboard.press("Enter")
        assert page.locator(".note").inner_text().startswith("The synthetic stand-in")
        rows = page.locator("#rows .tabulator-row")
        assert becomes(lambda _: rows.count(), page, 5 + 2)
        page.get_by_role("link", name="EMOTIC", exact=True).click()
        page.locator("#app").wait_for(state="hidden")
        page.get_by_role("link", name="Reported in papers").click()
        page.wait_for_url("**/reported.html")
        assert "Table II" in page.locator("h2").first.inner_text()

    def test_every_number_of_the_table_is_the_scores(self, opened):
        page = opened(made(), fragment=first())
        show_all_columns(page)
        (section,) = family_sections(board())
        ranks, overall, six, four = (
            [str(row[x]) for row in section.main.rows] for x in (0, 5, 6, 7)
        )
        assert column(page, "rank") == ranks
        assert column(page, "overall") == overall
        assert column(page, "cat-6-6") == six and column(page, "cat-6-4") == four
        rows = [item.row for item in section.rows]
        five = [row.scores.tasks["cat-6-6"][5].balanced_accuracy for row in rows]
        assert column(page, "five cat-6-6")[:5] == list(map(interval, five))
        plain = [row.scores.tasks["cat-6-6"][1].accuracy.mean for row in rows]
        assert column(page, "plain cat-6-6")[:5] == list(map(percent, plain))
        f1 = [row.scores.tasks["cat-6-6"][1].macro_f1.mean for row in rows]
        assert column(page, "f1 cat-6-6")[:5] == list(map(percent, f1))
        sizes = {"Guess 0": "11 M", "Guess 1": "86 M"}
        assert column(page, "parameters")[:5] == [sizes.get(x, "") for x in names(page)]
        said = dict(zip(names(page), column(page, "seen_unseen_names"), strict=False))
        assert said == {
            "Guess 0": "not said",
            "Guess 1": "yes",
            "Guess 2": "no",
            "Two runs": "not said",
            "Part": "not said",
        }
        chart = page.locator("#intervals svg").get_attribute("aria-label")
        assert [x for x in overall[:4] if x not in chart] == []

    def test_sorting_by_click_and_keyboard(self, opened):
        page = opened(made(), fragment=first())
        best = sorted(
            board().rows, key=lambda x: -x.scores.tasks["cat-6-6"][1].balanced_accuracy.mean
        )
        best = [row.model["name"] for row in best]
        button = page.locator("#rows button.sort", has_text=re.compile("^cat-6-6$"))
        button.click()
        assert becomes(names, page, best)
        button.focus()
        page.keyboard.press("Enter")
        assert becomes(names, page, best[::-1])
        again = opened(made(), fragment=page.url[page.url.index("#") :])
        assert becomes(names, again, best[::-1])

    def test_filtering_and_its_address(self, opened):
        page = opened(made(), fragment=first())
        page.get_by_label("Saw words of unseen classes").select_option("yes")
        assert becomes(names, page, ["Guess 1"])
        page.locator("#count", has_text=re.compile("^1 of 5 rows")).wait_for()
        page.get_by_role("button", name="Clear").focus()
        page.keyboard.press("Enter")
        assert becomes(lambda page: len(names(page)), page, 5)
        page.get_by_label("Parameters at most").fill("20")
        assert becomes(names, page, ["Guess 0"])
        page.get_by_label("Parameters at most").fill("")
        page.locator("select[name=seeds]").select_option("2 seeds")
        assert becomes(names, page, ["Two runs"])
        page.locator("select[name=seeds]").select_option("")
        page.get_by_label("Name").fill("guess")
        page.get_by_label("Base used").select_option("clean")
        again = opened(made(), fragment=page.url[page.url.index("#") :])
        assert becomes(names, page, ["Guess 1"]) and becomes(names, again, ["Guess 1"])
        assert again.get_by_label("Name").input_value() == "guess"

    def test_pinning_two_rows_gives_what_compare_says(self, opened):
        page = opened(made(), fragment=first())
        page.get_by_label("Pin Guess 1").click()
        assert becomes(pinned, page, ["Guess 1"])
        assert not page.locator("#difference").is_visible()
        page.get_by_label("Pin Two runs", exact=True).focus()
        page.keyboard.press("Space")
        scores = {row.slug: row.scores for row in board().rows}
        for a, b in (("guess-1", "runs"), ("runs", "guess-1")):
            fragment = f"{first()}&pin={a},{b}"
            shown = page if a == "guess-1" else opened(made(), fragment=fragment)
            lines = [x for x in compare(scores[a], scores[b]) if x.shots == 1]
            lines = [lines[-1], *lines[:-1]]
            expected = [
                [
                    x.what.removesuffix(" cat"),
                    percent(x.a.mean),
                    percent(x.b.mean),
                    plain_interval(x.difference),
                    "yes" if x.difference.separated else "no",
                ]
                for x in lines
            ]
            rows = shown.locator("#differences tbody tr").all()
            assert [row.locator("td").all_inner_texts() for row in rows] == expected
        page.get_by_label("Pin Part").click()  # a third takes the place of the first
        assert becomes(pinned, page, ["Two runs", "Part"])
        page.get_by_role("button", name="Unpin Part").click()
        assert not page.get_by_label("Pin Part").is_checked()

    def test_the_charts_of_a_pinned_row_are_the_scores(self, opened):
        page = opened(made(), fragment=f"{first()}&pin=guess-2")
        for task in TASKS:
            page.locator("#task").select_option(task)
            scores = board().rows[2].scores.tasks[task][1]
            page.locator("#confusion svg").wait_for()
            recall = page.locator("#recall svg[role=img]").get_attribute("aria-label")
            spread = page.locator("#spread svg[role=img]").get_attribute("aria-label")
            confusion = page.locator("#confusion svg[role=img]").get_attribute("aria-label")
            for place, name in enumerate(scores.classes):
                assert f"{name} Guess 2 {interval(scores.recall[name])}" in recall
                for other, value in zip(scores.classes, scores.confusion[place], strict=True):
                    assert f"{name} taken for {other} {percent(value)}" in confusion
            figure = scores.balanced_accuracy
            assert (
                f"mean {percent(figure.mean)}, standard deviation {percent(figure.std)}" in spread
            )
            ends = f"{percent(figure.min)} to {percent(figure.max)}"
            assert f"draw 0 {percent(figure.draw_0)}, {ends}" in spread

    def test_a_rows_own_page_by_keyboard_and_back(self, opened):
        page = opened(made(), fragment=first())
        page.get_by_role("link", name="Guess 0").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/rows/guess-0.html")
        assert page.locator("h1").inner_text() == "Guess 0"
        page.get_by_role("link", name="Leaderboard").click()
        assert becomes(pinned, page, ["Guess 0"])

    def test_hostile_cards_through_every_view(self, opened, tmp_path):
        rows = hostile_rows(some_rows())
        files = site_files([board_of(rows, some_controls())], REPORTED)
        page = opened(files, fragment=first())
        show_all_columns(page)
        assert becomes(names, page, [printable(text, 200) for text in HOSTILE])
        for one, other in zip(rows[::2], rows[1::2], strict=True):
            for slug in (one.slug, other.slug):
                page.locator(f"#rows [data-slug={slug}]").click()
            shown = [printable(row.model["name"], 200) for row in (one, other)]
            assert becomes(pinned, page, shown)
            page.locator("#confusion svg").first.wait_for()
            page.locator("#recall svg circle").first.hover()
        for text in HOSTILE:
            page.locator("select[name=pretraining]").select_option(printable(text, 200))
        for row in rows:
            page.goto((tmp_path / f"rows/{row.slug}.html").as_uri())
            assert page.locator("h1").inner_text() == printable(row.model["name"], 200)
        assert page.evaluate("document.title").endswith(": oneshot-emotic")

    def test_without_script(self, browser, tmp_path):
        (tmp_path / "index.html").write_bytes(made()["index.html"].encode())
        with browser.new_context(java_script_enabled=False) as context:
            page = context.new_page()
            page.goto((tmp_path / "index.html").as_uri())
            assert page.locator("table").first.is_visible()
            assert not page.locator("#app").is_visible()
            assert page.get_by_role("link", name="Guess 0").first.is_visible()
