"""Training: the same every time, resumable at any point, honest about what it may look at."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines import train as module  # noqa: E402
from oneshot_emotic_baselines.checkpoint import load_checkpoint  # noqa: E402
from oneshot_emotic_baselines.data import base_split  # noqa: E402
from oneshot_emotic_baselines.embed import checkpoint_card, embed_task  # noqa: E402
from oneshot_emotic_baselines.losses import Targets  # noqa: E402
from oneshot_emotic_baselines.metric_learning import Losses, batch_order  # noqa: E402
from oneshot_emotic_baselines.model import Outputs  # noqa: E402
from oneshot_emotic_baselines.settings import Settings  # noqa: E402
from oneshot_emotic_baselines.train import TrainingStoppedError, train  # noqa: E402

from oneshot_emotic import evaluate  # noqa: E402
from oneshot_emotic.errors import InputError  # noqa: E402
from oneshot_emotic.splits import Persons  # noqa: E402

small = pytest.fixture(scope="module")(tiny.small)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, small):
    """A whole run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("run")
    run = train(tiny.settings(epochs=3), base_split(tiny.task()), tiny.data(), folder)
    return run, tiny.files_of(folder)


def test_what_a_run_leaves(finished):
    run, files = finished
    assert sorted(files) == ["checkpoint.safetensors", "log.csv"]
    lines = list(csv.DictReader(files["log.csv"].decode().splitlines()))
    assert [line["epoch"] for line in lines] == ["1", "2", "3"]
    figures = [float(line["validation"]) for line in lines]
    assert run.validation == max(figures) and run.best_epoch == 1 + figures.index(max(figures))
    for line in lines:
        half = 0.5 * float(line["triplet"]) + 0.5 * float(line["cross_entropy"])
        assert float(line["loss"]) == pytest.approx(half, rel=1e-5)
    content = load_checkpoint(run.checkpoint)
    assert Settings.from_dict(content["settings"]) == run.settings
    assert content["dataset"]["name"] == "synthetic" and content["size"] == tiny.SIZE


def test_the_same_seed_gives_the_same_files_and_another_seed_others(finished, tmp_path):
    split, data = base_split(tiny.task()), tiny.data()
    train(tiny.settings(epochs=3), split, data, tmp_path / "a")
    assert tiny.files_of(tmp_path / "a") == finished[1]
    train(tiny.settings(epochs=3, seed=1), split, data, tmp_path / "b")
    assert tiny.files_of(tmp_path / "b")["log.csv"] != finished[1]["log.csv"]


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_stopped_run_goes_on_to_the_same_bits(finished, tmp_path, after):
    split, data = base_split(tiny.task()), tiny.data()

    def stop(line):
        if line.startswith(f"epoch  {after}"):
            raise tiny.StopError

    with pytest.raises(tiny.StopError):
        train(tiny.settings(epochs=3), split, data, tmp_path, say=stop)
    assert (tmp_path / "resume.safetensors").exists()
    said = []
    train(tiny.settings(epochs=3), split, data, tmp_path, say=said.append)
    assert said[0] == f"going on after epoch {after}" and len(said) == 1 + 3 - after
    assert tiny.files_of(tmp_path) == finished[1]


def test_a_kill_between_two_files_of_the_first_epoch(finished, tmp_path, monkeypatch):
    """A checkpoint without anything to resume from is not a finished run."""
    split, data = base_split(tiny.task()), tiny.data()

    def stop(*arguments):
        raise tiny.StopError

    with monkeypatch.context() as patched, pytest.raises(tiny.StopError):
        patched.setattr(module, "write_text", stop)
        train(tiny.settings(epochs=3), split, data, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]
    train(tiny.settings(epochs=3), split, data, tmp_path)
    assert tiny.files_of(tmp_path) == finished[1]


class Untouchable(Persons):
    """Novel persons that nobody may look at."""

    def __init__(self):
        pass

    def __getattribute__(self, name):
        raise AssertionError(f"novel persons were looked at: {name}")


