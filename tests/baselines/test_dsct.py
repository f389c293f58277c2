"""DSCT: whole images, several persons of one in a pass, its network, its losses, all the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines import scenes  # noqa: E402
from oneshot_emotic_baselines import train as module  # noqa: E402
from oneshot_emotic_baselines.checkpoint import load_checkpoint  # noqa: E402
from oneshot_emotic_baselines.data import (  # noqa: E402
    base_split,
    load_person_data,
    network_inputs,
    person_batches,
)
from oneshot_emotic_baselines.embed import embed_places, embed_task, model_card  # noqa: E402
from oneshot_emotic_baselines.losses import Targets  # noqa: E402
from oneshot_emotic_baselines.metric_learning import Losses  # noqa: E402
from oneshot_emotic_baselines.model import autocast, build_network  # noqa: E402
from oneshot_emotic_baselines.recipes import RECIPES  # noqa: E402
from oneshot_emotic_baselines.scenes import jittered, rescaled, scene_inputs  # noqa: E402
from oneshot_emotic_baselines.settings import Settings  # noqa: E402
from oneshot_emotic_baselines.systems import dsct  # noqa: E402
from oneshot_emotic_baselines.systems.deformable import Memory  # noqa: E402
from oneshot_emotic_baselines.train import train  # noqa: E402
from oneshot_emotic_baselines.weights import describe, weights_at  # noqa: E402
from torch import nn  # noqa: E402

from oneshot_emotic.errors import InputError  # noqa: E402
from oneshot_emotic.prepared import prepare  # noqa: E402

CPU = torch.device("cpu")


class LittleResNet(nn.Module):
    """A convolution for every stage of a ResNet; most tests are of what is around it."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8)
        self.relu, self.maxpool = nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Identity()
        for place, (before, after) in enumerate(((8, 8), (8, 16), (16, 32)), 2):
            conv = nn.Conv2d(before, after, 3, 2, 1, bias=False)
            self.add_module(f"layer{place}", nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU()))
        self.fc = nn.Linear(32, 1)


@pytest.fixture(autouse=True)
def little(request, monkeypatch):
    """But where weights of a real one are at hand, or it is counted."""
    if not {"coco", "whole_network"} & set(request.fixturenames):
        monkeypatch.setattr(dsct, "resnet", lambda name, begun, files: LittleResNet())


@pytest.fixture
def whole_network():
    pass


@pytest.fixture(scope="module")
def data():
    torch.set_num_threads(1)
    prepare(tiny.stand_in(), size=tiny.SIZE, proportions=True)
    how = {"semantic": False, "proportions": True}
    return load_person_data(tiny.stand_in(), size=tiny.SIZE, **how)


def settings_of(**changes):
    """Of the reduced variant, at a size that takes seconds."""
    values = {"weights": "none", "backbone": "resnet18", "epochs": 2, "batch_size": 8}
    values |= {"persons_per_epoch": 16, "embedding": 16, "validation_draws": 5}
    return Settings.of("dsct", "cat-6-6", **{**values, **changes})


def network_of(settings=None, seed=0, fusion=dsct.FUSION):
    torch.manual_seed(seed)
    settings = settings or settings_of()
    return dsct.DsctNet(settings.effective_recipe, settings, 6, {}, fusion)


def crowded(data, least=2):
    """The persons of images with several, image by image."""
    by_image = {}
    for name, row in data.image_row.items():
        by_image.setdefault(row, []).append(name)
    return [name for names in by_image.values() if len(names) >= least for name in names]


def inputs_of(data, names, order=None):
    batches = person_batches(data, names, ("scene",), CPU)
    order = np.arange(len(names)) if order is None else np.array(order)
    return network_inputs(next(batches.batches([order])))


