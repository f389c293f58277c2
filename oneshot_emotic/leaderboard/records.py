"""The verified rows as data: CSV with one line a submission, task and number of shots; JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from oneshot_emotic.escaping import csv_text, is_plain_https
from oneshot_emotic.files import json_text
from oneshot_emotic.leaderboard.board import Board, ranked
from oneshot_emotic.scoring.controls import CONTROLS
from oneshot_emotic.scoring.scores import Scores, ShotScores
from oneshot_emotic.scoring.statistics import INTERVAL, Estimate
from oneshot_emotic.tasks import FAMILIES, TASKS

FORMAT = "oneshot-emotic-leaderboard/1"

#: Figures with an interval, then those without.
_FIGURES = ("balanced_accuracy", "accuracy", "macro_f1", "level_error")
#: What a card says, to filter by; empty, or null in JSON, where it does not say.
DISCLOSURES = ("seen_unseen_names", "base", "seen_test_images")
_COLUMNS = (
    *("dataset", "label_rule", "fingerprint", "protocol"),
    *("kind", "submission", "name", "modalities"),
    *DISCLOSURES,
    *("family", "rank", "tied_with_best", "overall", "overall_low", "overall_high"),
    *("task", "shots", "runs"),
    *(f"{name}{part}" for name in _FIGURES for part in ("", "_low", "_high")),
)


def csv_lines(boards: Sequence[Board]) -> str:
    """All verified rows and control rows, fractions between 0 and 1, errors in levels."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for board in boards:
        for family in FAMILIES:
            writer.writerows(_lines(board, family))
    return stream.getvalue()


def _lines(board: Board, family: str) -> Iterator[dict[str, Any]]:
    of_board = {
        "dataset": csv_text(board.dataset.name),
        "label_rule": board.dataset.label_rule,
        "fingerprint": board.dataset.fingerprint,
        "protocol": board.dataset.protocol,
        "family": family,
    }
    for item in ranked(board.rows, family):
        model = item.row.model
        row = of_board | {
            "kind": "verified",
            "submission": item.row.slug,
            "name": csv_text(model["name"]),
            "modalities": csv_text(", ".join(model.get("modalities", []))),
            **{name: model.get(name, "") for name in DISCLOSURES},
            "rank": item.rank,
            "tied_with_best": item.tied_with_best,
        }
        if item.overall is not None:
            row |= {
                "overall": item.overall.mean,
                "overall_low": item.overall.low,
                "overall_high": item.overall.high,
            }
        yield from _figures(row, item.row.scores, family)
    for name, title in CONTROLS.items():
        row = of_board | {"kind": "control", "submission": name, "name": title}
        yield from _figures(row, board.control_scores(name), family)


def _figures(row: dict[str, Any], scores: Scores, family: str) -> Iterator[dict[str, Any]]:
    for task, by_shots in scores.tasks.items():
        if TASKS[task].family != family:
            continue
        for shots, figures in by_shots.items():
            cells: dict[str, Any] = {"task": task, "shots": shots, "runs": figures.runs}
            for name in _FIGURES:
                figure: Estimate | None = getattr(figures, name)
                if figure is not None:
                    cells |= {
                        name: figure.mean,
                        f"{name}_low": figure.low,
                        f"{name}_high": figure.high,
                    }
            yield row | cells


def json_document(boards: Sequence[Board], reported: dict[str, Any]) -> str:
    """Boards with ranks and figures, and the reported figures apart from them."""
    document = {
        "format": FORMAT,
        "interval": INTERVAL,
        "verified": [_board(board) for board in boards],
        "reported": reported,
    }
    return json_text(document)


def _board(board: Board) -> dict[str, Any]:
    families = {}
    for family in FAMILIES:
        rows = ranked(board.rows, family)
        if rows:
            families[family] = [
                {
                    "submission": item.row.slug,
                    "rank": item.rank,
                    "tied_with_best": item.tied_with_best,
                    "overall": None if item.overall is None else item.overall.to_dict(),
                }
                for item in rows
            ]
    return {
        "dataset": board.dataset.to_dict(),
        "families": families,
        "submissions": {
            row.slug: {
                **{name: row.model.get(name) for name in DISCLOSURES},
                "model": _model(row.model),
                "tasks": _tasks(row.scores),
            }
            for row in sorted(board.rows, key=lambda row: row.slug)
        },
        "controls": {name: _tasks(board.control_scores(name)) for name in CONTROLS},
    }


def _model(model: Any) -> dict[str, Any]:
    """The model card, without addresses that no page links to."""
    unsafe = [key for key in ("code", "paper") if key in model and not is_plain_https(model[key])]
    return {key: value for key, value in model.items() if key not in unsafe}


def _tasks(scores: Scores) -> dict[str, Any]:
    def content(figures: ShotScores) -> dict[str, Any]:
        found = {name: getattr(figures, name) for name in _FIGURES}
        shown = {name: figure.to_dict() for name, figure in found.items() if figure is not None}
        return {"runs": figures.runs, **shown}

    return {
        task: {str(shots): content(figures) for shots, figures in by_shots.items()}
        for task, by_shots in scores.tasks.items()
    }
