"""The network of Affect-DML: a ResNet a picture, a small network for Sem2Vec, one embedding.

Source: arXiv 2111.15271, section III and Fig. 2. Each branch ends in 512 numbers; they are
concatenated and one linear layer, without activation, makes the embedding of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from oneshot_emotic_baselines.recipes import Backbone, Recipe
from oneshot_emotic_baselines.settings import Settings
from oneshot_emotic_baselines.weights import WeightFiles, resnet

#: What a branch ends in, and what is between the layers of the semantic branch.
BRANCH_WIDTH = 512
SEMANTIC_CLASSES, SEMANTIC_HIDDEN = 150, 256


class AffectNet(nn.Module):
    """Branches, fusion, embedding, and the linear classifier that the cross entropy looks at."""

    def __init__(
        self,
        recipe: Recipe,
        backbone: Backbone,
        classes: int,
        embedding: int = 128,
        weight_files: WeightFiles | None = None,
    ) -> None:
        """Build the network; random weights come from torch's global generator.

        Args:
            recipe: Its branches and their pretraining.
            backbone: The ResNet of the image and body branches.
            classes: Base classes.
            embedding: Dimensions of the embedding.
            weight_files: Local files of pretrained weights.

        Raises:
            InputError: Pretrained weights cannot be had.
        """
        super().__init__()
        self.branches = nn.ModuleDict()
        for branch in recipe.branches:
            if branch == "semantic":
                self.branches[branch] = _semantic_branch()
            else:
                network = resnet(backbone, recipe.pretraining.get(branch), weight_files or {})
                # In place of the 1000-way layer of ImageNet, not after it.
                network.fc = nn.Linear(network.fc.in_features, BRANCH_WIDTH)
                self.branches[branch] = network
        self.embedder = nn.Linear(BRANCH_WIDTH * len(recipe.branches), embedding)
        self.classifier = nn.Linear(embedding, classes)

    def forward(self, inputs: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Embed persons.

        Args:
            inputs: For each branch: `image` and `body` normalised, of shape (persons, 3, side,
                side), or as `trunk_outputs` gives them; `semantic` of zeros and ones, of shape
                (persons, 150).

        Returns:
            Embeddings of shape (persons, dimensions), not of unit length, and logits of shape
            (persons, base classes).
        """
        features = []
        for name, network in self.branches.items():
            seen = name != "semantic" and inputs[name].ndim == 2
            features.append((network.fc if seen else network)(inputs[name]))
        embeddings = self.embedder(torch.cat(features, dim=1))
        return embeddings, self.classifier(embeddings)

    def trunk_outputs(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The inputs with each picture as all layers but the branch's last make it, of two axes."""
        outputs = dict(inputs)
        for name, network in self.branches.items():
            if name != "semantic":
                last, network.fc = network.fc, nn.Identity()
                outputs[name] = network(inputs[name])
                network.fc = last
        return outputs


def _semantic_branch() -> nn.Module:
    return nn.Sequential(
        nn.Linear(SEMANTIC_CLASSES, SEMANTIC_HIDDEN),
        nn.ReLU(),
        nn.BatchNorm1d(SEMANTIC_HIDDEN),
        nn.Linear(SEMANTIC_HIDDEN, BRANCH_WIDTH),
    )


def autocast(settings: Settings, device: torch.device) -> Any:
    """The precision of the network: bf16 on a GPU unless the settings say otherwise."""
    wanted = settings.precision == "bf16" or (
        settings.precision == "auto" and device.type == "cuda"
    )
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=wanted)
