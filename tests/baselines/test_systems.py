"""Systems beyond the paper, and one that nobody else knows of: all the way, as they say they are.

Their targets are those of base persons alone.
"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

import torchvision  # noqa: E402
from oneshot_emotic_baselines import reproduce  # noqa: E402
from oneshot_emotic_baselines import train as module  # noqa: E402
from oneshot_emotic_baselines.checkpoint import load_checkpoint  # noqa: E402
from oneshot_emotic_baselines.data import (  # noqa: E402
    PersonBatches,
    base_split,
    network_inputs,
    random_changes,
    shifted,
)
from oneshot_emotic_baselines.decoding import level_figures  # noqa: E402
from oneshot_emotic_baselines.distributed import Processes  # noqa: E402
from oneshot_emotic_baselines.embed import embed_places, embed_task, model_card  # noqa: E402
from oneshot_emotic_baselines.losses import Targets  # noqa: E402
from oneshot_emotic_baselines.metric_learning import Losses, metric_loss_named  # noqa: E402
from oneshot_emotic_baselines.model import build_network  # noqa: E402
from oneshot_emotic_baselines.recipes import (  # noqa: E402
    BACKBONES,
    RECIPES,
    Recipe,
    recipe_named,
    register,
)
from oneshot_emotic_baselines.settings import Settings  # noqa: E402
from oneshot_emotic_baselines.systems import cage, mt_clar  # noqa: E402
from oneshot_emotic_baselines.systems.maxvit import MaxViTTrunk  # noqa: E402
from oneshot_emotic_baselines.targets import base_targets, moved_boxes  # noqa: E402
from oneshot_emotic_baselines.train import train  # noqa: E402
from oneshot_emotic_baselines.weights import describe, other_trunk  # noqa: E402

from oneshot_emotic.emotic.layout import find_annotations, find_layout  # noqa: E402
from oneshot_emotic.emotic.persons import read_annotations  # noqa: E402
from oneshot_emotic.errors import InputError  # noqa: E402
from oneshot_emotic.submission.folder import read_submission_folder  # noqa: E402


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


def test_reproduce_trains_it_too(tmp_path, tenth, monkeypatch):
    """With what it has for the smaller scales in place of its own and of the scale's."""
    tiny.prepared()
    scale = replace(reproduce.SCALES["quick"], tasks=("cat-6-6",))
    few = {"persons_per_epoch": 32, "validation_draws": 5}
    monkeypatch.setitem(reproduce.SCALES, "quick", replace(scale, changes={**scale.changes, **few}))
    tiny.cli(
        *("--import", "tenth", "reproduce", tiny.stand_in(), "--quick", "--baseline", "tenth"),
        *("--device", "cpu", "--jobs", 1, "--workers", 1, "-o", tmp_path),
    )
    done = json.loads(
        (tmp_path / "runs/tenth-one-convolution/cat-6-6/seed-0/done.json").read_text()
    )["job"]
    assert (done["settings"]["embedding"], done["settings"]["epochs"], done["size"]) == (6, 2, 32)
    assert done["settings"]["persons_per_epoch"] == 32
    card = read_submission_folder(tmp_path / "submissions/tenth-one-convolution").model
    assert "32 x 32 pixels, 2 epochs of 32 persons" in card["description"]
    own = reproduce.SCALES["full"].settings_of(RECIPES["tenth"])
    assert Settings.of("tenth", "cat-6-6", "paper", own).embedding == 12


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


SYSTEMS = ("cage", "cage-discrete", "mt-clar")
small = pytest.fixture(scope="module")(tiny.small)


@pytest.fixture(scope="module")
def little(small):
    """A MaxViT of two blocks for the pictures of these tests, and a small network for a ResNet."""
    BACKBONES["little"] = lambda pretrained: MaxViTTrunk(tiny.SIZE, (32, 64), (1, 1), 0.1)
    yield
    del BACKBONES["little"]


