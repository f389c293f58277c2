"""Threads for scoring: one a processor, each with the linear algebra library to itself.

Products take most of the time, passes over their results the rest. A library that spreads each
product over all processors leaves all but one idle during the passes; whole blocks side by side
keep them busy. What a block gives does not depend on where it is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from oneshot_emotic.processes import available_processors

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

#: More threads take more memory than they save time.
MOST_WORKERS = 8


_most = MOST_WORKERS


def use_workers(most: int) -> None:
    """Have at most so many threads from now on, for a process that shares the machine."""
    global _most
    _most = most


def workers() -> int:
    """How many threads there are."""
    return min(_most, available_processors())


@contextmanager
def side_by_side() -> Iterator[Executor]:
    """An executor of `workers()` threads; products inside it use one thread each."""
    with _libraries().limit(limits=1, user_api="blas"), ThreadPoolExecutor(workers()) as pool:
        yield pool


@cache
def _libraries() -> ThreadpoolController:
    """The linear algebra libraries, looked for once: NumPy's is there when it is first needed."""
    import numpy  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
