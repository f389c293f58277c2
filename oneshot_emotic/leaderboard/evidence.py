"""What a board is made of, kept beside it, for data sets whose splits not everybody has.

    leaderboard/evidence/<slug>.json                  a row: its figures, with what ranks them
    leaderboard/evidence/dataset-<fingerprint>.json   its data set: the control rows, and which
                                                      images the tasks share

Who has the splits writes these files with the board. Without them, a row is carried over from its
files, as long as submission.json, the embeddings and the score file are those that it was made of.
A seal over the content finds every change by accident or by hand. It is no signature, so nothing
under leaderboard/ is ever taken from a stranger.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from oneshot_emotic.dataset.locate import is_bundled
from oneshot_emotic.errors import InputError, Problem, noting
from oneshot_emotic.files import json_text
from oneshot_emotic.labels import LABEL_RULES
from oneshot_emotic.leaderboard.board import Board, Row
from oneshot_emotic.leaderboard.cache import bytes_of, with_evidence
from oneshot_emotic.scoring.arrays import FloatArray
from oneshot_emotic.scoring.evaluate import LEADERBOARD_SHOTS
from oneshot_emotic.scoring.scores import Scores, ShotScores
from oneshot_emotic.scoring.statistics import Evidence
from oneshot_emotic.splits import DatasetIdentity
from oneshot_emotic.submission.embeddings_file import referenced
from oneshot_emotic.submission.folder import DOCUMENT, SubmissionFolder
from oneshot_emotic.submission.remote import is_remote
from oneshot_emotic.tasks import TASKS
from oneshot_emotic.untrusted.files import opened, sha256_of_stream
from oneshot_emotic.untrusted.limits import MAX_BYTES

EVIDENCE, SCORES = "evidence", "scores"
FORMAT = "oneshot-emotic-evidence/1"
#: Two arrays of 20,000 images for each of eight tasks take 4 MB.
_MAX_BYTES = 64 << 20
_REMEDY = "Restore it from the repository, or let `leaderboard` make it where the splits are"


@dataclass(frozen=True)
class RowEvidence:
    """A row.

    Attributes:
        submission: SHA-256 of its submission.json, which has those of its embeddings.
        score_file: SHA-256 of its score file.
        scores: Its figures; the 1-shot balanced accuracy alone with what it is compared by.
    """

    submission: str
    score_file: str
    scores: Scores


@dataclass(frozen=True)
class DatasetEvidence:
    """A data set.

    Attributes:
        dataset: Which.
        images: Of each of a task's images, its place among those of all tasks; int32.
        controls: As of a `Board`.
    """

    dataset: DatasetIdentity
    images: Mapping[str, bytes]
    controls: Mapping[str, Mapping[str, Mapping[int, ShotScores]]]


Content = TypeVar("Content", RowEvidence, DatasetEvidence)


class _Sealed(msgspec.Struct):
    """A file: the SHA-256 of the content's bytes, and the content."""

    format: str
    seal: str
    content: msgspec.Raw


def files_of_board(board: Board) -> dict[str, str]:
    """The score files and, where not everybody has the splits, the evidence.

    Returns:
        Texts by their paths in `leaderboard/`; of a board that is carried over, those it is of.
    """
    if board.carried is not None:
        return dict(board.carried)
    scores = {row.slug: json_text(row.scores.to_dict()) for row in board.rows}
    files = {_score_file(slug): text for slug, text in scores.items()}
    if is_bundled(board.dataset):
        return files
    about = DatasetEvidence(board.dataset, _places(board.images), board.controls)
    files[_dataset_file(board.dataset.fingerprint)] = _sealed(about)
    for row in board.rows:
        kept = with_evidence(row.scores, _that_ranks)
        content = RowEvidence(row.submission, _sha256(scores[row.slug].encode()), kept)
        files[_evidence_file(row.slug)] = _sealed(content)
    return files


