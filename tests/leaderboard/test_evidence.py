"""Rows whose splits are not here: carried over from what whoever has them committed."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import REPOSITORY
from made import SAID, persons_of, small_checkout, small_dataset, small_tasks, submission_folder

from oneshot_emotic import write_submission
from oneshot_emotic.cli.main import main
from oneshot_emotic.dataset.folder import read_task
from oneshot_emotic.leaderboard.evidence import FORMAT

TASKS = ("cat-6-6", "cat-6-4")
Made = namedtuple("Made", "root splits")


@pytest.fixture(scope="module", autouse=True)
def nothing_of_the_user(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture
def absent(monkeypatch):
    monkeypatch.delenv("ONESHOT_EMOTIC_DATA", raising=False)


@pytest.fixture
def present(made, monkeypatch):
    monkeypatch.setenv("ONESHOT_EMOTIC_DATA", str(made.splits))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A checkout with a row on synthetic and three on an EMOTIC that not everybody has."""
    folder = tmp_path_factory.mktemp("made")
    root, splits = small_checkout(folder / "checkout"), folder / "splits"
    small_dataset(splits, small_tasks(persons=5))
    for place, slug in enumerate(("close", "far", "middle")):
        add(root, splits, slug, noise=(0.4, 3.0, 1.2)[place])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONESHOT_EMOTIC_DATA", str(splits))
        main(["leaderboard", str(root)], standalone_mode=False)
    return Made(root, splits)


def add(root, splits, slug, noise, tasks=TASKS):
    """A submission that knows the classes, more or less."""
    folder = root / "submissions" / slug
    documents = []
    for name in tasks:
        task = read_task(splits, name)
        rng = np.random.default_rng(len(slug))
        array = np.eye(len(task.classes))[task.novel_labels]
        submission_folder(folder, task, array + noise * rng.normal(size=array.shape))
        documents.append(json.loads((folder / "submission.json").read_text()))
    both = {**documents[0], "tasks": {k: v for x in documents for k, v in x["tasks"].items()}}
    (folder / "submission.json").write_text(json.dumps(both))
    return folder


@pytest.fixture
def checkout(made, tmp_path):
    return shutil.copytree(made.root, tmp_path / "checkout")


def content(folder):
    return {x.relative_to(folder): x.read_bytes() for x in folder.rglob("*") if x.is_file()}


def test_without_the_splits_the_same_bytes(checkout, absent, run):
    before = content(checkout)
    said = run("leaderboard", checkout, "--check").output
    assert "4 submissions: the leaderboard is up to date" in said
    assert "emotic (argmax): its splits are not here, so 3 of its rows are carried over" in said
    (checkout / "leaderboard/README.md").unlink()
    assert "1 files changed" in run("leaderboard", checkout).output
    assert content(checkout) == before
    page = (checkout / "leaderboard/README.md").read_text()
    assert "not recomputed but carried over" in page.split("## Verified on `emotic`")[1]
    assert "not recomputed" not in page.split("## Verified on `synthetic`")[1].split("## ")[0]


@pytest.mark.parametrize("export", ["csv", "json", "latex"])
def test_exports_are_the_same_but_say_so(checkout, export, monkeypatch, made, run):
    monkeypatch.delenv("ONESHOT_EMOTIC_DATA", raising=False)
    without = run("leaderboard", checkout, "--format", export).stdout
    monkeypatch.setenv("ONESHOT_EMOTIC_DATA", str(made.splits))
    there = run("leaderboard", checkout, "--format", export).stdout
    if export == "csv":
        lines = list(csv.DictReader(io.StringIO(without)))
        said = {(x["dataset"], x["recomputed_here"]) for x in lines}
        assert said == {("emotic", "False"), ("synthetic", "True")}
        without = without.replace("1,False", "1,True")
    if export == "json":
        boards = json.loads(without)["verified"]
        assert [x["recomputed_here"] for x in boards] == [False, True]
        without = without.replace('"recomputed_here": false', '"recomputed_here": true')
    assert without == there