def settings_of(name, **changes):
    """Of a system, at a size that takes seconds."""
    values = {"weights": "none", "epochs": 2, "batch_size": 8, "persons_per_epoch": 16}
    values |= {"embedding": 16, "validation_draws": 5, "learning_rate": 1e-3}
    backbone = "resnet18" if name == "mt-clar" else "little"
    return Settings.of(name, "cat-6-6", **{**values, "backbone": backbone, **changes})


def some_targets(persons=12, classes=4, seed=0):
    """With values that nobody knows among them."""
    random = torch.Generator().manual_seed(seed)
    affect = torch.randint(1, 11, (persons, 3), generator=random).float()
    affect[0], affect[3, 1] = torch.nan, torch.nan
    return Targets(torch.arange(persons) % classes, affect)


def test_parameters_are_those_of_the_papers():
    """Counted on tensors without values; MaxViT-T has 30.9 million with its own last layer."""
    with torch.device("meta"):
        whole = torchvision.models.maxvit_t(weights=None)
        networks = {x: build_network(Settings.of(x, "cat-6-6", weights="none"), 6) for x in SYSTEMS}
    found = {x: sum(y.numel() for y in z.parameters()) for x, z in networks.items()}
    assert found == {name: RECIPES[name].parameters for name in SYSTEMS}
    maxvit = sum(x.numel() for x in whole.parameters())
    assert maxvit == 30_919_624
    assert found["cage"] == maxvit - 512 * 1000 + 512 * (6 + 3)
    assert found["cage-discrete"] == maxvit - 512 * 1000 + 512 * 6
    branch = 11_689_512 - (512 * 1000 + 1000) + 512 * 512 + 512
    assert found["mt-clar"] == branch + 512 * 128 + 128 + 128 * 128 + 128 + 128 * 3 + 3
    shapes = {x: y.shape for x, y in whole.state_dict().items() if x[:11] != "classifier."}
    trunk = networks["cage"].branches["body"].network.state_dict()
    assert {name: values.shape for name, values in trunk.items()} == shapes


def test_weights_of_torchvisions_form(tmp_path):
    """From a file: the numbers are those that torchvision's network has before its head."""
    torch.manual_seed(0)
    how = {"input_size": (64, 64), "stem_channels": 32, "partition_size": 2, "head_dim": 32}
    how |= {"block_channels": [32, 64, 128, 256], "block_layers": [1, 1, 2, 1]}
    whole = torchvision.models.MaxVit(**how, stochastic_depth_prob=0.2).eval()
    path = tmp_path / "weights.pth"
    torch.save(whole.state_dict(), path)
    trunk = other_trunk("maxvit_64", "imagenet", {"imagenet": path}).eval()
    trunk.fc, whole.classifier = torch.nn.Identity(), whole.classifier[:2]
    pictures = torch.randn(2, 3, 64, 64)
    assert torch.allclose(trunk(pictures), whole(pictures), atol=1e-4)
    with pytest.raises(InputError, match="nobody has pretrained it"):
        other_trunk("maxvit_64", "imagenet", {})
    with pytest.raises(InputError, match="sees pictures of 64 pixels, not 32"):
        trunk(pictures[..., :32, :32])


def test_what_is_said_of_first_weights():
    body = {"body": "imagenet"}
    assert describe(body, {}, "maxvit_t") == {"body": "imagenet (torchvision IMAGENET1K_V1)"}
    card = model_card(RECIPES["cage"], Settings.of("cage", "cat-6-6"), {}, "")
    assert card["backbone"] == "maxvit_t" and "cross entropy and affect" in card["description"]


