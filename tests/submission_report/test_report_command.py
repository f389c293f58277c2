"""`oneshot-emotic report`, right and wrong."""

from __future__ import annotations

import json
import re
import shutil
from urllib.parse import unquote

import numpy as np
import pytest
from made import small_dataset, small_stand_in, small_tasks, submission_folder
from pages import Page
from submission_report.small_reports import vectors

from oneshot_emotic import load_task, open_pictures, write_submission
from oneshot_emotic.cli.main import main

pytest.importorskip("jinja2")
pytestmark = pytest.mark.usefixtures("flat_map")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "splits"
    small_dataset(folder, small_tasks(6, 6))
    return folder


@pytest.fixture
def file(data, tmp_path):
    task = load_task("cat-6-6", data)
    write_submission(tmp_path / "mine.npz", (task.novel.sample_ids, vectors(task)), task)
    return tmp_path / "mine.npz"


def test_a_file(file, data, tmp_path, run):
    out = tmp_path / "new" / "report.html"
    assert run("report", file, "--dataset", data, "-o", out).output == f"report: {out}\n"
    text = out.read_text()
    assert "<h1>Report: mine.npz</h1>" in text
    run(
        "score",
        file,
        "--dataset",
        data,
        "--json",
        tmp_path / "s.json",
        *(x for shots in range(1, 6) for x in ("--shots", shots)),
    )
    data_text = re.search(r'id="data">(.*?)</script>', text)[1]
    scores = json.loads(data_text)["submissions"][0]["scores"]
    assert scores == json.loads((tmp_path / "s.json").read_text())
    assert [x.name for x in out.parent.iterdir()] == ["report.html"]
    before = out.read_bytes()
    run("report", file, "--dataset", data, "-o", out)
    assert out.read_bytes() == before


def test_several_side_by_side(file, data, tmp_path, run):
    tasks = {name: load_task(name, data) for name in ("cat-6-6", "cat-6-4")}
    other = submission_folder(tmp_path / "other", tasks["cat-6-6"], vectors(tasks["cat-6-6"], 1))
    folder = tmp_path / "folder"
    for name, task in tasks.items():
        write_submission(folder / f"{name}.npz", (task.novel.sample_ids, vectors(task)), task)
    run("report", file, other, folder, "--dataset", data, "-o", tmp_path / "r.html")
    page = Page((tmp_path / "r.html").read_text())
    names = [row[0] for row in page.cells[0][1:]]
    assert names == ["A: mine.npz", "B: Model other", "C: folder"]
    assert page.cells[0][3][1] == "cat-6-6, cat-6-4"
    run("report", folder, "--dataset", data, "--task", "cat-6-4", "-o", tmp_path / "r.html")
    assert Page((tmp_path / "r.html").read_text()).cells[0][1][1] == "cat-6-4"


