"""The tables of the leaderboard, whatever they are written in afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oneshot_emotic.leaderboard.board import Board, Ranked, Row, ranked, tasks_of_family
from oneshot_emotic.report import NONE, interval, levels, overall_cell, percent
from oneshot_emotic.scoring.controls import CONTROLS
from oneshot_emotic.scoring.evaluate import LEADERBOARD_SHOTS
from oneshot_emotic.scoring.scores import Scores
from oneshot_emotic.scoring.statistics import INTERVAL
from oneshot_emotic.submission.model_card import parts_text
from oneshot_emotic.submission.runs import seeds
from oneshot_emotic.tasks import FAMILIES, TASKS

_ONE, _FIVE = LEADERBOARD_SHOTS

SYNTHETIC_NOTE = (
    "stand-in: invented people in drawn scenes. A figure here says that a system works, nothing "
    "about real emotions."
)
SEEN_NAMES_MARK = "‡"
SEEN_IMAGES_MARK = "§"
TIED_MARK = "≈"
#: What stands below every table of ranks.
COLUMNS_NOTE = (
    "Base: the base persons that a model was trained on, as its card says: all of them (full), "
    "those that share no image with a novel person (clean), or none. Seeds: the training runs that "
    "a row is the mean of; with 1 seed, its intervals leave the chance of training out."
)


OVERALL_NOTE = (
    "the mean over its tasks of balanced accuracy above chance, with chance at 0 and perfection at "
    f"100. Brackets: {INTERVAL}."
)
RANKS_NOTE = (
    "Rows are compared by paired differences. A row's rank is 1 + the place of the last row above "
    "that it can be told apart from (5 % over all pairs of the table, Holm's correction), so that "
    f"no two rows of a rank can; {TIED_MARK} marks rows that cannot be told apart from the first."
)
MARKS_NOTE = (
    f"{SEEN_NAMES_MARK} marks models that saw words of the unseen classes in training, as "
    f"text-supervised ones do; {SEEN_IMAGES_MARK} marks models that saw images of novel persons "
    "beyond those that the base persons they used share with them."
)
NOT_BUNDLED_NOTE = (
    "The splits of this data set are not in the repository. Who has them recomputes its rows; "
    "elsewhere they are not recomputed but carried over, from files under leaderboard/evidence."
)
#: Field of a card -> what it is called.
_CARD = {
    "modalities": "sees",
    "seen_unseen_names": "saw words",
    "seen_test_images": "saw test images",
    "base": "base",
    "backbone": "backbone",
    "pretraining": "pretraining",
    "parameters": "parameters",
    "training_seeds": "seeds",
    "licence": "licence",
    "authors": "authors",
    "date": "date",
    "description": "description",
}
#: Likewise, shown where a card has it.
_PARTS = "parts"


@dataclass(frozen=True)
class Name:
    """A submission's name, by somebody: to be escaped.

    Attributes:
        text: The name.
        code, paper: Addresses that somebody gave; to be checked.
        marks: Our own, to stand behind it.
    """

    text: str
    code: str | None = None
    paper: str | None = None
    marks: str = ""


@dataclass(frozen=True)
class Words:
    """Other text by somebody, to be escaped, cut after `limit` characters, if any."""

    text: str
    limit: int | None = 200


@dataclass(frozen=True)
class Emphasis:
    """Our own words in italics."""

    text: str


Cell = str | Name | Words | Emphasis


@dataclass(frozen=True)
class Style:
    """How a page shows a cell.

    Attributes:
        escaped: Text by somebody, made harmless.
        link: A text with an address that somebody gave, where that is a plain https one.
        emphasis: Our own words in italics.
        own: Our own words.
    """

    escaped: Callable[[str, int | None], str]
    link: Callable[[str, str | None], str]
    emphasis: Callable[[str], str]
    own: Callable[[str], str]

    def cell(self, cell: Cell) -> str:
        """The text of a cell."""
        if isinstance(cell, Name):
            name = self.link(cell.text, cell.code)
            if cell.paper:
                name += f" ({self.link('paper', cell.paper)})"
            return f"{name} {self.own(cell.marks)}" if cell.marks else name
        if isinstance(cell, Words):
            return self.escaped(cell.text, cell.limit)
        return self.emphasis(cell.text) if isinstance(cell, Emphasis) else self.own(cell)


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        headers: Its columns.
        rows: Cells; plain text is our own.
        left: How many columns stand to the left; the others, figures, to the right.
    """

    headers: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left: int


