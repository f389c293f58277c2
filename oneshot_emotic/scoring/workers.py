"""Threads for scoring: one a processor, each with the linear algebra library to itself.

Products take most of the time, passes over their results the rest. A library that spreads each
product over all processors leaves all but one idle during the passes; whole blocks side by side
keep them busy. What a block gives does not depend on where it is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from oneshot_emotic.processes import available_processors

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
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers()) as pool:
        yield pool
