"""One process or several that share the work: of `accelerate launch` or `torchrun`."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from oneshot_emotic.errors import InputError

#: Nothing hangs for so long: a launcher ends all processes when one of them fails.
_PATIENCE = timedelta(days=7)


@dataclass(frozen=True)
class Processes:
    """This process among those that were launched together.

    Attributes:
        rank: Its number.
        world: How many there are.
        wait: Waits until all are here.
    """

    rank: int = 0
    world: int = 1
    wait: Callable[[], None] = lambda: None

    @property
    def main(self) -> bool:
        """True for the one that speaks, and writes what all have made."""
        return self.rank == 0


#: One process.
ALONE = Processes()


@cache
def join_processes(device: str = "auto") -> Processes:
    """Join the others, on a GPU each where there are some; alone where nobody else was launched.

    Args:
        device: `cpu` leaves GPUs alone.

    Raises:
        InputError: There are others, and accelerate is not installed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return ALONE
    try:
        import torch
        from accelerate import PartialState
    except ModuleNotFoundError as error:
        remedy = "pip install 'oneshot-emotic[encoders]'"
        raise InputError(f"several processes need {error.name}", remedy=remedy) from None
    cpu = device == "cpu" or not torch.cuda.is_available()
    state = PartialState(cpu=cpu, timeout=_PATIENCE)
    atexit.register(state.destroy_process_group)
    return Processes(state.process_index, state.num_processes, state.wait_for_everyone)