@pytest.mark.parametrize("base", ["full", "clean"])
def test_novel_persons_never_reach_training(tmp_path, small, base):
    """Not by the task, whose novel persons explode, nor by the pictures that are read."""
    task = tiny.task()
    split = base_split(replace(task, novel=Untouchable(), support=None), base)
    data = tiny.data()
    novel = {} if base == "full" else set(task.novel.image_ids)
    persons = zip(task.base.sample_ids, task.base.image_ids, strict=True)
    allowed = {sample_id for sample_id, image_id in persons if image_id not in novel}
    assert set(split.sample_ids) == allowed and not set(split.classes) & set(task.classes)
    assert (len(allowed) == len(task.base)) == (base == "full")

    class OnlyAllowed(dict):
        def __getitem__(self, sample_id):
            assert sample_id in allowed, f"{sample_id} was asked for"
            return super().__getitem__(sample_id)

    rows = {name: OnlyAllowed(getattr(data, name)) for name in ("image_row", "body_row")}
    guarded = replace(data, **rows)
    run = train(tiny.settings(epochs=1, base=base), split, guarded, tmp_path)
    assert run.validation is not None and checkpoint_card(run.checkpoint)["base"] == base
    with pytest.raises(AssertionError, match="was asked for"):
        embed_task(run.checkpoint, task, guarded)
    with pytest.raises(InputError, match=f"for cat-6-6, {base} base, not cat-6-6, "):
        other = base_split(task, "clean" if base == "full" else "full")
        train(tiny.settings(base=base), other, guarded, tmp_path)


def test_a_loss_that_is_no_number_stops_training(tmp_path, small):
    settings = tiny.settings("b-dml", learning_rate=1e30, epochs=4, optimiser="sgd")
    with pytest.raises(TrainingStoppedError, match=r"stopped in epoch \d, step \d.*Lower --lr"):
        train(settings, base_split(tiny.task()), tiny.data(), tmp_path)


def test_two_runs_are_not_mixed_in_a_folder(finished):
    run, _ = finished
    with pytest.raises(InputError, match="other settings: seed 0, not 5"):
        train(
            tiny.settings(epochs=3, seed=5),
            base_split(tiny.task()),
            tiny.data(),
            run.checkpoint.parent,
        )


@pytest.mark.parametrize("recipe", ["kosti", "i-dml", "sem-dml"])
def test_losses_of_a_recipe(recipe, tmp_path, small):
    settings = tiny.settings(recipe, epochs=1, validation_share=0.0)
    run = train(settings, base_split(tiny.task()), tiny.data(), tmp_path)
    line = run.history[0]
    assert line["validation"] is None and run.validation is None and run.best_epoch == 1
    if recipe == "kosti":
        assert line["loss"] == line["cross_entropy"] and line["triplet"] == 0
    else:
        assert line["triplet"] > 0


def test_masked_losses_are_the_librarys():
    """On random batches, of few classes and many, of which some have no triplet at all."""
    settings = Settings("i-dml", "cat-6-6", metric_weight=1.0)
    library, masked = (Losses(replace(settings, masked=how)) for how in ("off", "on"))
    random = torch.Generator().manual_seed(0)
    empty = 0
    for number in range(1000):
        persons = int(torch.randint(2, 33, (1,), generator=random))
        classes = int(torch.randint(1, 9, (1,), generator=random))
        wanted = torch.randint(0, classes, (persons,), generator=random)
        # Near each other and far apart, around their class.
        centres = torch.randn(classes, 16, generator=random)[wanted] * (number % 4) / 3
        embeddings = centres + torch.randn(persons, 16, generator=random)
        if number % 5 == 0:  # persons that are twice in a batch
            embeddings[: persons // 2] = embeddings[persons - persons // 2 :]
        found = []
        for losses in (library, masked):
            given = embeddings.clone().requires_grad_()
            outputs = Outputs(given, torch.zeros(persons, classes))
            loss, parts = losses(outputs, Targets(wanted))
            loss.backward()
            found.append((parts[1].detach(), given.grad))
        (value, gradient), (ours, our_gradient) = found
        assert float((value - ours).abs()) <= 1e-6
        assert float((gradient - our_gradient).abs().max()) <= 1e-5
        empty += not value
    assert 0 < empty < 500


def test_the_rate_falls_for_the_whole_network(tmp_path, small):
    settings = tiny.settings("b-dml", epochs=5, persons_per_epoch=8, validation_share=0.0)
    run = train(settings, base_split(tiny.task()), tiny.data(), tmp_path)
    rates = [line["learning_rate"] for line in run.history]
    assert rates == pytest.approx([3.5e-4] * 4 + [3.5e-5])


def test_half_precision_is_near_and_keeps_whole_weights(finished, tmp_path):
    settings = tiny.settings(epochs=3, precision="bf16")
    half = train(settings, base_split(tiny.task()), tiny.data(), tmp_path)
    for ours, theirs in zip(half.history, finished[0].history, strict=True):
        assert ours["loss"] != theirs["loss"]
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=0.03)
    weights = load_checkpoint(half.checkpoint)["network"]
    assert {x.dtype for x in weights.values()} <= {torch.float32, torch.int64}
    embeddings = embed_task(half.checkpoint, tiny.task(), tiny.data())
    assert np.isfinite([embeddings[name] for name in tiny.task().novel.sample_ids]).all()