def test_an_image_is_there_once_with_all_its_persons(data):
    names = crowded(data)[:6] + [n for n in data.image_row if n not in crowded(data)][:3]
    order = [8, 0, 3, 1, 7, 2, 5]
    batch = next(person_batches(data, names, ("scene",), CPU).batches([np.array(order)]))
    rows = [data.image_row[names[place]] for place in order]
    shown = sorted(set(rows))
    assert len(batch["scene"]) == len(shown)
    for place, row in enumerate(shown):
        height, width = data.whole.sizes[row]
        image = batch["scene"][place].numpy()
        assert np.array_equal(image[:height, :width], data.whole.image(data.images, row))
        assert not image[height:].any() and not image[:, width:].any()
    seen = {}
    for person, (row, (image, number)) in enumerate(
        zip(rows, batch["scene_rows"].tolist(), strict=True)
    ):
        assert shown[image] == row and number == seen.get(row, 0)
        seen[row] = number + 1
        box = data.whole.boxes[data.body_row[names[order[person]]]]
        assert np.array_equal(batch["scene_boxes"][person].numpy(), box)


def test_a_mirrored_picture_is_one_flipped_by_hand(data):
    """Pillow's flip of an image and of its box; all persons of an image are flipped with it."""
    names = crowded(data)[:6]
    batch = next(person_batches(data, names, ("scene",), CPU).batches([np.arange(6)]))
    flags = torch.tensor([True, False, False, True, False, True])
    first = {}
    for image, flag in zip(batch["scene_rows"][:, 0].tolist(), flags.tolist(), strict=True):
        first.setdefault(image, flag)
    by_hand = {name: values.clone() for name, values in batch.items()}
    for image, flag in first.items():
        height, width = batch["scene_sizes"][image].tolist()
        if flag:
            part = np.asarray(batch["scene"][image, :height, :width])
            by_hand["scene"][image, :height, :width] = torch.from_numpy(part[:, ::-1].copy())
    for person, image in enumerate(batch["scene_rows"][:, 0].tolist()):
        left, top, right, bottom = batch["scene_boxes"][person].tolist()
        if first[image]:
            by_hand["scene_boxes"][person] = torch.tensor([1 - right, top, 1 - left, bottom])
    found, expected = scene_inputs(batch, (flags, None)), scene_inputs(by_hand)
    assert any(first.values()) and not all(first.values())
    for name, values in expected.items():
        assert torch.equal(found[name], values), name


def test_a_smaller_scale_keeps_proportions_and_boxes(data):
    inputs = inputs_of(data, crowded(data)[:4])
    smaller = rescaled(inputs, 0.5)
    assert (smaller["scene_sizes"] * 2 - inputs["scene_sizes"]).abs().max() <= 1
    assert smaller["scene"].shape[2:] == tuple(smaller["scene_sizes"].amax(dim=0))
    for picture, before, size in zip(
        smaller["scene"], inputs["scene"], inputs["scene_sizes"].tolist(), strict=True
    ):
        height, width = size[0] // 2, size[1] // 2
        part = picture[:, :height, :width].mean(dim=(1, 2))
        assert torch.allclose(part, before[:, : size[0], : size[1]].mean(dim=(1, 2)), atol=0.05)
        assert not picture[:, height + 1 :].any()
    assert torch.equal(smaller["scene_boxes"], inputs["scene_boxes"])
    same = rescaled(inputs, 1.0)
    assert torch.allclose(same["scene"], inputs["scene"], atol=1e-5)


def test_jitter_is_bounded():
    boxes = torch.tensor([[0.4, 0.4, 0.6, 0.5]]).expand(500, -1)
    found = jittered(boxes, 0.4, torch.Generator().manual_seed(0))
    sides, middles = found[:, 2:] - found[:, :2], (found[:, 2:] + found[:, :2]) / 2
    shares = sides / torch.tensor([0.2, 0.1])
    moved = (middles - torch.tensor([0.5, 0.45])) / torch.tensor([0.2, 0.1])
    assert 0.6 <= shares.min() < 0.65 and 1.35 < shares.max() <= 1.4001
    assert -0.2001 <= moved.min() < -0.18 and 0.18 < moved.max() <= 0.2001
    edge = jittered(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), 0.4, torch.Generator().manual_seed(0))
    assert edge.min() >= 0 and edge.max() <= 1


