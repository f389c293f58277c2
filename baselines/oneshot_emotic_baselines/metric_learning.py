"""Deep metric learning: the losses and batches that networks and heads are trained by.

Losses, miner, sampler and the gathering over processes are pytorch-metric-learning's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

import numpy as np
import torch
from torch import nn

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic_baselines.data import IntArray, seed_of
from oneshot_emotic_baselines.distributed import gathered
from oneshot_emotic_baselines.losses import Targets, as_float
from oneshot_emotic_baselines.recipes import resolved
from oneshot_emotic_baselines.settings import TRIPLET, HeadSettings, Settings


class Losses:
    """The weighted sum of the losses of a recipe, or of a head."""

    def __init__(
        self,
        settings: Settings | HeadSettings,
        world: int = 1,
        metric_loss: nn.Module | None = None,
    ) -> None:
        """With the settings' margin, weights and miner.

        Args:
            settings: Of the recipe or head.
            world: The number of processes.
            metric_loss: Where the settings name another than the triplet loss, that one.
        """
        from pytorch_metric_learning.distances import CosineSimilarity
        from pytorch_metric_learning.losses import TripletMarginLoss
        from pytorch_metric_learning.miners import MultiSimilarityMiner
        from pytorch_metric_learning.utils.distributed import (
            DistributedLossWrapper,
            DistributedMinerWrapper,
        )

        self.settings, self.world = settings, world
        self.weights = {loss.name: loss.weight for loss in settings.losses}
        self.others = {x.name: resolved(x.function) for x in settings.losses if x.function}
        triplet = TripletMarginLoss(margin=settings.margin, distance=CosineSimilarity())
        self.metric: Any = metric_loss or triplet
        self.miner: Any = None
        if metric_loss is None:
            self.miner = MultiSimilarityMiner(epsilon=settings.epsilon)
        if world > 1:
            self.miner = self.miner and DistributedMinerWrapper(self.miner)
            for weights in self.metric.parameters():
                # Each process has all of their gradient, as large as the wrapper below makes it.
                weights.register_hook(lambda gradient: gradient / world)
            self.metric = DistributedLossWrapper(self.metric)

    @property
    def names(self) -> tuple[str, ...]:
        """What the log calls the losses, after their sum."""
        metric = "triplet" if self.settings.metric_loss == TRIPLET else self.settings.metric_loss
        return (metric, "cross_entropy", *self.others)

    def __call__(self, outputs: Any, targets: Targets) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The loss to descend, and what the log shows: that loss, and each of `names`.

        Args:
            outputs: The network's.
            targets: What was wanted.
        """
        outputs = as_float(outputs)
        each: dict[str, torch.Tensor] = {}
        alone: dict[str, torch.Tensor] = {}  # where it is not what is descended
        if self.weights.get("metric"):
            each["metric"], alone["metric"] = self._metric(outputs.embedding, targets.classes)
        if "cross_entropy" in self.weights:
            each["cross_entropy"] = nn.functional.cross_entropy(outputs.logits, targets.classes)
        for name, function in self.others.items():
            each[name] = function(outputs, targets, self.settings)
        loss, alone = self._sum(each), each | alone
        zero, names = torch.zeros_like(loss), ("metric", "cross_entropy", *self.others)
        return loss, [self._sum(alone), *(alone.get(name, zero) for name in names)]

    def _metric(
        self, embeddings: torch.Tensor, wanted: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The metric loss to descend, and its value."""
        masked = self.settings.masked
        if self.miner and (masked == "on" or (masked == "auto" and embeddings.is_cuda)):
            if self.world > 1:
                embeddings, wanted = gathered(embeddings), gathered(wanted)
            margin, epsilon = self.settings.margin, self.settings.epsilon
            loss = masked_triplet_loss(embeddings, wanted, margin, epsilon)
            return loss, loss
        mined = (self.miner(embeddings, wanted),) if self.miner else ()
        try:
            loss = self.metric(embeddings, wanted, *mined)
        except ValueError as error:  # such as one that takes balanced batches alone
            raise InputError(Problem(f"refuses a batch: {error}", self.names[0])) from None
        # The wrapper multiplies by the number of processes: gradients are averaged over them.
        return loss, loss / self.world

    def _sum(self, each: Mapping[str, torch.Tensor]) -> torch.Tensor:
        first, *rest = (self.weights[name] * loss for name, loss in each.items())
        return sum(rest, first)


#: Losses of the library that compare something else than labels, keep a state from batch to batch
#: that no checkpoint has, or index in a way that torch is giving up.
_LEFT_OUT = {"InstanceLoss", "VICRegLoss", "DynamicSoftMarginLoss", "HistogramLoss"}


def metric_losses() -> dict[str, Callable[..., nn.Module]]:
    """The losses of pytorch-metric-learning that can be had by name with their own defaults."""
    from pytorch_metric_learning import losses

    found = {}
    for name, kind in sorted(vars(losses).items()):
        if name.endswith("Loss") and name not in _LEFT_OUT:
            with suppress(TypeError, NotImplementedError):  # one that has to be told more
                _made(kind, 2, 2)
                found[name] = kind
    return found


def _made(kind: Callable[..., nn.Module], classes: int, embedding: int) -> nn.Module:
    from pytorch_metric_learning.losses import WeightRegularizerMixin

    if isinstance(kind, type) and issubclass(kind, WeightRegularizerMixin):
        return kind(num_classes=classes, embedding_size=embedding)
    return kind()


def metric_loss_named(name: str, classes: int, embedding: int) -> nn.Module:
    """A loss of pytorch-metric-learning with its own defaults.

    Args:
        name: One of `metric_losses()`.
        classes: Base classes.
        embedding: Dimensions of the embedding.

    Raises:
        InputError: There is none of this name.
    """
    known = metric_losses()
    if name not in known:
        near = "".join(f"Did you mean {x}? " for x in get_close_matches(name, known, 1))
        remedy = f"{near}There are {', '.join(known)}"
        raise InputError(Problem(f"there is no metric loss {name!r}", remedy=remedy))
    return _made(known[name], classes, embedding)


def masked_triplet_loss(
    embeddings: torch.Tensor, targets: torch.Tensor, margin: float, epsilon: float
) -> torch.Tensor:
    """The miner's triplets and their loss, as the library has them, in tensors of a fixed shape.

    Nothing in it depends on how many triplets there are, so that a GPU need not be asked.
    """
    unit = nn.functional.normalize(embeddings, dim=1)
    near = unit @ unit.T
    same = targets[:, None] == targets
    positive = same & ~torch.eye(len(targets), dtype=torch.bool, device=targets.device)
    fixed = near.detach()
    nearest_negative = fixed.masked_fill(same, -torch.inf).amax(dim=1, keepdim=True)
    farthest_positive = fixed.masked_fill(~positive, torch.inf).amin(dim=1, keepdim=True)
    positives = positive & (fixed - epsilon < nearest_negative)
    negatives = ~same & (fixed + epsilon > farthest_positive)
    # Anchor, positive, negative; the mean is over triplets that have a loss at all.
    each = (near[:, None, :] - near[:, :, None] + margin).relu()
    each = each * (positives[:, :, None] & negatives[:, None, :])
    return each.sum() / (each > 0).sum().clamp(min=1)


def batch_order(
    targets: IntArray, settings: Settings | HeadSettings, epoch: int, steps: int
) -> IntArray:
    """The persons of an epoch, of shape (steps, batch), `per_class` of a class at a time.

    The sampler goes round all classes in an order of its own each time, and batches are cut from
    its stream wherever they end: one may hold twice as many of a class, or none. `balanced` batches
    hold as many of each; places that are left over go to the classes in turn.

    Raises:
        InputError: A batch is too small for two persons of each class, where it is to be balanced.
    """
    if settings.balanced:
        return _balanced_order(targets, settings, epoch, steps)
    from pytorch_metric_learning.samplers import MPerClassSampler
    from pytorch_metric_learning.utils import common_functions

    wanted = steps * settings.batch_size
    round_trip = settings.per_class * len(np.unique(targets))
    sampler = MPerClassSampler(
        targets, settings.per_class, length_before_new_iter=wanted + round_trip
    )
    before = common_functions.NUMPY_RANDOM
    common_functions.NUMPY_RANDOM = np.random.RandomState(seed_of("order", settings.seed, epoch))
    try:
        places = np.array(list(sampler), dtype=np.int64)[:wanted]
    finally:
        common_functions.NUMPY_RANDOM = before
    return places.reshape(steps, settings.batch_size)


def _balanced_order(
    targets: IntArray, settings: Settings | HeadSettings, epoch: int, steps: int
) -> IntArray:
    classes = np.unique(targets)
    ways = settings.ways or len(classes)
    if settings.batch_size < 2 * ways or ways > len(classes):
        what = f"{settings.batch_size} persons are not two of each of {ways} classes"
        if ways > len(classes):
            what = f"{ways} of {len(classes)} classes cannot be drawn"
        raise InputError(Problem(what, "ways" if ways > len(classes) else "batch_size"))
    random = np.random.RandomState(seed_of("balanced", settings.seed, epoch))
    order = np.empty(steps * settings.batch_size, dtype=np.int64)
    # The class of every place, in turn.
    slots = np.arange(len(order)) % len(classes)
    if settings.ways:
        draws = np.random.RandomState(seed_of("ways", settings.seed, epoch))
        each = [draws.permutation(len(classes))[:ways] for _ in range(steps)]
        slots = np.concatenate([np.resize(chosen, settings.batch_size) for chosen in each])
    for number, name in enumerate(classes):
        # All persons of a class go by before anyone comes again.
        own, places = np.flatnonzero(targets == name), np.flatnonzero(slots == number)
        rounds = [random.permutation(own) for _ in range(-(-len(places) // len(own)))]
        if rounds:
            order[places] = np.concatenate(rounds)[: len(places)]
    return order.reshape(steps, settings.batch_size)
