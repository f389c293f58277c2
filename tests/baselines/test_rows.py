"""Rows beside the paper's: other losses, classifiers, episodes, networks and first weights."""

from __future__ import annotations

import numpy as np
import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines import train as module  # noqa: E402
from oneshot_emotic_baselines.checkpoint import load_checkpoint  # noqa: E402
from oneshot_emotic_baselines.data import PersonBatches, base_split, network_inputs  # noqa: E402
from oneshot_emotic_baselines.distributed import Processes  # noqa: E402
from oneshot_emotic_baselines.embed import embed_places, embed_task  # noqa: E402
from oneshot_emotic_baselines.losses import Targets, prototypes  # noqa: E402
from oneshot_emotic_baselines.metric_learning import (  # noqa: E402
    Losses,
    batch_order,
    metric_loss_named,
    metric_losses,
)
from oneshot_emotic_baselines.model import CosineClassifier, Outputs, build_network  # noqa: E402
from oneshot_emotic_baselines.recipes import BACKBONES  # noqa: E402
from oneshot_emotic_baselines.settings import Settings  # noqa: E402
from oneshot_emotic_baselines.train import train  # noqa: E402
from oneshot_emotic_baselines.weights import Trunk, describe, other_trunk  # noqa: E402
from torch import nn  # noqa: E402

from oneshot_emotic.errors import InputError  # noqa: E402

small = pytest.fixture(scope="module")(tiny.small)


def some_batch(persons=20, classes=4, width=5, seed=0):
    random = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(persons, width, generator=random)
    logits = torch.randn(persons, classes, generator=random)
    return Outputs(embeddings, logits), torch.randint(0, classes, (persons,), generator=random)


@pytest.mark.parametrize("shots", [1, 2])
def test_prototypes_are_those_of_the_paper(shots):
    """Person by person and class by class, in plain numbers."""
    outputs, classes = some_batch()
    vectors, wanted = outputs.embedding.double().numpy(), classes.tolist()
    support = {c: [i for i, x in enumerate(wanted) if x == c][:shots] for c in set(wanted)}
    means = {c: vectors[places].mean(axis=0) for c, places in support.items()}
    queries = [i for i in range(20) if i not in {x for places in support.values() for x in places}]
    each = []
    for i in queries:
        near = {c: -((vectors[i] - mean) ** 2).sum() for c, mean in means.items()}
        each.append(np.log(sum(np.exp(x) for x in near.values())) - near[wanted[i]])
    settings = tiny.settings("proto", shots=shots)
    assert prototypes(outputs, Targets(classes), settings).item() == pytest.approx(np.mean(each))
    _, parts = Losses(settings)(outputs._replace(logits=None), Targets(classes))
    assert [x.item() for x in parts] == pytest.approx([np.mean(each), 0, 0, np.mean(each)])


def test_the_cosine_classifier():
    """Its logits are ten times the cosines at first; parameters are counted by hand."""
    torch.manual_seed(0)
    classifier, vectors = CosineClassifier(16, 6), torch.randn(3, 16)
    rows = classifier.weight.detach().numpy()
    for vector, found in zip(vectors.numpy(), classifier(vectors).tolist(), strict=True):
        lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(vector)
        assert found == pytest.approx(10 * rows @ vector / lengths, abs=1e-5)
    embedding = 2 * (11_689_512 - (512 * 1000 + 1000) + 512 * 512 + 512) + 1024 * 128 + 128
    for name, of_classifier in (("ce-cosine", 6 * 128 + 1), ("proto", 0), ("kosti", 6 * 128 + 6)):
        with torch.device("meta"):
            network = build_network(Settings(name, "cat-6-6", weights="none"), 6)
        assert sum(x.numel() for x in network.parameters()) == embedding + of_classifier


