"""The verified rows as data: CSV with one line a submission, task and number of shots; JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from oneshot_emotic.escaping import csv_text, is_plain_https
from oneshot_emotic.files import json_text
from oneshot_emotic.leaderboard.board import Board, Ranked, ranked
from oneshot_emotic.scoring.controls import CONTROLS
from oneshot_emotic.scoring.scores import FIGURES, Overall, Scores, ShotScores
from oneshot_emotic.scoring.statistics import INTERVAL, Estimate
from oneshot_emotic.submission.model_card import parts_text
from oneshot_emotic.tasks import FAMILIES, TASKS

FORMAT = "oneshot-emotic-leaderboard/1"

#: What a card says, to filter by; empty, or null in JSON, where it does not say.
DISCLOSURES = (
    *("seen_unseen_names", "base", "seen_test_images"),
    *("backbone", "pretraining", "parameters", "training_seeds", "licence", "date"),
)
_COLUMNS = (
    *("dataset", "label_rule", "fingerprint", "protocol"),
    *("recomputed_here", "kind", "submission", "name", "modalities"),
    *DISCLOSURES,
    "parts",
    *("family", "rank", "tied_with_best", "overall", "overall_low", "overall_high"),
    *("task", "shots", "runs"),
    *(f"{name}{part}" for name in FIGURES for part in ("", "_low", "_high")),
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
        "recomputed_here": board.carried is None,
        "family": family,
    }
    for item in ranked(board.rows, family):
        model = item.row.model
        row = of_board | {
            "kind": "verified",
            "submission": item.row.slug,
            "name": csv_text(model["name"]),
            "modalities": _cell(model.get("modalities", [])),
            **{name: _cell(model.get(name, "")) for name in DISCLOSURES},
            "parts": csv_text(parts_text(model.get("parts", [])), None),
            "rank": item.rank,
            "tied_with_best": item.tied_with_best,
            **_with_bounds("overall", item.overall),
        }
        yield from _figures(row, item.row.scores, family)
    for name, title in CONTROLS.items():
        row = of_board | {"kind": "control", "submission": name, "name": title}
        yield from _figures(row, board.control_scores(name), family)


def _cell(value: Any) -> Any:
    """A field of a card for CSV."""
    text = ", ".join(map(str, value)) if isinstance(value, list) else value
    return csv_text(text) if isinstance(text, str) else text


def _figures(row: dict[str, Any], scores: Scores, family: str) -> Iterator[dict[str, Any]]:
    for task, by_shots in scores.tasks.items():
        if TASKS[task].family != family:
            continue
        for shots, figures in by_shots.items():
            cells: dict[str, Any] = {"task": task, "shots": shots, "runs": figures.runs}
            for name, figure in figures.figures().items():
                cells |= _with_bounds(name, figure)
            yield row | cells


def _with_bounds(name: str, figure: Estimate | Overall | None) -> dict[str, float | None]:
    if figure is None:
        return {}
    return {name: figure.mean, f"{name}_low": figure.low, f"{name}_high": figure.high}


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
    families = {family: ranked(board.rows, family) for family in FAMILIES}
    return {
        "dataset": board.dataset.to_dict(),
        "recomputed_here": board.carried is None,
        "families": {family: list(map(_place, rows)) for family, rows in families.items() if rows},
        "submissions": {
            row.slug: {
                **{name: row.model.get(name) for name in (*DISCLOSURES, "parts")},
                "model": _model(row.model),
                "tasks": _tasks(row.scores),
            }
            for row in sorted(board.rows, key=lambda row: row.slug)
        },
        "controls": {name: _tasks(board.control_scores(name)) for name in CONTROLS},
    }


def _place(item: Ranked) -> dict[str, Any]:
    return {
        "submission": item.row.slug,
        "rank": item.rank,
        "tied_with_best": item.tied_with_best,
        "overall": None if item.overall is None else item.overall.to_dict(),
    }


def _model(model: Any) -> dict[str, Any]:
    """The model card, without addresses that no page links to."""
    unsafe = [key for key in ("code", "paper") if key in model and not is_plain_https(model[key])]
    return {key: value for key, value in model.items() if key not in unsafe}


def _tasks(scores: Scores) -> dict[str, Any]:
    def content(figures: ShotScores) -> dict[str, Any]:
        whole = figures.to_dict()
        return {name: whole[name] for name in ("runs", *FIGURES) if name in whole}

    return {
        task: {str(shots): content(figures) for shots, figures in by_shots.items()}
        for task, by_shots in scores.tasks.items()
    }
