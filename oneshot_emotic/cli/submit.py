"""`oneshot-emotic submit`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from oneshot_emotic.cli.options import FOLDER, Function, embeddings_options
from oneshot_emotic.cli.progress import echo, echo_lines, say
from oneshot_emotic.cli.pull_request import open_pull_request
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

    #: Names of tasks that share files -> sample_ids, and what to store of each run.
    Arrays: TypeAlias = dict[tuple[str, ...], tuple[Sequence[str], list[Stored]]]


#: What `submission_options` and a name give a command.
SUBMISSION = (*FIELDS, "slug", "checkout", "replace", "upload", "pull_request")


class _YesOrNo(click.Choice):  # type: ignore[type-arg]
    """True or false; click's own takes a dozen words and lists them all."""

    def __init__(self) -> None:
        super().__init__(["yes", "no"])

    def convert(self, value: Any, *context: Any) -> bool:
        """Whether it is yes."""
        return bool(super().convert(value, *context) == "yes")


def card_option(
    field: str, name: str | None = None, what: str | None = None
) -> Callable[[Function], Function]:
    """The option for a field of a model card, as its schema has it but for what is given."""
    of = schema_of("model")["properties"][field]
    one, several = of.get("items", of), of.get("type") == "array"
    kinds = {"boolean": _YesOrNo(), "integer": int}
    return click.option(
        name or option_of(field),
        field,
        type=click.Choice(one["enum"]) if "enum" in one else kinds.get(one["type"], str),
        multiple=several,
        default=None,
        help=what or of["description"] + (". May be given several times." if several else "."),
    )


