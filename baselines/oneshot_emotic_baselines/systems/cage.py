"""CAGE: a MaxViT on the body, taught classes together with valence, arousal and dominance.

Source: Wagner et al. (arXiv 2404.14975) and their training script for EMOTIC.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log, pi
from typing import Any, NamedTuple

import torch
from torch import nn

from oneshot_emotic_baselines.losses import Targets, mean_square, scaled_affect
from oneshot_emotic_baselines.model import AffectNet
from oneshot_emotic_baselines.recipes import Recipe
from oneshot_emotic_baselines.settings import Settings
from oneshot_emotic_baselines.weights import MEAN, STD, WeightFiles


class Outputs(NamedTuple):
    """What it makes of persons.

    Attributes:
        embedding: After the Tanh, of shape (persons, dimensions).
        logits: Of shape (persons, base classes).
        affect: Valence, arousal and dominance from -1 to 1, of shape (persons, 3); (persons, 0)
            without them.
    """

    embedding: torch.Tensor
    logits: torch.Tensor
    affect: torch.Tensor


class CageNet(AffectNet):
    """Trunk, layer normalisation, linear layer, Tanh; one linear layer for all that is wanted."""

    def __init__(
        self, recipe: Recipe, settings: Settings, classes: int, files: WeightFiles
    ) -> None:
        """Build it; where the recipe has no V/A/D among its targets, without their outputs."""
        super().__init__(recipe, settings.backbone, classes, settings.embedding, files, None)
        self.classes = classes
        width = self.branches["body"].fc.in_features
        self.branches["body"].fc = nn.LayerNorm(width)
        self.embedder = nn.Sequential(nn.Linear(width, settings.embedding), nn.Tanh())
        wanted = classes + 3 * ("affect" in recipe.targets)
        self.classifier = nn.Linear(settings.embedding, wanted, bias=False)

    def forward(self, inputs: Mapping[str, torch.Tensor]) -> Any:
        """The `Outputs` of persons; inputs as of `AffectNet`."""
        found: Any = super().forward(inputs)
        return Outputs(found.embedding, *found.logits.tensor_split([self.classes], dim=1))


def affect(
    outputs: Outputs,
    targets: Targets,
    settings: Settings,  # noqa: ARG001
) -> torch.Tensor:
    """Mean squared error of valence, arousal and dominance, from -1 to 1, where known."""
    return mean_square(outputs.affect, scaled_affect(targets))


def augment(inputs: dict[str, torch.Tensor], random: torch.Generator) -> dict[str, torch.Tensor]:
    """CAGE's changes of a body: light, colours, a rotation, a part of it erased.

    Drawn on the CPU, so that every device agrees, and uploaded at once. docs/systems.md says what
    is not as there.
    """
    bodies = inputs["body"]
    if bodies.ndim == 2:  # what a trunk made of them
        return inputs
    persons, _, side, _ = bodies.shape
    drawn = torch.rand(persons, 10, generator=random)
    paint = torch.randn(persons, 3, generator=random)
    sent = torch.cat([drawn, paint], dim=1).to(bodies.device, non_blocking=True)
    light, contrast, colour, grey, angle, erased, area, ratio, down, along = sent[:, :10].T

    def factor(share: torch.Tensor) -> torch.Tensor:
        return (0.8 + 0.4 * share).view(-1, 1, 1, 1)

    # The colours, from 0 to 1.
    pixels = torch.stack([bodies[:, x] * STD[x] + MEAN[x] for x in range(3)], dim=1)
    pixels = (pixels * factor(light)).clamp(0, 1)
    middle = _grey(pixels).mean(dim=(2, 3), keepdim=True)
    pixels = ((pixels - middle) * factor(contrast) + middle).clamp(0, 1)
    plain = _grey(pixels)
    colours = factor(colour) * (grey >= 0.01).view(-1, 1, 1, 1)
    pixels = ((pixels - plain) * colours + plain).clamp(0, 1)
    bodies = torch.stack([(pixels[:, x] - MEAN[x]) / STD[x] for x in range(3)], dim=1)

    turn = (2 * angle - 1) * (10 / 180 * pi)
    zero = torch.zeros_like(turn)
    rows = [turn.cos(), -turn.sin(), zero, turn.sin(), turn.cos(), zero]
    grid = nn.functional.affine_grid(
        torch.stack(rows, dim=1).view(-1, 2, 3), list(bodies.shape), align_corners=False
    )
    bodies = nn.functional.grid_sample(bodies, grid, padding_mode="border", align_corners=False)

    # A rectangle of 2 to 20 % of the picture, from 0.3 to 3.3 times as high as wide.
    share, shape = 0.02 + 0.18 * area, (log(0.3) + log(3.3 / 0.3) * ratio).exp()
    inside = _between(down, (share * shape).sqrt() * side, side)[:, :, None]
    inside = inside & _between(along, (share / shape).sqrt() * side, side)[:, None]
    inside = (inside & (erased < 0.5).view(-1, 1, 1))[:, None]
    return {**inputs, "body": torch.where(inside, sent[:, 10:, None, None], bodies)}


def _grey(pixels: torch.Tensor) -> torch.Tensor:
    red, green, blue = pixels.split(1, dim=1)
    return 0.2989 * red + 0.587 * green + 0.114 * blue


def _between(place: torch.Tensor, length: torch.Tensor, side: int) -> torch.Tensor:
    """Of each person, which of a picture's rows or columns are in a stretch of this length."""
    first = (place * (side - length)).round()
    at = torch.arange(side, device=place.device)
    return (at >= first[:, None]) & (at < (first + length.round())[:, None])
