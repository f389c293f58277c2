"""The leaderboard: ranks, page, check, and the committed tree."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from conftest import REPOSITORY
from made import empty_checkout, small_checkout
from markdown_it import MarkdownIt
from pages import Page

from oneshot_emotic import evaluate, load_task, write_submission
from oneshot_emotic.cli.main import main
from oneshot_emotic.errors import InputError
from oneshot_emotic.escaping import markdown_text
from oneshot_emotic.leaderboard.board import Board, Row
from oneshot_emotic.leaderboard.files import differences, write_files
from oneshot_emotic.leaderboard.page import leaderboard_page
from oneshot_emotic.leaderboard.reported import averages_that_do_not_add_up, read_reported
from oneshot_emotic.scoring.scores import merged
from oneshot_emotic.submission.folder import write_submission_document

REPORTED = REPOSITORY / "leaderboard" / "reported.json"


TWO = ("colour-gradient", "random")


@pytest.fixture(scope="module")
def board_of_two(tmp_path_factory):
    """Two of the committed submissions and their leaderboard."""
    root = empty_checkout(tmp_path_factory.mktemp("two"))
    for slug in TWO:
        shutil.copytree(REPOSITORY / "submissions" / slug, root / "submissions" / slug)
    main(["leaderboard", str(root)], standalone_mode=False)
    return root


@pytest.fixture
def checkout(board_of_two, tmp_path):
    """A copy of it, to change at will."""
    return shutil.copytree(board_of_two, tmp_path / "checkout")


@pytest.mark.stored
def test_two_rows_are_the_committed_ones(board_of_two):
    for slug in TWO:
        path = f"leaderboard/scores/{slug}.json"
        assert (board_of_two / path).read_bytes() == (REPOSITORY / path).read_bytes()


@pytest.mark.long
@pytest.mark.stored
def test_the_committed_tree_is_what_its_submissions_give(run):
    assert "up to date" in run("leaderboard", REPOSITORY, "--check").output


@pytest.fixture(scope="module")
def board_of_a_task(tmp_path_factory):
    """Two submissions of one task and their leaderboard: checked in a moment."""
    root = small_checkout(tmp_path_factory.mktemp("small"), ("colour-gradient", "random"))
    main(["leaderboard", str(root)], standalone_mode=False)
    return root


@pytest.fixture
def small(board_of_a_task, tmp_path):
    """A copy of it, to change at will."""
    return shutil.copytree(board_of_a_task, tmp_path / "small")


def test_one_digit_changed_is_found_and_mended(small, run):
    checkout = small
    path = checkout / "leaderboard/scores/colour-gradient.json"
    text = path.read_text()
    place = re.search(r'"mean": 0\.\d+', text).end() - 1
    digit = str((int(text[place]) + 1) % 10)
    path.write_text(text[:place] + digit + text[place + 1 :])
    result = run("leaderboard", checkout, "--check", status=1)
    assert "-" + text[text.rfind("\n", 0, place) + 1 : place] in result.output
    assert "scores/colour-gradient.json" in result.output
    assert path.read_text() != text  # --check writes nothing
    assert "1 files changed" in run("leaderboard", checkout).output
    assert path.read_text() == text
    run("leaderboard", checkout, "--check")


def test_generated_from_nothing_the_bytes_are_the_same(small, run):
    checkout = small
    before = {p.name: p.read_bytes() for p in (checkout / "leaderboard").rglob("*") if p.is_file()}
    shutil.rmtree(checkout / "leaderboard/scores")
    (checkout / "leaderboard/README.md").unlink()
    (checkout / "leaderboard/scores").mkdir()
    (checkout / "leaderboard/scores/gone.json").write_text("{}")
    assert "gone.json" in run("leaderboard", checkout, "--check", status=1).output
    assert "gone.json: removed" in run("leaderboard", checkout).output
    after = {p.name: p.read_bytes() for p in (checkout / "leaderboard").rglob("*") if p.is_file()}
    assert after == before


@pytest.mark.skipif(os.name != "posix", reason="makes links")
@pytest.mark.parametrize("name", [".", "scores", "scores/one.json", "README.md"])
def test_a_link_leads_nowhere(tmp_path, name):
    """A stranger's checkout may hold links: what they point to is neither written nor removed."""
    folder, elsewhere = tmp_path / "leaderboard", tmp_path / "mine"
    (folder / "scores").mkdir(parents=True)
    for path in (folder / "README.md", folder / "scores/one.json", folder / "scores/two.json"):
        path.write_text("years of work")
    (folder / name).rename(elsewhere)
    (folder / name).symlink_to(elsewhere)
    listed = [elsewhere] if elsewhere.is_file() else sorted(elsewhere.rglob("*.*"))
    assert listed
    for use in (write_files, differences):
        with pytest.raises(InputError, match="is a link"):
            use(folder, {"README.md": "new", "scores/one.json": "new"})
    assert all(path.read_text() == "years of work" for path in listed)


