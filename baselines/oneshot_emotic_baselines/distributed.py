"""One process or many: started by `torchrun` or `accelerate launch`, with the same result.

The batch is split over the processes. Embeddings are gathered for miner and triplet loss by
pytorch-metric-learning's wrappers, batch normalisation sees the whole batch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

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

    def synchronised(self, network: nn.Module) -> nn.Module:
        """Let batch normalisation see the batch of all processes; names of weights stay."""
        if self.world > 1 and self.device.type == "cuda":
            return nn.SyncBatchNorm.convert_sync_batchnorm(network)
        for module in network.modules() if self.world > 1 else ():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):  # SyncBatchNorm has no CPU
                module.register_forward_pre_hook(_gather)
                module.register_forward_hook(_part)
        return network


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


class _Gathered(torch.autograd.Function):
    """The batches of all processes, one after the other."""

    @staticmethod
    def forward(_: Any, own: torch.Tensor) -> torch.Tensor:
        parts = [torch.empty_like(own) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, own)
        return torch.cat(parts)

    @staticmethod
    def backward(_: Any, gradient: torch.Tensor) -> torch.Tensor:
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(gradient)
        return _own(gradient)


def gathered(own: torch.Tensor) -> torch.Tensor:
    """The batches of all processes; gradients go back to each process's own, of all added up."""
    together: torch.Tensor = _Gathered.apply(own.contiguous())
    return together


def _own(batch: torch.Tensor) -> torch.Tensor:
    """This process's part of a batch of all."""
    return batch.chunk(dist.get_world_size())[dist.get_rank()]


def _gather(module: nn.Module, inputs: tuple[torch.Tensor]) -> torch.Tensor:
    return gathered(inputs[0]) if module.training else inputs[0]


def _part(module: nn.Module, _: tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
    return _own(output) if module.training else output