def by_hand(subjects, context, middles, places, shape, terms):
    """The fusion of one image, query by query, in plain loops."""
    found = []
    for state, middle in zip(subjects, middles, strict=True):
        scores = [float(state @ other) / np.sqrt(len(state)) for other in context]
        distances = [float(((middle - place) ** 2).sum()) for place in places]
        among = [float(state @ other) / np.sqrt(len(state)) for other in subjects]
        chosen = {
            "near": (np.argsort(distances)[: shape[0]], scores, context),
            "alike": (np.argsort(scores)[::-1][: shape[1]], scores, context),
            "subjects": (range(len(subjects)), among, subjects),
        }
        total = state.copy()
        for name in terms:
            places_of, values, states = chosen[name]
            weights = np.exp([values[place] for place in places_of])
            total += sum(
                w * states[p] for w, p in zip(weights / weights.sum(), places_of, strict=True)
            )
        found.append(total)
    return np.array(found)


@pytest.mark.parametrize(
    "terms", [(), ("near",), ("alike",), ("subjects",), ("near", "alike", "subjects")]
)
def test_fusion_is_what_a_plain_loop_makes(terms):
    random = torch.Generator().manual_seed(0)
    subjects, context = (torch.randn(2, n, 8, generator=random) for n in (3, 20))
    middles, places = (torch.rand(*n, 2, generator=random) for n in ((2, 3), (20,)))
    there = torch.tensor([[True, True, True], [True, True, False]])
    near = dsct.nearest(middles, places, 5)
    found = dsct.fused(subjects, context, there, near, 4, terms)
    for image, count in ((0, 3), (1, 2)):  # the third of the second image is nobody
        states = (subjects[image, :count], context[image], middles[image, :count], places)
        expected = by_hand(*(x.double().numpy() for x in states), (5, 4), terms)
        assert np.allclose(found[image, :count].numpy(), expected, atol=1e-5)


def test_each_term_counts_and_padding_does_not(data):
    names = crowded(data)[:2]
    inputs = inputs_of(data, names)
    outputs = {}
    for left_out in (None, *dsct.FUSION):
        net = network_of(fusion=[x for x in dsct.FUSION if x != left_out]).eval()
        with torch.no_grad():
            outputs[left_out] = net(inputs).embedding
    for name in dsct.FUSION:
        assert not torch.allclose(outputs[name], outputs[None], atol=1e-4), name
    size = data.whole.sizes[data.image_row[names[0]]]
    others = [n for n in data.image_row if n not in crowded(data)]
    alone = [n for n in others if (data.whole.sizes[data.image_row[n]] == size).all()][:1]
    with torch.no_grad():
        net = network_of().eval()
        together = net(inputs_of(data, names + alone)).embedding  # a place for nobody in one image
        assert torch.allclose(together[2:], net(inputs_of(data, alone)).embedding, atol=1e-5)
        assert torch.allclose(together[:2], net(inputs).embedding, atol=1e-5)


def test_half_precision_is_near(data):
    net, inputs = network_of().eval(), inputs_of(data, crowded(data)[:4])
    with torch.no_grad(), autocast(settings_of(precision="bf16"), CPU):
        half = net(inputs)
    with torch.no_grad():
        full = net(inputs)
    assert half.boxes.dtype == torch.float32 and half.embedding.dtype == torch.bfloat16
    assert torch.nn.functional.cosine_similarity(half.embedding, full.embedding).min() > 0.99


def test_an_embedding_depends_on_nobody_else(data, monkeypatch):
    """Nor on the order of persons, nor on where a pass ends; in training it does on others."""
    names = crowded(data)[:8] + [n for n in data.image_row if n not in crowded(data)][:20]
    mixed = np.random.default_rng(0).permutation(len(names))
    names = [names[place] for place in mixed]
    net, settings = network_of(), settings_of()

    def embedded(chosen):
        persons = person_batches(data, chosen, ("scene",), CPU, alone=True)
        passes = persons.passes(len(chosen))
        assert sorted(np.concatenate(passes)) == list(range(len(chosen)))
        for places in passes:
            sizes = {tuple(data.whole.sizes[data.image_row[chosen[x]]]) for x in places}
            assert len(sizes) == 1 and len(places) <= scenes.PASS
        return embed_places(net, persons, len(chosen), settings)

    vectors = embedded(names)
    again = np.argsort(mixed)
    assert np.allclose(embedded([names[place] for place in again]), vectors[again], atol=1e-5)
    assert np.allclose(embedded(names[:9]), vectors[:9], atol=1e-5)
    for place in (0, 5):
        assert np.allclose(embedded([names[place]])[0], vectors[place], atol=1e-5)
    monkeypatch.setattr(scenes, "PASS", 3)
    assert np.allclose(embedded(names), vectors, atol=1e-5)
    assert np.ptp(vectors, axis=0).max() > 1e-3
    with torch.no_grad():
        several = net.eval()(inputs_of(data, crowded(data)[:2])).embedding.numpy()
    assert not np.allclose(embedded(crowded(data)[:2]), several, atol=1e-4)


