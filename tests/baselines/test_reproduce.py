"""From a copy to a leaderboard of all baselines in one command, which goes on where it stopped."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines import reproduce  # noqa: E402
from oneshot_emotic_baselines.recipes import RECIPES  # noqa: E402
from oneshot_emotic_baselines.settings import Settings  # noqa: E402

from oneshot_emotic.escaping import markdown_text  # noqa: E402
from oneshot_emotic.submission.folder import read_submission_folder  # noqa: E402
from oneshot_emotic.worklist import in_processes  # noqa: E402

small = pytest.fixture(scope="module")(tiny.small)


@pytest.fixture(scope="module")
def quick(small):
    """A small network and a small scale."""
    scale = reproduce.SCALES["quick"]
    changes = {**scale.changes, "epochs": 1, "persons_per_epoch": 32, "validation_draws": 5}
    made = replace(scale, size=tiny.SIZE, tasks=("cat-6-6",), changes=changes)
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(reproduce.SCALES, "quick", made)
        yield


@pytest.fixture(scope="module")
def made(quick, tmp_path_factory):
    """A reproduction of every baseline on one task, and what it said."""
    work = tmp_path_factory.mktemp("work") / "out"
    tiny.data()
    return work, tiny.cli(*arguments(work))


def arguments(work):
    return (
        *("reproduce", tiny.stand_in(), "--quick", "--weights", "none", "--device", "cpu"),
        *("--jobs", 1, "--workers", 1, "-o", work),
    )


def test_every_baseline_has_a_row(made):
    work, output = made
    page = (work / "leaderboard/README.md").read_text(encoding="utf-8")
    verified, reported = page.split("## Reported in papers")
    for recipe in RECIPES.values():
        if not recipe.in_paper or recipe.name == "ib-dml-places":
            assert f"\n{recipe.name} " not in output.replace("\nib-dml-places is left out", "")
            continue
        if recipe.kind == "trained":
            assert f"| {markdown_text(recipe.title)} (" in verified
            assert f"{recipe.reported['cat-6-6']:.2f}" in reported
        if recipe.kind != "control":
            assert f"\n{recipe.name} " in output
    assert "Random embeddings" in verified and "Always the majority class" in verified
    assert "synthetic, label rule argmax" in output
    assert "min left" in output or "s left" in output
    assert output.count("ib-dml-places is left out: so pretrained it is the same as ib-dml") == 1


def test_rows_say_how_they_were_made(made):
    work, _ = made
    for folder in sorted((work / "submissions").iterdir()):
        submission = read_submission_folder(folder)
        if folder.name == "random":
            continue
        said = submission.model["description"]
        assert f"{tiny.SIZE} x {tiny.SIZE} pixels, 1 epoch of 32 persons" in said
        assert "random first weights" in said and f"torch {torch.__version__}" in said
        assert said.count("tuned recipe, quick settings") == 1
        assert submission.model["pretraining"] == "none"
        assert submission.model["training_seeds"] == [0]


def test_runs_of_several_seeds_are_one_row(quick, tmp_path):
    few = ("--baseline", "random", "--baseline", "sem-dml", "--seeds", 2)
    tiny.cli(*arguments(tmp_path), *few)
    found = read_submission_folder(tmp_path / "submissions/sem-dml")
    names = [run["file"] for run in found.references["cat-6-6"]]
    assert names == ["cat-6-6-seed-0.safetensors", "cat-6-6-seed-1.safetensors"]
    assert len({run["sha256"] for run in found.references["cat-6-6"]}) == 2
    assert found.model["training_seeds"] == [0, 1]
    assert len(read_submission_folder(tmp_path / "submissions/random").references["cat-6-6"]) == 1


def test_the_recipes_of_a_scale():
    """Of the small ones tuned, with the paper's at a rate that moves random weights."""
    tuned, paper = (
        reproduce.chosen_scale("reduced", synthetic=True, recipe=recipe)
        for recipe in (None, "paper")
    )
    of_tuned, of_paper = (
        Settings.of("ib-dml", "lev-6-4-valence", scale.recipe, **scale.changes)
        for scale in (tuned, paper)
    )
    assert (of_tuned.trunk_lr, of_tuned.optimiser, of_tuned.learning_rate) == (0, "adamw", 1e-3)
    assert (of_paper.trunk_lr, of_paper.optimiser, of_paper.learning_rate) == (1, "rmsprop", 3.5e-4)
    assert {of_tuned.weights, of_paper.weights} == {"stand-in"}
    full = reproduce.chosen_scale(None, synthetic=False)
    assert Settings.of("ib-dml", "cat-6-6", full.recipe, **full.changes) == Settings(
        "ib-dml", "cat-6-6"
    )
    scratch = Settings.of("ib-dml", "cat-6-6", "tuned", weights="none")
    assert scratch.trunk_lr == 1 and scratch.balanced


def test_the_same_command_again_does_only_what_is_missing(made):
    work, _ = made
    before = tiny.files_of(work / "submissions")
    page = (work / "leaderboard/README.md").read_bytes()
    assert "7 of 7 were done before" in tiny.cli(*arguments(work))
    (work / "submissions/b-dml-resnet18/cat-6-6.safetensors").unlink()
    (work / "runs/i-dml-resnet18/cat-6-6/seed-0/done.json").write_text("{}")
    output = tiny.cli(*arguments(work))
    assert "5 of 7 were done before" in output
    assert "b-dml on cat-6-6" in output and "kosti on cat-6-6" not in output
    after = tiny.files_of(work / "submissions")
    embeddings = {name for name in before if name.endswith(".safetensors")}
    assert {name: after[name] for name in embeddings} == {name: before[name] for name in embeddings}
    assert (work / "leaderboard/README.md").read_bytes() == page