def test_a_removed_row_leaves_what_whoever_has_the_splits_would_make(
    checkout, made, run, monkeypatch
):
    """One row has a task more than the others, so the control rows change with it too."""
    monkeypatch.setenv("ONESHOT_EMOTIC_DATA", str(made.splits))
    add(checkout, made.splits, "wide", 0.5, tasks=(*TASKS, "lev-7-3-arousal"))
    run("leaderboard", checkout)
    monkeypatch.delenv("ONESHOT_EMOTIC_DATA")
    shutil.rmtree(checkout / "submissions/wide")
    assert "removed" in run("leaderboard", checkout).output
    assert content(checkout) == content(made.root)
    shutil.rmtree(checkout / "submissions/close")
    run("leaderboard", checkout)
    monkeypatch.setenv("ONESHOT_EMOTIC_DATA", str(made.splits))
    run("leaderboard", checkout, "--check")


def test_a_new_row_waits_for_the_splits(checkout, made, run, monkeypatch):
    monkeypatch.delenv("ONESHOT_EMOTIC_DATA", raising=False)
    add(checkout, made.splits, "new", 0.1)
    change = run("leaderboard", checkout, "--diff", made.root).output
    assert "- Model new (`new`), on `emotic`" in change
    assert "new: waits for somebody" in run("leaderboard", checkout).output
    page = (checkout / "leaderboard/README.md").read_text()
    assert "## Not scored yet" in page and "| Model new" in page
    run("leaderboard", checkout, "--check")
    run("leaderboard", checkout, "--format", "site", "-o", checkout / "site")
    assert "Model new" in (checkout / "site/index.html").read_text()
    monkeypatch.setenv("ONESHOT_EMOTIC_DATA", str(made.splits))
    run("leaderboard", checkout)
    page = (checkout / "leaderboard/README.md").read_text()
    assert "## Not scored yet" not in page and "| Model new" in page


def test_a_data_set_can_be_required(checkout, run, absent):
    said = run("leaderboard", checkout, "--check", "--require", "emotic", status=2).output
    assert said.count("the data set 'emotic' is not here") == 3
    run("leaderboard", checkout, "--check", "--require", "synthetic")


def test_no_slug_is_the_name_of_a_data_sets_file(checkout, made, run, monkeypatch):
    """The longest slugs, one of them the fingerprint itself."""
    monkeypatch.setenv("ONESHOT_EMOTIC_DATA", str(made.splits))
    dataset = json.loads((checkout / "submissions/far/submission.json").read_text())["dataset"]
    add(checkout, made.splits, dataset["fingerprint"], 0.2)
    add(checkout, made.splits, f"dataset-{dataset['fingerprint'][:56]}", 0.3)
    run("leaderboard", checkout)
    assert len(list((checkout / "leaderboard/evidence").iterdir())) == 6
    monkeypatch.delenv("ONESHOT_EMOTIC_DATA")
    run("leaderboard", checkout, "--check")


def test_several_runs_and_a_shared_file_are_carried_too(checkout, made, run, monkeypatch):
    monkeypatch.setenv("ONESHOT_EMOTIC_DATA", str(made.splits))
    tasks = [read_task(made.splits, name) for name in TASKS]
    persons = persons_of(tasks)
    files = []
    for seed in range(3):
        array = np.random.default_rng(seed).normal(size=(len(persons), 2))
        path = checkout.parent / f"run-{seed}.safetensors"
        write_submission(path, (persons, array), tasks, {"name": "Runs"})
        files.append(path)
    run("submit", *files, "--root", checkout, *SAID, "--base", "none")
    names = {path.name for path in (checkout / "submissions/runs").iterdir()}
    assert names == {"submission.json", *(f"shared.run-{n}.safetensors" for n in (1, 2, 3))}
    run("leaderboard", checkout)
    assert "3 seeds" in (checkout / "leaderboard/README.md").read_text()
    monkeypatch.delenv("ONESHOT_EMOTIC_DATA")
    run("leaderboard", checkout, "--check")
    (checkout / "submissions/runs/shared.run-2.safetensors").write_bytes(b"")
    assert "shared.run-2" in run("leaderboard", checkout, status=2).output


def test_other_splits_of_the_name_do_not_score_it(checkout, run, monkeypatch, tmp_path):
    """As after a new protocol: the old rows stay, in a table of their own."""
    small_dataset(tmp_path / "newer", small_tasks(persons=6))
    monkeypatch.setenv("ONESHOT_EMOTIC_DATA", str(tmp_path / "newer"))
    run("leaderboard", checkout, "--check")
    add(checkout, tmp_path / "newer", "newer", 0.1)
    run("leaderboard", checkout)
    page = (checkout / "leaderboard/README.md").read_text()
    parts = page.split("## Verified on `emotic`")
    assert sorted("Model newer" in part for part in parts[1:]) == [False, True]
    said = run("leaderboard", checkout, "--require", "emotic", status=2).output
    assert "close: its splits are not here, but others of the same name" in said


