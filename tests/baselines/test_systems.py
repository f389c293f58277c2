"""A system of one file goes the whole way, and its targets are those of base persons alone."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace

import numpy as np
import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines.checkpoint import load_checkpoint  # noqa: E402
from oneshot_emotic_baselines.data import base_split, random_changes, shifted  # noqa: E402
from oneshot_emotic_baselines.embed import embed_task  # noqa: E402
from oneshot_emotic_baselines.recipes import RECIPES, Recipe, recipe_named, register  # noqa: E402
from oneshot_emotic_baselines.settings import Settings  # noqa: E402
from oneshot_emotic_baselines.targets import base_targets, moved_boxes  # noqa: E402
from oneshot_emotic_baselines.train import train  # noqa: E402

from oneshot_emotic.emotic.layout import find_annotations, find_layout  # noqa: E402
from oneshot_emotic.emotic.persons import read_annotations  # noqa: E402
from oneshot_emotic.errors import InputError  # noqa: E402


@pytest.fixture(scope="module")
def tenth():
    """The system is known in these tests and no others."""
    importlib.import_module("tenth")
    yield
    del RECIPES["tenth"], sys.modules["tenth"]


@pytest.fixture(scope="module")
def annotations():
    return read_annotations(find_annotations(find_layout(tiny.stand_in()))).persons.set_index(
        "sample_id"
    )


def test_one_file_is_all_it_takes(tmp_path, tenth, run):
    """Listed, trained, embedded and scored by the command line, with defaults of its own."""
    tiny.prepared()
    data = ("--data", tiny.stand_in(), "--dataset", tiny.dataset())
    own = ("--import", "tenth")
    assert "The tenth" in run(*own, "baselines").output
    given = ("train", "tenth", "--task", "cat-6-6", *data, "-o", tmp_path / "runs")
    run(*own, *given, "--validation-draws", 5)
    folder = tmp_path / "runs/tenth/cat-6-6/seed-0"
    header = (folder / "log.csv").read_text().splitlines()[0]
    assert header == "epoch,learning_rate,loss,triplet,cross_entropy,affect,corner,validation"
    stated = load_checkpoint(folder / "checkpoint.safetensors")
    assert stated["settings"]["embedding"] == 12 and stated["size"] == 32
    assert stated["settings"]["schedule"] == "cosine" and stated["settings"]["epochs"] == 3
    run(*own, "embed", folder / "checkpoint.safetensors", *data, "-o", tmp_path / "out")
    file = tmp_path / "out/cat-6-6.safetensors"
    assert "The tenth" in run("score", file, "--dataset", tiny.dataset()).output


def test_a_module_that_is_not_there(run):
    result = run("--import", "eleventh", "baselines", status=2)
    assert "--import eleventh: there is no module eleventh" in result.output


def test_a_system_that_nobody_has_registered(tenth_run, monkeypatch):
    """A checkpoint names a recipe and no module: nothing is imported for it."""
    monkeypatch.delitem(RECIPES, "tenth")
    with pytest.raises(InputError, match="there is no recipe 'tenth'"):
        embed_task(tenth_run[0].checkpoint, tiny.task(), tiny.data())


def test_its_embedding_is_tapped_where_it_says(tenth_run):
    """Its own field of the outputs, not at unit length."""
    run, _ = tenth_run
    vectors = embed_task(run.checkpoint, tiny.task(), tiny.data())
    found = np.stack(list(vectors.values()))
    assert found.shape[1] == 12 and (np.abs(found) <= 1).all()  # after a tanh
    assert not np.allclose(np.linalg.norm(found, axis=1), 1, atol=0.01)


@pytest.fixture(scope="module")
def tenth_run(tmp_path_factory, tenth):
    split = base_split(tiny.task())
    targets = base_targets(split, tiny.data(), tiny.stand_in())
    settings = Settings.of("tenth", "cat-6-6", epochs=2, validation_draws=5)
    folder = tmp_path_factory.mktemp("tenth")
    return train(settings, split, tiny.data(), folder, targets=targets), targets


def test_the_loss_is_the_weighted_sum(tenth_run):
    for line in tenth_run[0].history:
        expected = line["cross_entropy"] + 5 * line["affect"] + 0.5 * line["corner"]
        assert line["loss"] == pytest.approx(expected, rel=1e-5) and line["triplet"] == 0
    rates = [line["learning_rate"] for line in tenth_run[0].history]
    assert rates == pytest.approx([1e-3, 5e-4])  # half a cosine: half-way, half the rate


def test_it_goes_on_to_the_same_bits(tenth_run, tmp_path):
    run, targets = tenth_run

    def stop(line):
        assert line["epoch"] == 1 and "affect" in line
        raise tiny.StopError

    split = base_split(tiny.task())
    with pytest.raises(tiny.StopError):
        train(run.settings, split, tiny.data(), tmp_path, targets=targets, on_epoch=stop)
    train(run.settings, split, tiny.data(), tmp_path, targets=targets)
    assert tiny.files_of(tmp_path) == tiny.files_of(run.checkpoint.parent)


def test_without_its_targets_it_is_not_trained(tenth_run, tmp_path):
    with pytest.raises(InputError, match="tenth is trained on affect, box too, and none is given"):
        train(tenth_run[0].settings, base_split(tiny.task()), tiny.data(), tmp_path)


def test_targets_are_of_base_persons_alone(annotations):
    """As the annotations have them, row by row; a split knows no novel person to look up."""
    split, data = base_split(tiny.task()), tiny.data()
    targets = base_targets(split, data, tiny.stand_in())
    assert {len(values) for values in targets.values()} == {len(split)}
    for row in range(0, len(split), 7):
        person = annotations.loc[split.sample_ids[row]]
        width, height = data.stored[data.image_row[split.sample_ids[row]]]
        assert targets["affect"][row] == pytest.approx(
            [person.valence, person.arousal, person.dominance], nan_ok=True
        )
        assert targets["box"][row] * [width, height, width, height] == pytest.approx(
            [person.x1, person.y1, person.x2, person.y2], abs=1e-3
        )
    other = replace(split, persons=replace(split.persons, sample_ids=("x", *split.sample_ids[1:])))
    with pytest.raises(InputError, match="lacks 1 persons of the task, such as x"):
        base_targets(other, data, tiny.stand_in())


def test_targets_of_novel_persons_are_not_even_read(monkeypatch):
    """From annotations without them come the same numbers, by a split that knows of none."""
    task = tiny.task()
    split = base_split(replace(task, novel=None, support=None))
    whole = base_targets(split, tiny.data(), tiny.stand_in())
    novel = set(task.novel.sample_ids)
    assert len(whole["affect"]) == len(split) and not novel & set(split.sample_ids)

    def without(path):
        found = read_annotations(path)
        return replace(found, persons=found.persons[~found.persons.sample_id.isin(novel)])

    monkeypatch.setattr("oneshot_emotic_baselines.targets.read_annotations", without)
    again = base_targets(split, tiny.data(), tiny.stand_in())
    for name in whole:
        assert np.array_equal(whole[name], again[name], equal_nan=True)


def test_boxes_follow_the_picture():
    """A white rectangle, mirrored and moved with its picture, is found again in its box."""
    side, random = 40, torch.Generator().manual_seed(0)
    corners = np.array([[4, 6, 15, 20], [20, 10, 36, 30], [8, 8, 20, 36], [10, 4, 30, 34]] * 8)
    pixels = torch.zeros(len(corners), side, side, 3, dtype=torch.uint8)
    for picture, (left, top, right, bottom) in zip(pixels, corners, strict=True):
        picture[top:bottom, left:right] = 255
    mirrored, moved = random_changes(len(corners), side, 0.5, 0.1, random)
    changed = shifted(pixels, mirrored, moved[:, 0])[..., 0]
    boxes = torch.from_numpy(corners / side).float()
    found = (moved_boxes(boxes, mirrored, moved, side) * side).round().int().tolist()
    for picture, box in zip(changed, found, strict=True):
        rows, columns = (picture.amax(dim=axis).nonzero().flatten() for axis in (1, 0))
        seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        assert box == [int(x) for x in seen]
    assert mirrored.any() and not mirrored.all()
    unknown = moved_boxes(torch.full((1, 4), torch.nan), mirrored[:1], moved[:1], side)
    assert unknown.isnan().all()


def test_a_name_is_one_recipes():
    with pytest.raises(InputError, match="there is a recipe 'i-dml' already"):
        register(Recipe("i-dml", "Another"))
    with pytest.raises(InputError, match="Did you mean 'sem-i-dml'"):
        recipe_named("sem-i-dlm")
