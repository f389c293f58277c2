"""Scores kept between runs: what was computed once from the same bytes need not be again.

CACHE/CACHEDIR.TAG             tells that the folder was made here
CACHE/<package>/<key>.scores   the scores of one embeddings file on one task

The key is a digest of all that the scores depend on: the bytes of the embeddings file, the data
set's identity and fingerprint, the protocol, the task, and the package's own source. Anything else
than what is asked for has another key, so it is never found.

What is found is trusted. So nobody else may be able to write there, and nothing that is to be
proved, as by `leaderboard --check`, is taken from it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from oneshot_emotic import __version__
from oneshot_emotic.files import cache_folder, make_private_folder, write_bytes
from oneshot_emotic.scoring.arrays import FloatArray
from oneshot_emotic.scoring.scores import Scores, ShotScores
from oneshot_emotic.scoring.statistics import Estimate, Evidence
from oneshot_emotic.splits import Task

_MARKER = "CACHEDIR.TAG"
#: The first line is that of https://bford.info/cachedir, by which backups know to leave it out.
_MARKER_TEXT = b"""Signature: 8a477f597d28d172789f06886806bc55
# Scores kept by oneshot-emotic (leaderboard). The folder may be removed at any time.
"""
_OF_A_VERSION = re.compile(r"[0-9a-f]{16}")
_OF_SCORES = re.compile(r"[0-9a-f]{64}\.scores|\.[0-9a-f]{64}\.scores\.[0-9a-f]{8}\.partial")
#: Scores by another version of the package are removed when nobody used them for so long.
_KEPT_SECONDS = 30 * 24 * 3600.0


def default_cache_folder() -> Path:
    """Where commands keep scores, whether it exists or not."""
    return cache_folder() / "leaderboard-scores"


class ScoreCache:
    """Scores on disk by what they were computed from.

    A file that is damaged, or that cannot be read or written, counts as missing.

    Args:
        root: The folder; made when the first scores are kept.

    Attributes:
        refusal: Why the folder is not used; None when it is.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.folder = root / package_digest()[:16]
        self.refusal = self._refusal()

    def find(self, task: Task, source: str, *, whole: bool = False) -> Scores | None:
        """The scores of embeddings on a task; None if unknown.

        Args:
            task: The task.
            source: SHA-256 of the embeddings file and what it is for, or the name of a control row.
            whole: Whether all figures have their evidence, as a row of several runs needs it; else
                the balanced accuracy alone may have it, enough for ranks and comparisons.
        """
        if self.refusal:
            return None
        key = _key(task, source, whole)
        try:
            seal, _, body = (self.folder / f"{key}.scores").read_bytes().partition(b"\n")
            scores = _DECODER.decode(body) if seal.decode() == _seal(key, body) else None
        except (OSError, ValueError, msgspec.MsgspecError):
            return None
        return scores and with_evidence(
            scores, lambda *what: replace(what[3], images=task.image_names)
        )

    def keep(self, scores: Scores, task: Task, source: str, *, whole: bool = False) -> None:
        """Keep the scores of one task for `find`."""
        if self.refusal:
            return
        key = _key(task, source, whole)
        nameless = with_evidence(scores, lambda *what: replace(what[3], images=()))
        body = msgspec.msgpack.encode(nameless, enc_hook=bytes_of)
        with contextlib.suppress(OSError):  # a full or read-only disk only costs time
            if self.folder.is_dir() or self._make():
                write_bytes(self.folder / f"{key}.scores", f"{_seal(key, body)}\n".encode() + body)

    def _make(self) -> bool:
        """Make the folder; False where it turns out to be somebody else's."""
        if not self._root.exists():
            _make_root(self._root)
        self.refusal = self._refusal()
        if self.refusal is None:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            _remove_unused(self.folder)
        return self.refusal is None

    def _refusal(self) -> str | None:
        root = self._root
        for folder in (root.parent.parent, root.parent, root, self.folder):
            # In a folder such as /tmp, others can make folders, but not move ours.
            if reason := _unsafe(folder, sticky=folder == root.parent.parent):
                return f"{folder} {reason}"
        marker = root / _MARKER
        try:
            ours = not root.exists() or (marker.is_file() and marker.read_bytes() == _MARKER_TEXT)
        except OSError as error:
            return f"{root} cannot be read: {error.strerror}"
        return None if ours else f"{root} is not a folder that was made for them"


