"""The network of Affect-DML: a ResNet a picture, a small network for Sem2Vec, one embedding.

Source: arXiv 2111.15271, section III and Fig. 2. Each branch ends in 512 numbers; they are
concatenated and one linear layer, without activation, makes the embedding of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any, NamedTuple, get_args

import torch
from torch import nn

from oneshot_emotic_baselines.losses import as_float
from oneshot_emotic_baselines.recipes import Backbone, Recipe, resolved
from oneshot_emotic_baselines.settings import TRIPLET, Settings
from oneshot_emotic_baselines.weights import WeightFiles, files_of_branch, other_trunk, resnet

#: What a branch ends in, and what is between the layers of the semantic branch.
BRANCH_WIDTH = 512
SEMANTIC_CLASSES, SEMANTIC_HIDDEN = 150, 256


class Outputs(NamedTuple):
    """What a network makes of persons; one of another recipe may have other fields.

    Attributes:
        embedding: Of shape (persons, dimensions), not of unit length.
        logits: Of shape (persons, base classes); None of a network without a classifier.
    """

    embedding: torch.Tensor
    logits: torch.Tensor | None


class CosineClassifier(nn.Linear):
    """Cosines between an embedding and a learnt direction a class, times a learnt scale.

    Source: Gidaris and Komodakis (arXiv 1804.09458), equation 2, with their first scale.
    """

    def __init__(self, embedding: int, classes: int) -> None:
        """With random directions."""
        super().__init__(embedding, classes, bias=False)
        self.scale = nn.Parameter(torch.tensor(10.0))

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """The logits of embeddings, of shape (persons, classes)."""
        unit, directions = (nn.functional.normalize(x, dim=1) for x in (embeddings, self.weight))
        return self.scale * nn.functional.linear(unit, directions)


class AffectNet(nn.Module):
    """Branches, fusion, embedding, and the classifier that the cross entropy looks at."""

    def __init__(
        self,
        recipe: Recipe,
        backbone: str,
        classes: int,
        embedding: int = 128,
        weight_files: WeightFiles | None = None,
        classifier: type[nn.Linear] | None = nn.Linear,
        frozen: bool = False,
    ) -> None:
        """Build the network; random weights come from torch's global generator.

        Args:
            recipe: Its branches and their pretraining.
            backbone: The network of the image and body branches.
            classes: Base classes.
            embedding: Dimensions of the embedding.
            weight_files: Local files of pretrained weights.
            classifier: What makes logits of the embedding; None where no loss looks at them.
            frozen: True where the trunks stay as they are; a batch normalisation without weights
                then stands before each one's last layer, as in linear probes (arXiv 2111.06377,
                appendix A.1).

        Raises:
            InputError: Pretrained weights cannot be had.
        """
        super().__init__()
        self.branches = nn.ModuleDict()
        for branch in recipe.branches:
            if branch == "semantic":
                self.branches[branch] = small_branch(SEMANTIC_CLASSES)
            else:
                begun = recipe.pretraining.get(branch)
                make: Any = resnet if backbone in get_args(Backbone) else other_trunk
                network = make(backbone, begun, files_of_branch(weight_files or {}, branch, begun))
                # In place of the 1000-way layer of ImageNet, not after it.
                width = network.fc.in_features
                network.fc = nn.Linear(width, BRANCH_WIDTH)
                if frozen:
                    network.fc = nn.Sequential(nn.BatchNorm1d(width, affine=False), network.fc)
                self.branches[branch] = network
        self.embedder = nn.Linear(BRANCH_WIDTH * len(recipe.branches), embedding)
        self.classifier = classifier(embedding, classes) if classifier else None

    def features(self, inputs: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
        """What each branch makes of persons; inputs as of `forward`."""
        features = []
        for name, network in self.branches.items():
            seen = name != "semantic" and inputs[name].ndim == 2
            features.append((network.fc if seen else network)(inputs[name]))
        return features

    def forward(self, inputs: Mapping[str, torch.Tensor]) -> Outputs:
        """Embed persons.

        Args:
            inputs: For each branch: `image` and `body` normalised, of shape (persons, 3, side,
                side), or of shape (persons, numbers) as its trunk makes them; `semantic` of zeros
                and ones, of shape (persons, 150).
        """
        embeddings = self.embedder(torch.cat(self.features(inputs), dim=1))
        return Outputs(embeddings, self.classifier(embeddings) if self.classifier else None)

    def trunk(self, branch: str) -> nn.Module:
        """All layers but the last of a branch that sees pictures."""
        network = copy(self.branches[branch])
        network._modules = {**network._modules, "fc": nn.Identity()}
        return network


def small_branch(numbers: int) -> nn.Module:
    """A branch for so many numbers of a person, such as Sem2Vec's 150."""
    return nn.Sequential(
        nn.Linear(numbers, SEMANTIC_HIDDEN),
        nn.ReLU(),
        nn.BatchNorm1d(SEMANTIC_HIDDEN),
        nn.Linear(SEMANTIC_HIDDEN, BRANCH_WIDTH),
    )


def affect_net(
    recipe: Recipe,
    settings: Settings,
    classes: int,
    files: WeightFiles,
    classifier: type[nn.Linear] | None = nn.Linear,
) -> nn.Module:
    """The network of the paper's recipes."""
    how = (settings.backbone, classes, settings.embedding, files, classifier, settings.frozen)
    return AffectNet(recipe, *how)


def cosine_net(recipe: Recipe, settings: Settings, classes: int, files: WeightFiles) -> nn.Module:
    """The same with a cosine classifier."""
    return affect_net(recipe, settings, classes, files, CosineClassifier)


def embedding_net(
    recipe: Recipe, settings: Settings, classes: int, files: WeightFiles
) -> nn.Module:
    """The same without any classifier."""
    return affect_net(recipe, settings, classes, files, None)


def build_network(
    settings: Settings,
    classes: int,
    files: WeightFiles | None = None,
    *,
    pretrained: bool = True,
) -> Any:
    """The network of a recipe; random weights come from torch's global generator.

    Args:
        settings: The recipe and what else it is made by.
        classes: Base classes.
        files: Local files of pretrained weights.
        pretrained: False where all weights are put in afterwards.

    Returns:
        The network. What a metric loss has to learn is part of it, as `metric_loss`.

    Raises:
        InputError: Pretrained weights cannot be had, or there is no such metric loss.
    """
    recipe = settings.effective_recipe
    recipe = recipe if pretrained else replace(recipe, pretraining={})
    network = resolved(recipe.network)(recipe, settings, classes, files or {})
    network.metric_loss = None
    if settings.metric_loss != TRIPLET:
        from oneshot_emotic_baselines.metric_learning import metric_loss_named

        network.metric_loss = metric_loss_named(settings.metric_loss, classes, settings.embedding)
    return network


def embedding_of(outputs: Any, recipe: Recipe) -> torch.Tensor:
    """The embedding among a network's outputs, as it is submitted."""
    found: torch.Tensor = getattr(as_float(outputs), recipe.embedding)
    # Where the losses compare cosines: at unit length, Euclidean neighbours are the same.
    return nn.functional.normalize(found, dim=1) if recipe.unit_length else found


def autocast(settings: Settings, device: torch.device) -> Any:
    """The precision of the network: bf16 on a GPU unless the settings say otherwise."""
    wanted = settings.precision == "bf16" or (
        settings.precision == "auto" and device.type == "cuda"
    )
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=wanted)