def is_known(submission: SubmissionFolder, leaderboard: Path) -> bool:
    """Whether somebody who has the splits has scored it."""
    return any((leaderboard / x(submission.slug)).exists() for x in (_evidence_file, _score_file))


def carried_board(submissions: Sequence[SubmissionFolder], leaderboard: Path) -> Board:
    """The board of submissions to a data set, carried over from its files.

    Args:
        submissions: Of one fingerprint.
        leaderboard: The folder with the files.

    Raises:
        InputError: A file is missing, or is not what a row was made of; all problems.
    """
    (fingerprint,) = {submission.dataset["fingerprint"] for submission in submissions}
    about = _dataset_evidence(leaderboard / _dataset_file(fingerprint), fingerprint)
    files: dict[str, str] = {}
    rows: list[Row] = []
    problems: list[Problem] = []
    for submission in submissions:
        with noting(problems):
            rows.append(_row(submission, about, leaderboard, files))
    if problems:
        raise InputError(problems)
    there = {name for row in rows for name in row.scores.tasks}
    tasks = [name for name in TASKS if name in there]
    images = {name: _names(about.images[name]) for name in tasks}
    controls = {name: about.controls[name] for name in tasks}
    # Of the tasks that are left, as it is made where the splits are.
    left = DatasetEvidence(about.dataset, _places(images), controls)
    files[_dataset_file(fingerprint)] = _sealed(left)
    return Board(about.dataset, tuple(rows), controls, images, files)


def _row(
    submission: SubmissionFolder, about: DatasetEvidence, leaderboard: Path, files: dict[str, str]
) -> Row:
    """A row; the texts of its files go to `files`."""
    path = leaderboard / _evidence_file(submission.slug)
    content, files[_evidence_file(submission.slug)] = _opened(path, _ROW)
    score_file = leaderboard / _score_file(submission.slug)
    text = _read(score_file)
    if _sha256(text) != content.score_file:
        raise InputError("is not the score file of its evidence", score_file, _REMEDY)
    files[_score_file(submission.slug)] = text.decode()
    document = submission.folder / DOCUMENT
    if submission_digest(submission) != content.submission:
        what = "was changed since the row was scored, and its splits are not here"
        raise InputError(what, document, "Restore it, or score it where they are")
    if problems := digest_problems(submission):
        raise InputError(problems)
    scores = content.scores
    if not _fits(scores, submission, about):
        raise InputError("is damaged: it does not fit its submission", path, _REMEDY)

    names = {task: _names(places) for task, places in about.images.items()}

    def named(task: str, _shots: int, _name: str, evidence: Evidence) -> Evidence:
        return replace(evidence, images=names[task])

    return Row(submission.slug, submission.model, with_evidence(scores, named), content.submission)


def _fits(scores: Scores, submission: SubmissionFolder, about: DatasetEvidence) -> bool:
    """Whether the figures can be those of a submission: nothing later doubts them."""
    if scores.dataset != about.dataset or scores.tasks.keys() != submission.references.keys():
        return False
    for task, runs in submission.references.items():
        if task not in about.images or not _are_figures(task, scores.tasks[task]):
            return False
        for figures in scores.tasks[task].values():
            evidence, images = figures.balanced_accuracy.evidence, len(about.images[task]) // 4
            if figures.runs != len(runs) or not (evidence is None or _can_be(evidence, images)):
                return False
    return True


def _are_figures(task: str, found: Mapping[int, ShotScores]) -> bool:
    """Whether they are of a task, at the board's numbers of shots."""
    classes = [figures.classes for figures in found.values()]
    return tuple(found) == LEADERBOARD_SHOTS and all(
        len(of) > 1 and {*of} <= {*TASKS[task].novel_classes} for of in classes
    )


def _can_be(evidence: Evidence, images: int) -> bool:
    """Whether evidence is of so many images, and a variance comes of it."""
    terms = (evidence.terms, evidence.query_terms)
    parts = evidence.draws
    scale = evidence.scale
    return (
        all(len(values) == images and np.isfinite(values).all() for values in terms)
        and len(parts) == 1
        and 0 <= parts[0].excess < math.inf
        and int(np.isfinite(parts[0].values).sum()) > 1
        and not np.isinf(parts[0].values).any()
        and all(len(run) > 1 for run in evidence.runs)
        and scale is not None
        and scale.least < scale.greatest
        and scale.images > 0
    )


