"""Systems without a part: each lacks that and nothing else, and its line says by how much."""

from __future__ import annotations

import importlib
import sys

import pytest
from conftest import REPOSITORY

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines.model import build_network  # noqa: E402
from oneshot_emotic_baselines.recipes import RECIPES, recipe_named  # noqa: E402
from oneshot_emotic_baselines.settings import Settings  # noqa: E402

from oneshot_emotic.cli.submissions import checked_files, scores_of  # noqa: E402
from oneshot_emotic.scoring.comparison import compare  # noqa: E402


@pytest.fixture(scope="module")
def ablation():
    """Its recipes are known in these tests and no others."""
    before = dict(RECIPES)
    sys.path.append(str(REPOSITORY / "benchmarks"))
    yield importlib.import_module("systems_ablation")
    RECIPES.clear()
    RECIPES.update(before)
    for name in ("systems_ablation", "ablated"):
        del sys.modules[name]


def test_a_variant_lacks_its_losses_alone(ablation):
    lacking = {
        "cage-discrete": {"affect"},
        "mt-clar-no-difference-head": {"difference"},
        "dsct-no-box-losses": {"box", "giou"},
    }
    for variant in ablation.VARIANTS:
        whole, ours = recipe_named(variant.system), recipe_named(variant.recipe)
        gone = {loss.name for loss in whole.losses} - {loss.name for loss in ours.losses}
        assert gone == lacking.pop(variant.recipe, set())
        assert set(ours.losses) <= set(whole.losses)
        same = ("branches", "pretraining", "settings", "reduced", "reduced_size", "augment")
        assert all(getattr(whole, name) == getattr(ours, name) for name in same)
    assert not lacking


@pytest.mark.parametrize("part", ["near", "alike", "subjects"])
def test_a_variant_lacks_its_fusion_alone(ablation, part):
    """Of the same weights; the others are on."""
    settings = Settings.of(f"dsct-no-fusion-{part}", "cat-6-6")
    with torch.device("meta"):
        whole = build_network(Settings.of("dsct", "cat-6-6"), 6, pretrained=False)
        network = build_network(settings, 6, pretrained=False)
    assert set(whole.fusion) - set(network.fusion) == {part}
    assert set(network.fusion) < set(whole.fusion)
    assert network.state_dict().keys() == whole.state_dict().keys()


def test_the_lines_say_what_a_part_brings(ablation):
    """Two submissions that differ stand for a system and it without a part."""
    folder = REPOSITORY / "submissions"
    better, worse = (
        scores_of(checked_files([folder / name], task="cat-6-6"), (1, 5))
        for name in ("hog-colour", "colour-gradient")
    )
    names = {x for variant in ablation.VARIANTS for x in (variant.system, variant.recipe)}
    scores = {name: worse if name == "cage-discrete" else better for name in names}
    lines = ablation.lines_of(scores, {"dsct": {"iou": 0.5, "jittered_iou": 0.25}}, "cat-6-6")
    assert len(lines) == 2 * (3 + len(ablation.VARIANTS))
    expected = {x.shots: x for x in compare(better, worse) if x.what == "cat-6-6"}
    for line in lines:
        of = worse if line["without"] == "V/A/D loss" else better
        figure = of.tasks["cat-6-6"][line["shots"]].balanced_accuracy
        assert (line["balanced_accuracy"], line["high"]) == (figure.mean, figure.high)
        found = [line[name] for name in ablation.GAIN]
        if not line["without"]:
            assert found == ["", "", ""]
        elif of is worse:
            apart = expected[line["shots"]].difference
            assert found == [apart.mean, apart.low, apart.high]
        else:
            assert found == [0, 0, 0]
        assert line["iou"] == (0.5 if line["system"] == "dsct" and not line["without"] else "")
    rows = ablation.table(lines).splitlines()
    assert len(rows) == 2 + 3 + len(ablation.VARIANTS)
    (row,) = (row for row in rows if row.startswith("| `dsct` |"))
    mean = better.tasks["cat-6-6"][1].balanced_accuracy.mean
    assert f"| {100 * mean:.1f} [" in row and row.endswith("| 0.500 from 0.250 |")


def test_boxes_are_those_of_the_epoch_that_was_taken(ablation, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,iou,jittered_iou,validation\n1,0.1,0,0.3\n2,0.2,0,0.5\n3,0.3,0,0.5\n")
    assert ablation.log_of_epoch(path)["epoch"] == "2"
    first = ablation.log_of_epoch(path)
    path.write_text("epoch,iou,jittered_iou,validation\n1,0.1,0,\n2,0.4,0,\n")
    last = ablation.log_of_epoch(path)
    assert last["epoch"] == "2"
    means = ablation.boxes_of([first, last])
    assert means == {"iou": pytest.approx(0.3), "jittered_iou": 0}
    assert ablation.boxes_of([{"epoch": "1"}]) == {}
