"""Writing files whole or not at all, and the digests of what was written."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oneshot_emotic.errors import InputError, some

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there, and leftovers of killed runs stay
    fcntl = None  # type: ignore[assignment]


_PARTIAL = "partial"
_OLD = "old"
#: How often a hidden file is tried that another run may have taken for a leftover.
_TRIES = 100
_ERRORS_OF_DISKS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}
#: As many links after each other as Linux follows.
_MOST_LINKS = 40


#: The environment variable that names a place for what commands keep between runs.
CACHE_VARIABLE = "ONESHOT_EMOTIC_CACHE"
_CACHE_NAME = "oneshot-emotic"


def cache_folder() -> Path:
    """The folder for what commands keep between runs, whether it exists or not."""
    if given := os.environ.get(CACHE_VARIABLE):
        return Path(given) / _CACHE_NAME
    from platformdirs import user_cache_dir

    return Path(user_cache_dir(_CACHE_NAME, appauthor=False))


def make_private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for this user alone."""
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """`write_pieces` of one piece."""
    write_pieces(path, (content,))


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Write `pieces` to `path` so that a reader sees the old file or the new one, never a part.

    Links are followed. What is no regular file (a device, a pipe, one of this process's own
    descriptors such as /dev/stdout) is written through. The folder of `path` is made where it is
    missing. What a killed run left of this file is removed.

    Raises:
        OSError: Not all of them could be written; with the name of the file.
    """
    with _errors_name(path):
        if (opened := _opened_through(path)) is not None:
            with os.fdopen(opened, "wb") as file:
                file.writelines(pieces)
            return
        path = Path(os.path.realpath(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        partial, descriptor = _claimed(path, lambda partial: os.open(partial, _NEW_FILE, 0o666))
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
                partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def _opened_through(path: Path) -> int | None:
    """A descriptor to write through to what is no regular file; None for a file to be replaced.

    Raises:
        OSError: It is a folder or a loop of links, or cannot be opened.
    """
    if (own := _own_descriptor(path)) is not None:
        return os.dup(own)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return None if stat.S_ISREG(mode) else os.open(path, os.O_WRONLY | _BINARY)


def _own_descriptor(path: Path) -> int | None:
    """N for /dev/fd/N and for links to it such as /dev/stdout; None for any other path.

    It may be a regular file, opened by the shell: to replace that would lose what else is printed.
    """
    own = os.path.realpath("/dev/fd")  # on Linux /proc/<this process>/fd
    for _ in range(_MOST_LINKS):
        if path.name.isdecimal() and os.path.realpath(path.parent) == own and path.exists():
            return int(path.name)
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return None


@contextmanager
def _errors_name(path: Path, partial: Path | None = None) -> Iterator[None]:
    """Let an error of the system name `path`, not what is hidden beside it, and not nothing.

    Args:
        path: The file or folder that is written.
        partial: The hidden folder that becomes `path`: errors name the files in it as they will be.
    """
    try:
        yield
    except OSError as error:
        if partial is not None and isinstance(error.filename, str):
            error.filename = error.filename.replace(str(partial), str(path))
        elif error.errno in _ERRORS_OF_DISKS or (partial is None and error.errno is not None):
            error.filename, error.filename2 = str(path), None
        raise


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of `text` in UTF-8 with the line ends it has."""
    write_bytes(path, text.encode("utf-8"))


def json_text(value: Any) -> str:
    """`value` as the JSON text this package writes: indented, keys as given, a final newline."""
    import msgspec

    # json.dumps(indent=2) gives the same text, written in Python and ten times slower.
    plain = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return msgspec.json.format(plain, indent=2) + "\n"


