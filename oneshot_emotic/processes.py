"""Worker processes, the same way on every system."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

from oneshot_emotic.errors import InputError


def process_pool(
    workers: int, begin: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
) -> ProcessPoolExecutor:
    """A pool of fresh processes: forking one that already has threads is unsafe.

    Args:
        workers: How many.
        begin: What each of them calls first.
        arguments: What it is given.
    """
    return ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(begin, arguments),
    )


def available_processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begin(begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    """Let this worker end when its parent is killed: it would wait for work for ever."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    Thread(target=watch, daemon=True).start()
    if begin is not None:
        begin(*arguments)


def import_modules(names: Iterable[str]) -> None:
    """Import modules of the user's, also from the current folder.

    Raises:
        InputError: There is no such module.
    """
    for name in names:
        sys.path.insert(0, str(Path.cwd()))
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise InputError(f"--import {name}: there is no module {error.name}") from None
        except (TypeError, ValueError):
            raise InputError(f"--import {name!r}: is no name of a module") from None
        finally:
            sys.path.pop(0)