def test_line_ends_count(small, run):
    page = small / "leaderboard/README.md"
    page.write_bytes(page.read_bytes().replace(b"\n", b"\r\n"))
    run("leaderboard", small, "--check", status=1)


def test_a_missing_file_is_named_and_not_shown(tmp_path):
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores/b.json").write_text("{}\n" * 500)
    scores, command = f"{tmp_path.name}/scores", "`oneshot-emotic leaderboard`"
    assert differences(tmp_path, {"scores/a.json": "{}\n" * 500}).splitlines() == [
        f"{scores}/a.json is missing: {command} writes it",
        f"{scores}/b.json is of no submission: {command} removes it",
    ]


def test_bytes_that_are_no_text_differ_from_what_stands_for_them(tmp_path):
    (tmp_path / "README.md").write_bytes(b"caf\xe9\n")
    assert differences(tmp_path, {"README.md": "caf\N{REPLACEMENT CHARACTER}\n"})
    (tmp_path / "README.md").write_text("caf\N{REPLACEMENT CHARACTER}\n", encoding="utf-8")
    assert not differences(tmp_path, {"README.md": "caf\N{REPLACEMENT CHARACTER}\n"})


def test_unsound_submissions_write_nothing_and_are_all_named(checkout, run):
    before = {p: p.read_bytes() for p in checkout.rglob("*.json")}
    (checkout / "submissions/empty").mkdir()
    task = load_task("cat-6-6")
    bad = checkout / "submissions/bad"
    write_submission(bad / "a.npz", (task.novel.sample_ids, np.ones((len(task.novel), 2))), task)
    dataset = {"name": "synthetic", "fingerprint": "0" * 64}
    write_submission_document(bad, dataset, {"name": "Bad"}, {"cat-6-6": "a.npz"})
    result = run("leaderboard", checkout, status=2)
    assert "empty/submission.json" in result.output
    assert "bad/a.npz" in result.output and "fingerprint" in result.output
    assert all(path.read_bytes() == content for path, content in before.items())


def test_not_a_checkout(tmp_path, run):
    assert "there is no such folder" in run("leaderboard", tmp_path, status=2).output


def rows_with(values):
    """Rows on cat-6-6 and cat-6-4 whose recall is set by hand; None leaves cat-6-4 out."""
    six, four = load_task("cat-6-6"), load_task("cat-6-4")
    rows = []
    for slug, share in values.items():
        parts = []
        for task in (six, four):
            if task is four and share is None:
                continue
            right = np.eye(len(task.classes))[task.novel_labels]
            kept = int(len(right) * (0 if share is None else share))
            right[kept:] = 0
            parts.append(evaluate((task.novel.sample_ids, right), task, (1, 5)))
        rows.append(Row(slug, {"name": slug}, merged(parts, name=slug)))
    return rows


class TestDiff:
    def test_nothing_changes(self, board_of_two, run):
        output = run("leaderboard", board_of_two, "--diff", board_of_two).output
        assert "No row of the leaderboard changes." in output

    def test_a_new_row_and_one_that_is_gone(self, checkout, board_of_two, run, rng):
        before = {p: p.read_bytes() for p in (checkout / "leaderboard").rglob("*.json")}
        task = load_task("cat-6-6")
        folder = checkout / "submissions/new-one"
        vectors = np.eye(len(task.classes))[task.novel_labels]
        write_submission(folder / "a.npz", (task.novel.sample_ids, vectors), task)
        document = json.loads((checkout / "submissions/random/submission.json").read_text())
        write_submission_document(
            folder, document["dataset"], {"name": "New | <one>"}, {"cat-6-6": "a.npz"}
        )
        shutil.rmtree(checkout / "submissions/random")
        output = run("leaderboard", checkout, "--diff", board_of_two).output
        assert r"| New \| &lt;one&gt; (`new-one`) (new) | – | – | – | – |" in output
        assert "(`random`) (removed) | 2 | – | 0.0 [" in output
        assert "(`colour-gradient`)" not in output  # keeps its place and its figure
        assert {p: p.read_bytes() for p in before} == before


