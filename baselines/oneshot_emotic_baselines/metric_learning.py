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
        triplet = self.triplet(embeddings, wanted, self.miner(embeddings, wanted))
        loss = self.share * triplet + (1 - self.share) * entropy
        # The wrapper multiplies by the number of processes, since gradients are averaged over them.
        alone = triplet / self.world
        return loss, [self.share * alone + (1 - self.share) * entropy, alone, entropy]


def batch_order(
    targets: IntArray, settings: Settings | HeadSettings, epoch: int, steps: int
) -> list[IntArray]:
    """The persons of each step of an epoch, `per_class` of a class at a time.

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
    return list(places.reshape(steps, settings.batch_size))


def _balanced_order(
    targets: IntArray, settings: Settings | HeadSettings, epoch: int, steps: int
) -> list[IntArray]:
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
    return list(order.reshape(steps, settings.batch_size))