def test_stopped_and_begun_again_the_files_are_the_same(quick, tmp_path, monkeypatch):
    """All of them, but for how long each training took."""
    recipes = ("--baseline", "random", "--baseline", "b-dml")
    tiny.cli(*arguments(tmp_path / "whole"), *recipes)

    def stop(job, *rest):
        raise tiny.StopError

    with monkeypatch.context() as patched, pytest.raises(tiny.StopError):
        patched.setattr(reproduce, "sha256_of_file", stop)
        tiny.cli(*arguments(tmp_path / "stopped"), *recipes)
    slower = SimpleNamespace(monotonic=lambda: 1000 * time.monotonic())
    monkeypatch.setattr(reproduce, "time", slower)
    tiny.cli(*arguments(tmp_path / "stopped"), *recipes)
    files = [tiny.files_of(tmp_path / name) for name in ("whole", "stopped")]
    times = [path for path in files[0] if path.endswith("time.json")]
    assert times == ["runs/b-dml-resnet18/cat-6-6/seed-0/time.json"]
    seconds = [json.loads(found.pop(times[0]))["seconds"] for found in files]
    assert files[0] == files[1] and seconds[1] > seconds[0]


def test_other_settings_are_not_taken_for_done(made):
    work, _ = made
    scale = reproduce.SCALES["quick"]
    changes = {**scale.changes, "weights": "none"}
    dataset = str(work / "dataset")
    for other, done in ((changes, True), ({**changes, "epochs": 2}, False)):
        again = reproduce.Reproduction(
            replace(scale, changes=other), work, tiny.stand_in(), dataset, device="cpu"
        )
        trained = [job for job in again.jobs() if job.recipe.kind == "trained"]
        assert [again.is_done(job) for job in trained] == [done] * 6


@pytest.mark.parametrize("synthetic", [True, False])
def test_systems_are_trained_unasked_on_the_stand_in_alone(quick, tmp_path, monkeypatch, synthetic):
    def asked(self, recipes, say):
        assert set(recipes) >= set(reproduce.OF_PAPER)
        systems = {"cage", "cage-discrete", "mt-clar", "frozen", "frozen-head"}
        assert systems & set(recipes) == (systems if synthetic else set())
        raise tiny.StopError

    monkeypatch.setattr(reproduce.Reproduction, "jobs", asked)
    (tmp_path / "stand-in").symlink_to(tiny.stand_in())
    where = "--synthetic" if synthetic else tiny.stand_in()
    with pytest.raises(tiny.StopError):
        tiny.cli("reproduce", where, "--quick", "--device", "cpu", "-o", tmp_path)


def test_what_needs_places365_weights_is_named(quick, tmp_path, run):
    result = run(
        *("reproduce", tiny.stand_in(), "--quick", "--baseline", "random", "--baseline", "kosti"),
        *("-o", tmp_path / "out", "--device", "cpu", "--workers", 1),
    )
    assert "kosti is left out: it begins with Places-365 weights" in result.output
    assert [x.name for x in (tmp_path / "out/submissions").iterdir()] == ["random"]
    result = run("reproduce", "--quick", status=2)
    assert "give an EMOTIC copy or --synthetic" in result.output


@pytest.mark.parametrize(
    ("device", "count", "found"),
    [
        ("auto", 2, ["cuda:0", "cuda:1"]),
        ("cuda", 2, ["cuda:0", "cuda:1"]),
        ("cuda:1", 2, ["cuda:1"]),
        ("cpu", 2, []),
        ("auto", 0, []),
        ("cuda", 0, ["cuda"]),  # which is refused when it is used
    ],
)
def test_the_gpus_that_are_meant(monkeypatch, device, count, found):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    assert reproduce.gpus(device) == found
    assert reproduce.own_device(device) == device  # alone, not a worker


def own_device_with(count, folder, workers):
    """The device of a worker that sees so many GPUs, once all workers are here."""
    torch.cuda.device_count = lambda: count
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < workers:
        time.sleep(0.01)
    return reproduce.own_device("auto")


def test_jobs_are_spread_over_the_gpus(tmp_path):
    job = partial(own_device_with, folder=tmp_path, workers=4)
    found = [device for _, device in in_processes(job, [2] * 4, 4)]
    assert sorted(found) == ["cuda:0", "cuda:0", "cuda:1", "cuda:1"]


def test_full_scale_is_the_paper():
    full = reproduce.SCALES["full"]
    assert full.changes == {} and full.size_of(RECIPES["ib-dml"]) == 256
    assert full.settings_of(RECIPES["cage"]) == {} and full.size_of(RECIPES["cage"]) == 224
    assert len(reproduce.SCALES["full"].tasks) == len(reproduce.SCALES["reduced"].tasks) == 8


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 s"), (89, "89 s"), (95, "2 min"), (5000, "83 min"), (7500, "2 h 05 min")],
)
def test_durations(seconds, words):
    assert reproduce.duration(seconds) == words
