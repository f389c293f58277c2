"""One process or many: started by `torchrun` or `accelerate launch`, with the same result.

The batch is split over the processes. Embeddings are gathered for miner and triplet loss by
pytorch-metric-learning's wrappers, batch normalisation sees the whole batch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.nn.functional import all_reduce

from oneshot_emotic.errors import InputError, Problem


@dataclass(frozen=True)
class Processes:
    """This process among those that run the command together.

    Attributes:
        rank: Its number.
        world: How many there are.
        device: Where this one computes.
    """

    rank: int
    world: int
    device: torch.device

    @property
    def main(self) -> bool:
        """True for the one that writes files and speaks."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until all are here."""
        if self.world > 1:
            dist.barrier()

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The mean over the processes."""
        if self.world > 1:
            dist.all_reduce(values)
            values /= self.world
        return values


def join_processes(device: str = "auto") -> Processes:
    """Join the other processes that the launcher started; alone where there is none.

    Args:
        device: `auto` (a GPU where there is one), `cpu`, `cuda` or such as `cuda:1`.

    Raises:
        InputError: There is no such device.
    """
    # For the same sums on a GPU every time; read when CUDA starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    try:
        torch.zeros(1, device=device).tolist()
        if device.startswith("cuda"):
            torch.cuda.set_device(device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).split("\n")[0]
        raise InputError(Problem(f"the device {device!r} cannot be used: {reason}")) from None
    if world > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    rank = dist.get_rank() if world > 1 else 0
    return Processes(rank, world, torch.device(device))


def leave_processes() -> None:
    """End what `join_processes` began."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def synchronised(network: nn.Module, device: torch.device) -> nn.Module:
    """Let batch normalisation see the batch of all processes; names of weights stay."""
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.modules.batchnorm._BatchNorm):
                setattr(module, name, GatheredBatchNorm.like(child))
    return network


class GatheredBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation over all processes on a CPU, where `torch.nn.SyncBatchNorm` has none."""

    @classmethod
    def like(cls, other: nn.modules.batchnorm._BatchNorm) -> GatheredBatchNorm:
        """One that shares the weights and statistics of another."""
        new = cls(other.num_features, other.eps, other.momentum)
        new.weight, new.bias = other.weight, other.bias
        new.running_mean, new.running_var = other.running_mean, other.running_var
        new.num_batches_tracked = other.num_batches_tracked
        return new

    def _check_input_dim(self, input: torch.Tensor) -> None:  # noqa: A002
        assert input.dim() >= 2

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """Normalise each channel by mean and variance over all processes."""
        if not self.training:
            return super().forward(input)
        dims = [place for place in range(input.dim()) if place != 1]
        shape = [1, -1] + [1] * (input.dim() - 2)
        world = dist.get_world_size()
        count = world * input.numel() // input.size(1)
        mean = all_reduce(input.mean(dims)) / world
        centred = input - mean.view(shape)
        variance = all_reduce(centred.square().mean(dims)) / world
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return centred * scale.view(shape) + self.bias.view(shape)