def test_parameters_are_about_those_of_deformable_detr(whole_network):
    with torch.device("meta"):
        network = build_network(Settings.of("dsct", "cat-6-6", weights="none"), 6)
    count = sum(x.numel() for x in network.parameters())
    assert count == RECIPES["dsct"].parameters and 39e6 < count < 42e6
    trunk = sum(x.numel() for x in network.branches.parameters())
    assert trunk == 25_557_032 - 2_049_000  # torchvision's ResNet50 without its last layer
    assert len(network.encoder.layers) == len(network.decoder.layers) == 6
    assert network.query_position_embeddings.weight.shape == (300, 512)
    reduced = network_of(settings_of(embedding=128))
    assert sum(x.numel() for x in reduced.parameters()) == 11_727_190  # as docs/systems.md says


def outputs_by_hand():
    logits = torch.tensor([[[2.0, -1.0], [0.0, 0.0]]])  # one person, two layers, two classes
    boxes = torch.tensor([[[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]]])
    return dsct.Outputs(torch.zeros(1, 4), logits, boxes, torch.tensor([[0.0, 0.0, 0.5, 1.0]]))


def test_losses_against_values_worked_out_by_hand():
    outputs, targets = outputs_by_hand(), Targets(torch.tensor([0]))

    def focal(logit, wanted):
        p = 1 / (1 + np.exp(-logit))
        return -0.25 * (1 - p) ** 2 * np.log(p) if wanted else -0.75 * p**2 * np.log(1 - p)

    expected = focal(2, 1) + focal(-1, 0) + focal(0, 1) + focal(0, 0)
    assert float(dsct.focal(outputs, targets, None)) == pytest.approx(expected, rel=1e-5)
    # Middles, widths and heights: (.25 .25 .5 .5) and (.75 .75 .5 .5), wanted (.25 .5 .5 1).
    assert float(dsct.box(outputs, targets, None)) == pytest.approx(0.75 + 1.25)
    # Half of the wanted one and nothing around; a quarter shared of 3/4... no: none shared.
    first = 1 - 0.5
    shared, union, hull = 0.0, 0.25 + 0.5, 1.0
    second = 1 - (shared / union - (hull - union) / hull)
    assert float(dsct.giou(outputs, targets, None)) == pytest.approx(first + second, abs=1e-5)
    _, parts = Losses(settings_of())(outputs, targets)
    assert float(parts[0]) == pytest.approx(5 * expected + 5 * 2 + 2 * (first + second), rel=1e-5)


def test_without_box_losses_the_box_heads_learn_nothing(data, monkeypatch):
    recipe = RECIPES["dsct"]
    monkeypatch.setitem(RECIPES, "dsct", replace(recipe, losses=recipe.losses[:1]))
    net = network_of()
    loss, _ = Losses(settings_of())(
        net(inputs_of(data, crowded(data)[:3])), Targets(torch.arange(3))
    )
    loss.backward()
    assert all(x.grad is None or not x.grad.any() for x in net.boxes.parameters())
    assert all(x.grad is not None for x in net.classifiers.parameters())


def test_localisation_is_the_mean_of_overlaps(data):
    """A new network moves no box, so both means are of the jittered ones."""
    names = crowded(data)[:6]
    persons = person_batches(data, names, ("scene",), CPU)
    found = dsct.localisation(network_of(), persons, 6)
    random, each = torch.Generator().manual_seed(0), []
    for places in persons.passes(6):
        true = torch.from_numpy(data.whole.boxes[[data.body_row[names[x]] for x in places]])
        for box, other in zip(
            jittered(true, dsct.JITTER, random).tolist(), true.tolist(), strict=True
        ):
            wide = min(box[2], other[2]) - max(box[0], other[0])
            high = min(box[3], other[3]) - max(box[1], other[1])
            areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (box, other)]
            each.append(wide * high / (sum(areas) - wide * high))
    assert found["jittered_iou"] == pytest.approx(np.mean(each), rel=1e-4)
    assert found["iou"] == pytest.approx(found["jittered_iou"], rel=1e-3)


