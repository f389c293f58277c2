"""Frozen encoders: what the pretrained trunks know without training, and with one linear layer.

`frozen` trains nothing: image and body as their trunks make them, each at unit length, side by
side. `frozen-head` is one linear layer on these numbers, trained with the paper's losses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic_baselines.model import AffectNet, Outputs
from oneshot_emotic_baselines.recipes import Recipe
from oneshot_emotic_baselines.settings import Settings
from oneshot_emotic_baselines.weights import WeightFiles


class FrozenNet(AffectNet):
    """Trunks, each branch at unit length; one linear layer where the recipe has losses."""

    def __init__(
        self, recipe: Recipe, settings: Settings, classes: int, files: WeightFiles
    ) -> None:
        """Build it.

        Raises:
            InputError: Its trunks would be trained, or have no pretrained weights.
        """
        if not settings.frozen:
            what = f"{recipe.name} is about pretrained trunks that stay as they are"
            raise InputError(Problem(what, "trunk_lr", "Leave out --trunk-lr and --weights none"))
        super().__init__(recipe, settings.backbone, classes, settings.embedding, files)
        width = 0
        for branch in self.branches.values():
            width += branch.fc.in_features
            branch.fc = nn.Identity()
        self.embedder: nn.Module = nn.Identity()
        if recipe.losses:
            self.embedder = nn.Linear(width, settings.embedding)
        else:
            self.classifier = None

    def forward(self, inputs: Mapping[str, torch.Tensor]) -> Any:
        """The `Outputs` of persons; inputs as of `AffectNet`."""
        unit = [nn.functional.normalize(x, dim=1) for x in self.features(inputs)]
        seen = nn.functional.normalize(torch.cat(unit, dim=1), dim=1)
        embeddings = self.embedder(seen)
        return Outputs(embeddings, self.classifier(embeddings) if self.classifier else None)