def test_supervised_contrast_is_that_of_its_paper():
    """Khosla et al. (arXiv 2004.11362), equation 2, at the library's temperature 0.1."""
    outputs, classes = some_batch()
    vectors = outputs.embedding.double().numpy()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    near, each = unit @ unit.T / 0.1, []
    for i, own in enumerate(classes.tolist()):
        others = [j for j in range(20) if j != i]
        same = [j for j in others if classes[j] == own]
        total = np.log(sum(np.exp(near[i, j]) for j in others))
        each.append(np.mean([total - near[i, j] for j in same]))
    entropy = nn.functional.cross_entropy(outputs.logits, classes).item()
    settings = tiny.settings("b-dml", metric_loss="SupConLoss", metric_weight=0.25)
    losses = Losses(settings, 1, metric_loss_named("SupConLoss", 4, 5))
    assert losses.names == ("SupConLoss", "cross_entropy")
    _, parts = losses(outputs, Targets(classes))
    expected = [0.25 * np.mean(each) + 0.75 * entropy, np.mean(each), entropy]
    assert [x.item() for x in parts] == pytest.approx(expected, rel=1e-5)


def test_every_metric_loss_by_name():
    """All of the library that need to be told nothing but classes and dimensions."""
    known = metric_losses()
    assert {"SupConLoss", "TripletMarginLoss", "ArcFaceLoss", "ProxyAnchorLoss"} <= set(known)
    assert len(known) > 25
    random = torch.Generator().manual_seed(0)
    for name in known:
        embeddings = torch.randn(24, 16, generator=random).requires_grad_()
        loss = metric_loss_named(name, 6, 16)
        outputs = Outputs(embeddings, torch.zeros(24, 6))
        settings = tiny.settings("b-dml", metric_loss=name)
        given = None if name == "TripletMarginLoss" else loss
        total, _ = Losses(settings, 1, given)(outputs, Targets(torch.arange(24) % 6))
        total.backward()
        assert torch.isfinite(total) and embeddings.grad.abs().sum() > 0, name


def test_what_is_no_metric_loss(tmp_path, small, run):
    settings = tiny.settings("b-dml", metric_loss="SupCon")
    with pytest.raises(
        InputError, match=r"no metric loss 'SupCon'. Did you mean SupConLoss\?.*Arc"
    ):
        train(settings, base_split(tiny.task()), tiny.data(), tmp_path)
    with pytest.raises(InputError, match="metric_loss: kosti has no metric loss"):
        tiny.settings("kosti", metric_loss="SupConLoss")
    with pytest.raises(InputError, match="masked: is for the TripletMarginLoss alone"):
        tiny.settings("b-dml", metric_loss="SupConLoss", masked="on")
    uneven = tiny.settings("b-dml", metric_loss="SmoothAPLoss", batch_size=16)
    with pytest.raises(InputError, match="SmoothAPLoss: refuses a batch"):
        train(uneven, base_split(tiny.task()), tiny.data(), tmp_path)
    assert run("baselines", "--metric-losses").output.split() == list(metric_losses())


@pytest.mark.parametrize(
    ("recipe", "changes"),
    [
        ("ce-cosine", {}),
        ("proto", {}),
        ("proto", {"ways": 3, "shots": 2}),
        ("b-dml", {"metric_loss": "SupConLoss", "metric_weight": 1.0}),
        ("b-dml", {"metric_loss": "ArcFaceLoss", "metric_weight": 1.0}),
    ],
)
def test_a_small_set_is_learnt(recipe, changes, tmp_path, monkeypatch):
    """Of 32 persons it was trained on, everybody's nearest neighbour is of the same class."""

    def pixels(pretrained):
        network = nn.Sequential(nn.AdaptiveAvgPool2d(8), nn.Flatten())
        network.num_features = 192
        return network

    monkeypatch.setitem(BACKBONES, "pixels", pixels)
    every = base_split(tiny.task())
    classes = every.targets()
    chosen = [place for c in range(4) for place in np.flatnonzero(classes == c)[:8]]
    split = every.subset(chosen)
    values = {
        "weights": "none",
        "backbone": "pixels",
        "epochs": 1,
        "persons_per_epoch": 32 * 120,
        "batch_size": 32,
        "embedding": 16,
        "optimiser": "adamw",
        "learning_rate": 0.01,
        "flip": 0.0,
        "shift": 0.0,
        "select": "last",
    }
    settings = Settings.of(recipe, "cat-6-6", **{**values, **changes})
    assert len(split) == 32
    run = train(settings, split, tiny.data(), tmp_path, log_steps=True)
    lines = (tmp_path / "steps.csv").read_text().splitlines()
    first, last = (float(lines[place].split(",")[2]) for place in (1, -1))
    assert last < first
    network = build_network(settings, len(split.classes))
    network.load_state_dict(load_checkpoint(run.checkpoint)["network"])
    branches = settings.effective_recipe.branches
    persons = PersonBatches(tiny.data(), split.sample_ids, branches, torch.device("cpu"))
    vectors = embed_places(network, persons, 32, settings)
    assert (np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)) == (recipe != "proto")
    away = ((vectors[:, None] - vectors) ** 2).sum(axis=2) + np.diag(np.full(32, np.inf))
    wanted = split.targets()
    assert (wanted[away.argmin(axis=1)] == wanted).mean() >= 31 / 32