def test_it_learns_32_persons_by_heart(data):
    split = base_split(tiny.task())
    split = split.subset(range(32))
    settings = settings_of(learning_rate=3e-3, weight_decay=0.0, clip=0.0)
    net = network_of(settings)
    persons = person_batches(data, split.sample_ids, ("scene",), CPU)
    inputs = network_inputs(next(persons.batches([np.arange(32)])))
    inputs["scene_starts"] = jittered(
        inputs["scene_boxes"], dsct.JITTER, torch.Generator().manual_seed(0)
    )
    losses, targets = Losses(settings), Targets(torch.from_numpy(split.targets()))
    optimiser = module._optimiser(settings, net)
    for layer in net.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    for _ in range(40):
        module.training_step(net, losses, optimiser, inputs, targets, 1, settings)
    with torch.no_grad():
        outputs = net(inputs)
    assert (outputs.logits[:, -1].argmax(dim=1) == targets.classes).sum() > 29
    learnt = dsct.overlap(outputs.boxes[:, -1], outputs.wanted).mean()
    assert learnt > dsct.overlap(inputs["scene_starts"], outputs.wanted).mean() + 0.1


def test_boxes_and_pictures_of_novel_persons_never_reach_training(data, tmp_path):
    """Whatever they are, the files of a run are the same; those of base persons count."""
    task = tiny.task()
    split, settings = base_split(task), settings_of(epochs=1)
    novel, base = set(task.novel.sample_ids), set(split.sample_ids)

    def files(folder, whose, pictures=()):
        boxes, images = data.whole.boxes.copy(), np.array(data.images)
        for name in whose:
            boxes[data.body_row[name]] = (0.1, 0.1, 0.2, 0.2)
        for row in pictures:
            start, (height, width) = data.whole.starts[row], data.whole.sizes[row]
            images[start : start + height * width * 3] = 0
        changed = replace(data, images=images, whole=data.whole._replace(boxes=boxes))
        train(settings, split, changed, tmp_path / folder)
        return tiny.files_of(tmp_path / folder)

    as_it_is = files("a", ())
    theirs = {data.image_row[x] for x in novel} - {data.image_row[x] for x in base}
    assert novel and theirs and not novel & base
    assert files("b", novel, theirs) == as_it_is != files("c", base)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_stopped_run_goes_on_to_the_same_bits(data, tmp_path, frozen):
    """Scales, jitter and layers that draw; and a frozen trunk, whose maps are kept."""
    how = {"weights": "default", "trunk_lr": 0.0} if frozen else {}
    split, settings = base_split(tiny.task()), settings_of(**how)

    def stop(line):
        assert 0 < line["iou"] <= 1 and 0 < line["jittered_iou"] < 1 and line["focal"] > 0
        raise tiny.StopError

    train(settings, split, data, tmp_path / "a")
    with pytest.raises(tiny.StopError):
        train(settings, split, data, tmp_path / "b", on_epoch=stop)
    torch.manual_seed(2)
    train(settings, split, data, tmp_path / "b")
    assert tiny.files_of(tmp_path / "a") == tiny.files_of(tmp_path / "b")


def test_what_a_frozen_trunk_makes_is_what_the_network_would(data):
    """The maps of squares, folded and unfolded; the same embedding as from the pixels."""
    settings = settings_of(weights="default", trunk_lr=0.0)
    net = network_of(settings).eval()
    seen = module.seen_by_trunks(net, data, settings, CPU)
    names = crowded(data)[:4]
    square = [n for n in names if (data.whole.sizes[data.image_row[n]] == tiny.SIZE).any()]
    kept, inputs = inputs_of(seen, square), inputs_of(data, square)
    high, wide = inputs["scene"].shape[2:]
    room = nn.functional.pad(inputs["scene"], (0, tiny.SIZE - wide, 0, tiny.SIZE - high))
    with torch.no_grad():
        expected = net({**inputs, "scene": room}).embedding
        assert torch.allclose(net(kept).embedding, expected, atol=1e-4)