@pytest.mark.parametrize(
    ("name", "splits", "status"),
    [
        ("leaderboard/evidence/far.json", False, 2),
        ("leaderboard/evidence/far.json", True, 1),
        ("leaderboard/evidence/DATASET.json", False, 2),
        ("leaderboard/evidence/DATASET.json", True, 1),
        ("leaderboard/scores/far.json", False, 2),
        ("leaderboard/README.md", False, 1),
        ("submissions/far/submission.json", False, 2),
        ("submissions/far/submission.json", True, 2),
        ("submissions/far/cat-6-4.npz", False, 2),
        ("submissions/far/cat-6-4.npz", True, 2),
    ],
)
def test_any_byte_changed_is_found(
    made, tmp_path_factory, name, splits, status, run, rng, monkeypatch
):
    copy = shutil.copytree(made.root, tmp_path_factory.mktemp("changed") / "checkout")
    shutil.rmtree(copy / "submissions/random")  # it would only take time
    monkeypatch.setenv("ONESHOT_EMOTIC_DATA", str(made.splits))
    run("leaderboard", copy)
    if not splits:
        monkeypatch.delenv("ONESHOT_EMOTIC_DATA")
    run("leaderboard", copy, "--check")
    dataset = json.loads((copy / "submissions/far/submission.json").read_text())["dataset"]
    path = copy / name.replace("DATASET", f"dataset-{dataset['fingerprint']}")
    sound = path.read_bytes()
    for place in rng.integers(0, len(sound), 2 if splits else 10):
        damaged = bytearray(sound)
        damaged[place] ^= rng.choice([1, 2, 16, 32])
        path.write_bytes(damaged)
        result = CliRunner().invoke(main, ["leaderboard", str(copy), "--check"])
        assert result.exit_code == status, result.output


@pytest.mark.parametrize("gone", ["evidence/far.json", "scores/far.json", "evidence/*.json"])
def test_missing_files_are_named(checkout, run, absent, gone):
    for path in (checkout / "leaderboard").glob(gone):
        path.unlink()
    if gone == "evidence/*.json":
        gone = "evidence/"
    said = run("leaderboard", checkout, status=2).output
    assert gone in said and "is missing. Restore it" in said


def reseal(path, change):
    """What a forger does: the content changed, and the seal made anew."""
    whole = json.loads(path.read_text())
    change(whole["content"])
    text = json.dumps(whole["content"], separators=(",", ":"))
    seal = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(f'{{"format":"{FORMAT}","seal":"{seal}","content":{text}}}\n')


FIGURE = ("scores", "tasks", "cat-6-4", "1", "balanced_accuracy", "evidence")


@pytest.mark.parametrize(
    ("what", "value"),
    [
        (("scores", "tasks", "cat-6-4", "1", "runs"), 2),
        (("scores", "tasks", "cat-6-4", "1", "balanced_accuracy", "evidence", "terms"), "AAAA"),
        (
            ("scores", "tasks", "cat-6-4", "1", "balanced_accuracy", "evidence", "terms"),
            "AAAAAAAAAAA=",
        ),
        (("scores", "tasks", "cat-6-4"), {}),
        (("scores", "tasks", "lev-7-3-arousal"), {}),
        (("scores", "dataset", "name"), "**bold**"),
        (("scores", "dataset", "protocol"), 2),
        (("scores",), None),
        (("scores", "tasks", "cat-6-4", "1", "classes"), ["Esteem"]),
        (("scores", "tasks", "cat-6-4", "1", "classes"), ["Esteem", "Awe"]),
        ((*FIGURE, "draws"), []),
        ((*FIGURE, "draws", 0, "excess"), -1),
        ((*FIGURE, "draws", 0, "values"), "AAAAAAAA+H8AAAAAAAD4fw=="),
        ((*FIGURE, "terms"), None),
        ((*FIGURE, "scale"), None),
        ((*FIGURE, "scale", "greatest"), -5),
    ],
)
def test_content_that_cannot_be_is_one_message(checkout, run, absent, what, value):
    path = checkout / "leaderboard/evidence/far.json"

    def change(content):
        for name in what[:-1]:
            content = content[name]
        content[what[-1]] = value

    reseal(path, lambda content: None)
    run("leaderboard", checkout, "--check")  # the forger's seal alone is as good as ours
    reseal(path, change)
    said = run("leaderboard", checkout, status=2).output
    assert "evidence/far.json: is damaged" in said


