"""A system that nobody else knows of: all that it takes is this file."""

from __future__ import annotations

from typing import NamedTuple

import torch
from oneshot_emotic_baselines.recipes import Loss, Recipe, register
from torch import nn


class Outputs(NamedTuple):
    features: torch.Tensor
    logits: torch.Tensor
    affect: torch.Tensor
    corner: torch.Tensor


class Network(nn.Module):
    """A convolution on the body; its embedding is what the heads see."""

    def __init__(self, recipe, settings, classes, files):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.AdaptiveAvgPool2d(4))
        self.features = nn.Linear(128, settings.embedding)
        self.logits = nn.Linear(settings.embedding, classes)
        self.affect = nn.Linear(settings.embedding, 3)
        self.corner = nn.Linear(settings.embedding, 4)

    def forward(self, inputs):
        found = torch.tanh(self.features(self.body(inputs["body"]).flatten(1)))
        return Outputs(found, self.logits(found), self.affect(found), self.corner(found))


def affect(outputs, targets, settings):
    """Squared error of valence, arousal and dominance, where they are known."""
    known = ~targets.affect.isnan()
    wanted = torch.where(known, targets.affect / 10, 0.0)
    return ((outputs.affect - wanted) * known).square().sum() / known.sum().clamp(min=1)


def corner(outputs, targets, settings):
    return (outputs.corner - targets.box.nan_to_num()).abs().mean()


def grey(inputs, random):
    """A fifth of the persons lose their colours."""
    lost = torch.rand(len(inputs["body"]), generator=random) < 0.2
    without = inputs["body"].mean(dim=1, keepdim=True).expand_as(inputs["body"])
    return {**inputs, "body": torch.where(lost[:, None, None, None], without, inputs["body"])}


register(
    Recipe(
        "tenth",
        "The tenth",
        branches=("body",),
        losses=(Loss("cross_entropy"), Loss("affect", 5.0, affect), Loss("corner", 0.5, corner)),
        in_paper=False,
        network=Network,
        backbone="one convolution",
        paper="https://example.org/tenth",
        embedding="features",
        unit_length=False,
        targets=("affect", "box"),
        augment=grey,
        size=32,
        settings={
            "embedding": 12,
            "batch_size": 16,
            "epochs": 3,
            "optimiser": "adamw",
            "learning_rate": 1e-3,
            "schedule": "cosine",
            "shift": 0.1,
        },
        reduced={"embedding": 6, "epochs": 2},
        reduced_size=32,
    )
)