def test_affect_is_learnt_from_what_is_known():
    """CAGE's loss person by person: cross entropy and 5 times the squared error from -1 to 1."""
    random, targets = torch.Generator().manual_seed(1), some_targets()
    shapes = ((12, 16), (12, 4), (12, 3))
    outputs = cage.Outputs(*(torch.randn(x, generator=random) for x in shapes))
    errors = [
        (float(found) - (2 * float(wanted) - 11) / 9) ** 2
        for found, wanted in zip(outputs.affect.ravel(), targets.affect.ravel(), strict=True)
        if wanted == wanted
    ]
    assert len(errors) == 36 - 4
    rows = zip(outputs.logits.double().numpy(), targets.classes, strict=True)
    entropy = np.mean([np.log(np.exp(row).sum()) - row[wanted] for row, wanted in rows])
    _, parts = Losses(settings_of("cage", backbone="resnet18"))(outputs, targets)
    expected = [entropy + 5 * np.mean(errors), 0, entropy, np.mean(errors)]
    assert [float(x) for x in parts] == pytest.approx(expected, rel=1e-5)
    nobody = targets._replace(affect=torch.full((12, 3), torch.nan))
    assert cage.affect(outputs, nobody, None) == 0


def test_pairs_are_told_by_distance_and_difference():
    """MT-CLAR's losses pair by pair."""
    random, targets = torch.Generator().manual_seed(1), some_targets()
    z = torch.nn.functional.normalize(torch.randn(12, 5, generator=random), dim=1)
    outputs = mt_clar.Outputs(z, torch.randn(12, 12, 3, generator=random))
    affect, near, far, errors = targets.affect.tolist(), [], [], []
    for i, j in product(range(12), repeat=2):
        distance = float((z[i] - z[j]).double().norm())
        if i != j and targets.classes[i] == targets.classes[j]:
            near.append(distance)
        elif i != j:
            far.append(max(0.0, 1 - distance))
        for found, a, b in zip(outputs.difference[i, j], affect[i], affect[j], strict=True):
            if a == a and b == b:
                errors.append((float(found) - (a - b) * 2 / 9) ** 2)
    contrast = np.mean(near) + np.mean([x for x in far if x])
    contrastive = metric_loss_named("ContrastiveLoss", 4, 5)
    _, parts = Losses(settings_of("mt-clar"), metric_loss=contrastive)(outputs, targets)
    expected = [contrast + np.mean(errors), contrast, 0, np.mean(errors)]
    assert [float(x) for x in parts] == pytest.approx(expected, rel=1e-4)


def gradients(name, monkeypatch, without=""):
    """Of a first step, by the names of the weights; with one of its losses switched off."""
    recipe = RECIPES[name]
    losses = tuple(loss for loss in recipe.losses if loss.name != without)
    monkeypatch.setitem(RECIPES, name, replace(recipe, losses=losses))
    settings = settings_of(name)
    torch.manual_seed(0)
    network = build_network(settings, 4).eval()
    pictures = torch.randn(12, 3, tiny.SIZE, tiny.SIZE)
    losses = Losses(settings, metric_loss=network.metric_loss)
    loss, _ = losses(network({"body": pictures}), some_targets())
    loss.backward()
    return {x: y.grad for x, y in network.named_parameters()}


def test_without_valence_arousal_and_dominance(little, monkeypatch):
    """Their rows of the last layer learn nothing, and the trunk learns from classes alone."""
    whole = gradients("cage", monkeypatch)
    less = gradients("cage", monkeypatch, "affect")
    last, first = "classifier.weight", "branches.body.network.stem.0.0.weight"
    assert whole[last].shape == (7, 16) and whole[last][4:].abs().sum(dim=1).all()
    assert not less[last][4:].any() and torch.equal(less[last][:4], whole[last][:4])
    assert less[first].any() and not torch.allclose(less[first], whole[first])
    alone = gradients("cage-discrete", monkeypatch)
    assert alone[last].shape == (4, 16) and alone[last].any()


def test_without_the_difference(little, monkeypatch):
    """Its head learns nothing, and the branch from likeness alone."""
    whole = gradients("mt-clar", monkeypatch)
    less = gradients("mt-clar", monkeypatch, "difference")
    assert whole["difference.0.weight"].any() and less["difference.0.weight"] is None
    first = "branches.body.conv0.weight"
    assert less[first].any() and not torch.allclose(less[first], whole[first])


