"""Scores kept between runs: what was computed once from the same bytes need not be again.

CACHE/<package>/<key>.json   the scores of one embeddings file on one task

The key is a digest of all that the scores depend on: the bytes of the embeddings file, the data
set's identity and fingerprint, the protocol, the task, the numbers of shots, and the package's own
source. Anything else than what is asked for has another key, so it is never found.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from oneshot_emotic import __version__
from oneshot_emotic.files import cache_folder, write_bytes
from oneshot_emotic.scoring.arrays import FloatArray
from oneshot_emotic.scoring.scores import ShotScores
from oneshot_emotic.scoring.statistics import DrawPart, Evidence, Scale
from oneshot_emotic.splits import DatasetIdentity, Task

_FORMAT = "oneshot-emotic-cache/2"
#: Scores by another version of the package are removed when nobody used them for so long.
_KEPT_SECONDS = 30 * 24 * 3600.0

Figures = dict[int, ShotScores]


def default_cache_folder() -> Path:
    """Where commands keep scores, whether it exists or not."""
    return cache_folder() / "scores"


class ScoreCache:
    """Scores on disk by what they were computed from.

    A file that is damaged, or that cannot be read or written, is as good as none.

    Args:
        folder: Where; made when the first scores are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / package_digest()[:16]

    def find(self, task: Task, shots: Sequence[int], source: str) -> tuple[Figures, str] | None:
        """The scores of embeddings on a task, and the digest of the embeddings; None if unknown.

        Args:
            task: The task.
            shots: At which numbers of support persons.
            source: SHA-256 of the embeddings file, or the name of a control row.
        """
        key = _key(task, shots, source)
        try:
            seal, _, body = (self.folder / f"{key}.json").read_bytes().partition(b"\n")
            if seal.decode() != _seal(key, body):
                return None
            content = msgspec.json.decode(body)
            return _figures(content["shots"], task), content["embeddings"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, msgspec.MsgspecError):
            return None

    def keep(
        self, task: Task, shots: Sequence[int], source: str, figures: Figures, embeddings: str
    ) -> None:
        """Keep scores for `find`."""
        key = _key(task, shots, source)
        content = {
            "embeddings": embeddings,
            "shots": {str(count): _content(scores) for count, scores in figures.items()},
        }
        body = json.dumps(content).encode("utf-8")
        with contextlib.suppress(OSError):  # a full or read-only disk only costs time
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True, exist_ok=True)
                _remove_unused(self.folder)
            path = self.folder / f"{key}.json"
            write_bytes(path, _seal(key, body).encode() + b"\n" + body)


@functools.cache
def package_digest() -> str:
    """SHA-256 over the package's source and NumPy's version, in hexadecimal."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256(f"{__version__}\t{np.__version__}\n".encode())
    for path in sorted(root.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()}\t{content}\n".encode())
    return digest.hexdigest()


def _key(task: Task, shots: Sequence[int], source: str) -> str:
    assert isinstance(task.dataset, DatasetIdentity)
    what = {
        "format": _FORMAT,
        "package": package_digest(),
        "dataset": task.dataset.to_dict(),
        "task": task.name,
        "shots": list(shots),
        "source": source,
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode("utf-8")).hexdigest()


def _seal(key: str, body: bytes) -> str:
    """Tells a file that is whole and belongs to its name."""
    return hashlib.sha256(key.encode() + body).hexdigest()


def _content(scores: ShotScores) -> dict[str, Any]:
    evidence = scores.balanced_accuracy.evidence
    if evidence is None or evidence.scale is None:
        return {"scores": scores.to_dict(), "evidence": None}
    (part,), scale = evidence.draws, evidence.scale
    # All that ranks and comparisons need beyond the score file.
    kept = {
        "terms": _packed(evidence.terms),
        "query_terms": _packed(evidence.query_terms),
        "draws": _packed(part.values),
        "excess": part.excess,
        "scale": vars(scale),
    }
    return {"scores": scores.to_dict(), "evidence": kept}


def _figures(content: Mapping[str, Mapping[str, Any]], task: Task) -> Figures:
    figures = {}
    for count, item in content.items():
        scores, kept = ShotScores.from_dict(item["scores"]), item["evidence"]
        if kept is not None:
            evidence = Evidence(
                task.image_names,
                _unpacked(kept["terms"]),
                _unpacked(kept["query_terms"]),
                (DrawPart(task.name, kept["excess"], _unpacked(kept["draws"])),),
                scale=Scale(**kept["scale"]),
            )
            balanced = replace(scores.balanced_accuracy, evidence=evidence)
            scores = replace(scores, balanced_accuracy=balanced)
        figures[int(count)] = scores
    return figures


def _packed(values: FloatArray) -> str:
    return base64.b64encode(values.astype("<f8").tobytes()).decode("ascii")


def _unpacked(text: str) -> FloatArray:
    return np.frombuffer(base64.b64decode(text), dtype="<f8").astype(np.float64)


def _remove_unused(newest: Path) -> None:
    """Remove the scores of other versions of the package that nobody used for long."""
    for folder in newest.parent.iterdir():
        if folder != newest and folder.is_dir() and not folder.is_symlink():
            last = max([folder.stat().st_mtime, *(x.stat().st_atime for x in folder.iterdir())])
            if time.time() - last > _KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
