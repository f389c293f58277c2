"""Progress on the standard error stream, so that standard output stays clean."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import click


def say(text: str) -> None:
    """A line of news on the standard error stream."""
    click.echo(text, err=True)


@contextmanager
def progress_bar(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """A bar to be told how many of `length` are done so far; silent where nobody watches."""
    with click.progressbar(
        length=length, label=label, file=sys.stderr, update_min_steps=max(1, length // 200)
    ) as bar:
        reached = 0

        def update(done: int) -> None:
            nonlocal reached
            bar.update(done - reached)
            reached = done

        yield update


@contextmanager
def growing_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that says how much it is only when it begins: told (done so far, all)."""
    with ExitStack() as stack:
        update: Callable[[int], None] | None = None

        def told(done: int, total: int) -> None:
            nonlocal update
            if update is None:
                update = stack.enter_context(progress_bar(label, total))
            update(done)

        yield told