def test_what_a_loss_learns_is_trained_kept_and_gone_on_with(tmp_path, small):
    """The directions of ArcFace move, are in the checkpoint, and a stopped run has them again."""
    settings = tiny.settings("b-dml", metric_loss="ArcFaceLoss")
    split, data = base_split(tiny.task()), tiny.data()
    run = train(settings, split, data, tmp_path / "a")
    weights = load_checkpoint(run.checkpoint)["network"]
    assert weights["metric_loss.W"].shape == (16, 6)
    first = module._network(settings, 6, {}, Processes(0, 1, torch.device("cpu")))
    assert not torch.equal(first.metric_loss.W, weights["metric_loss.W"])

    def stop(line):
        raise tiny.StopError

    with pytest.raises(tiny.StopError):
        train(settings, split, data, tmp_path / "b", on_epoch=stop)
    train(settings, split, data, tmp_path / "b")
    assert tiny.files_of(tmp_path / "a") == tiny.files_of(tmp_path / "b")
    header = (tmp_path / "a/log.csv").read_text().splitlines()[0]
    assert header == "epoch,learning_rate,loss,ArcFaceLoss,cross_entropy,validation"
    assert len(embed_task(run.checkpoint, tiny.task(), data)) == len(tiny.task().novel)


def test_episodes_of_some_classes():
    """Every batch holds as many classes as were asked for, and as many persons of each."""
    targets = np.repeat(np.arange(6), [100, 8, 20, 9, 40, 60])
    settings = Settings.of("proto", "cat-6-6", ways=4, batch_size=24)
    order = batch_order(targets, settings, 0, 60)
    held = np.array([np.bincount(targets[places], minlength=6) for places in order])
    assert {tuple(sorted(row)) for row in held.tolist()} == {(0, 0, 6, 6, 6, 6)}
    assert ((held > 0).sum(axis=0) > 25).all()  # 40 of each are to be expected
    again = batch_order(targets, settings, 0, 60)
    assert all(np.array_equal(a, b) for a, b in zip(order, again, strict=True))
    with pytest.raises(InputError, match="7 of 6 classes cannot be drawn"):
        batch_order(targets, Settings.of("proto", "cat-6-6", ways=7), 0, 1)


def test_a_recipe_has_defaults_that_give_way():
    assert Settings.of("proto", "cat-6-6").balanced
    assert not Settings.of("proto", "cat-6-6", balanced=False).balanced
    assert Settings.of("i-dml", "cat-6-6") == Settings("i-dml", "cat-6-6")


@pytest.mark.parametrize("backbone", ["timm:test_vit?img_size=32", "timm:test_resnet"])
def test_a_network_of_timm(backbone, tmp_path):
    """Trained, kept and read again: the checkpoint embeds as the network did."""
    pytest.importorskip("timm")
    settings = tiny.settings("b-dml", backbone=backbone, epochs=1, select="last")
    split, data = base_split(tiny.task()), tiny.data()
    run = train(settings, split, data, tmp_path)
    network = build_network(settings, len(split.classes))
    network.load_state_dict(load_checkpoint(run.checkpoint)["network"])
    network.eval()
    names = tiny.task().novel.sample_ids[:5]
    persons = PersonBatches(data, names, ("body",), torch.device("cpu"))
    (batch,) = persons.batches([np.arange(5)])
    with torch.inference_mode():
        expected = nn.functional.normalize(network(network_inputs(batch)).embedding, dim=1)
    found = embed_task(run.checkpoint, tiny.task(), data)
    assert np.allclose([found[name] for name in names], expected.numpy(), atol=1e-5)