@pytest.mark.skipif(not shutil.which("g++"), reason="compiling for a CPU needs g++")
def test_compiled_is_the_same_network(finished, tmp_path):
    settings = tiny.settings(epochs=3, compile=True)
    compiled = train(settings, base_split(tiny.task()), tiny.data(), tmp_path)
    for ours, theirs in zip(compiled.history, finished[0].history, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-3)
    names = [list(load_checkpoint(x.checkpoint)["network"]) for x in (compiled, finished[0])]
    assert names[0] == names[1]


def test_batches_hold_the_classes_evenly():
    targets = np.repeat(np.arange(6), [100, 5, 20, 3, 40, 7])
    settings = Settings("i-dml", "cat-6-6")
    order = batch_order(targets, settings, 0, 5)
    assert len(order) == 5 and all(len(batch) == 32 for batch in order)
    counts = np.bincount(targets[np.concatenate(order)], minlength=6)
    assert counts.max() - counts.min() <= 4
    again = batch_order(targets, settings, 0, 5)
    assert all(np.array_equal(a, b) for a, b in zip(order, again, strict=True))
    other = batch_order(targets, settings, 1, 5)
    assert not all(np.array_equal(a, b) for a, b in zip(order, other, strict=True))


@pytest.mark.parametrize(("batch", "counts"), [(24, [4]), (32, [5, 6])])
def test_balanced_batches_hold_every_class(batch, counts):
    """What the sampler's do not: some of them lack a class."""
    targets = np.repeat(np.arange(6), [100, 8, 20, 9, 40, 60])
    settings = Settings("i-dml", "cat-6-6", batch_size=batch, balanced=True)
    order = batch_order(targets, settings, 0, 60)
    held = np.array([np.bincount(targets[places], minlength=6) for places in order])
    assert sorted(set(held.ravel())) == counts and set(held.sum(axis=1)) == {batch}
    assert np.ptp(held.sum(axis=0)) <= 1
    # Everybody of a class comes equally often, give or take the last round.
    assert all(
        np.ptp(np.bincount(np.concatenate(order), minlength=len(targets))[targets == x]) <= 1
        for x in range(6)
    )
    usual = batch_order(targets, replace(settings, batch_size=32, balanced=False), 0, 60)
    assert any(len(np.unique(targets[places])) < 6 for places in usual)
    with pytest.raises(InputError, match="11 persons are not two of each of 6 classes"):
        batch_order(targets, replace(settings, batch_size=11), 0, 1)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory, small):
    """Files of weights for the small network."""
    files = {}
    for number, branch in enumerate(("image", "body")):
        torch.manual_seed(number)
        path = tmp_path_factory.mktemp("weights") / f"{branch}.pth"
        torch.save(tiny.small_resnet("resnet18", None, {}).state_dict(), path)
        files[f"stand-in-{branch}"] = path
    return files


def tuned(**changes):
    return tiny.settings(weights="stand-in", **changes)


@pytest.fixture(scope="module")
def loaded(small):
    """The small network in place of a ResNet reads the files of weights, as a ResNet does."""
    from oneshot_emotic_baselines.weights import load_into, read_weights

    def resnet(name, pretraining, files):
        network = tiny.small_resnet(name, None, files)
        if pretraining:
            load_into(network, read_weights(files[pretraining]), pretraining)
        return network

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("oneshot_emotic_baselines.model.resnet", resnet)
        yield