@pytest.mark.parametrize(("name", "steps"), [("cage", 80), ("cage-discrete", 60), ("mt-clar", 400)])
def test_32_persons_are_learnt(little, name, steps):
    """A system that was shown 32 persons knows their classes and, where taught, their affect."""
    split = base_split(tiny.task()).subset(range(32))
    rate = 3e-3 if name == "mt-clar" else 1e-3
    settings = settings_of(name, embedding=64, learning_rate=rate, optimiser="adamw")
    cpu = torch.device("cpu")
    persons = PersonBatches(tiny.data(), split.sample_ids, ("body",), cpu)
    affect = base_targets(split, tiny.data(), tiny.stand_in())["affect"]
    targets = Targets(torch.from_numpy(split.targets()), torch.tensor(affect))
    network = module._network(settings, len(split.classes), {}, Processes(0, 1, cpu))
    optimiser = module._optimiser(settings, network)
    losses = Losses(settings, metric_loss=network.metric_loss)
    (batch,) = persons.batches([np.arange(32)])
    inputs = network_inputs(batch)
    torch.manual_seed(0)
    for _ in range(steps):
        module.training_step(network, losses, optimiser, inputs, targets, 1, settings)
    with torch.no_grad():  # statistics of batch normalisation follow slowly
        for _ in range(20):
            network.train()(inputs)
        outputs = network.eval()(inputs)
    nothing = type(outputs)(*map(torch.zeros_like, outputs))  # as if all were in the middle
    if name == "mt-clar":
        learnt, guessed = (mt_clar.difference(x, targets, settings) for x in (outputs, nothing))
        assert learnt < guessed / 4
    else:
        assert (outputs.logits.argmax(dim=1) == targets.classes).sum() > 30
    if name == "cage":
        learnt, guessed = (cage.affect(x, targets, settings) for x in (outputs, nothing))
        assert learnt < guessed / 4
    vectors = embed_places(network, persons, 32, settings)
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    classes = split.targets()
    shared = np.isin(classes, np.flatnonzero(np.bincount(classes) > 1))
    assert (classes[distances.argmin(axis=1)] == classes)[shared].mean() > 0.9


@pytest.mark.parametrize("name", ["cage", "mt-clar"])
def test_affect_of_novel_persons_changes_nothing(little, tmp_path, monkeypatch, name):
    """Whatever the annotations say of them, the files of a run are the same; of base, not."""
    task = tiny.task()
    split, settings = base_split(task), settings_of(name, epochs=1)
    novel, base = set(task.novel.sample_ids), set(split.sample_ids)

    def files(folder, whose):
        def changed(path):
            found = read_annotations(path)
            persons = found.persons.copy()
            persons.loc[persons.sample_id.isin(whose), ["valence", "arousal", "dominance"]] = 1
            return replace(found, persons=persons)

        with monkeypatch.context() as patch:
            patch.setattr("oneshot_emotic_baselines.targets.read_annotations", changed)
            targets = base_targets(split, tiny.data(), tiny.stand_in())
        train(settings, split, tiny.data(), tmp_path / folder, targets=targets)
        return tiny.files_of(tmp_path / folder)

    as_it_is = files("a", set())
    assert not novel & base and files("b", novel - base) == as_it_is != files("c", base)


