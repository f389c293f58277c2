"""The network is the paper's, every branch is wired in, and it can learn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conftest import REPOSITORY

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

from oneshot_emotic_baselines.model import AffectNet, build_network  # noqa: E402
from oneshot_emotic_baselines.recipes import RECIPES  # noqa: E402
from oneshot_emotic_baselines.settings import Settings  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402


def network(name, **options):
    torch.manual_seed(0)
    return AffectNet(replace(RECIPES[name], pretraining={}), "resnet18", 6, **options)


def inputs(name, persons=8, side=32):
    generator = torch.Generator().manual_seed(1)
    made = {
        branch: torch.randn(persons, 3, side, side, generator=generator)
        for branch in RECIPES[name].pixel_branches
    }
    if "semantic" in RECIPES[name].branches:
        made["semantic"] = (torch.rand(persons, 150, generator=generator) < 0.1).float()
    return made


#: Recipes of squares in which something is trained from scratch.
SQUARES = [
    name
    for name, recipe in RECIPES.items()
    if recipe.kind == "trained"
    and "scene" not in recipe.branches
    and recipe.settings.get("trunk_lr") != 0
]


@pytest.mark.parametrize("name", SQUARES)
def test_shapes_and_gradients_of_every_recipe(name):
    torch.manual_seed(0)
    model = build_network(Settings(name, "cat-6-6", weights="none"), 6)
    outputs = {k: x for k, x in model(inputs(name))._asdict().items() if x is not None}
    assert outputs["embedding"].shape == (8, 128)
    assert outputs.get("logits", torch.zeros(8, 6)).shape == (8, 6)
    assert list(model.branches) == list(RECIPES[name].branches)
    sum(x.square().sum() for x in outputs.values()).backward()
    for weights_name, weights in model.named_parameters():
        assert weights.grad is not None and weights.grad.abs().sum() > 0, weights_name


def test_every_branch_changes_the_embedding():
    model = network("sem-ib-dml").eval()
    given = inputs("sem-ib-dml")
    before = model(given)[0]
    for branch in given:
        changed = {**given, branch: given[branch].roll(1, 0)}
        assert not torch.allclose(model(changed)[0], before)


def test_parameters_of_sem_ib_dml():
    """By hand: two ResNet18 without their last layer, three branch ends, embedder, classifier."""
    resnet18 = 11_689_512 - (512 * 1000 + 1000)
    branch = resnet18 + 512 * 512 + 512
    semantic = 150 * 256 + 256 + 2 * 256 + 256 * 512 + 512
    expected = 2 * branch + semantic + 3 * 512 * 128 + 128 + 128 * 6 + 6
    found = sum(x.numel() for x in network("sem-ib-dml").parameters())
    assert found == expected == 23_246_598
    assert f"{expected:,}" in (REPOSITORY / "docs/baselines.md").read_text(encoding="utf-8")


def test_resnet50():
    model = AffectNet(replace(RECIPES["b-dml"], pretraining={}), "resnet50", 4)
    assert model.branches["body"].fc.weight.shape == (512, 2048)
    assert model(inputs("b-dml", persons=2))[1].shape == (2, 4)


def test_the_1000_way_layer_is_gone():
    assert network("ib-dml").branches["image"].fc.weight.shape == (512, 512)
    assert network("ib-dml").embedder.weight.shape == (128, 1024)


@pytest.mark.parametrize("name", [x for x, recipe in RECIPES.items() if recipe.kind == "trained"])
def test_size_is_as_stated(name):
    """Counted on tensors without values, of the network of six base classes that is its default."""
    recipe = RECIPES[name]
    # DSCT's batch normalisations count, as in a ResNet, though they may be frozen.
    weights = {"weights": "none"} if "scene" in recipe.branches else {}
    with torch.device("meta"):
        network = build_network(Settings.of(name, "cat-6-6", **weights), 6, pretrained=False).eval()
        assert sum(x.numel() for x in network.parameters()) == recipe.parameters
        if "scene" in recipe.branches:
            return  # its indices need values; counted by hand once, of an image of 800 x 600
        pictures = {x: torch.zeros(1, 3, recipe.size, recipe.size) for x in recipe.pixel_branches}
        others = set(recipe.branches) - set(pictures)
        with FlopCounterMode(display=False) as counter:
            network(pictures | {name: torch.zeros(1, 150) for name in others})
    assert round(counter.get_total_flops() / 1e9, 2) == recipe.gflop
