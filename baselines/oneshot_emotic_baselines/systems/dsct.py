"""DSCT: subject and context queries of one image, decoupled, then fused layer by layer.

Source: Decoupled Subject-Context Transformer (arXiv 2404.17205). docs/systems.md says what was
adapted: here a subject query is a person whose box is given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import nn
from torchvision.ops import FrozenBatchNorm2d, box_convert, sigmoid_focal_loss
from torchvision.ops import generalized_box_iou_loss as giou_loss

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic_baselines.losses import Targets
from oneshot_emotic_baselines.recipes import Recipe
from oneshot_emotic_baselines.scenes import SceneBatches, inside, jittered, rescaled, scene_inputs
from oneshot_emotic_baselines.settings import Settings
from oneshot_emotic_baselines.systems.deformable import DeformableDetr, Memory, coco_names, waves
from oneshot_emotic_baselines.weights import WeightFiles, fill, read_weights, resnet

#: What a subject adds to its state before each layer's feed-forward network: attention over the
#: context queries nearest to it, over those most alike, over all subjects of the image.
Fusion = Literal["near", "alike", "subjects"]
FUSION: tuple[Fusion, ...] = get_args(Fusion)

#: Scales of the pictures in training, as shares of the prepared size: 480 to 800 by steps of 32.
SCALES = tuple(x / 800 for x in range(480, 801, 32))

#: How far a box is from the true one in training; see `jittered`.
JITTER = 0.4


class Shape(NamedTuple):
    """The size of a network.

    Attributes:
        width: Of the states.
        heads: Of each attention.
        hidden: Of the feed-forward networks.
        layers: Of the encoder and of the decoder.
        context: Context queries.
        near: Of these, how many a subject sees as its nearest.
        alike: Likewise, as those most alike.
    """

    width: int
    heads: int
    hidden: int
    layers: tuple[int, int]
    context: int
    near: int
    alike: int


#: By backbone: the paper's network, and a reduced variant of this package.
SHAPES = {
    "resnet50": Shape(256, 8, 1024, (6, 6), 300, 100, 50),
    "resnet18": Shape(64, 4, 128, (1, 2), 60, 20, 10),
}


class Outputs(NamedTuple):
    """What it makes of persons.

    Attributes:
        embedding: Of the last layer's state, (persons, dimensions).
        logits: After each layer, (persons, layers, base classes).
        boxes: Likewise: left, top, right and bottom as shares of the image, (persons, layers, 4).
        wanted: The true boxes, as the image is shown, (persons, 4).
    """

    embedding: torch.Tensor
    logits: torch.Tensor
    boxes: torch.Tensor
    wanted: torch.Tensor


class DsctNet(DeformableDetr):
    """A ResNet, Deformable DETR's encoder, and a decoder of subject and context queries."""

    def __init__(
        self,
        recipe: Recipe,
        settings: Settings,
        classes: int,
        files: WeightFiles,
        fusion: Collection[Fusion] = FUSION,
    ) -> None:
        """Build it; which size is by the backbone.

        Args:
            recipe: Its pretraining counts.
            settings: Of the run.
            classes: Base classes.
            files: Local weights: `scene` a checkpoint of Deformable DETR on COCO, whole; else a
                ResNet's.
            fusion: What a subject adds to its state.

        Raises:
            InputError: Weights cannot be had, or there is no network with this backbone.
        """
        name, begun = settings.backbone, recipe.pretraining.get("scene")
        if name not in SHAPES:
            what = f"DSCT has {' or '.join(SHAPES)} (its reduced variant), not {name}"
            raise InputError(Problem(what, "backbone"))
        shape = SHAPES[name]
        whole = files.get("scene") if begun else None
        backbone: Any = resnet(name, None if whole else begun, files)  # type: ignore[arg-type]
        last = backbone.fc.in_features
        self.channels = (last // 4, last // 2, last)
        super().__init__(self.channels, *shape[:5])
        del backbone.fc
        self.branches = nn.ModuleDict({"scene": backbone})
        if settings.weights != "none":
            _freeze_norms(backbone)
        if whole:
            self._begin_with(whole)
        self.shape, self.fusion = shape, frozenset(fusion)
        width, layers = shape.width, range(shape.layers[1])
        self.subject = nn.Parameter(torch.randn(width))
        self.place = nn.Linear(4 * width, width)
        self.embedder = nn.Linear(width, settings.embedding)
        inputs = [width] * (len(layers) - 1) + [settings.embedding]
        self.classifiers = nn.ModuleList([nn.Linear(x, classes) for x in inputs])
        self.boxes = nn.ModuleList([_box_head(width) for _ in layers])
        for head in self.classifiers:  # as of RetinaNet: begins with one in a hundred
            nn.init.constant_(head.bias, -4.595)

    def trunk(self, branch: str) -> nn.Module:
        """All that makes maps, of squares of which each side is a multiple of 32, as numbers."""
        return _Maps(self.branches[branch])

    def forward(self, inputs: Mapping[str, torch.Tensor]) -> Outputs:
        """The `Outputs` of persons; inputs as of `scene_inputs`, images padded to a common size."""
        rows, numbers = inputs["scene_rows"].unbind(dim=1)
        pixels = inputs["scene"]
        if pixels.ndim == 2:  # what the trunk made of squares
            maps = unfolded(pixels, self.channels)
            height = width = STRIDE * maps[0].shape[3]
        else:
            maps, (height, width) = feature_maps(self.branches["scene"], pixels), pixels.shape[2:]
        memory = self.encode(maps, inside(inputs["scene_sizes"], height, width, pixels.device))
        images, most = len(pixels), int(numbers.max()) + 1
        starts = pixels.new_zeros(images, most, 4)
        starts[..., 2:] = 1
        starts[rows, numbers] = inputs["scene_starts"].float()
        there = torch.zeros(images, most, dtype=torch.bool, device=rows.device)
        there[rows, numbers] = True
        boxes = box_convert(starts, "xyxy", "cxcywh")
        states = [x[rows, numbers] for x in self._decode(memory, boxes, there)]
        embedding = self.embedder(states[-1])
        seen = zip(self.classifiers, (*states[:-1], embedding), strict=True)
        logits = torch.stack([head(state) for head, state in seen], dim=1)
        begun = torch.logit(boxes[rows, numbers], eps=1e-5)
        moved = [head(state) for head, state in zip(self.boxes, states, strict=True)]
        found = (torch.stack(moved, dim=1).float() + begun[:, None]).sigmoid()
        corners = box_convert(found, "cxcywh", "xyxy")
        return Outputs(embedding, logits, corners, inputs["scene_boxes"])

    def _decode(
        self, memory: Memory, boxes: torch.Tensor, there: torch.Tensor
    ) -> list[torch.Tensor]:
        """The subjects' states after each layer, (images, subjects, width).

        Args:
            memory: Of the images.
            boxes: Middle, width and height of each subject's box, (images, subjects, 4).
            there: False where an image has fewer, bool (images, subjects).
        """
        (images, most), count = there.shape, self.shape.context
        ways, begun = self.query_position_embeddings.weight.chunk(2, dim=1)
        middles = self.reference_points(ways).sigmoid()
        place = self.place(waves(boxes, self.shape.width).flatten(2))
        positions = torch.cat([ways.expand(images, -1, -1), place], dim=1)
        states = torch.cat(
            [begun.expand(images, -1, -1), self.subject.expand(images, most, -1)], dim=1
        )
        near = nearest(boxes[..., :2], middles, self.shape.near)
        known = torch.cat([there.new_ones(images, count), there], dim=1)
        # A context query's offsets are in places of the level, a subject's in shares of its box.
        ratios = memory.ratios[:, None]
        looks = torch.cat([middles.expand(images, -1, -1), boxes[..., :2]], dim=1)
        reach = torch.cat(
            [
                memory.cells().expand(images, count, -1, -1),
                boxes[:, :, None, 2:] * ratios * (0.5 / 4),
            ],
            dim=1,
        )
        looks = looks[:, :, None] * ratios
        found = []
        for layer in self.decoder.layers:
            states = layer.attend(states, positions, known, memory, looks, reach)
            context, subjects = states.split([count, most], dim=1)
            subjects = fused(subjects, context, there, near, self.shape.alike, self.fusion)
            states = layer.feed(torch.cat([context, subjects], dim=1))
            found.append(states[:, count:])
        return found

    def _begin_with(self, path: Path) -> None:
        state = coco_names(read_weights(path), "branches.scene.")
        own, given = (
            {name: values for name, values in x.items() if not name.endswith("num_batches_tracked")}
            for x in (self.state_dict(), state)
        )
        fill(self, own, given, str(path))


#: Pixels to a place of the first map; of each further one twice as many.
STRIDE = 8


def feature_maps(network: Any, pixels: torch.Tensor) -> list[torch.Tensor]:
    """The outputs of a ResNet's last three stages."""
    found = network.maxpool(network.relu(network.bn1(network.conv1(pixels))))
    found = network.layer2(network.layer1(found))
    third = network.layer3(found)
    return [found, third, network.layer4(third)]


class _Maps(nn.Module):
    """The maps of pictures, one after the other, (images, numbers)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        maps = feature_maps(self.network, pixels)
        return torch.cat([x.flatten(1) for x in maps], dim=1)


def unfolded(numbers: torch.Tensor, channels: Sequence[int]) -> list[torch.Tensor]:
    """The maps of square pictures from what `DsctNet.trunk` makes of them."""
    whole = sum(count / 4**place for place, count in enumerate(channels))
    first = round((numbers.shape[1] / whole) ** 0.5)
    sides = [first >> place for place in range(len(channels))]
    parts = numbers.split([c * x * x for c, x in zip(channels, sides, strict=True)], dim=1)
    return [
        part.unflatten(1, (count, side, side))
        for part, count, side in zip(parts, channels, sides, strict=True)
    ]


def _box_head(width: int) -> nn.Sequential:
    """Three layers that change nothing at first."""
    last = nn.Linear(width, 4)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    layers = [nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), last]
    return nn.Sequential(*layers)


def _freeze_norms(network: nn.Module) -> None:
    """Batch normalisations that stay as they are, in place of those that learn, as in DETR."""
    for name, module in list(network.named_children()):
        if isinstance(module, nn.BatchNorm2d):
            frozen = FrozenBatchNorm2d(module.num_features, module.eps)
            frozen.load_state_dict(module.state_dict(), strict=False)
            setattr(network, name, frozen)
        else:
            _freeze_norms(module)


def nearest(middles: torch.Tensor, context: torch.Tensor, count: int) -> torch.Tensor:
    """Which context queries are nearest to each subject.

    Args:
        middles: Of the subjects, (images, subjects, 2).
        context: Places of the context queries, (queries, 2).
        count: How many are near.

    Returns:
        bool (images, subjects, queries).
    """
    distances = (middles[:, :, None] - context).square().sum(dim=3)
    return _chosen(-distances, count)


def _chosen(scores: torch.Tensor, count: int) -> torch.Tensor:
    best = scores.topk(count, dim=2).indices
    return torch.zeros_like(scores, dtype=torch.bool).scatter_(2, best, True)


def fused(
    subjects: torch.Tensor,
    context: torch.Tensor,
    there: torch.Tensor,
    near: torch.Tensor,
    alike: int,
    terms: Collection[Fusion] = FUSION,
) -> torch.Tensor:
    """Subjects' states with what they take from context and from each other.

    Each term is a mean of states, weighted by the softmax of their dot products with the subject's
    over the root of the width; it is added as it is.

    Args:
        subjects: (images, subjects, width).
        context: (images, queries, width).
        there: False where an image has fewer subjects, bool (images, subjects).
        near: From `nearest`.
        alike: Of how many context queries, those of the highest dot products, the second term is.
        terms: Which are added.
    """
    scale = subjects.shape[2] ** -0.5
    scores = subjects @ context.transpose(1, 2) * scale
    among = subjects @ subjects.transpose(1, 2) * scale
    seen = {
        "near": (scores, near, context),
        "alike": (scores, _chosen(scores, alike), context),
        "subjects": (among, there[:, None], subjects),
    }
    found = subjects
    for name, (values, mask, states) in seen.items():
        if name in terms:
            weights = values.masked_fill(~mask, -torch.inf).softmax(dim=2)
            found = found + weights @ states
    return found


def augment(inputs: dict[str, torch.Tensor], random: torch.Generator) -> dict[str, torch.Tensor]:
    """One scale for all images of a batch, and boxes that are a little wrong."""
    starts = jittered(inputs["scene_boxes"], JITTER, random)
    if inputs["scene"].ndim == 2:  # what a trunk made of them
        return {**inputs, "scene_starts": starts}
    scale = SCALES[int(torch.randint(len(SCALES), (1,), generator=random))]
    return {**rescaled(inputs, scale), "scene_starts": starts}


def focal(
    outputs: Outputs,
    targets: Targets,
    settings: Settings,  # noqa: ARG001
) -> torch.Tensor:
    """Sigmoid focal loss of the classes: its sum over classes and layers, the mean over persons."""
    classes = nn.functional.one_hot(targets.classes, outputs.logits.shape[2]).float()
    wanted = classes[:, None].expand_as(outputs.logits)
    return sigmoid_focal_loss(outputs.logits, wanted, 0.25, 2, "sum") / len(classes)


def box(
    outputs: Outputs,
    targets: Targets,  # noqa: ARG001
    settings: Settings,  # noqa: ARG001
) -> torch.Tensor:
    """L1 distance of middle, width and height: the sum over all and layers, mean over persons."""
    found, wanted = (box_convert(x, "xyxy", "cxcywh") for x in (outputs.boxes, outputs.wanted))
    return (found - wanted[:, None]).abs().sum() / len(wanted)


def giou(
    outputs: Outputs,
    targets: Targets,  # noqa: ARG001
    settings: Settings,  # noqa: ARG001
) -> torch.Tensor:
    """One minus the generalised IoU: the sum over layers, the mean over persons."""
    wanted = outputs.wanted[:, None].expand_as(outputs.boxes)
    return giou_loss(outputs.boxes, wanted, reduction="sum") / len(outputs.wanted)


def localisation(
    network: nn.Module, persons: SceneBatches, count: int, seed: int = 0
) -> dict[str, float]:
    """How well boxes are put right: mean IoU with the given ones, of the first `count` persons.

    Args:
        network: A `DsctNet`.
        persons: For example held-out base persons.
        count: How many.
        seed: Of the jitter.

    Returns:
        `iou` of the last layer's boxes, begun with jittered ones; `jittered_iou` of those.
    """
    random = torch.Generator().manual_seed(seed)
    was_training = network.training
    network.eval()
    found: list[torch.Tensor] = []
    with torch.inference_mode():
        for batch in persons.batches(persons.passes(count)):
            inputs = scene_inputs(batch)
            starts = jittered(inputs["scene_boxes"], JITTER, random)
            outputs = network({**inputs, "scene_starts": starts})
            both = [overlap(x, outputs.wanted) for x in (outputs.boxes[:, -1], starts)]
            found.append(torch.stack(both, dim=1).cpu())
    network.train(was_training)
    means = torch.cat(found).mean(dim=0).tolist()
    return dict(zip(("iou", "jittered_iou"), means, strict=True))


def overlap(boxes: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """IoU of each box with the other in its row, (persons,)."""
    corners = torch.maximum(boxes[:, :2], others[:, :2]), torch.minimum(boxes[:, 2:], others[:, 2:])
    shared = (corners[1] - corners[0]).clamp(min=0).prod(dim=1)
    areas = [(x[:, 2:] - x[:, :2]).prod(dim=1) for x in (boxes, others)]
    return shared / (areas[0] + areas[1] - shared)
