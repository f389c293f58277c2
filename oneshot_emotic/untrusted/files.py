"""The bytes of a stranger's file: a plain file, no more than asked for, opened once."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from oneshot_emotic.errors import InputError, printable
from oneshot_emotic.untrusted.limits import TRUST, check_bytes, check_unpacked


@contextlib.contextmanager
def opened(
    path: Path, max_bytes: int, *, links: bool = True, remedy: str = TRUST
) -> Iterator[BinaryIO]:
    """A plain file of at most `max_bytes`, open for reading.

    What is checked is what is read: nobody can put another file in its place in between.

    Args:
        path: The file.
        max_bytes: Its largest size.
        links: Whether `path` may be a symbolic link.
        remedy: What to do about a file that is too large.

    Raises:
        InputError: There is no such file, it is something else, too large, or cannot be read.
    """
    if not links and path.is_symlink():
        raise InputError("is a link, not a file", path)
    flags = os.O_RDONLY
    for name in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK", *(() if links else ("O_NOFOLLOW",))):
        flags |= getattr(os, name, 0)  # O_NONBLOCK: opening a pipe would wait for ever
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise InputError(_why_not(path, error), path) from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        what = "is a folder, not a file" if stat.S_ISDIR(status.st_mode) else "is not a file"
        raise InputError(what, path)
    with os.fdopen(descriptor, "rb") as stream:
        check_bytes(status.st_size, max_bytes, str(path), remedy)
        try:
            yield stream
        except OSError as error:
            raise InputError(_why_not(path, error), path) from None


def _why_not(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "its path leads through a loop of links"
    if path.is_dir():
        return "is a folder, not a file"
    what = error.strerror if isinstance(error, OSError) else None
    return f"cannot be read: {what or error}"


def read_gzip(stream: BinaryIO, max_bytes: int, where: str) -> bytes:
    """What a gzip file unpacks to, at most `max_bytes`.

    Raises:
        InputError: It is more, or the file is damaged.
    """
    try:
        with gzip.open(stream) as unpacking:
            content: bytes = unpacking.read(max_bytes + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"is a damaged gzip file: {error}", where) from None
    check_unpacked(len(content), max_bytes, where)
    return content


def sha256_of_stream(stream: BinaryIO) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal; the stream stands at its start again."""
    digest = hashlib.sha256()
    stream.seek(0)
    while block := stream.read(1 << 20):
        digest.update(block)
    stream.seek(0)
    return digest.hexdigest()


@contextlib.contextmanager
def sound(where: str, suffix: str) -> Iterator[None]:
    """Every failure of a library on a damaged file becomes one message."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        what = printable(f"is not a valid {suffix} file ({type(error).__name__}: {error})", 300)
        raise InputError(what, where) from None
