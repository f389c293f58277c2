"""MT-CLAR-style: which persons are alike, and by how much their affect differs, from pairs.

Source: the abstract of Parameshwara et al. (arXiv 2308.02173), all of it that could be read;
docs/systems.md says what was decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from oneshot_emotic.splits import Task
from oneshot_emotic.tasks import DIMENSIONS
from oneshot_emotic_baselines.decoding import Figures, level_figures
from oneshot_emotic_baselines.embed import Vectors
from oneshot_emotic_baselines.losses import Targets, mean_square, scaled_affect
from oneshot_emotic_baselines.model import AffectNet
from oneshot_emotic_baselines.recipes import Recipe
from oneshot_emotic_baselines.settings import Settings
from oneshot_emotic_baselines.weights import WeightFiles

#: Persons whose differences to all others are computed at once.
_ROWS = 16


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


def decode(network: Any, task: Task, vectors: Mapping[str, Vectors]) -> Figures | None:
    """Levels as the paper reads them: a support's, and what the network says is between the two.

    The level of a query is the mean over the draw's supports of (the support's level + predicted
    difference); its class is the nearest novel level.

    Args:
        network: A trained one.
        task: Its task; anything but a task of levels is not for this.
        vectors: sample_id -> z of its novel persons.
    """
    if task.definition.dimension is None:
        return None
    which = DIMENSIONS.index(task.definition.dimension)
    z = torch.from_numpy(np.stack([vectors[name] for name in task.novel.sample_ids])).float()
    with torch.inference_mode():  # from -1 to 1 there, from 1 to 10 here
        rows = [4.5 * network.difference(one[:, None] - z)[..., which] for one in z.split(_ROWS)]
    return level_figures(torch.cat(rows).double().numpy(), task)