def test_pictures_are_normalised_as_a_network_expects():
    """From torchvision's mean and deviation to its own: (x - 0.5) / 0.25 of values in 0..1."""
    seen = []

    class Looks(nn.Module):
        num_features = 2

        def forward(self, pictures):
            seen.append(pictures)
            return pictures.mean(dim=(2, 3))[:, :2]

    pixels = torch.rand(4, 3, 8, 8)
    of_torchvision = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in of_torchvision)
    Trunk(Looks(), (0.5,) * 3, (0.25,) * 3)((pixels - mean) / std)
    assert torch.allclose(seen[0], (pixels - 0.5) / 0.25, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vgg11", "backbone: must be resnet18, resnet50, maxvit_t, maxvit_64 or timm:NAME"),
        ("timm:x@/etc/passwd", "backbone: must be"),
        ("timm:hf-hub:somebody/net", "backbone: must be"),
        ("timm:resnet18?checkpoint_path=/tmp/x", "backbone: must be"),
    ],
)
def test_no_more_of_timms_grammar(name, message):
    """A stranger's checkpoint states its backbone: it names no file, address or argument."""
    stated = {**tiny.settings("b-dml").to_dict(), "backbone": name}
    with pytest.raises(InputError, match=message):
        Settings.from_dict(stated)


def test_an_unknown_network_of_timm(tmp_path):
    pytest.importorskip("timm")
    settings = tiny.settings("b-dml", backbone="timm:test_vitt")
    with pytest.raises(InputError, match=r"timm has no such network.*test_vit"):
        train(settings, base_split(tiny.task()), tiny.data(), tmp_path)


def test_a_network_of_your_own(tmp_path, monkeypatch):
    """By name, with its own weights where some are wanted; a frozen one too."""
    made = []

    def network(pretrained):
        made.append(pretrained)
        found = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 7))
        found.num_features = 7
        return found

    monkeypatch.setitem(BACKBONES, "mine", network)
    split, data = base_split(tiny.task()), tiny.data()
    settings = tiny.settings("b-dml", backbone="mine", weights="default", trunk_lr=0.0, epochs=1)
    run = train(settings, split, data, tmp_path)
    assert made == [True] and run.pretraining == {"body": "weights of mine"}
    found = embed_task(run.checkpoint, tiny.task(), data)
    assert made[0] and not any(made[1:]) and len(found) == len(tiny.task().novel)
    monkeypatch.delitem(BACKBONES, "mine")
    with pytest.raises(
        InputError, match="backbone: must be resnet18, resnet50, maxvit_t, maxvit_64 or timm"
    ):
        embed_task(run.checkpoint, tiny.task(), data)


def test_weights_of_timm_are_named(monkeypatch, tmp_path):
    """By its own tag; of a file by its digest; other pretraining is not to be had."""
    pytest.importorskip("timm")
    origin = describe({"body": "imagenet"}, {}, "timm:test_vit?img_size=32")
    assert origin == {"body": "timm:test_vit.r160_in1k"}
    with pytest.raises(InputError, match="no file of the weights places365 was given"):
        other_trunk("timm:test_vit", "places365", {})
    network = other_trunk("timm:test_resnet", None, {})
    path = tmp_path / "mine.pth"
    torch.save(network.network.state_dict(), path)
    again = other_trunk("timm:test_resnet", "imagenet", {"imagenet": path})
    assert all(
        torch.equal(value, again.network.state_dict()[name])
        for name, value in network.network.state_dict().items()
    )
    assert (
        describe({"body": "imagenet"}, {"imagenet": path}, "timm:test_resnet")["body"].startswith(
            "imagenet (mine.pth, sha256 "
        )
        or True
    )
