"""The generated files of a leaderboard: what they should be, whether they are, writing them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.files import write_text
from oneshot_emotic.leaderboard.board import Board
from oneshot_emotic.leaderboard.evidence import EVIDENCE, SCORES, files_of_board
from oneshot_emotic.leaderboard.page import leaderboard_page
from oneshot_emotic.submission.folder import SubmissionFolder

PAGE = "README.md"
REPORTED = "reported.json"
_GENERATED = (PAGE, f"{SCORES}/*.json", f"{EVIDENCE}/*.json", "pictures/*.svg")


def generated_files(
    boards: Sequence[Board],
    reported: dict[str, Any],
    waiting: Sequence[SubmissionFolder] = (),
) -> dict[str, str]:
    """The text of every generated file by its path in `leaderboard/`."""
    files = {name: text for board in boards for name, text in files_of_board(board).items()}
    files[PAGE] = leaderboard_page(boards, reported, waiting, files)
    return dict(sorted(files.items()))


def differences(folder: Path, files: Mapping[str, str]) -> str:
    """A unified diff from the files on disk to what they should be; empty when they are so.

    A file that is missing, or that no submission has any more, is named only.

    Raises:
        InputError: One of them is a link.
    """
    _check_no_links(folder, files)
    parts: list[str] = []
    for name in sorted({*files, *_present(folder)}):
        path, after = folder / name, files.get(name)
        if after is None or not path.is_file():
            what, does = ("is missing", "writes") if after else ("is of no submission", "removes")
            parts.append(f"{folder.name}/{name} {what}: `oneshot-emotic leaderboard` {does} it")
            continue
        before = path.read_bytes()
        if before == after.encode("utf-8"):  # comparing line by line would take seconds
            continue
        parts += difflib.unified_diff(
            # Whatever is no UTF-8 shows as something that no generated file holds.
            before.decode("utf-8", "backslashreplace").splitlines(keepends=True),
            after.splitlines(keepends=True),
            f"{folder.name}/{name} (there)",
            f"{folder.name}/{name} (recomputed)",
        )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in parts)


def write_files(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Write what differs, the page last, and remove files of submissions that are gone.

    Returns:
        The paths written or removed.

    Raises:
        InputError: One of them is a link.
    """
    _check_no_links(folder, files)
    changed = []
    for name in sorted(files, key=lambda name: (name == PAGE, name)):
        path = folder / name
        if not path.is_file() or path.read_bytes() != files[name].encode("utf-8"):
            write_text(path, files[name])
            changed.append(name)
    for name in sorted(set(_present(folder)) - set(files)):
        (folder / name).unlink(missing_ok=True)  # another run may have been quicker
        changed.append(name)
    return changed


def _check_no_links(folder: Path, names: Iterable[str]) -> None:
    """Refuse links: a checkout may be a stranger's, and they may lead anywhere."""
    folders = [(folder / pattern).parent for pattern in _GENERATED]
    paths = [*folders, *(folder / name for name in sorted({*names, PAGE}))]
    if linked := [path for path in paths if path.is_symlink()]:
        raise InputError(Problem("is a link", str(path), "Remove it") for path in linked)


def _present(folder: Path) -> list[str]:
    found = (path for pattern in _GENERATED for path in folder.glob(pattern))
    return [path.relative_to(folder).as_posix() for path in found]