@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
def test_pretrained_layers_at_a_rate_of_their_own(tmp_path, loaded, pretrained, share):
    """With plain gradient descent one step moves a layer by its rate times its gradient."""
    settings = tuned(
        trunk_lr=share,
        optimiser="sgd",
        epochs=1,
        persons_per_epoch=8,
        flip=0,
        shift=0,
        select="last",
    )
    split, data, files = base_split(tiny.task()), tiny.data(), pretrained
    run = train(settings, split, data, tmp_path, weight_files=files)
    after = load_checkpoint(run.checkpoint)["network"]
    before = torch.load(files["stand-in-body"], weights_only=True)
    moved = (after["branches.body.conv0.weight"] - before["conv0.weight"]).abs().max()
    if share == 0:
        same = all(
            torch.equal(after[f"branches.body.{name}"], value)
            for name, value in before.items()
            if not name.startswith("fc.")
        )
        assert same and moved == 0  # the running means, too
    else:
        full = replace(settings, trunk_lr=1.0)
        other = train(full, split, data, tmp_path / "b", weight_files=files)
        theirs = load_checkpoint(other.checkpoint)["network"]["branches.body.conv0.weight"]
        whole = (theirs - before["conv0.weight"]).abs().max()
        assert whole > 0 and moved / whole == pytest.approx(share, rel=0.02)


def test_outputs_computed_once_are_what_the_trunk_makes(tmp_path, loaded, pretrained):
    """The checkpoint embeds pictures as training saw them: validation figures agree."""
    settings, split = tuned(trunk_lr=0.0, epochs=2), base_split(tiny.task())
    run = train(settings, split, tiny.data(), tmp_path, weight_files=pretrained)
    _, episodes = split.hold_out(0.1, 0, 5)
    task = replace(tiny.task(), novel=episodes.novel)
    figure = evaluate(embed_task(run.checkpoint, task, tiny.data()), episodes, intervals=False)
    assert figure[1].balanced_accuracy.mean == pytest.approx(run.validation)


@pytest.mark.parametrize("after", [1, 2])
def test_a_tuned_run_goes_on_to_the_same_bits(tmp_path, loaded, pretrained, after):
    split, data = base_split(tiny.task()), tiny.data()
    settings = tuned(trunk_lr=0.0, warmup=0.5, balanced=True, batch_size=12, epochs=3)
    options = {"weight_files": pretrained, "log_steps": True}
    train(settings, split, data, tmp_path / "a", **options)

    def stop(line):
        if line.startswith(f"epoch  {after}"):
            raise tiny.StopError

    with pytest.raises(tiny.StopError):
        train(settings, split, data, tmp_path / "b", say=stop, **options)
    train(settings, split, data, tmp_path / "b", **options)
    assert tiny.files_of(tmp_path / "a") == tiny.files_of(tmp_path / "b")


def test_the_rate_rises_in_the_first_steps(tmp_path, small, monkeypatch):
    """Step by step to its full height, and falls at the end of an epoch as without."""
    rates = []
    true_step = torch.optim.SGD.step

    def step(self, *arguments):
        rates.append(self.param_groups[0]["lr"])
        return true_step(self, *arguments)

    monkeypatch.setattr(torch.optim.SGD, "step", step)
    changes = {"epochs": 2, "step_epochs": 1, "persons_per_epoch": 40, "select": "last"}
    settings = tiny.settings("b-dml", optimiser="sgd", learning_rate=0.01, warmup=0.4, **changes)
    train(settings, base_split(tiny.task()), tiny.data(), tmp_path)
    assert rates == pytest.approx([0.0025, 0.005, 0.0075, 0.01, 0.01] + [0.001] * 5)


def test_the_steps_are_logged_where_asked(tmp_path, small):
    settings = tiny.settings("b-dml", persons_per_epoch=24)
    run = train(settings, base_split(tiny.task()), tiny.data(), tmp_path, log_steps=True)
    lines = list(csv.DictReader((tmp_path / "steps.csv").read_text().splitlines()))
    places = [(line["epoch"], line["step"]) for line in lines]
    assert places == [(epoch, step) for epoch in "12" for step in "123"]
    for number, epoch in enumerate(run.history):
        of_epoch = [float(line["loss"]) for line in lines[3 * number : 3 * number + 3]]
        assert np.mean(of_epoch) == pytest.approx(epoch["loss"])


