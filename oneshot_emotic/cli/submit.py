"""`oneshot-emotic submit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oneshot_emotic.cli.options import FOLDER, embeddings_options
from oneshot_emotic.cli.progress import echo, echo_lines, say
from oneshot_emotic.errors import InputError, Problem, memory_for, printable

if TYPE_CHECKING:
    from oneshot_emotic.scoring.scores import Scores
    from oneshot_emotic.submission.check import Checked
    from oneshot_emotic.submission.write_folder import Stored

YES_NO = click.Choice(["yes", "no"])


@click.command()
@click.argument("files", type=FOLDER, nargs=-1, required=True)
@click.option("--name", help="The row's name in the leaderboard.")
@click.option("--description", help="What the model is, in a sentence or two.")
@click.option("--author", "authors", multiple=True, help="May be given several times.")
@click.option("--date", "made", metavar="YYYY-MM-DD", help="Of the embeddings; default: today.")
@click.option("--code", metavar="URL", help="Where the code is: an https address.")
@click.option("--paper", metavar="URL", help="Where the paper is: an https address.")
@click.option(
    "--modality",
    "modalities",
    type=click.Choice(["image", "body", "semantic", "text"]),
    multiple=True,
    help="What the model sees; may be given several times.",
)
@click.option("--backbone", help="Such as ResNet-18.")
@click.option("--pretraining", help="Data the backbone was trained on before.")
@click.option("--parameters", type=int, help="Of the whole model, frozen ones too.")
@click.option(
    "--seed", "training_seeds", type=int, multiple=True, help="Of training; may be given often."
)
@click.option("--licence", help="Of the model and its embeddings.")
@click.option(
    "--seen-unseen-names",
    type=YES_NO,
    help="Were words of unseen classes seen in training, as by text-supervised models?",
)
@click.option(
    "--base",
    type=click.Choice(["full", "clean", "none"]),
    help="The base persons it was trained on: all, those that share no image with a novel person, "
    "or none.",
)
@click.option(
    "--seen-test-images",
    type=YES_NO,
    help="Were images of novel persons seen in training, with labels or without, beyond those that "
    "the base persons of --base share with them?",
)
@click.option("--slug", help="The folder's name; default: made from --name.")
@click.option("--root", type=FOLDER, default=".", help="The checkout; default: where you stand.")
@click.option("--replace", is_flag=True, help="Replace a submission of the same folder name.")
@click.option("--force", is_flag=True, help="Take files that say they are of several models.")
@embeddings_options
def command(
    files: tuple[Path, ...],
    made: str | None,
    seen_unseen_names: str | None,
    seen_test_images: str | None,
    slug: str | None,
    root: Path,
    replace: bool,
    force: bool,
    dataset: str | None,
    task: str | None,
    max_bytes: int,
    **fields: Any,
) -> None:
    """Make a submission folder from files of embeddings.

    Writes ROOT/submissions/<slug>/ with the model card and compact embeddings: float16 where no
    printed figure changes by it, else float32. FILES are .json, .json.gz, .npz or .safetensors, one
    a task, or a folder of them; several of a task are its runs (training seeds), in the order
    given. What their headers say of the model is taken over, the options win.
    """
    from oneshot_emotic.submission.model_card import check_card, merged_card, slug_of
    from oneshot_emotic.submission.write_folder import check_target, write_submission_folder

    given = _given(fields, made, seen_unseen_names, seen_test_images)
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
    identity, target = scores.dataset, root / "submissions" / name
    write_submission_folder(
        target, {"name": identity.name, "fingerprint": identity.fingerprint}, card, arrays
    )
    _print_result(target, card, arrays, scores)


def _given(
    fields: Mapping[str, Any],
    made: str | None,
    seen_unseen_names: str | None,
    seen_test_images: str | None,
) -> dict[str, Any]:
    """The model card's fields that options gave."""
    given = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in {**fields, "date": made}.items()
        if value not in (None, ())
    }
    answers = {"seen_unseen_names": seen_unseen_names, "seen_test_images": seen_test_images}
    return given | {key: answer == "yes" for key, answer in answers.items() if answer is not None}


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
        problems.append(Problem("the files are for several data sets", "", "Submit them apart"))
    if len(models := models_of(checked)) > 1 and not force:
        problems.append(
            Problem(
                f"the files are of several models: {', '.join(models)}",
                remedy="Submit each apart; --force if they are one under several names",
            )
        )
    return checked, cards, problems


def _narrowed(
    checked: Sequence[Checked], name: str
) -> tuple[dict[str, tuple[Sequence[str], list[Stored]]], Scores]:
    """What to store a task, and the scores of it all."""
    from oneshot_emotic.cli.submissions import by_task
    from oneshot_emotic.report import task_report
    from oneshot_emotic.submission.runs import repeated_runs, row_of_files
    from oneshot_emotic.submission.write_folder import narrowed

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
    from oneshot_emotic.submission.model_card import missing_fields

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