@pytest.mark.parametrize("export", ["--check", "json"])
def test_terms_that_are_no_numbers(checkout, run, absent, export):
    path = checkout / "leaderboard/evidence/far.json"

    def change(content):
        for name in FIGURE:
            content = content[name]
        content["terms"] = base64.b64encode(
            b"\xff" * len(base64.b64decode(content["terms"]))
        ).decode()

    reseal(path, change)
    options = ["--check"] if export == "--check" else ["--format", export]
    assert "is damaged" in run("leaderboard", checkout, *options, status=2).output


@pytest.mark.parametrize(
    "change", [lambda x: x.pop("5"), lambda x: x["1"].update(classes=["Esteem"])]
)
def test_control_rows_that_cannot_be(checkout, run, absent, change):
    (path,) = (checkout / "leaderboard/evidence").glob("dataset-*.json")
    reseal(path, lambda content: change(content["controls"]["cat-6-4"]["chance"]))
    assert f"{path.name}: is damaged" in run("leaderboard", checkout, status=2).output


def test_a_repositorys_name_for_the_same_splits(checkout, made, run, monkeypatch):
    """Found by its fingerprint, the row stands with the others, and is carried as they are."""
    monkeypatch.setenv("ONESHOT_EMOTIC_DATA", str(made.splits))
    folder = add(checkout, made.splits, "named", 0.2)
    document = json.loads((folder / "submission.json").read_text())
    document["dataset"]["name"] = "lab/emotion"
    (folder / "submission.json").write_text(json.dumps(document))
    run("leaderboard", checkout)
    monkeypatch.delenv("ONESHOT_EMOTIC_DATA")
    run("leaderboard", checkout, "--check")


def test_what_waits_is_sound_as_far_as_can_be_seen(checkout, made, run, monkeypatch):
    monkeypatch.delenv("ONESHOT_EMOTIC_DATA", raising=False)
    folder = add(checkout, made.splits, "new", 0.2)
    (folder / "cat-6-4.npz").write_bytes(b"other")
    assert "as stated" in run("leaderboard", checkout, status=2).output
    (folder / "cat-6-4.npz").unlink()
    assert "no such file" in run("leaderboard", checkout, status=2).output


def test_invented_splits_do_not_stop_the_board(checkout, made, run, present):
    folder = add(checkout, made.splits, "invented", 0.2)
    document = json.loads((folder / "submission.json").read_text())
    document["dataset"]["fingerprint"] = "0" * 64
    (folder / "submission.json").write_text(json.dumps(document))
    assert "invented: waits for somebody" in run("leaderboard", checkout).output


def test_an_older_protocol_has_a_table_of_its_own(checkout, run, absent):
    """A row as an older package left it, with a name above it that no newer row shares."""
    leaderboard = checkout / "leaderboard"
    for slug in ("far", "close", "middle"):
        score_file = leaderboard / f"scores/{slug}.json"
        score_file.write_text(score_file.read_text().replace('"protocol": 1', '"protocol": 0'))
        digest = hashlib.sha256(score_file.read_bytes()).hexdigest()

        def older(content, digest=digest):
            content["scores"]["dataset"]["protocol"] = 0
            content["score_file"] = digest

        reseal(leaderboard / f"evidence/{slug}.json", older)
    dataset = json.loads((checkout / "submissions/far/submission.json").read_text())["dataset"]
    path = leaderboard / f"evidence/dataset-{dataset['fingerprint']}.json"
    reseal(path, lambda content: content["dataset"].update(protocol=0))
    run("leaderboard", checkout)
    old, new = (leaderboard / "README.md").read_text().split("## Verified on `synthetic`")
    assert "Protocol 0, fingerprint" in old and "Protocol 1, fingerprint" in new
    run("leaderboard", checkout, "--check")


def test_the_first_evidence_ever_written_is_still_read(run, absent, tmp_path):
    """Committed rows outlive the package that scored them."""
    kept = Path(__file__).parent / "evidence-1"
    shutil.copytree(kept, tmp_path / "checkout")
    shutil.copy(REPOSITORY / "leaderboard/reported.json", tmp_path / "checkout/leaderboard")
    said = run("leaderboard", tmp_path / "checkout").output
    assert "1 submissions" in said
    page = (tmp_path / "checkout/leaderboard/README.md").read_text()
    assert "| Model kept" in page
