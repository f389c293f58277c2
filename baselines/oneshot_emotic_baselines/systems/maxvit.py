"""MaxViT as a trunk (arXiv 2204.01697): torchvision's tiny one, and a smaller one of 64 pixels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import nn
from torchvision.models import MaxVit

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic_baselines.weights import download, load_into


class MaxViTTrunk(MaxVit):
    """From pictures of one size to `num_features` numbers, the mean over the last layer."""

    def __init__(
        self, side: int, channels: Sequence[int], layers: Sequence[int], momentum: float = 0.01
    ) -> None:
        """Build it with random weights.

        Args:
            side: Of the pictures in pixels, a multiple of 32; windows have side / 32 of them, as 7
                at 224.
            channels: Of each block.
            layers: Likewise.
            momentum: Of the running means of batch normalisation; torchvision's by default.
        """
        super().__init__(
            input_size=(side, side),
            stem_channels=channels[0],
            partition_size=side // 32,
            block_channels=list(channels),
            block_layers=list(layers),
            head_dim=32,
            stochastic_depth_prob=0.2,
            norm_layer=partial(nn.BatchNorm2d, eps=1e-3, momentum=momentum),
        )
        self.side, self.num_features = side, channels[-1]
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The numbers of pictures, of shape (persons, `num_features`).

        Raises:
            InputError: They are of another size.
        """
        if pictures.shape[-1] != self.side:
            what = f"this MaxViT sees pictures of {self.side} pixels, not {pictures.shape[-1]}"
            remedy = f"Give --size {self.side}, or another --backbone (maxvit_64: 64 pixels)"
            raise InputError(Problem(what, remedy=remedy))
        found: torch.Tensor = super().forward(pictures)
        return found


def maxvit_t(pretrained: bool) -> MaxViTTrunk:
    """MaxViT-T, for 224 pixels; its weights are torchvision's."""
    network = MaxViTTrunk(224, (64, 128, 256, 512), (2, 2, 5, 2))
    if pretrained:
        load_into(network, download("maxvit_t"), "torchvision")
    return network


def maxvit_64(pretrained: bool) -> MaxViTTrunk:
    """The reduced variant: 64 pixels, windows of 2 x 2, half as wide, 5 layers for 11.

    Raises:
        InputError: It is to begin with pretrained weights, of which there are none.
    """
    if pretrained:
        remedy = "Train from scratch with --weights none, or give --weights body=FILE"
        raise InputError(Problem("nobody has pretrained it", "maxvit_64", remedy))
    # Its running means begin with nothing, and trainings of this size are short.
    return MaxViTTrunk(64, (32, 64, 128, 256), (1, 1, 2, 1), momentum=0.1)