def check_not_input(output: Path | None, inputs: Iterable[Path]) -> None:
    """Refuse to write over what is read: no copy of it may be left.

    Args:
        output: The file to write; None for none.
        inputs: Files, and folders with all that is in them.

    Raises:
        InputError: `output` is one of them, lies in one, or is another name of one.
    """
    if output is None or not output.exists():
        return
    place = output.resolve()
    for path in inputs:
        if path.exists() and (path.samefile(place) or path.resolve() in place.parents):
            raise InputError("is read by this command too", output, "Give another file to write")


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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
        InputError: `target` is a file, in one, or a folder with other things in it.
    """
    with _errors_name(target):
        target = Path(os.path.abspath(target))  # noqa: PTH100 (resolve() would follow links)
        _check_replaceable(target, marker, contents)
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target)
        partial, claim = _claimed(target, _make_folder)
    try:
        with _errors_name(target, partial):
            yield partial
            _put_folder(partial, target)
    finally:
        # After an exchange it is the old folder that stands here.
        shutil.rmtree(partial, ignore_errors=True)
        os.close(claim)


def _check_replaceable(target: Path, marker: str, contents: frozenset[str]) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InputError("is not a folder", target, "Give another output folder")
    for above in target.parents:
        if above.exists() and not above.is_dir():
            what = f"{above} is a file, not a folder"
            raise InputError(what, target, "Give another output folder")
    present = {entry.name for entry in target.iterdir()} if target.exists() else set()
    if present and (marker not in present or present - contents):
        what = f"already holds other files: {some(sorted(present - contents) or sorted(present))}"
        raise InputError(what, target, "Give an empty or a new output folder")


def _put_folder(partial: Path, target: Path) -> None:
    """Give a finished folder its name, in one step where the system can."""
    try:
        partial.rename(target)  # where nothing is, or an empty folder
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES):
            raise
    else:
        return
    if _exchange(partial, target):
        return
    old = Path(str(partial).removesuffix(_PARTIAL) + _OLD)
    claim = os.open(target, os.O_RDONLY) if fcntl else None
    try:
        if claim is not None:
            _lock(claim)
        target.rename(old)
        try:
            partial.rename(target)
        except OSError:
            old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        if claim is not None:
            os.close(claim)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step; False where the system cannot (only Linux can)."""
    import ctypes

    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    here, swap = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(renameat2(here, os.fsencode(one), here, os.fsencode(other), swap) == 0)


def remove_leftovers(path: Path) -> None:
    """Remove what killed runs left beside `path`, and bring back what they had moved away.

    A run that is alive holds a lock on what it is writing; that is left alone, as is everything
    where there are no locks, and whatever cannot be removed, such as another user's in /tmp.
    """
    if fcntl is None:
        return
    ours = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}\.({_PARTIAL}|{_OLD})")
    with os.scandir(path.parent) as entries:
        found = sorted(entry.name for entry in entries if ours.fullmatch(entry.name))
    for name in found:
        leftover = path.with_name(name)
        with contextlib.suppress(OSError):
            descriptor = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                if _lock(descriptor) is not True:
                    continue
                if name.endswith(_OLD) and not path.exists():
                    leftover.rename(path)
                elif leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink()
            finally:
                os.close(descriptor)


_BINARY = getattr(os, "O_BINARY", 0)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY


def _make_folder(path: Path) -> int:
    path.mkdir()
    return os.open(path, os.O_RDONLY) if fcntl else os.open(os.devnull, os.O_RDONLY)


def _claimed(path: Path, make: Callable[[Path], int]) -> tuple[Path, int]:
    """A hidden neighbour of `path`, made by `make` and locked as long as it is open.

    Raises:
        OSError: None can be made there.
    """
    failure: OSError = BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(path))
    for _ in range(_TRIES):
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.{_PARTIAL}")
        try:
            descriptor = make(partial)
        except FileNotFoundError as error:
            # Another run took it for a leftover, or the folder is gone or cannot hold files.
            failure = error
            continue
        if _lock(descriptor) is not False:
            with contextlib.suppress(FileNotFoundError):
                # Another run may have removed it in the moment before the lock.
                if fcntl is None or partial.stat().st_ino == os.fstat(descriptor).st_ino:
                    return partial, descriptor
        os.close(descriptor)
    raise failure


def _lock(descriptor: int) -> bool | None:
    """True when the lock was had, False when another has it, None where there are no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