def test_what_is_worse_than_guessing_is_said(tmp_path, small):
    said = {}
    changes = {"optimiser": "sgd", "epochs": 1, "persons_per_epoch": 320}
    for rate in (0.01, 0.5):
        said[rate] = []
        settings = tiny.settings("b-dml", learning_rate=rate, **changes)
        split = base_split(tiny.task())
        train(settings, split, tiny.data(), tmp_path / str(rate), say=said[rate].append)
    assert not any("guessing" in line for line in said[0.01])
    assert any("try --warmup 0.3" in line for line in said[0.5])


@pytest.mark.parametrize("select", ["person", "class", "last"])
def test_what_the_epoch_is_chosen_on(tmp_path, small, monkeypatch, select):
    """Held-out classes are never trained on; `last` holds nobody out."""
    trained_on = set()
    true_order = module.batch_order

    def order(targets, *rest):
        trained_on.update(targets)
        return true_order(targets, *rest)

    monkeypatch.setattr(module, "batch_order", order)
    split = base_split(tiny.task())
    run = train(tiny.settings("b-dml", select=select), split, tiny.data(), tmp_path)
    many = len(split.classes)
    assert len(trained_on) == (many - 2 if select == "class" else many)
    assert (run.validation is None) == (select == "last")
    if select == "last":
        assert run.best_epoch == 2
    assert load_checkpoint(run.checkpoint)["classes"] == list(split.classes)


def test_embed_writes_what_scores(finished, tmp_path, run):
    trained, _ = finished
    arguments = ("--data", tiny.stand_in(), "--dataset", tiny.dataset(), "-o", tmp_path)
    result = run("embed", trained.checkpoint, *arguments)
    path = tmp_path / "cat-6-6.safetensors"
    assert f"{path}: {len(tiny.task().novel):,} persons" in result.output
    vectors = embed_task(trained.checkpoint, tiny.task(), tiny.data())
    assert all(np.linalg.norm(x) == pytest.approx(1, abs=1e-5) for x in vectors.values())
    figure = 100 * evaluate(vectors, tiny.task())[1].balanced_accuracy.mean
    output = run("score", path, "--dataset", tiny.dataset()).output
    assert "Sem-IB-DML" in output and f"{figure:.1f}" in output
    result = run("embed", trained.checkpoint, *arguments, "--task", "cat-6-4", status=2)
    assert "was trained on cat-6-6, not on cat-6-4" in result.output
    result = run("embed", trained.checkpoint, "--data", tiny.stand_in(), "-o", tmp_path, status=2)
    assert "Give the data set it was trained on" in result.output
    result = run("embed", tmp_path / "none.pt", *arguments, status=2)
    assert "neither a built-in embedder" in result.output
    (tmp_path / "broken.pt").write_bytes(trained.checkpoint.read_bytes()[:5000])
    assert (
        "is not a checkpoint" in run("embed", tmp_path / "broken.pt", *arguments, status=2).output
    )


def test_seeds_report_mean_and_spread(tmp_path, run, small):
    tiny.prepared()
    result = run(
        *("train", "sem-i-dml", "--task", "cat-6-6", "--data", tiny.stand_in()),
        *("--dataset", tiny.dataset(), "--size", tiny.SIZE, "--weights", "none", "--seeds", 2),
        *("--epochs", 1, "--persons-per-epoch", 8, "--batch-size", 8, "-o", tmp_path),
    )
    figures = [
        float(line.split(": ")[1].split()[0])
        for line in result.output.splitlines()
        if "1-shot balanced accuracy:" in line
    ]
    assert len(figures) == 2
    last = result.output.splitlines()[-1]
    assert "2 training seeds" in last and f"from {min(figures):.1f} to {max(figures):.1f}" in last
    assert f"balanced accuracy {np.mean(figures):.0f}"[:-1] in last


def test_train_says_what_is_missing(tmp_path, run):
    arguments = ("--task", "cat-6-6", "--data", tiny.stand_in(), "--dataset", tiny.dataset())
    assert "no recipe 'x'" in run("train", "x", *arguments, status=2).output
    assert "is not trained" in run("train", "majority", *arguments, status=2).output
    assert "embed random" in run("train", "random", *arguments, status=2).output
    result = run("train", "b-dml", *arguments, "--size", 48, status=2)
    assert "holds no prepared pictures. Run `oneshot-emotic prepare ROOT`" in result.output
    result = run("train", "b-dml", *arguments, "--weights", "imagenet=nowhere.pth", status=2)
    assert "nowhere.pth: there is no such weights file" in result.output
