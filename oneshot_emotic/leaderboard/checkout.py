"""All boards of a checkout: computed where the splits are here, carried over where they are not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from oneshot_emotic.dataset.locate import is_bundled_name
from oneshot_emotic.errors import InputError, NotHereError, Problem, noting
from oneshot_emotic.leaderboard.board import Board
from oneshot_emotic.leaderboard.cache import ScoreCache
from oneshot_emotic.leaderboard.evidence import carried_board, digest_problems, is_known
from oneshot_emotic.leaderboard.recompute import Progress, score_submissions
from oneshot_emotic.submission.check import LoadTask
from oneshot_emotic.submission.folder import (
    SubmissionFolder,
    find_submissions,
    read_submission_folder,
)


@dataclass(frozen=True)
class Boards:
    """The boards of a checkout.

    Attributes:
        boards: Sorted by name, label rule and fingerprint.
        waiting: Submissions that nobody who has their splits has scored.
    """

    boards: tuple[Board, ...]
    waiting: tuple[SubmissionFolder, ...]

    @property
    def submissions(self) -> int:
        """How many there are."""
        return len([*self.waiting, *(row for board in self.boards for row in board.rows)])

    def left_alone(self) -> list[str]:
        """What was not recomputed, a line for each data set and each submission that waits."""
        lines = [
            f"{board.dataset.name} ({board.dataset.label_rule}): its splits are not here, so "
            f"{len(board.rows)} of its rows are carried over, not recomputed"
            for board in self.boards
            if board.carried is not None
        ]
        return lines + [
            f"{x.slug}: waits for somebody who has the splits of {x.dataset['name']} "
            f"({x.dataset['fingerprint'][:12]}...)"
            for x in self.waiting
        ]


def boards_of_checkout(
    root: Path,
    load: LoadTask,
    progress: Progress = lambda line: None,
    cache: ScoreCache | None = None,
    processes: int | None = None,
    require: Collection[str] = (),
) -> Boards:
    """Score the submissions of a checkout, and carry over what cannot be scored here.

    Args:
        root: The checkout.
        load: As for `recompute_boards`, like `progress`, `cache` and `processes`.
        progress: Likewise.
        cache: Likewise.
        processes: Likewise.
        require: Names of data sets that must be here.

    Raises:
        InputError: A submission is not sound, or a row cannot be carried over; all problems.
    """
    leaderboard = root / "leaderboard"
    problems: list[Problem] = []
    here: list[SubmissionFolder] = []
    waiting: list[SubmissionFolder] = []
    elsewhere: dict[str, list[SubmissionFolder]] = {}
    for folder in find_submissions(root / "submissions"):
        with noting(problems):
            submission = read_submission_folder(folder)
            known, why = is_known(submission, leaderboard), _why_elsewhere(submission, load)
            everybody_has_others = why == _OTHER and is_bundled_name(submission.dataset["name"])
            if why is None or (everybody_has_others and not known):
                here.append(submission)
            elif submission.dataset["name"] in require:
                problems.append(replace(why, where=str(folder)))
            elif known:
                elsewhere.setdefault(submission.dataset["fingerprint"], []).append(submission)
            else:
                waiting.append(submission)
                problems += digest_problems(submission)
    boards: list[Board] = []
    with noting(problems):
        boards += score_submissions(here, load, progress, cache, processes)
    for members in elsewhere.values():
        with noting(problems):
            boards.append(carried_board(members, leaderboard))
    if problems:
        raise InputError(dict.fromkeys(problems))
    boards.sort(key=lambda x: (x.dataset.name, x.dataset.label_rule, x.dataset.fingerprint))
    return Boards(tuple(boards), tuple(waiting))


#: Splits of the name are here, but others.
_OTHER = Problem("its splits are not here, but others of the same name", "", "Give those it names")


def _why_elsewhere(submission: SubmissionFolder, load: LoadTask) -> Problem | None:
    """Why a submission cannot be scored here; None where it can."""
    stated = submission.dataset
    try:
        task = load(stated["name"], stated["fingerprint"], next(iter(submission.references)))
    except NotHereError as error:
        return error.problems[0]
    except InputError:
        return None  # said where it is scored
    identity = task.dataset
    return _OTHER if identity and identity.fingerprint != stated["fingerprint"] else None
