"""Deep metric learning: the losses and batches that networks and heads are trained by.

Losses, miner, sampler and the gathering over processes are pytorch-metric-learning's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic_baselines.data import IntArray, seed_of
from oneshot_emotic_baselines.distributed import gathered
from oneshot_emotic_baselines.settings import HeadSettings, Settings


class Losses:
    """Half triplet loss on mined triplets, half cross entropy over the base classes."""

    def __init__(self, settings: Settings | HeadSettings, world: int = 1) -> None:
        """With the settings' margin, share and miner; `world` is the number of processes."""
        from pytorch_metric_learning.distances import CosineSimilarity
        from pytorch_metric_learning.losses import TripletMarginLoss
        from pytorch_metric_learning.miners import MultiSimilarityMiner
        from pytorch_metric_learning.utils.distributed import (
            DistributedLossWrapper,
            DistributedMinerWrapper,
        )

        self.share = settings.triplet_share
        self.masked = settings.masked
        self.margin, self.epsilon = settings.margin, settings.epsilon
        self.miner: Any = MultiSimilarityMiner(epsilon=settings.epsilon)
        self.triplet: Any = TripletMarginLoss(margin=settings.margin, distance=CosineSimilarity())
        self.world = world
        if world > 1:
            self.miner = DistributedMinerWrapper(self.miner)
            self.triplet = DistributedLossWrapper(self.triplet)
        self.cross_entropy = nn.CrossEntropyLoss()

    def __call__(
        self, embeddings: torch.Tensor, logits: torch.Tensor, wanted: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The loss to descend, and what the log shows: loss, triplet loss, cross entropy."""
        entropy = self.cross_entropy(logits, wanted)
        if not self.share:
            return entropy, [entropy, torch.zeros_like(entropy), entropy]
        if self.masked == "on" or (self.masked == "auto" and embeddings.is_cuda):
            if self.world > 1:
                embeddings, wanted = gathered(embeddings), gathered(wanted)
            alone = triplet = masked_triplet_loss(embeddings, wanted, self.margin, self.epsilon)
        else:
            triplet = self.triplet(embeddings, wanted, self.miner(embeddings, wanted))
            # The wrapper multiplies by the number of processes: gradients are averaged over them.
            alone = triplet / self.world
        loss = self.share * triplet + (1 - self.share) * entropy
        return loss, [self.share * alone + (1 - self.share) * entropy, alone, entropy]


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
    if settings.batch_size < 2 * len(classes):
        what = f"{settings.batch_size} persons are not two of each of {len(classes)} classes"
        raise InputError(Problem(what, "batch_size"))
    random = np.random.RandomState(seed_of("balanced", settings.seed, epoch))
    order = np.empty(steps * settings.batch_size, dtype=np.int64)
    for number, name in enumerate(classes):
        # All persons of a class go by before anyone comes again.
        own, places = np.flatnonzero(targets == name), order[number :: len(classes)]
        rounds = [random.permutation(own) for _ in range(-(-len(places) // len(own)))]
        places[:] = np.concatenate(rounds)[: len(places)]
    return order.reshape(steps, settings.batch_size)