def test_layers_that_draw_go_on_to_the_same_bits(little, tmp_path):
    """MaxViT leaves out layers at random: the same ones after a stop, and whatever came before."""
    split = base_split(tiny.task())
    targets = base_targets(split, tiny.data(), tiny.stand_in())

    def stop(line):
        raise tiny.StopError

    torch.manual_seed(1)
    train(settings_of("cage"), split, tiny.data(), tmp_path / "a", targets=targets)
    with pytest.raises(tiny.StopError):
        how = {"targets": targets, "on_epoch": stop}
        train(settings_of("cage"), split, tiny.data(), tmp_path / "b", **how)
    torch.manual_seed(2)
    train(settings_of("cage"), split, tiny.data(), tmp_path / "b", targets=targets)
    assert tiny.files_of(tmp_path / "a") == tiny.files_of(tmp_path / "b")


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("cage", "triplet,cross_entropy,affect"),
        ("cage-discrete", "triplet,cross_entropy"),
        ("mt-clar", "ContrastiveLoss,cross_entropy,difference"),
    ],
)
def test_all_the_way_at_64_pixels(tmp_path, run, name, columns):
    """With the networks themselves; CAGE's in its reduced variant."""
    data = ("--data", tiny.stand_in(), "--dataset", tiny.dataset())
    run("prepare", tiny.stand_in(), "--size", 64)
    few = ("--size", 64, "--weights", "none", "--epochs", 1, "--persons-per-epoch", 8)
    few += ("--batch-size", 8, "--validation-share", 0, "-o", tmp_path / "runs")
    reduced = () if name == "mt-clar" else ("--backbone", "maxvit_64")
    run("train", name, "--task", "cat-6-6", *data, *few, *reduced)
    folder = tmp_path / f"runs/{name}/cat-6-6/seed-0"
    header = (folder / "log.csv").read_text().splitlines()[0]
    assert header == f"epoch,learning_rate,loss,{columns},validation"
    vectors = embed_task(folder / "checkpoint.safetensors", tiny.task(), picture_data(64))
    found = np.stack(list(vectors.values()))
    lengths = np.linalg.norm(found, axis=1)
    if name == "mt-clar":
        assert found.shape[1] == 128 and np.allclose(lengths, 1, atol=1e-4)
    else:
        assert found.shape[1] == 512 and (np.abs(found) <= 1).all() and lengths.std() > 0


def picture_data(size):
    from oneshot_emotic_baselines.data import load_person_data

    return load_person_data(tiny.stand_in(), size=size)


