"""What a network costs, counted and not timed, so that it is the same on any machine."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from oneshot_emotic_baselines.data import PersonData, network_inputs, person_batches
from oneshot_emotic_baselines.embed import trained_network


class Cost(NamedTuple):
    """What a network costs.

    Attributes:
        parameters: How many, those that stay as they are included.
        gflop: Floating-point operations to embed one person, from pictures on, in billions: those
            of convolutions, matrix products and attention, where a multiplication and an addition
            are two.
    """

    parameters: int
    gflop: float


def cost_of(checkpoint: Path, data: PersonData, sample_id: str) -> Cost:
    """The cost of a checkpoint's network.

    Args:
        checkpoint: From `train`.
        data: The pictures that it was trained on.
        sample_id: The person that is embedded.

    Raises:
        InputError: It is no checkpoint, or the person is not among the pictures.
    """
    network, settings = trained_network(checkpoint)
    branches = settings.effective_recipe.branches
    persons = person_batches(data, [sample_id], branches, torch.device("cpu"), resident=False)
    (batch,) = persons.batches(persons.passes(1))
    with FlopCounterMode(display=False) as counter:
        network(network_inputs(batch))
    many = sum(weights.numel() for weights in network.parameters())
    return Cost(many, counter.get_total_flops() / 1e9)
