"""What losses are given, and the losses of single recipes; those of all are in metric_learning.py.

A recipe's loss takes the network's outputs, the targets and the settings, and gives one number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from oneshot_emotic_baselines.settings import Settings


class Targets(NamedTuple):
    """What a batch's base persons are.

    Attributes:
        classes: Each one's place among the base classes, int64 (persons,).
        affect: Valence, arousal and dominance, from 1 to 10, NaN where unknown, (persons, 3).
        box: Left, top, right and bottom of each one's box as shares of the image as the network
            sees it, NaN where unknown, (persons, 4).
    """

    classes: torch.Tensor
    affect: torch.Tensor | None = None
    box: torch.Tensor | None = None


def as_float(outputs: Any) -> Any:
    """A network's outputs in float32, whatever precision it ran in."""
    return outputs._make(x.float() if isinstance(x, torch.Tensor) else x for x in outputs)


def prototypes(outputs: Any, targets: Targets, settings: Settings) -> torch.Tensor:
    """The loss of prototypical networks: a batch is an episode.

    Of each class in it the first `shots` persons are the support, and their mean its prototype; the
    others are queries, whose logits are the negative squared Euclidean distances to the prototypes.
    All in tensors of a fixed shape: nothing waits for a GPU. Of several processes each has its part
    of the batch as an episode of its own.

    Source: Snell, Swersky and Zemel (arXiv 1703.05175), equations 1 and 2.
    """
    same = targets.classes[:, None] == targets.classes
    before = same.tril(-1).sum(dim=1)  # how many of its class come before each person
    shares = (same & (before < settings.shots)).float()
    # Of each person the prototype of its class; the first of a class stands for it.
    means = (shares / shares.sum(dim=1, keepdim=True)) @ outputs.embedding
    logits = -(outputs.embedding[:, None] - means).square().sum(dim=2)
    each = logits.masked_fill(before > 0, -torch.inf).logsumexp(dim=1) - logits.diagonal()
    queries = before >= settings.shots
    return (each * queries).sum() / queries.sum()


def scaled_affect(targets: Targets) -> torch.Tensor:
    """Valence, arousal and dominance from -1 to 1 in place of 1 to 10; NaN where unknown."""
    assert targets.affect is not None
    return (2 * targets.affect - 11) / 9


def mean_square(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The mean squared error of the values that are known: not NaN. Nothing waits for a GPU."""
    known = ~wanted.isnan()
    each = (found - wanted.nan_to_num()).square() * known
    return each.sum() / known.sum().clamp(min=1)
