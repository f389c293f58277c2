"""Heads on frozen features: what they are fitted to, what they write, what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import tiny  # noqa: E402
from oneshot_emotic_baselines import head as module  # noqa: E402
from oneshot_emotic_baselines.head import fit_head, open_features  # noqa: E402
from oneshot_emotic_baselines.settings import HeadSettings  # noqa: E402

from oneshot_emotic import InputError, evaluate, load_task  # noqa: E402
from oneshot_emotic.cli.main import main  # noqa: E402
from oneshot_emotic.encoders.features import Features  # noqa: E402
from oneshot_emotic.submission.embeddings_file import read_embeddings_file  # noqa: E402

QUICK = HeadSettings(epochs=2, embedding=8)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Features of the hand-made encoder of the tiny stand-in."""
    folder = tmp_path_factory.mktemp("features")
    places = ("--data", tiny.stand_in(), "--dataset", tiny.dataset(), "--features", folder)
    tiny.cli("run", "colour-gradient", *places, "--task", "cat-6-6")
    return folder


def weights(head):
    return {name: value.numpy().tobytes() for name, value in head.network.state_dict().items()}


def changed(features, sample_ids, rng):
    """Other vectors for some persons."""
    rows = np.isin(features.sample_ids, list(sample_ids))
    noise = rng.normal(size=features.array.shape).astype(np.float32)
    return replace(features, array=np.where(rows[:, None], noise, features.array))


@pytest.mark.parametrize("hidden", [0, 5])
def test_base_persons_alone_decide(kept, rng, hidden):
    features, task = open_features(kept), tiny.task()
    settings = replace(QUICK, hidden=hidden)
    head = fit_head(features, task, settings)
    assert weights(head) == weights(fit_head(features, task, settings))
    strangers = set(features.sample_ids) - set(task.base.sample_ids)
    assert set(task.novel.sample_ids) <= strangers
    other = fit_head(changed(features, strangers, rng), task, settings)
    assert weights(other) == weights(head) and other.validation == head.validation
    other = fit_head(changed(features, task.base.sample_ids[:1], rng), task, settings)
    assert weights(other) != weights(head)
    assert weights(fit_head(features, task, replace(settings, seed=1))) != weights(head)
    # The clean base leaves out those in an image with a novel person.
    clean = replace(settings, base="clean")
    shared = {x for x, y in zip(task.base.sample_ids, task.base.shares_image, strict=True) if y}
    assert shared
    heads = [fit_head(x, task, clean) for x in (features, changed(features, shared, rng))]
    assert weights(heads[0]) == weights(heads[1])


def test_the_epoch_is_chosen_on_classes_that_the_head_has_not_seen(monkeypatch):
    """`_fitted` tells whom it was given; who is scored is of other classes and images by clean."""
    task, seen, scored = load_task("cat-6-6"), [], []
    ids = (*task.base.sample_ids, *task.novel.sample_ids)
    figures = iter([0.3, 0.5, 0.4, 0.1, 0.3, 0.7, 0.2, 0.1, 0.3, 0.2, 0.3, 0.1])

    def fitted(features, persons, settings, epochs):
        seen.append((persons, epochs))
        yield from [torch.nn.Identity()] * epochs

    def accuracy(embeddings, held):
        scored.append(held)
        return next(figures)

    monkeypatch.setattr(module, "_fitted", fitted)
    monkeypatch.setattr(module, "_balanced_accuracy", accuracy)
    monkeypatch.setattr(module.Head, "embed", lambda self, features: features)
    features = Features(ids, np.zeros((len(ids), 2), dtype=np.float32))
    head = fit_head(features, task, HeadSettings(epochs=3, base="clean"))
    # Three epochs and the features alone, for each of three choices of classes.
    assert head.validation == pytest.approx((0.3, 1.4 / 3, 0.3)) and head.epochs == 2
    assert head.raw == pytest.approx(0.1)
    assert [epochs for _, epochs in seen] == [3, 3, 3, head.epochs]
    for (persons, _), held in zip(seen[:3], scored[::4], strict=True):
        assert len(held.classes) == 2 and not set(held.classes) & set(persons.labels)
        images = {*held.novel.image_ids, *task.novel.image_ids}
        assert not images & set(persons.image_ids)
    assert seen[-1][0] == task.base.clean


