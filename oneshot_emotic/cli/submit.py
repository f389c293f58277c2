"""`oneshot-emotic submit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oneshot_emotic.cli.options import FOLDER, Function, embeddings_options
from oneshot_emotic.cli.progress import echo, echo_lines, say
from oneshot_emotic.errors import InputError, Problem, memory_for, printable
from oneshot_emotic.submission.metadata import schema_of
from oneshot_emotic.submission.model_card import (
    FIELDS,
    check_card,
    merged_card,
    missing_fields,
    option_of,
    slug_of,
)

if TYPE_CHECKING:
    from oneshot_emotic.scoring.scores import Scores
    from oneshot_emotic.submission.check import Checked
    from oneshot_emotic.submission.runs import Stored


def _card_options(function: Function) -> Function:
    """An option for each field of a model card, as its schema has it."""
    fields = schema_of("model")["properties"]
    for field in reversed(FIELDS):
        of = fields[field]
        one, several = of.get("items", of), of.get("type") == "array"
        kinds = {"boolean": bool, "integer": int}
        function = click.option(
            option_of(field),
            field,
            type=click.Choice(one["enum"]) if "enum" in one else kinds.get(one["type"], str),
            metavar="[yes|no]" if one.get("type") == "boolean" else None,
            multiple=several,
            default=None,
            help=of["description"] + (". May be given several times." if several else "."),
        )(function)
    return function


@click.command()
@click.argument("files", type=FOLDER, nargs=-1, required=True)
@_card_options
@click.option("--slug", help="The folder's name; default: made from --name.")
@click.option("--root", type=FOLDER, default=".", help="The checkout; default: where you stand.")
@click.option("--replace", is_flag=True, help="Replace a submission of the same folder name.")
@click.option("--force", is_flag=True, help="Accept files that say they are of several models.")
@embeddings_options
def command(
    files: tuple[Path, ...],
    slug: str | None,
    root: Path,
    replace: bool,
    force: bool,
    dataset: str | None,
    task: str | None,
    max_bytes: int,
    **card_fields: Any,
) -> None:
    """Make a submission folder from files of embeddings.

    Writes ROOT/submissions/<slug>/ with the model card and compact embeddings: float16 where no
    printed figure changes by it, else float32. FILES are .json, .json.gz, .npz or .safetensors, one
    per task, or a folder of them; several of a task are its runs (training seeds), in the order
    given. What their headers say of the model is taken over, the options win; the date is today's
    where none is given.
    """
    from oneshot_emotic.submission.folder import check_target, write_submission_folder

    given = {
        field: list(value) if isinstance(value, tuple) else value
        for field, value in card_fields.items()
        if value not in (None, ())
    }
    checked, cards, problems = _checked(files, dataset, task, max_bytes, force)
    card: dict[str, Any] = {}
    name = slug or "unnamed"
    try:
        card = merged_card(cards, given)
        card = merged_card([card, {"date": date.today().isoformat()}], card)
        name = slug or slug_of(str(card.get("name", ""))) or name
        check_card(card)
    except InputError as error:
        problems.extend(error.problems)
    try:
        check_target(root / "submissions", name, replace)
    except InputError as error:
        problems.extend(error.problems)
    if problems:
        raise InputError(dict.fromkeys(problems))
    arrays, scores = _narrowed(checked, str(card["name"]))
    target = root / "submissions" / name
    identity = {"name": scores.dataset.name, "fingerprint": scores.dataset.fingerprint}
    write_submission_folder(target, identity, card, arrays)
    _print_result(target, card, arrays, scores)


def _checked(
    files: Sequence[Path], dataset: str | None, task: str | None, max_bytes: int, force: bool
) -> tuple[list[Checked], list[Mapping[str, Any]], list[Problem]]:
    """The files that are sound, all model cards, and what keeps them from being one submission."""
    from oneshot_emotic.cli.submissions import by_task, models_of, read_and_check
    from oneshot_emotic.submission.runs import MAX_RUNS

    checked, cards, problems = read_and_check(files, dataset, task, max_bytes, own=False)
    problems += [
        Problem(f"{len(runs)} files of {name}: a task has at most {MAX_RUNS} runs")
        for name, runs in by_task(checked).items()
        if len(runs) > MAX_RUNS
    ]
    if len({item.task.dataset for item in checked}) > 1:
        problems.append(
            Problem("the files are for several data sets", "", "Submit them separately")
        )
    if len(models := models_of(checked)) > 1 and not force:
        what = f"the files are of several models: {', '.join(models)}"
        remedy = "Submit each separately; --force if they are one model under several names"
        problems.append(Problem(what, remedy=remedy))
    return checked, cards, problems


def _narrowed(
    checked: Sequence[Checked], name: str
) -> tuple[dict[str, tuple[Sequence[str], list[Stored]]], Scores]:
    """What to store a task, and the scores of it all."""
    from oneshot_emotic.cli.submissions import by_task
    from oneshot_emotic.report import task_report
    from oneshot_emotic.submission.runs import narrowed, repeated_runs, row_of_files

    arrays: dict[str, tuple[Sequence[str], list[Stored]]] = {}
    parts, problems = [], []
    for task_name, runs in by_task(checked).items():
        task = runs[0].task
        say(f"scoring {task_name} ...")
        printed = partial(task_report, task=task_name, controls={})
        with memory_for(task_name):
            stored, scores = narrowed([run.aligned for run in runs], task, printed)
        where = [run.where for run in runs]
        problems += repeated_runs(task_name, list(zip(where, stored, strict=True)))
        arrays[task_name] = (task.novel.sample_ids, stored)
        parts += scores
    if problems:
        raise InputError(problems)
    return arrays, row_of_files(parts, name)


def _print_result(
    target: Path,
    card: Mapping[str, Any],
    arrays: Mapping[str, tuple[Sequence[str], Sequence[Stored]]],
    scores: Scores,
) -> None:
    from tabulate import tabulate

    from oneshot_emotic.leaderboard.board import Board, Row
    from oneshot_emotic.leaderboard.sections import COLUMNS_NOTE, Style, family_sections
    from oneshot_emotic.report import INTERVAL_NOTE, OVERALL_NOTE

    for task, (sample_ids, runs) in arrays.items():
        for array in runs:
            echo(f"{task:18} {len(sample_ids):6,} persons, {array.shape[1]:,} x {array.dtype}")
    sizes = [path.stat().st_size for path in target.iterdir()]
    echo("", f"{target}: {len(sizes)} files, {sum(sizes):,} bytes", "")
    echo(f"The row on {scores.dataset.name} ({scores.dataset.label_rule}), 1-shot:", "")
    text = Style(printable, lambda words, _: printable(words), str, str)
    row = Row(target.name, {**card, "paper": None}, scores)  # no link to show
    for section in family_sections(Board(scores.dataset, (row,), {})):
        main = section.main
        headers, *rows = ([text.cell(x) for x in row[1:]] for row in (main.headers, *main.rows))
        alignment = ["left"] * (main.left - 1) + ["right"] * (len(main.headers) - main.left)
        table = tabulate(rows, headers, colalign=alignment, disable_numparse=True)
        echo_lines(f"{table}\n")
    echo(OVERALL_NOTE, INTERVAL_NOTE, COLUMNS_NOTE)
    if card["seen_unseen_names"]:
        echo("‡ saw words of the unseen classes in training.")
    if card["seen_test_images"]:
        echo("§ saw images of novel persons beyond those that its base persons share with them.")
    if missing := missing_fields(card):
        echo(f"Not said in the model card: {', '.join(missing)}.")
    echo("Its rank comes with `oneshot-emotic leaderboard`.")