def test_slow_weights_and_a_clipped_gradient(data):
    settings = settings_of(weights="default")
    net = network_of(settings)
    optimiser = module._optimiser(settings, net)
    rates = {id(w): group["lr"] for group in optimiser.param_groups for w in group["params"]}
    for name, weights in net.named_parameters():
        slow = name.startswith(("branches.", "reference_points."))
        assert rates[id(weights)] == pytest.approx(2e-5 if slow else 2e-4), name
    assert {group["weight_decay"] for group in optimiser.param_groups} == {1e-4}
    assert settings.clip == 0.1 and "clip" not in Settings("i-dml", "cat-6-6").to_dict()
    names = crowded(data)[:3]
    losses, targets = Losses(settings), Targets(torch.arange(3))
    step = (net, losses, optimiser, inputs_of(data, names), targets, 1, settings)
    *_, before = module.training_step(*step)
    after = nn.utils.get_total_norm([x.grad for x in net.parameters() if x.grad is not None])
    assert before > 0.1 and float(after) == pytest.approx(0.1, rel=1e-3)


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    """A folder of `transformers`, as Deformable DETR's on COCO are, of the reduced size."""
    pytest.importorskip("timm")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    shape = dsct.SHAPES["resnet18"]
    config = transformers.DeformableDetrConfig(
        use_timm_backbone=True,
        use_pretrained_backbone=False,
        backbone="resnet18",
        d_model=shape.width,
        encoder_layers=shape.layers[0],
        decoder_layers=shape.layers[1],
        encoder_attention_heads=shape.heads,
        decoder_attention_heads=shape.heads,
        encoder_ffn_dim=shape.hidden,
        decoder_ffn_dim=shape.hidden,
        num_queries=shape.context,
        num_labels=5,
    )
    model = transformers.DeformableDetrForObjectDetection(config).eval()
    with torch.no_grad():  # else every query looks at the same points with the same weights
        for name, values in model.named_parameters():
            if "sampling_offsets" in name or "attention_weights" in name:
                values.add_(torch.randn_like(values) * 0.1)
    folder = tmp_path_factory.mktemp("coco")
    model.save_pretrained(folder)
    return folder, model.model


def begun_with(folder, settings=None):
    settings = settings or settings_of(weights="default")
    return dsct.DsctNet(settings.effective_recipe, settings, 6, {"scene": weights_at(folder)})


def test_its_layers_are_those_of_transformers(data, coco):
    """From a checkpoint: encoder and decoder give what that library's do, in padded images too."""
    folder, model = coco
    net = begun_with(folder).eval()
    names = [*crowded(data)[:3], *list(data.image_row)[-3:]]
    inputs = rescaled(inputs_of(data, names), 3.0)
    sizes, pixels = inputs["scene_sizes"], inputs["scene"]
    sizes[0] -= torch.tensor([9, 14])
    whole = dsct.inside(sizes, *pixels.shape[2:], CPU)
    with torch.no_grad():
        expected = model(pixels, pixel_mask=whole.long())
        memory = net.encode(dsct.feature_maps(net.branches["scene"], pixels), whole)
        ways, states = net.query_position_embeddings.weight.chunk(2, dim=1)
        middles = net.reference_points(ways).sigmoid()
        states, ways = (x.expand(len(pixels), -1, -1) for x in (states, ways))
        looks = middles[None, :, None] * memory.ratios[:, None]
        reach = memory.cells().expand(*looks.shape)
        for layer in net.decoder.layers:
            known = torch.ones(states.shape[:2], dtype=torch.bool)
            states = layer.feed(layer.attend(states, ways, known, memory, looks, reach))
    values = expected.encoder_last_hidden_state
    assert isinstance(memory, Memory) and memory.values.shape == values.shape
    assert torch.allclose(memory.values[memory.inner], values[memory.inner], atol=1e-4)
    assert torch.allclose(states, expected.last_hidden_state, atol=1e-4)
    assert states.std(dim=1).max() > 1e-3