def test_figures_alone(file, data, tmp_path, run, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("oneshot_emotic.submission_report.figures.FORMATS", ("svg",))
    result = run("report", file, "--dataset", data, "--figures", tmp_path / "f")
    assert result.output == f"figures: 14 files in {tmp_path / 'f'}\n"
    assert len(list((tmp_path / "f").iterdir())) == 14


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "nothing to make"),
        (("--figures", "f", "--images", "x"), "--images is for the page"),
        (("-o", "r.html", "--embed-images"), "--embed-images needs pictures"),
        (("-o", "r.html", "--annotations", "x"), "--annotations needs pictures"),
        (("-o", "r.html", "--figures", "mine.npz"), "is not a folder"),
        (("-o", "mine.npz"), "is read by this command too"),
        (("-o", "r.html", "--images", "nowhere"), "nowhere"),
        (("-o", "r.html", "--task", "cat-6-4"), "is for the task 'cat-6-6'"),
        (("-o", "r.html", "missing.npz"), "missing.npz"),
    ],
)
def test_wrong_inputs(file, data, tmp_path, run, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    result = run("report", "mine.npz", "--dataset", data, *options, status=2)
    assert message in result.output and result.output.startswith("error: ")
    assert sorted(x.name for x in tmp_path.iterdir()) == ["mine.npz"]


def test_a_page_is_written_again_beside_what_it_is_made_from(file, data, run):
    folder, figures = file.parent, file.parent / "figures"
    for _ in range(2):
        run("report", folder, "--dataset", data, "-o", folder / "report.html")
    figures.mkdir()
    result = run("report", folder, "--dataset", data, "--figures", figures, status=2)
    assert "is read by this command too" in result.output and not list(figures.iterdir())


def test_the_problems_of_all_at_once(data, tmp_path, run):
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text("{")
    paths = (tmp_path / "a.json", tmp_path / "b.json")
    result = run("report", *paths, "--dataset", data, "-o", tmp_path / "r.html", status=2)
    assert "a.json" in result.output and "b.json" in result.output


def test_without_the_extra(file, data, tmp_path, run, monkeypatch):
    def missing(points):
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")

    monkeypatch.setattr("oneshot_emotic.submission_report.embedding_map._tsne", missing)
    result = run("report", file, "--dataset", data, "-o", tmp_path / "r.html", status=2)
    assert "pip install 'oneshot-emotic[report]'" in result.output


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A stand-in with pictures, its splits, embeddings."""
    folder = tmp_path_factory.mktemp("world")
    root = small_stand_in(folder / "stand in", 150)
    main(["build", str(root), "-o", str(folder / "splits"), "--no-images"], standalone_mode=False)
    task = load_task("cat-6-6", folder / "splits")
    array = np.random.default_rng(0).normal(size=(len(task.novel), 8)).astype(np.float32)
    write_submission(folder / "mine.npz", (task.novel.sample_ids, array), task)
    return folder


class TestPictures:
    def made(self, world, run, *options):
        arguments = ("--dataset", world / "splits", "-o", world / "out/r.html")
        result = run("report", world / "mine.npz", *arguments, *options)
        return result.output, (world / "out/r.html").read_text()

    def addresses(self, text):
        return re.findall(r'<image href="([^"]+)"', text)

    def test_files_are_named_from_where_the_page_is(self, world, run):
        output, text = self.made(world, run, "--images", world / "stand in")
        addresses = self.addresses(text)
        assert len(addresses) > 12 and "warning" not in output
        pictures = open_pictures(world / "stand in")
        for address in addresses:
            assert address.startswith("../stand%20in/") and str(world) not in address
            assert (world / "out" / unquote(address)).is_file()
        assert "img-src data: file:;" in text
        sample_id = re.search(r"query, \w+<br><code>(.*?)</code>", text)[1]
        box = pictures[sample_id].box
        shown = f'viewBox="{box[0]} {box[1]} {box[2] - box[0]} {box[3] - box[1]}"'
        assert shown in text

    def test_copies_come_with_a_warning(self, world, run):
        output, text = self.made(world, run, "--images", world / "stand in", "--embed-images")
        assert "warning: Pictures of the data set are copied into this page" in output
        assert "licence does not let you share them" in text.split("<script")[0]
        addresses = self.addresses(text)
        assert addresses and all(x.startswith("data:image/jpeg;base64,") for x in addresses)
        assert "img-src data:;" in text and "stand%20in" not in text
        assert self.made(world, run, "--images", world / "stand in", "--embed-images")[1] == text

    def test_without_images_there_are_none(self, world, run):
        _, text = self.made(world, run)
        assert not self.addresses(text) and "stand in" not in text and "no picture" not in text

    def test_broken_files_are_said(self, world, run, tmp_path):
        root = shutil.copytree(world / "stand in", tmp_path / "root")
        for path in root.rglob("*.jpg"):
            path.write_bytes(b"x")
        output, text = self.made(world, run, "--images", root)
        assert "shown without a picture" in output and not self.addresses(text)

    def test_another_copy_is_refused(self, world, run, tmp_path):
        main(
            ["synth", str(tmp_path / "few"), "--annotations-only", "--persons", "20"],
            standalone_mode=False,
        )
        result = run(
            "report",
            world / "mine.npz",
            "--dataset",
            world / "splits",
            "-o",
            tmp_path / "r.html",
            "--images",
            tmp_path / "few",
            status=2,
        )
        assert "not in these annotations" in result.output
        assert [x.name for x in tmp_path.iterdir()] == ["few"]