def test_cages_changes_of_a_body():
    """Of an even grey picture: even again, but for one rectangle in half of all."""
    grey = (0.5 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    bodies = grey.view(1, 3, 1, 1).expand(300, 3, 100, 100)
    draw = torch.Generator().manual_seed
    changed = cage.augment({"body": bodies}, draw(0))["body"]
    assert torch.equal(changed, cage.augment({"body": bodies}, draw(0))["body"])
    painted = 0
    for picture in changed:
        corner = picture[:, 0, 0] if picture[0, 0, 0] == picture[0, -1, -1] else picture[:, 0, -1]
        other = ((picture - corner.view(3, 1, 1)).abs() > 1e-3).any(dim=0)
        rows, columns = (int(other.any(dim=axis).sum()) for axis in (1, 0))
        assert other.sum() == rows * columns
        if rows:
            painted += 1
            assert 0.015 < rows * columns / 1e4 < 0.21 and 0.28 < rows / columns < 3.5
            continue
        light = corner * torch.tensor([0.229, 0.224, 0.225]) + torch.tensor([0.485, 0.456, 0.406])
        assert light.std() < 1e-3 and 0.39 < light.mean() < 0.61
    assert 120 < painted < 180
    seen = {"body": torch.zeros(3, 16)}
    assert cage.augment(seen, draw(0)) is seen


def decoded_by_hand(differences, task, shots):
    """Draw by draw and query by query: balanced accuracy and error in levels, means over draws."""
    novel, levels, right_of, away_of = task.novel, task.levels, [], []
    for draw in task.support[:, :shots].tolist():
        supports = [place for row in draw for place in row if place >= 0]
        shown = {novel.image_ids[place] for place in supports}
        right, away = ({level: [] for level in levels} for _ in range(2))
        for query, label in enumerate(map(int, novel.labels)):
            if novel.image_ids[query] in shown:
                continue
            said = [int(novel.labels[x]) + differences[query][x] for x in supports]
            found = sum(said) / len(said)
            least = min(abs(found - level) for level in levels)
            near = [level for level in levels if abs(found - level) == least]
            right[label].append((label in near) / len(near))
            away[label].append(sum(abs(label - level) for level in near) / len(near))
        for every, of in ((right, right_of), (away, away_of)):
            of.append(np.mean([np.mean(values) for values in every.values() if values]))
    return np.mean(right_of), np.mean(away_of)


def small_task(draws=20):
    """A task of levels with few draws, so that a loop is quick."""
    task = tiny.task("lev-6-4-arousal")
    return replace(task, support=task.support[:draws])


def test_own_decoding_of_levels_is_that_of_a_loop():
    task = small_task()
    levels = np.array(task.novel.labels, dtype=float)
    true = levels[:, None] - levels
    noise = np.random.default_rng(0).normal(size=true.shape)
    for differences in (true + 2 * noise, np.zeros_like(true)):  # of nobody: ties
        found = level_figures(differences, task)
        for shots in (1, 3, 5):
            right, away = decoded_by_hand(differences.tolist(), task, shots)
            assert found[str(shots)]["balanced_accuracy"] == pytest.approx(right, abs=1e-9)
            assert found[str(shots)]["level_error"] == pytest.approx(away, abs=1e-9)
    assert level_figures(true, task)["1"] == {"balanced_accuracy": 1.0, "level_error": 0.0}


def test_mt_clar_decodes_levels_and_nothing_else(little):
    """A query's level is a support's and what the network says of the two, for the task's own."""
    task = small_task(5)
    settings = replace(settings_of("mt-clar"), task=task.name)
    torch.manual_seed(3)
    network = build_network(settings, 6).eval()
    random = np.random.default_rng(1)
    vectors = {name: random.normal(size=16).astype("float32") for name in task.novel.sample_ids}
    with torch.no_grad():
        z = torch.tensor(np.stack(list(vectors.values())))
        pairs = [[network.difference(a - b)[1].item() * 9 / 2 for b in z] for a in z]
    right, away = decoded_by_hand(pairs, task, 2)
    found = mt_clar.decode(network, task, vectors)
    assert found["2"]["balanced_accuracy"] == pytest.approx(right, abs=1e-6)
    assert found["2"]["level_error"] == pytest.approx(away, abs=1e-6)
    assert mt_clar.decode(network, tiny.task("cat-6-6"), {}) is None


def test_frozen_trunks_side_by_side(small):
    """Each branch at unit length, all of it at unit length; nothing of it is trained."""
    settings = Settings.of("frozen", "cat-6-6", weights="stand-in")
    assert settings.epochs == 0 and settings.frozen
    network = build_network(settings, 6).eval()
    pictures = {x: torch.randn(5, 3, tiny.SIZE, tiny.SIZE) for x in ("image", "body")}
    with torch.no_grad():
        found = network(pictures)
        parts = [network.trunk(x)(y).double().numpy() for x, y in pictures.items()]
    expected = np.hstack([x / np.linalg.norm(x, axis=1, keepdims=True) for x in parts]) / 2**0.5
    assert found.logits is None and np.allclose(found.embedding, expected, atol=1e-6)
    head = Settings.of("frozen-head", "cat-6-6", weights="stand-in")
    learnt = build_network(head, 6)
    module._optimiser(head, learnt)
    moving = {name for name, x in learnt.named_parameters() if x.requires_grad}
    assert moving == {f"{x}.{y}" for x in ("embedder", "classifier") for y in ("weight", "bias")}
    assert learnt.embedder.weight.shape == (head.embedding, 32)


def test_frozen_is_refused_without_pretrained_trunks_and_is_not_trained():
    with pytest.raises(InputError, match="frozen-head is about pretrained trunks"):
        build_network(Settings.of("frozen-head", "cat-6-6", weights="none"), 6)
    with pytest.raises(InputError, match="must be from 0 to 0, not 3"):
        Settings.of("frozen", "cat-6-6", epochs=3)
    with pytest.raises(InputError, match="must be at least 1, not 0"):
        Settings.of("frozen-head", "cat-6-6", epochs=0)


def test_the_list_names_source_parameters_and_what_is_reported_elsewhere(run):
    text = " ".join(run("baselines").output.split())
    for name in SYSTEMS:
        recipe = RECIPES[name]
        source = f"arXiv {recipe.paper.rpartition('/')[2]}"
        for said in (recipe.title, f"{recipe.parameters:,}", source, recipe.elsewhere):
            assert said in text
        assert not recipe.in_paper and not recipe.reported
    assert "Reported elsewhere, each by another protocol" in text