@dataclass(frozen=True)
class FamilySection:
    """The rows of a family of tasks.

    Attributes:
        family: Its name.
        title: The family's.
        rows: The rows in their places.
        main: The ranks; `COLUMNS_NOTE` stands below it.
        explained: What the other figures are.
        more: The other figures.
    """

    family: str
    title: str
    rows: tuple[Ranked, ...]
    main: Table
    explained: str
    more: Table


def family_sections(board: Board) -> list[FamilySection]:
    """A section for each family of which some row has a task."""
    return [
        _section(board, family, title, rows)
        for family, title in FAMILIES.items()
        if (rows := ranked(board.rows, family))
    ]


def card_fields(row: Row) -> list[tuple[str, Cell]]:
    """What a submission says of itself: all that `submit` asks for; a combination's parts."""
    fields = [(title, _field(row.model.get(key))) for key, title in _CARD.items()]
    if _PARTS in row.model:
        fields.append((_PARTS, Words(parts_text(row.model[_PARTS]), None)))
    return fields


def about_table(board: Board) -> Table:
    """The cards of all submissions, without what the tables of ranks say."""
    _, *titles = _CARD.values()
    rows = sorted(board.rows, key=lambda row: row.slug)
    if any(_PARTS in row.model for row in rows):
        titles.append(_PARTS)
    cells = (
        (_name(row, links=True), *(said.get(title, NONE) for title in titles))
        for row in rows
        for said in [dict(card_fields(row))]
    )
    return Table(("submission", *titles), tuple(cells), left=1 + len(titles))


def _field(value: Any) -> Cell:
    """A field of a card as a cell."""
    if value is None or value == []:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return Words(", ".join(map(str, value)) if isinstance(value, list) else str(value), 600)


def _section(board: Board, family: str, title: str, rows: Sequence[Ranked]) -> FamilySection:
    tasks = [name for name, table in TASKS.items() if table.family == family]
    controls = [board.control_scores(control) for control in CONTROLS]
    named: list[tuple[str, Cell, tuple[Cell, ...], Scores]] = [
        (_rank(item, place), _name(item.row), _said(item.row, tasks), item.row.scores)
        for place, item in enumerate(rows)
    ]
    named += [
        ("", Emphasis(title), ("", "", ""), scores)
        for title, scores in zip(CONTROLS.values(), controls, strict=True)
        if tasks_of_family(scores, family)
    ]
    main = Table(
        ("#", "submission", "sees", "base", "seeds", "overall", *tasks),
        tuple(
            (
                *(rank, name, *said, overall_cell(scores, family, _ONE)),
                *(interval(scores.balanced_accuracy(task)) for task in tasks),
            )
            for rank, name, said, scores in named
        ),
        left=5,
    )
    of_levels = any(TASKS[task].dimension is not None for task in tasks)
    more = Table(
        ("task", "submission", "5-shot", "plain", "macro-F1", *(["error"] if of_levels else [])),
        tuple(
            (task, name, *_more(scores, task))
            for task in tasks
            for _, name, _, scores in named
            if task in scores.tasks
        ),
        left=2,
    )
    explained = "5-shot balanced accuracy; 1-shot plain accuracy (the paper's figure) and macro-F1"
    explained += "; error in levels, balanced over classes" if of_levels else ""
    return FamilySection(family, title, tuple(rows), main, explained, more)


def _rank(item: Ranked, place: int) -> str:
    if item.rank is None:
        return NONE
    return f"{item.rank} {TIED_MARK}" if item.tied_with_best and place else str(item.rank)


def _name(row: Row, *, links: bool = False) -> Name:
    model, marks = row.model, marks_of(row.model)
    if not links:
        return Name(model["name"], marks=marks)
    return Name(model["name"], model.get("code"), model.get("paper"), marks)


def marks_of(model: Mapping[str, Any]) -> str:
    """What stands behind a name."""
    marks = SEEN_NAMES_MARK if model.get("seen_unseen_names") else ""
    return marks + (SEEN_IMAGES_MARK if model.get("seen_test_images") else "")


def _said(row: Row, tasks: Sequence[str]) -> tuple[Cell, ...]:
    """What the model sees, its base persons, and how many runs it has."""
    seen = ", ".join(row.model.get("modalities", []))
    runs = [row.scores.tasks[task][_ONE].runs for task in tasks if task in row.scores.tasks]
    return (
        Words(seen) if seen else NONE,
        Words(row.model["base"]) if "base" in row.model else NONE,
        seeds(runs),
    )


def _more(scores: Scores, task: str) -> list[str]:
    one, five = scores.tasks[task][_ONE], scores.tasks[task][_FIVE]
    cells = [
        percent(five.balanced_accuracy.mean),
        percent(one.accuracy.mean),
        percent(one.macro_f1.mean),
    ]
    if (error := one.level_error) is not None:
        cells.append(levels(error.mean))
    return cells
