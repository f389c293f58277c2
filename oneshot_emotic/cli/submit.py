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
from oneshot_emotic.tasks import FAMILIES, TASKS

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
    "--seen-test-images",
    type=YES_NO,
    help="Were images of novel persons seen in training, with labels or without?",
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
    a task, or a folder of them; what their headers say of the model is taken over, the options win.
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
    from oneshot_emotic.cli.submissions import models_of, read_and_check

    checked, cards, problems = read_and_check(files, dataset, task, max_bytes, own=False)
    names = [item.task.name for item in checked]
    problems += [
        Problem(f"task {name} comes more than once")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
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
) -> tuple[dict[str, tuple[tuple[str, ...], Stored]], Scores]:
    """What to store a task, and the scores of it all."""
    from oneshot_emotic.report import task_report
    from oneshot_emotic.scoring.scores import merged
    from oneshot_emotic.submission.write_folder import narrowed

    arrays, parts = {}, []
    for item in checked:
        task = item.task
        say(f"scoring {task.name} ...")
        printed = partial(task_report, task=task.name, controls={})
        with memory_for(task.name):
            array, scores = narrowed(item.aligned, task, printed)
        arrays[task.name] = (task.novel.sample_ids, array)
        parts.append(scores)
    return arrays, merged(parts, name=name)


def _print_result(
    target: Path,
    card: Mapping[str, Any],
    arrays: Mapping[str, tuple[tuple[str, ...], Stored]],
    scores: Scores,
) -> None:
    from oneshot_emotic.report import INTERVAL_NOTE, OVERALL_NOTE
    from oneshot_emotic.submission.model_card import missing_fields

    for task, (sample_ids, array) in arrays.items():
        echo(f"{task:18} {len(sample_ids):6,} persons, {array.shape[1]:,} x {array.dtype}")
    size = sum(path.stat().st_size for path in target.iterdir())
    echo("", f"{target}: {len(arrays) + 1} files, {size:,} bytes", "")
    echo(f"The row on {scores.dataset.name} ({scores.dataset.label_rule}), 1-shot:", "")
    for family in FAMILIES:
        if tasks := [name for name, table in TASKS.items() if table.family == family]:
            _print_row(card, scores, family, tasks)
    echo(OVERALL_NOTE, INTERVAL_NOTE)
    if card["seen_unseen_names"]:
        echo("‡ saw words of the unseen classes in training.")
    if missing := missing_fields(card):
        echo(f"Not said in the model card: {', '.join(missing)}.")
    echo("Its rank comes with `oneshot-emotic leaderboard`.")


def _print_row(card: Mapping[str, Any], scores: Scores, family: str, tasks: Sequence[str]) -> None:
    """The row of a family's table, where the submission has a task of it."""
    from tabulate import tabulate

    from oneshot_emotic.report import NONE, interval, overall_cell

    if not set(tasks) & scores.tasks.keys():
        return
    name = printable(str(card["name"])) + (" ‡" if card["seen_unseen_names"] else "")
    figures = [
        interval(scores.tasks[task][1].balanced_accuracy) if task in scores.tasks else NONE
        for task in tasks
    ]
    sees = ", ".join(card.get("modalities", [])) or NONE
    row = [name, sees, overall_cell(scores, family, 1), *figures]
    headers = ["submission", "sees", "overall", *tasks]
    alignment = ["left", "left", *("right" for _ in headers[2:])]
    text = tabulate([row], headers, tablefmt="simple", colalign=alignment, disable_numparse=True)
    echo_lines(f"{text}\n")