def test_a_head_learns_what_separates_classes(rng):
    """Two dimensions of 40 say the class, the others are loud: the head listens to the two."""
    task = load_task("cat-6-6")
    task = replace(task, base=task.base.subset(range(0, len(task.base), 4)))
    persons = [*zip(task.base.sample_ids, task.base.labels, strict=True)]
    persons += zip(task.novel.sample_ids, task.novel.labels, strict=True)
    names = sorted({label for _, label in persons})
    angle = np.array([2 * np.pi * names.index(label) / len(names) for _, label in persons])
    vectors = rng.normal(size=(len(persons), 40))
    vectors[:, :2] = 2 * np.c_[np.cos(angle), np.sin(angle)] + rng.normal(size=(len(angle), 2)) / 4
    features = Features(tuple(x for x, _ in persons), vectors.astype(np.float32))
    head = fit_head(features, task, HeadSettings(epochs=2, learning_rate=0.01))
    given = features.of(task.novel.sample_ids)
    before, after = (
        evaluate(x, task, intervals=False)[1].balanced_accuracy.mean
        for x in (given, head.embed(given))
    )
    assert after > before + 0.2 and head.validation[head.epochs - 1] > head.raw + 0.05
    assert np.linalg.norm(head.embed(given)[1], axis=1) == pytest.approx(1, abs=1e-5)


def test_from_kept_features_to_files_that_score(kept, tmp_path, run):
    options = ("--dataset", tiny.dataset(), "--task", "cat-6-6", "--epochs", 1, "--seeds", 2)
    output = run("fit-head", kept, *options, "-o", tmp_path / "a").output
    run("fit-head", kept, *options, "-o", tmp_path / "b", "--shots", 1)
    files = tiny.files_of(tmp_path / "a")
    assert list(files) == ["cat-6-6.seed-0.safetensors", "cat-6-6.seed-1.safetensors"]
    assert files == tiny.files_of(tmp_path / "b") and len(set(files.values())) == 2
    assert "cat-6-6, seed 1: epoch 1 of 1, " in output and "Chance" in output
    assert "B: Colour and gradient statistics\n" in output
    table = "\n\n".join(output.split("\n\n")[1:3])
    assert table in run("score", tmp_path / "a", "--dataset", tiny.dataset()).output
    card = read_embeddings_file(tmp_path / "a/cat-6-6.seed-1.safetensors").model
    assert card["name"] == "Colour and gradient statistics + linear head"
    assert card["base"] == "full" and card["training_seeds"] == [0, 1]
    assert card["modalities"] == ["body"] and card["seen_unseen_names"] is False
    (tmp_path / "submissions").mkdir()
    submit = ("submit", tmp_path / "a", "--dataset", tiny.dataset(), "--root", tmp_path)
    assert "cat-6-6" in run(*submit).output


def test_options_begin_with_the_settings_defaults():
    options = {option.name: option.default for option in main.get_command(None, "fit-head").params}
    shared = options.keys() & vars(HeadSettings()).keys()
    assert len(shared) == 5 and {x: options[x] for x in shared} == {
        x: getattr(HeadSettings, x) for x in shared
    }


def test_what_is_refused(kept, tmp_path, run, rng):
    (folder,) = kept.iterdir()
    output = tmp_path / "out"

    def refused(features, *options, dataset=None, to=output):
        places = ("--dataset", dataset or tiny.dataset(), "-o", to)
        text = run("fit-head", features, *places, *options, status=2).output
        assert "Traceback" not in text and not output.exists()
        return text

    assert "holds no features. `oneshot-emotic run" in refused(tmp_path)
    assert "holds no features" in refused(tmp_path / "nowhere")
    assert "there are no features of" in refused(kept, dataset="synthetic")
    assert "no task 'cat-7'" in refused(kept, "--task", "cat-7")
    assert "hidden: must be from 0 to" in refused(kept, "--hidden", -1)
    there = tmp_path / "there"
    there.mkdir()
    (there / "mine").touch()
    assert "already holds other files: mine" in refused(kept, to=there)
    shutil.copytree(kept, tmp_path / "two")
    shutil.copytree(folder, tmp_path / "two/other")
    text = refused(tmp_path / "two")
    assert "features of 2 encoders. Give one of" in text and "(Colour and gradient" in text
    features, task = open_features(kept), tiny.task()
    array = np.array(features.array)
    array[features.sample_ids.index(task.novel.sample_ids[3]), 2] = np.inf
    np.save(tmp_path / "two/other/features.npy", array)
    assert "is damaged" in refused(tmp_path / "two/other", "--task", "cat-6-6")
    document = json.loads((folder / "features.json").read_text())
    del document["card"], document["sha256"]  # as it was before these were kept
    (tmp_path / "two/other/features.json").write_text(json.dumps(document))
    assert "infinite" in refused(tmp_path / "two/other", "--task", "cat-6-6")
    del document["sample_ids"][-1]
    (tmp_path / "two/other/features.json").write_text(json.dumps(document))
    assert "is damaged" in refused(tmp_path / "two/other")

    array = np.array(features.array)
    array[features.sample_ids.index(task.base.sample_ids[3]), 2] = np.nan
    with pytest.raises(InputError, match="features of 1 base persons are NaN or infinite"):
        fit_head(replace(features, array=array), task, QUICK)
    three = task.base.classes[:3]
    few = [place for place, label in enumerate(task.base.labels) if label in three]
    with pytest.raises(InputError, match="too few: a head needs two classes to learn"):
        fit_head(features, replace(task, base=task.base.subset(few)), QUICK)
