"""Writing files whole or not at all, and the digests of what was written."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oneshot_emotic.errors import InputError, Problem, some


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part.

    The folder of `path` is made where it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of `text` in UTF-8 with the line ends it has."""
    write_bytes(path, text.encode("utf-8"))


def json_text(value: Any) -> str:
    """`value` as the JSON text this package writes: indented, keys as given, a final newline."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def new_folder(target: Path, *, marker: str, contents: frozenset[str]) -> Iterator[Path]:
    """A folder to fill that takes the place of `target` when the block ends well.

    Until then it stands beside `target` under a hidden name; an error removes it and leaves
    `target` as it was.

    Args:
        target: The folder to make. It may exist when it is empty, or was made by the same command
            before and holds nothing else; then it is replaced.
        marker: The file that tells a folder of this kind.
        contents: All names that such a folder holds, `marker` among them.

    Raises:
        InputError: `target` is a file, or a folder with other things in it.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100 (resolve() would follow links)
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InputError(Problem("is not a folder", str(target), "Give another output folder"))
    present = {entry.name for entry in target.iterdir()} if target.exists() else set()
    if present and (marker not in present or present - contents):
        raise InputError(
            Problem(
                f"already holds other files: {some(sorted(present - contents) or sorted(present))}",
                str(target),
                "Give an empty or a new output folder",
            )
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(4)
    partial = target.with_name(f".{target.name}.{token}.partial")
    old = target.with_name(f".{target.name}.{token}.old")
    partial.mkdir()
    try:
        yield partial
        if target.exists():
            target.rename(old)
        partial.rename(target)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
