"""The one way to say that an input is wrong.

Everything that reads a file collects all of its problems and raises them together as one
`InputError`. The command line prints it and exits with status 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: Problems shown in full; the rest of a long list is counted.
SHOWN = 20


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        what: What is wrong, with the figures that show it.
        where: The file, sample_id or field it concerns; empty when the message says it.
        remedy: What to do about it; empty when that is plain.
    """

    what: str
    where: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        """`where: what. remedy`, on one line that no file content can break."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        text = f"{text}. {self.remedy}" if self.remedy else text
        return printable(text)


class InputError(ValueError):
    """A file, folder or value given by the user can't be used.

    Attributes:
        problems: Every problem found, in the order found; never empty.
    """

    def __init__(
        self, problems: Iterable[Problem] | Problem | str, where: object = "", remedy: str = ""
    ) -> None:
        """Collect `problems`: one `Problem`, many, or what is wrong, where, and what to do."""
        if isinstance(problems, str):
            problems = [Problem(problems, str(where), remedy)]
        elif isinstance(problems, Problem):
            problems = [problems]
        self.problems: tuple[Problem, ...] = tuple(problems)
        if not self.problems:
            raise AssertionError("an InputError needs at least one problem")
        super().__init__(self.message())

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        """So that an error of a worker process arrives with its problems."""
        return type(self), (self.problems,)

    def message(self, shown: int = SHOWN) -> str:
        """All problems, one a line; beyond `shown` of them the rest is counted."""
        lines = [str(problem) for problem in self.problems[:shown]]
        rest = len(self.problems) - shown
        if rest > 0:
            lines.append(f"... and {rest:,} more problems like these")
        return "\n".join(lines)


class NotHereError(InputError):
    """A data set is not on this machine, and cannot be fetched."""


@contextmanager
def noting(problems: list[Problem]) -> Iterator[None]:
    """Let an `InputError` of the block join the problems, for the work to go on."""
    try:
        yield
    except InputError as error:
        problems += error.problems


@contextmanager
def memory_for(where: str) -> Iterator[None]:
    """Say what it was for when memory runs out.

    Args:
        where: The file or submission.

    Raises:
        InputError: In place of a MemoryError.
    """
    try:
        yield
    except MemoryError:
        raise InputError(
            Problem("there is not enough memory for it", where, "Use a machine with more")
        ) from None


def printable(text: str, limit: int | None = 500) -> str:
    """`text` on one line, control and format characters as escapes, cut after `limit` characters.

    Messages quote file content: a terminal must not obey it.
    """
    clean = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )
    return clean if limit is None or len(clean) <= limit else clean[: limit - 3] + "..."


def some(items: Iterable[object], shown: int = 3) -> str:
    """The first few of `items` for a message: `a, b, c and 9 more`."""
    listed = list(items)
    text = ", ".join(str(item) for item in listed[:shown])
    return text if len(listed) <= shown else f"{text} and {len(listed) - shown:,} more"


def counted(many: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "embedding"), counted(2_000, "embedding")
    ('1 embedding', '2,000 embeddings')
    """
    return f"{many:,} {noun}" if many == 1 else f"{many:,} {noun}s"
