"""MT-CLAR-style: which persons are alike, and by how much their affect differs, from pairs.

Source: the abstract of Parameshwara et al. (arXiv 2308.02173), all of it that could be read;
docs/systems.md says what was decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from oneshot_emotic_baselines.losses import Targets, mean_square, scaled_affect
from oneshot_emotic_baselines.model import AffectNet
from oneshot_emotic_baselines.recipes import Recipe
from oneshot_emotic_baselines.settings import Settings
from oneshot_emotic_baselines.weights import WeightFiles


class Outputs(NamedTuple):
    """What it makes of persons.

    Attributes:
        embedding: z, at unit length, of shape (persons, dimensions).
        difference: By how much each person's valence, arousal and dominance, from -1 to 1, are
            above each other's, of shape (persons, persons, 3).
    """

    embedding: torch.Tensor
    difference: torch.Tensor


class MtClarNet(AffectNet):
    """A body branch, the same for both of a pair, and a small network on the difference of two."""

    def __init__(
        self, recipe: Recipe, settings: Settings, classes: int, files: WeightFiles
    ) -> None:
        """Build it."""
        how = (settings.backbone, classes, settings.embedding, files, None, settings.frozen)
        super().__init__(recipe, *how)
        width = settings.embedding
        self.difference = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 3))

    def forward(self, inputs: Mapping[str, torch.Tensor]) -> Any:
        """The `Outputs` of persons, each a pair with each; inputs as of `AffectNet`."""
        z = nn.functional.normalize(super().forward(inputs).embedding, dim=1)
        return Outputs(z, self.difference(z[:, None] - z))


def difference(
    outputs: Outputs,
    targets: Targets,
    settings: Settings,  # noqa: ARG001
) -> torch.Tensor:
    """Mean squared error of the differences of all pairs in a batch, where both are known."""
    wanted = scaled_affect(targets)
    return mean_square(outputs.difference, wanted[:, None] - wanted)