def _repository(_context: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    """A repository to upload to.

    Raises:
        InputError: It is none.
    """
    from oneshot_emotic.names import REPOSITORY_ID

    if name is not None and not REPOSITORY_ID.fullmatch(name):
        raise InputError(Problem(f"a repository is ORG/NAME, not {name!r}", "--upload"))
    return name


def submission_options(function: Function) -> Function:
    """The fields of a model card but its name, and the place of a submission folder."""
    for option in (
        click.option("--replace", is_flag=True, help="Replace a submission of that folder name."),
        click.option(
            "--root",
            "checkout",
            type=FOLDER,
            default=".",
            help="The checkout; default: where you stand.",
        ),
        click.option("--slug", help="The folder's name; default: made from the model's."),
        click.option(
            "--upload",
            metavar="ORG/NAME",
            callback=_repository,
            help="Put the embeddings into this public dataset repository on the Hub, not into the "
            "folder.",
        ),
        click.option(
            "--pull-request",
            is_flag=True,
            help="Open the pull request, by git and gh; print the commands where there is no gh.",
        ),
        *(card_option(field) for field in reversed(FIELDS) if field != "name"),
    ):
        function = option(function)
    return function


def planned(
    cards: Iterable[Mapping[str, Any]],
    *,
    slug: str | None,
    checkout: Path,
    replace: bool,
    upload: str | None,
    pull_request: bool,
    **card_fields: Any,
) -> tuple[dict[str, Any], Path]:
    """The model card and the folder of a submission, looked at before any work is done for it.

    Args:
        cards: What is known of the model besides the options.
        slug: As the options of `submission_options` give it.
        checkout: Likewise.
        replace: Likewise.
        upload: Likewise.
        pull_request: Likewise.
        card_fields: Likewise.

    Raises:
        InputError: The card is not fit for the leaderboard, or the folder cannot be written.
    """
    from oneshot_emotic.dataset.hub.client import token_problems
    from oneshot_emotic.submission.folder import check_target

    problems: list[Problem] = []
    card: dict[str, Any] = {}
    name = slug or "unnamed"
    try:
        card = merged_card(cards, given_fields(card_fields))
        card = merged_card([card, {"date": date.today().isoformat()}], card)
        name = slug or slug_of(str(card.get("name", ""))) or name
        if replace:
            card = _with_the_old(card, checkout / "submissions" / name)
        check_card(card)
    except InputError as error:
        problems.extend(error.problems)
    if upload is not None:
        problems += token_problems()
    if pull_request and not (checkout / ".git").exists():
        problems.append(Problem("is no git repository's folder", str(checkout), "Give --root"))
    try:
        check_target(checkout / "submissions", name, replace)
    except InputError as error:
        problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return card, checkout / "submissions" / name


def _with_the_old(card: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A card with those fields of the submission that it replaces which it does not have."""
    from oneshot_emotic.submission.folder import inspect_submission_folder

    try:
        old, _ = inspect_submission_folder(folder)
    except InputError:
        return card  # there is none
    if kept := [field for field in FIELDS if field in old.model and field not in card]:
        say(f"note: taken over from the card that is replaced: {', '.join(kept)}")
    return merged_card([{field: old.model[field] for field in kept}], card)


def given_fields(card_fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those fields of a model card that options give."""
    return {
        field: list(value) if isinstance(value, tuple) else value
        for field, value in card_fields.items()
        if value not in (None, ())
    }


@click.command()
@click.argument("files", type=FOLDER, nargs=-1, required=True)
@card_option("name")
@submission_options
@click.option("--force", is_flag=True, help="Accept files that say they are of several models.")
@embeddings_options
def command(
    files: tuple[Path, ...],
    force: bool,
    dataset: str | None,
    task: str | None,
    max_bytes: int,
    **options: Any,
) -> None:
    """Make a submission folder from files of embeddings.

    Writes ROOT/submissions/<slug>/ with the model card and compact embeddings: float16 where no
    printed figure changes by it, else float32. FILES are .json, .json.gz, .npz or .safetensors, for
    a task each or shared by several, or a folder of them; several of a task are its runs (training
    seeds), in the order given. What their headers say of the model is taken over, the options win;
    the date is today's where none is given.
    """
    checked, cards, problems = _checked(files, dataset, task, max_bytes, force)
    try:
        card, target = planned(cards, **options)
    except InputError as error:
        problems.extend(error.problems)
    if problems:
        raise InputError(dict.fromkeys(problems))
    write_and_show(checked, card, target, upload=options["upload"])
    if options["pull_request"]:
        open_pull_request(target, str(card["name"]))


def write_and_show(
    checked: Sequence[Checked],
    card: Mapping[str, Any],
    target: Path,
    *,
    upload: str | None = None,
    show: bool = True,
) -> None:
    """Write a submission folder and print its row.

    Args:
        checked: The embeddings; those that tasks have from the same files are stored once.
        card: The model card; see `planned`.
        target: The folder; likewise.
        upload: The repository on the Hub that the embeddings go to.
        show: Whether the row is printed.

    Raises:
        InputError: Two runs are the same when stored.
    """
    arrays, scores = narrowed_files(checked, str(card["name"]))
    write_row(arrays, scores, card, target, upload=upload, show=show)


def write_row(
    arrays: Arrays,
    scores: Scores,
    card: Mapping[str, Any],
    target: Path,
    *,
    upload: str | None = None,
    show: bool = True,
) -> None:
    """`write_and_show` of what `narrowed_files` has made."""
    from oneshot_emotic.submission.folder import write_submission_folder

    write_submission_folder(target, vars(scores.dataset), card, arrays, upload)
    if show:
        _print_result(target, card, arrays, scores)
    else:
        say(f"{target}: written")


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


def narrowed_files(checked: Sequence[Checked], name: str) -> tuple[Arrays, Scores]:
    """What to store for tasks that share files, mostly a single one, and the scores of it all.

    Args:
        checked: The embeddings; tasks share files when they have them from the same `where`.
        name: The row's name.

    Raises:
        InputError: Two runs are the same when stored.
    """
    from oneshot_emotic.cli.submissions import by_task
    from oneshot_emotic.scoring.embeddings import joined
    from oneshot_emotic.submission.runs import repeated_runs, row_of_files

    sharing: dict[tuple[str, ...], list[list[Checked]]] = {}
    for runs in by_task(checked).values():
        sharing.setdefault(tuple(run.where for run in runs), []).append(runs)
    arrays: Arrays = {}
    parts: list[Scores] = []
    problems: list[Problem] = []
    for where, group in sharing.items():
        found = [_narrowed_task(runs) for runs in group]
        if len({array.dtype for stored, _ in found for array in stored}) > 1:
            found = [_narrowed_task(runs, halve=False) for runs in group]
        for stored, scores in found:
            problems += repeated_runs(list(zip(where, stored, strict=True)))
            parts += scores
        tasks = [runs[0].task for runs in group]
        files = [joined(tasks, each) for each in zip(*(x for x, _ in found), strict=True)]
        arrays[tuple(task.name for task in tasks)] = (files[0][0], [array for _, array in files])
    if problems:
        raise InputError(dict.fromkeys(problems))
    return arrays, row_of_files(parts, name)


def _narrowed_task(
    runs: Sequence[Checked], *, halve: bool = True
) -> tuple[list[Stored], list[Scores]]:
    from oneshot_emotic.report import task_report
    from oneshot_emotic.submission.runs import narrowed

    task = runs[0].task
    say(f"scoring {task.name} ...")
    printed = partial(task_report, task=task.name, controls={})
    with memory_for(task.name):
        return narrowed([run.aligned for run in runs], task, printed, halve)


def _print_result(
    target: Path,
    card: Mapping[str, Any],
    arrays: Arrays,
    scores: Scores,
) -> None:
    from tabulate import tabulate

    from oneshot_emotic.leaderboard.board import Board, Row
    from oneshot_emotic.leaderboard.sections import COLUMNS_NOTE, Style, family_sections
    from oneshot_emotic.report import INTERVAL_NOTE, OVERALL_NOTE

    for tasks, (sample_ids, runs) in arrays.items():
        name = tasks[0] if len(tasks) == 1 else f"shared by {len(tasks)}"
        for array in runs:
            echo(f"{name:18} {len(sample_ids):6,} persons, {array.shape[1]:,} x {array.dtype}")
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
    echo("Its rank: `oneshot-emotic leaderboard --format site -o site`.")