def _dataset_evidence(path: Path, fingerprint: str) -> DatasetEvidence:
    about, _ = _opened(path, _DATASET)
    sound = about.dataset.fingerprint == fingerprint and about.dataset.label_rule in LABEL_RULES
    sound = sound and about.images.keys() == about.controls.keys() <= TASKS.keys()
    if not sound or not all(
        len(about.images[task]) % 4 == 0 and all(_are_figures(task, x) for x in controls.values())
        for task, controls in about.controls.items()
    ):
        raise InputError("is damaged: it is of another data set", path, _REMEDY)
    return about


def digest_problems(submission: SubmissionFolder) -> list[Problem]:
    """Files in its folder that are missing, or not of the digests that submission.json says."""
    problems: list[Problem] = []
    for file in submission.files():
        if not is_remote(file.reference):
            with noting(problems), referenced(file.reference, submission.folder):
                pass
    return problems


def submission_digest(submission: SubmissionFolder) -> str:
    """SHA-256 of its submission.json: its card, data set and embeddings."""
    with opened(submission.folder / DOCUMENT, MAX_BYTES, links=False) as stream:
        return sha256_of_stream(stream)


def _that_ranks(_task: str, shots: int, name: str, evidence: Evidence) -> Evidence | None:
    ranks = name == "balanced_accuracy" and shots == LEADERBOARD_SHOTS[0]
    return replace(evidence, images=()) if ranks else None


def _places(images: Mapping[str, tuple[str, ...]]) -> dict[str, bytes]:
    every = dict.fromkeys(name for names in images.values() for name in names)
    place = {name: number for number, name in enumerate(every)}
    return {
        task: np.array([place[name] for name in names], "<i4").tobytes()
        for task, names in images.items()
    }


def _evidence_file(name: str) -> str:
    return f"{EVIDENCE}/{name}.json"


def _dataset_file(fingerprint: str) -> str:
    return _evidence_file(f"dataset-{fingerprint}")  # longer than any slug


def _score_file(slug: str) -> str:
    return f"{SCORES}/{slug}.json"


def _sealed(content: RowEvidence | DatasetEvidence) -> str:
    return _text(msgspec.json.encode(content, enc_hook=bytes_of))


def _text(content: bytes) -> str:
    sealed = _Sealed(FORMAT, _sha256(content), msgspec.Raw(content))
    return msgspec.json.encode(sealed).decode() + "\n"


def _opened(path: Path, decoder: msgspec.json.Decoder[Content]) -> tuple[Content, str]:
    """What a file holds, and its text.

    Raises:
        InputError: It is missing, damaged or changed.
    """
    content = _read(path)
    try:
        whole = msgspec.json.decode(content, type=_Sealed)
        if whole.format != FORMAT or content.decode() != _text(bytes(whole.content)):
            raise ValueError("its seal does not fit its content")
        return decoder.decode(whole.content), content.decode()
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise InputError(f"is damaged: {error}", path, _REMEDY) from None


def _read(path: Path) -> bytes:
    if not path.exists():
        raise InputError("is missing", path, _REMEDY)
    with opened(path, _MAX_BYTES, links=False) as stream:
        return stream.read(_MAX_BYTES)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _names(places: bytes) -> tuple[str, ...]:
    return tuple(map(str, np.frombuffer(places, "<i4").tolist()))


def _array_of(_: type, content: str) -> FloatArray:
    return np.frombuffer(base64.b64decode(content, validate=True), "<f8").astype(np.float64)


_ROW = msgspec.json.Decoder(RowEvidence, dec_hook=_array_of)
_DATASET = msgspec.json.Decoder(DatasetEvidence, dec_hook=_array_of)
