"""What goes to the terminal: results on standard output, news and progress on standard error.

Everything printed goes through here, since any of it may quote a stranger's file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from oneshot_emotic.errors import printable


def echo(*lines: str, err: bool = False, **style: bool) -> None:
    """Print lines; whatever in them a terminal would obey, a line feed too, as its escape.

    Args:
        lines: None for an empty one.
        err: On standard error.
        style: As for `click.style`, where a terminal shows it.
    """
    text = "\n".join(printable(line, limit=None) for line in lines)
    if style and os.name == "posix" and sys.stdout and sys.stdout.isatty():
        text = click.style(text, **style)
    _print(f"{text}\n", err)


def echo_lines(text: str, *, err: bool = False) -> None:
    """`echo` of a text of several lines that is made here, such as a table."""
    echo(*text.split("\n"), err=err)


def echo_document(text: str) -> None:
    """Print a text for another program, such as JSON or CSV: in UTF-8 whatever the terminal's.

    A character that does not show is written as in a JSON text, which means the same there. The
    other forms have escapes of their own, and hold none.
    """
    shown = "".join(c if c.isprintable() or c in "\n\t" else _json_escape(c) for c in text)
    _print(shown, err=False, encoding="utf-8")


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def write_result(json_file: Path | None, content: Mapping[str, Any]) -> bool:
    """Write a result where `--json` says.

    Returns:
        True where it was printed, so that nothing else may be.
    """
    from oneshot_emotic.files import json_text, write_text

    content = _readable(content)
    if str(json_file) == "-":
        echo_document(json_text(content))
        return True
    if json_file is not None:
        write_text(json_file, json_text(content))
    return False


def _readable(value: Any) -> Any:
    """A value with file names that are no Unicode as they can be written."""
    if isinstance(value, Mapping):
        return {_readable(key): _readable(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(of) for of in value]
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def say(text: str) -> None:
    """A line of news on the standard error stream."""
    echo(text, err=True)


def _print(text: str, err: bool, encoding: str | None = None) -> None:
    stream = sys.stderr if err else sys.stdout
    if stream is None:  # closed by the shell
        return
    try:
        if encoding is not None and hasattr(stream, "buffer"):
            stream.flush()
            stream.buffer.write(text.encode(encoding))
        else:
            stream.write(text)
        stream.flush()
    except OSError as error:
        # What could not be printed would be tried again when the program ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        # A reader such as `head` may have had enough. The work goes on: it may write files.
        if not isinstance(error, BrokenPipeError):
            error.filename = "standard error" if err else "standard output"
            raise


@contextmanager
def progress_bar(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """A bar to be told how many of `length` are done; its label alone where nobody watches."""
    if not sys.stderr or not sys.stderr.isatty():
        if label:
            say(label)
        yield lambda done: None
        return
    with click.progressbar(
        length=length,
        label=printable(label),
        file=sys.stderr,
        update_min_steps=max(1, length // 200),
    ) as bar:
        reached = 0

        def update(done: int) -> None:
            nonlocal reached
            bar.update(done - reached)
            reached = done

        yield update


@contextmanager
def growing_bar(label: str, already: str = "") -> Iterator[Callable[[int, int], None]]:
    """A bar for work that says how much it is only when it begins: told (done so far, all).

    `already` is the end of a line that says what was done before it began, where some was.
    """
    with ExitStack() as stack:
        update: Callable[[int], None] | None = None

        def told(done: int, total: int) -> None:
            nonlocal update
            if update is None:
                if already and done:
                    say(f"{done:,} of {total:,} {already}")
                update = stack.enter_context(progress_bar(label, total))
            update(done)

        yield told
