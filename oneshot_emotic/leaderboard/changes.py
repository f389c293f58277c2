"""What a change of submissions does to the leaderboard, as markdown for a comment."""

from __future__ import annotations

from collections.abc import Sequence

from oneshot_emotic.escaping import markdown_text
from oneshot_emotic.leaderboard.board import Board, Ranked, ranked
from oneshot_emotic.report import NONE, interval
from oneshot_emotic.splits import DatasetIdentity
from oneshot_emotic.submission.folder import SubmissionFolder
from oneshot_emotic.tasks import FAMILIES


def changes_page(
    before: Sequence[Board], after: Sequence[Board], waiting: Sequence[SubmissionFolder] = ()
) -> str:
    """Rows whose rank or overall figure changes, a table for each data set and family.

    Args:
        before: The boards of the base.
        after: The boards with the change.
        waiting: Submissions, with the change, that nobody has scored yet.
    """
    old = {board.dataset: board for board in before}
    new = {board.dataset: board for board in after}
    datasets: list[DatasetIdentity] = list(dict.fromkeys([*new, *old]))
    parts = []
    for dataset in datasets:
        for family, title in FAMILIES.items():
            was, now = _rows(old.get(dataset), family), _rows(new.get(dataset), family)
            lines = [
                _line(slug, was.get(slug), now.get(slug))
                for slug in [*now, *(slug for slug in was if slug not in now)]
                if (slug in was) != (slug in now) or _shown(was.get(slug)) != _shown(now.get(slug))
            ]
            if lines:
                where = f"### {title}, on `{dataset.name}` ({dataset.label_rule})"
                parts += [where, "", *_HEAD, *lines, ""]
    if waiting:
        parts += ["### Not scored here, where their splits are not", ""]
        parts += [
            f"- {markdown_text(x.model['name'])} (`{x.slug}`), on `{x.dataset['name']}`"
            for x in waiting
        ]
    if not parts:
        return "No row of the leaderboard changes.\n"
    return "\n".join(parts).rstrip("\n") + "\n"


_HEAD = (
    "| submission | rank before | rank now | overall before | overall now |",
    "|---|---:|---:|---:|---:|",
)


def _rows(board: Board | None, family: str) -> dict[str, Ranked]:
    if board is None:
        return {}
    return {item.row.slug: item for item in ranked(board.rows, family)}


def _shown(item: Ranked | None) -> tuple[str, str]:
    """Rank and overall figure as they are printed; dashes for a row that is not there."""
    if item is None:
        return NONE, NONE
    rank = NONE if item.rank is None else str(item.rank)
    return rank, interval(item.overall)


def _line(slug: str, was: Ranked | None, now: Ranked | None) -> str:
    item = now or was
    name = markdown_text(item.row.model["name"]) if item else ""
    state = " (new)" if was is None else " (removed)" if now is None else ""
    before, after = _shown(was), _shown(now)
    return f"| {name} (`{slug}`){state} | {before[0]} | {after[0]} | {before[1]} | {after[1]} |"