@functools.cache
def package_digest() -> str:
    """SHA-256 over the package's source and NumPy's version, in hexadecimal."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256(f"{__version__}\t{np.__version__}\n".encode())
    for path in sorted(root.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()}\t{content}\n".encode())
    return digest.hexdigest()


def _key(task: Task, source: str, whole: bool) -> str:
    assert task.dataset is not None
    what = [package_digest(), task.dataset.to_dict(), task.name, source, whole]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode("utf-8")).hexdigest()


def _seal(key: str, body: bytes) -> str:
    """What only a whole file under its own name begins with."""
    return hashlib.sha256(key.encode() + body).hexdigest()


def with_evidence(
    scores: Scores, of: Callable[[str, int, str, Evidence], Evidence | None]
) -> Scores:
    """Scores with other evidence for their figures.

    Args:
        scores: Of any tasks.
        of: From task, shots, the name of a figure and its evidence to what it shall have.
    """

    def each(found: ShotScores, task: str, shots: int) -> ShotScores:
        def changed(name: str, estimate: Estimate) -> Estimate:
            there = estimate.evidence
            return replace(estimate, evidence=there and of(task, shots, name, there))

        figures: dict[str, Any] = {name: changed(name, x) for name, x in found.figures().items()}
        recall = {name: changed("recall", x) for name, x in found.recall.items()}
        return replace(found, **figures, recall=recall)

    tasks = {
        task: {shots: each(found, task, shots) for shots, found in by_shots.items()}
        for task, by_shots in scores.tasks.items()
    }
    return replace(scores, tasks=tasks)


def bytes_of(value: Any) -> bytes:
    """An array as msgspec writes it, here and in evidence."""
    assert isinstance(value, np.ndarray)
    return value.astype("<f8").tobytes()


def _array_of(_: type, content: bytes) -> FloatArray:
    return np.frombuffer(content, dtype="<f8").astype(np.float64)


_DECODER = msgspec.msgpack.Decoder(Scores, dec_hook=_array_of)


def _unsafe(folder: Path, sticky: bool) -> str | None:
    """Why what lies in a folder cannot be trusted; None when it can, or when there is none."""
    if not hasattr(os, "geteuid"):  # Windows, where the user's folders are the user's alone
        return None
    try:
        facts = folder.stat()
    except OSError:
        return None
    if facts.st_uid not in (os.geteuid(), 0):
        return "belongs to another user"
    shared = facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if sticky and facts.st_mode & stat.S_ISVTX:
        shared = 0
    return "may be written by others" if shared else None


def _make_root(root: Path) -> None:
    """Make the cache's folder with its marker, in one step."""
    make_private_folder(root.parent)
    made = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        (made / _MARKER).write_bytes(_MARKER_TEXT)
        made.rename(root)
    except OSError:  # another run may have been quicker
        shutil.rmtree(made, ignore_errors=True)


def _remove_unused(newest: Path) -> None:
    """Remove the scores of other versions of the package that nobody used for long.

    A folder that holds anything else is left alone.
    """
    for folder in newest.parent.iterdir():
        if folder == newest or not _OF_A_VERSION.fullmatch(folder.name) or folder.is_symlink():
            continue
        with contextlib.suppress(OSError):
            files = {path: path.lstat() for path in folder.iterdir()}
            ours = all(
                _OF_SCORES.fullmatch(path.name) and stat.S_ISREG(facts.st_mode)
                for path, facts in files.items()
            )
            used = [max(facts.st_atime, facts.st_mtime) for facts in files.values()]
            if ours and time.time() - max([folder.stat().st_mtime, *used]) > _KEPT_SECONDS:
                for path in files:
                    path.unlink()
                folder.rmdir()
