"""What the site's scripts draw from: of each board its rows, their figures and their differences.

Figures are fractions of four decimals, chosen so that they show in per cent, to one decimal, what
the figures themselves show. Figures that differences are taken of are there in full.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oneshot_emotic.errors import printable
from oneshot_emotic.leaderboard.board import Board, Ranked, Row, tasks_of_family
from oneshot_emotic.leaderboard.records import DISCLOSURES
from oneshot_emotic.leaderboard.sections import marks_of
from oneshot_emotic.report import plain_interval
from oneshot_emotic.scoring.comparison import Difference, half_widths
from oneshot_emotic.scoring.controls import CONTROLS
from oneshot_emotic.scoring.evaluate import LEADERBOARD_SHOTS
from oneshot_emotic.scoring.scores import Overall, Scores
from oneshot_emotic.scoring.statistics import Estimate
from oneshot_emotic.submission.runs import seeds
from oneshot_emotic.tasks import FAMILIES, TASKS

_ONE, _FIVE = LEADERBOARD_SHOTS


Ranks = Mapping[str, Sequence[Ranked]]


def board_data(board: Board, ranks: Ranks) -> dict[str, Any]:
    """A board as JSON, rows sorted by their slugs.

    Args:
        board: The board.
        ranks: Family -> `ranked` of its rows.
    """
    rows = sorted(board.rows, key=lambda row: row.slug)
    places = {family: _places(items) for family, items in ranks.items()}
    return {
        "families": {
            family: [name for name in TASKS if TASKS[name].family == family]
            for family, there in places.items()
            if there
        },
        "classes": {
            name: next(row.scores.tasks[name][_ONE].classes for row in rows if _has(row, name))
            for name in TASKS
            if any(_has(row, name) for row in rows)
        },
        "rows": [
            _card(row, board)
            | {"places": {x: there[row.slug] for x, there in places.items() if row.slug in there}}
            | {"tasks": _tasks(row.scores)}
            for row in rows
        ],
        "controls": [
            {
                "name": title,
                "tasks": _tasks(scores),
                "overall": {
                    x: _exact(scores.overall(x)) for x in FAMILIES if tasks_of_family(scores, x)
                },
            }
            for name, title in CONTROLS.items()
            for scores in [board.control_scores(name)]
        ],
        "pairs": _pairs(rows, ranks),
    }


def _has(row: Row, task: str) -> bool:
    return task in row.scores.tasks


def _card(row: Row, board: Board) -> dict[str, Any]:
    """What a row says of itself, to filter by, as text that is safe to show."""
    model = row.model
    runs = [figures[_ONE].runs for figures in row.scores.tasks.values()]
    return {
        "slug": row.slug,
        "name": printable(str(model["name"]), 200),
        "marks": marks_of(model),
        "sees": printable(", ".join(model.get("modalities", [])), 200),
        "seeds": seeds(runs),
        "carried": board.carried is not None,
        **{x: _shown_field(model[x]) for x in DISCLOSURES if model.get(x) is not None},
    }


def _shown_field(value: Any) -> Any:
    return printable(value, 200) if isinstance(value, str) else value


def _places(items: Sequence[Ranked]) -> dict[str, Any]:
    return {
        item.row.slug: {
            "rank": item.rank,
            "tied": item.tied_with_best and place > 0,
            **_exact(item.overall),
        }
        for place, item in enumerate(items)
    }


def _exact(figure: Overall | Estimate | None) -> dict[str, float | None]:
    """A figure that differences are taken of."""
    if figure is None:
        return {"mean": None}
    return {"mean": figure.mean, "low": fraction(figure.low), "high": fraction(figure.high)}


def _tasks(scores: Scores) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, by_shots in scores.tasks.items():
        one, five = by_shots[_ONE], by_shots[_FIVE]
        balanced = one.balanced_accuracy
        runs = balanced.evidence.runs if balanced.evidence is not None else ()
        found[name] = {
            **_exact(balanced),
            "draw_0": fraction(balanced.draw_0),
            "std": fraction(balanced.std),
            "min": fraction(balanced.min),
            "max": fraction(balanced.max),
            "runs": [fraction(x) for run in runs for x in run],
            "five": _bounds(five.balanced_accuracy),
            "plain": fraction(one.accuracy.mean),
            "f1": fraction(one.macro_f1.mean),
            "recall": [_bounds(one.recall[x]) for x in one.classes],
            "confusion": [[fraction(x) for x in row] for row in one.confusion],
        }
        if one.level_error is not None and one.level_error.mean is not None:
            found[name]["error"] = float(f"{one.level_error.mean:.2f}")
    return found


def _bounds(figure: Estimate) -> list[float | None]:
    return [fraction(figure.mean), fraction(figure.low), fraction(figure.high)]


def fraction(value: float | None) -> float | None:
    """A figure of four decimals that shows, as a per cent of one decimal, what `value` shows.

    Halves, which the next rounding might take the wrong way, are rounded at once.

    >>> fraction(0.23163753728565722), fraction(0.12249999)
    (0.2316, 0.122)
    """
    if value is None:
        return None
    text = f"{100 * value:.2f}"
    if text.endswith("5"):
        text = f"{100 * value:.1f}"
    return round(float(text) / 100, 4)


def _pairs(rows: Sequence[Row], ranks: Ranks) -> dict[str, Any]:
    """Half the interval of the difference of every two rows, of each task and overall figure.

    Of each: `of`, the places of the rows that have one, and `half`, for the first and second of
    them, the first and third and so on, in hundredths of a per cent.
    """
    found: dict[str, Any] = {}
    for what, figures in _compared(rows, ranks).items():
        evidence = [x.evidence for x in figures.values() if x.evidence is not None]
        means = [x.mean for x in figures.values() if x.mean is not None]
        differences = (a - b for place, a in enumerate(means) for b in means[place + 1 :])
        widths = zip(differences, half_widths(evidence), strict=True)
        found[what] = {"of": list(figures), "half": [_short_half(*pair) for pair in widths]}
    return found


def _compared(rows: Sequence[Row], ranks: Ranks) -> dict[str, dict[int, Estimate | Overall]]:
    """Family or task -> place of a row -> its figure, where it has an interval."""
    every: dict[str, list[Estimate | Overall | None]] = {}
    for family, items in ranks.items():
        overall = {item.row.slug: item.overall for item in items}
        every[family] = [overall.get(row.slug) for row in rows]
    for task in TASKS:
        every[task] = [row.scores.balanced_accuracy(task) for row in rows]
    return {
        what: {place: x for place, x in enumerate(figures) if x is not None and x.evidence}
        for what, figures in every.items()
    }


def _short_half(mean: float, half: float) -> float:
    """Hundredths of a per cent with as few decimals as show the same interval."""
    exact = Difference(mean, mean - half, mean + half, 0.0)
    shown = plain_interval(exact)
    for decimals in range(16):
        near = round(1e4 * half, decimals)
        trial = Difference(mean, mean - near / 1e4, mean + near / 1e4, 0.0)
        if trial.separated == exact.separated and plain_interval(trial) == shown:
            break
    return int(near) if near == int(near) else near