def test_a_checkpoint_that_does_not_fit_is_told_in_one_message(coco, tmp_path):
    from safetensors.torch import load_file, save_file

    folder, _ = coco
    state = load_file(folder / "model.safetensors")
    del state["model.level_embed"]
    state["model.strange"] = torch.zeros(1)
    state["model.reference_points.bias"] = torch.zeros(3)
    save_file(state, tmp_path / "model.safetensors")
    words = r"1 weights are missing, .*1 weights are unknown, .*1 weights have another"
    with pytest.raises(InputError, match=words):
        begun_with(tmp_path)
    torch.save(load_file(folder / "model.safetensors"), tmp_path / "old.bin")
    net, other = begun_with(folder), begun_with(tmp_path / "old.bin")
    assert torch.equal(net.level_embed, other.level_embed)
    sparse = torch.load(tmp_path / "old.bin")
    sparse["model.level_embed"] = sparse["model.level_embed"].to_sparse()
    torch.save(sparse, tmp_path / "sparse.bin")
    with pytest.raises(InputError, match="cannot be used"):
        begun_with(tmp_path / "sparse.bin")


def test_all_the_way_from_a_checkpoint_of_coco(coco, data, tmp_path, run):
    """By the command line: prepared, trained, embedded, scored; what it began with is stated."""
    copy = ("--data", tiny.stand_in(), "--dataset", tiny.dataset())
    output = run("prepare", tiny.stand_in(), "--size", tiny.SIZE, "--keep-proportions").output
    assert "prepared-32-whole" in output and "32 pixels on the longer side" in output
    few = ("--size", tiny.SIZE, "--epochs", 1, "--persons-per-epoch", 8, "--batch-size", 8)
    few += ("--backbone", "resnet18", "--validation-draws", 5, "-o", tmp_path / "runs")
    first = ("--weights", f"scene={coco[0]}")
    said = run("train", "dsct", "--task", "cat-6-6", *copy, *few, *first).output
    assert "jittered iou 0." in said
    folder = tmp_path / "runs/dsct/cat-6-6/seed-0"
    header = (folder / "log.csv").read_text().splitlines()[0]
    columns = "triplet,cross_entropy,focal,box,giou,iou,jittered_iou,validation"
    assert header == f"epoch,learning_rate,loss,{columns}"
    stated = load_checkpoint(folder / "checkpoint.safetensors")
    assert "model.safetensors, sha256" in stated["pretraining"]["scene"]
    run("embed", folder / "checkpoint.safetensors", *copy, "-o", tmp_path / "out")
    file = tmp_path / "out/cat-6-6.safetensors"
    assert "DSCT" in run("score", file, "--dataset", tiny.dataset()).output
    vectors = embed_task(folder / "checkpoint.safetensors", tiny.task(), data)
    assert np.stack(list(vectors.values())).std(axis=0).max() > 0


def test_pictures_of_the_other_kind_are_refused(data):
    tiny.prepared()
    how = {"size": tiny.SIZE, "semantic": False}
    with pytest.raises(InputError, match="holds squares, not whole images"):
        load_person_data(tiny.stand_in(), prepared=tiny.prepared(), proportions=True, **how)
    with pytest.raises(InputError, match="holds whole images, not squares"):
        load_person_data(tiny.stand_in(), prepared=data.folder, **how)
    with pytest.raises(InputError, match=r"resnet50 or resnet18 .its reduced variant., not maxvit"):
        network_of(settings_of(backbone="maxvit_64"))


def test_its_card_and_its_line_in_the_list(run, tmp_path):
    card = model_card(RECIPES["dsct"], settings_of(), {}, "")
    assert not card["seen_test_images"]
    for name in ("model.safetensors", "imagenet (torchvision).safetensors", "a\nb.bin"):
        (tmp_path / name).write_bytes(b"x")
        detector = describe({"scene": "imagenet"}, {"scene": tmp_path / name}, "resnet50")
        assert model_card(RECIPES["dsct"], settings_of(), detector, "")["seen_test_images"]
        assert detector["scene"].isprintable()
    resnet = describe({"scene": "imagenet"}, {"imagenet": Path(__file__)}, "resnet50")
    assert not model_card(RECIPES["dsct"], settings_of(), resnet, "")["seen_test_images"]
    assert (
        card["modalities"] == ["image", "body"] and "focal and box and giou" in card["description"]
    )
    output = run("baselines").output
    assert "41,066,494" in output and "mAP 37.81" in output
