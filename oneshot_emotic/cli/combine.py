"""`oneshot-emotic combine`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oneshot_emotic.cli.options import FOLDER, TASK, max_bytes_option
from oneshot_emotic.cli.progress import echo, echo_lines, say
from oneshot_emotic.cli.pull_request import open_pull_request
from oneshot_emotic.cli.submit import (
    SUBMISSION,
    card_option,
    narrowed_files,
    planned,
    submission_options,
    write_row,
)
from oneshot_emotic.errors import InputError, Problem, counted, memory_for, printable

if TYPE_CHECKING:
    from oneshot_emotic.scoring.scores import Scores
    from oneshot_emotic.submission.combination import Part


@click.command()
@click.argument("submissions", metavar="A B [C ...]", type=FOLDER, nargs=-1)
@click.option(
    "--weight",
    "--weights",
    "weights",
    type=float,
    multiple=True,
    help="The weight of a part, once for each, in their order; default: the same for all.",
)
@click.option("--as-is", is_flag=True, help="Leave vectors at the length that they have.")
@click.option("--task", type=TASK, help="Combine this task alone; default: those that all have.")
@click.option("--dataset", metavar="NAME|DIR|ORG/NAME", help="Where the tasks come from.")
@max_bytes_option
@click.option(
    "-o", "--output", type=FOLDER, help="Write the embeddings to files in this new folder."
)
@card_option("name", "--submit", "Write a submission folder instead, of a model of this name.")
@submission_options
def command(
    submissions: tuple[Path, ...],
    weights: tuple[float, ...],
    as_is: bool,
    task: str | None,
    dataset: str | None,
    max_bytes: int,
    output: Path | None,
    **submission: Any,
) -> None:
    """Combine submissions into one: late fusion of their embeddings.

    A, B and more, up to 8, are files of embeddings, folders of them, or submission folders, on the
    same data set. What has several files, of tasks or of runs (training seeds), is given as a
    folder; the n-th runs of all parts go together, and a single run goes with each.

    Each vector is brought to unit length, multiplied by the root of its part's weight, and put
    beside those of the other parts: so the squared distance of two persons is the weighted sum of
    those in the parts. Prints the figures of the parts and of the combination.

    Do not choose parts or weights by figures on novel persons, such as those that this command
    prints: that is a selection on the test set. Choose them on held-out base persons
    (`task.base.split`), with `oneshot_emotic.combine` in Python.

    --submit NAME writes ROOT/submissions/<slug>/ as `submit` does; the options from --description
    on are for it.
    """
    from oneshot_emotic.files import new_folder
    from oneshot_emotic.report import INTERVAL_NOTE, OVERALL_NOTE, combination_report
    from oneshot_emotic.scoring.combination import checked_weights
    from oneshot_emotic.submission.combination import (
        MAX_PARTS,
        combined,
        combined_card,
        common_tasks,
    )
    from oneshot_emotic.submission.folder import write_embeddings_files

    if len(submissions) > MAX_PARTS:
        raise InputError(f"at most {MAX_PARTS} submissions are combined, not {len(submissions)}")
    factors = checked_weights(weights or None, len(submissions))
    submits = submission["name"] is not None
    if not submits and any(submission[name] for name in SUBMISSION if name != "checkout"):
        raise InputError("a model card, --slug and --replace go with --submit NAME")
    if submits and output is not None:
        remedy = "Leave out -o: `score` and `compare` take submission folders too"
        raise InputError("-o and --submit do not go together", remedy=remedy)
    if output is not None:
        _check_output(output, submissions)
    parts = _parts(submissions, dataset, task, max_bytes)
    tasks = common_tasks(parts)
    if left_out := {name for part in parts for name in part.runs if name not in tasks}:
        say(f"note: left out, since not all have it: {', '.join(sorted(left_out))}")
    card, target = combined_card(parts, as_is=as_is), None
    if submits:
        card, target = planned([card], **submission)
    _check_card(card)
    with (
        nullcontext()
        if output is None
        else new_folder(output, marker="", contents=frozenset()) as folder
    ):
        scores_of_parts = _scores(parts, tasks, submissions)
        card["parts"] = [
            {"name": part.name, "digest": scores.digest, "weight": weight}
            for part, scores, weight in zip(parts, scores_of_parts, factors, strict=True)
        ]
        _check_card(card)
        files = combined(parts, factors, tasks, as_is=as_is, max_bytes=max_bytes)
        with memory_for("the combination"):
            arrays, scores = narrowed_files(list(files), card["name"])
        if folder is not None:
            write_embeddings_files(folder, vars(scores.dataset), arrays, card)
    echo_lines(combination_report(scores, scores_of_parts))
    if len(tasks) > 1:
        echo(OVERALL_NOTE)
    echo(INTERVAL_NOTE)
    if output is not None:
        many = sum(len(runs) for _, runs in arrays.values())
        say(f"{output}: {counted(many, 'file')}, for `oneshot-emotic submit {output}`")
    if target is not None:
        write_row(arrays, scores, card, target, upload=submission["upload"])
        if submission["pull_request"]:
            open_pull_request(target, card["name"])


def _check_output(output: Path, submissions: Sequence[Path]) -> None:
    """Refuse a folder for files of embeddings where they would be taken for another's.

    Raises:
        InputError: It is or lies in one of the submissions, or the place of any.
    """
    from oneshot_emotic.submission.folder import DOCUMENT

    place, remedy = output.resolve(), "Give another output folder"
    around = (place, *place.parents)
    for path in submissions:
        if path.resolve() in around:
            raise InputError(f"is or lies in {path}, which is combined", output, remedy)
    if any((folder / DOCUMENT).exists() for folder in around):
        raise InputError("is or lies in a submission folder", output, remedy)
    if "submissions" in (place.name, place.parent.name):
        what = "is the place of submission folders"
        raise InputError(what, output, f"{remedy}, or --submit NAME instead of -o")


def _check_card(card: dict[str, Any]) -> None:
    """Refuse a card that could not be read again.

    Raises:
        InputError: It is one.
    """
    from oneshot_emotic.submission.metadata import document_problems

    if problems := document_problems(card, "model", "model card"):
        raise InputError(problems)


def _parts(
    paths: Sequence[Path], dataset: str | None, task: str | None, max_bytes: int
) -> list[Part]:
    """The submissions, read and checked; the problems of all of them at once."""
    from oneshot_emotic.cli.submissions import by_task, checked_with_cards, models_of, named
    from oneshot_emotic.submission.combination import Part
    from oneshot_emotic.submission.metadata import document_problems

    parts: list[Part] = []
    problems: list[Problem] = []
    for number, path in enumerate(paths, 1):
        try:
            checked, cards = checked_with_cards([path], dataset, task, max_bytes)
        except InputError as error:
            problems.extend(error.problems)
            continue
        models = models_of(checked)
        name = models[0] if len(models) == 1 else printable(named(path).name, 80)
        if document_problems({"name": name}, "model", ""):
            name = f"part {number}"
        parts.append(Part(name, by_task(checked), cards))
    if problems:
        raise InputError(dict.fromkeys(problems))
    return parts


def _scores(parts: Sequence[Part], tasks: Sequence[str], paths: Sequence[Path]) -> list[Scores]:
    """The 1-shot scores of each part.

    Raises:
        InputError: Two parts are the same.
    """
    from oneshot_emotic.cli.submissions import scores_of

    found: dict[str, Scores] = {}
    for part, path in zip(parts, paths, strict=True):
        say(f"scoring {part.name} ...")
        runs = [run for task in tasks for run in part.runs[task]]
        for where in dict.fromkeys(run.where for run in runs if not run.aligned.any()):
            say(f"note: {where}: all vectors are zeros, so {part.name} counts for nothing there")
        scores = scores_of(runs, (1,)).named(part.name)
        if (same := found.setdefault(scores.digest, scores)) is not scores:
            what = f"holds the same embeddings as {same.name}"
            raise InputError(Problem(what, str(path), "Give it once, with its weight"))
    return list(found.values())