def page_of(row, card):
    board = Board(row.scores.dataset, (replace(row, model=card),), {})
    text = leaderboard_page([board], read_reported(REPORTED))
    return Page(MarkdownIt("gfm-like").render(text))


@pytest.mark.parametrize(
    "text",
    [
        "- x",
        "+ x",
        "= x",
        "1. x",
        "12) x",
        "# x",
        "> x",
        "a_b_c",
        "~~x~~",
        "2 < 3 > 1",
        "&amp;",
        "x.",
    ],
)
def test_text_is_shown_as_it_is(text):
    for line in (markdown_text(text), f"| a |\n|---|\n| {markdown_text(text)} |"):
        html = MarkdownIt("gfm-like").render(line)
        body = re.search(r"<(p|td)>(.*?)</\1>", html, re.DOTALL)
        assert body and unescape(body[2]) == text
        assert re.sub("</?(p|table|thead|tbody|tr|th|td)>", "", html).count("<") == 0


def test_only_plain_https_links_become_links():
    row = rows_with({"x": 0.5})[0]
    good = {"name": "n", "code": "https://example.org/a_b", "paper": "http://example.org"}
    links = page_of(row, good).links
    # Among what the submissions say of themselves.
    assert links.count("https://example.org/a_b") == 1
    assert not any(link.startswith("http:") for link in links)


class TestReported:
    def test_all_figures_of_the_paper(self):
        tables = {table["title"]: table for table in read_reported(REPORTED)["tables"]}
        assert [len(table["rows"]) for table in tables.values()] == [8, 8, 2]
        # Spot checks against Tables II, III and IV of arXiv 2111.15271.
        last = tables["Table II, categorical"]["rows"][-1]
        assert (last["method"], last["figures"]) == ("Sem-IB-DML", [33.76, 36.26])
        levels = {row["method"]: row["figures"] for row in tables["Table III, levels"]["rows"]}
        assert levels["Kosti et al.*"] == [36.03, 45.01, 45.02, 42.02, 28.68, 33.65, 37.24, 34.78]
        assert tables["Table IV, backbones"]["rows"][1]["figures"][0] == 35.8

    def test_against_the_facts_where_they_are_at_hand(self):
        path = REPOSITORY.parent / "shared/facts/reported_results.json"
        if not path.is_file():
            pytest.skip("the facts are not here")
        facts = json.loads(path.read_text())
        two, three, four = read_reported(REPORTED)["tables"]
        assert [(r["method"], *r["figures"]) for r in two["rows"]] == [
            (r["method"], r["cat-6-6"], r["cat-6-4"]) for r in facts["table_2_categorical"]
        ]
        for row in three["rows"]:
            levels = facts["table_3_numerical"]
            parts = (levels[key][row["method"]] for key in ("lev-7-3", "lev-6-4"))
            assert row["figures"] == [value for part in parts for value in part]
        printed = facts["table_4_backbones_of_sem_ib_dml"]
        assert [r["figures"] for r in four["rows"]] == [printed["resnet18"], printed["resnet50"]]

    def test_averages_that_do_not_add_up(self):
        columns = ["v", "a", "d", "average"]
        assert averages_that_do_not_add_up(columns, [28.68, 33.65, 37.24, 34.78]) != []
        assert averages_that_do_not_add_up(columns, [12.23, 6.86, 13.26, 10.79]) == []
        page = (REPOSITORY / "leaderboard/README.md").read_text()
        marked = [line for line in page.splitlines() if "†" in line and line.startswith("|")]
        methods = [line.split("|")[1].strip() for line in marked]
        assert methods == ["Kosti et al.\\*", "Sem-IB-DML"]
        assert "34.78\xa0†" in marked[0] and "54.89\xa0†" in marked[1]

    @pytest.mark.parametrize("text", ["{", "[]", '{"tables": [{"rows": [{}]}]}'])
    def test_damaged(self, tmp_path, text, checkout, run):
        (checkout / "leaderboard/reported.json").write_text(text)
        assert "reported.json" in run("leaderboard", checkout, status=2).output


def test_verified_and_reported_never_share_a_table():
    page = (REPOSITORY / "leaderboard/README.md").read_text()
    verified, reported = page.split("## Reported in papers")
    assert "Affect" not in verified
    for table in read_reported(REPORTED)["tables"]:
        for row in table["rows"]:
            printed = " | ".join(f"{value:.2f}" for value in row["figures"][:2])
            assert printed in re.sub(" +", " ", reported)
            assert printed not in re.sub(" +", " ", verified)
    assert "Random embeddings" not in reported and "settings)" not in reported
    assert "**synthetic**" in verified
