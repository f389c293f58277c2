"""`oneshot-emotic run`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oneshot_emotic.cli.options import (
    FOLDER,
    annotations_option,
    data_option,
    dataset_option,
    json_option,
    shots_option,
    tasks_option,
)
from oneshot_emotic.cli.progress import growing_bar, say, write_result
from oneshot_emotic.cli.pull_request import open_pull_request
from oneshot_emotic.cli.score import print_tables
from oneshot_emotic.cli.submit import (
    SUBMISSION,
    card_option,
    planned,
    submission_options,
    write_and_show,
)
from oneshot_emotic.errors import InputError, some

if TYPE_CHECKING:
    from oneshot_emotic.encoders.protocol import Encoder


@click.command()
@click.argument(
    "encoder", metavar="timm:NAME[@FILE][?ARGUMENTS]|hf:NAME|hf:FOLDER|MODULE:FACTORY|BUILT-IN"
)
@data_option
@annotations_option
@dataset_option
@tasks_option
@click.option(
    "--view",
    type=click.Choice(["both", "body", "image"]),
    default="both",
    show_default=True,
    help="What a network of timm: or hf: is shown (your own chooses for itself): the body crop, "
    "the full image, or each, side by side.",
)
@shots_option
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="auto, cpu, cuda or cuda:N, for timm: and hf:.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, 64),
    default=64,
    show_default=True,
    help="Persons at once, for timm: and hf:; at most 64, the unit that is kept.",
)
@click.option("--features", type=FOLDER, help="Where the vectors are kept; default: ROOT/features.")
@click.option(
    "-o", "--output", type=FOLDER, help="Write the embeddings to this file, which the tasks share."
)
@json_option
@card_option("name", "--submit", "Write a submission folder too, of a model of this name.")
@submission_options
def command(
    encoder: str,
    root: Path,
    dataset: str,
    names: tuple[str, ...],
    shots: tuple[int, ...],
    output: Path | None,
    json_file: Path | None,
    **options: Any,
) -> None:
    """Score a frozen encoder by its name: from pictures to figures.

    The vectors of all persons are made once and kept; a run that was stopped goes on, and the next
    one makes none. ENCODER is a network of timm (timm:NAME, or timm:NAME@FILE with weights of a
    file; ?KEY=VALUE&... gives model arguments, such as ?img_size=96) or of transformers (hf:NAME or
    hf:FOLDER), or your own: MODULE:FACTORY is called without
    arguments and returns an object with embed(images, bodies). BUILT-IN is colour-gradient or
    hog-colour.

    On several GPUs: `accelerate launch -m oneshot_emotic run ...`.

    --submit NAME writes ROOT/submissions/<slug>/ as `submit` does; the options from --description
    on are for it.
    """
    from oneshot_emotic.encoders.evaluate import chosen_tasks, features_of, score_features
    from oneshot_emotic.encoders.features import card_of
    from oneshot_emotic.encoders.launched import join_processes
    from oneshot_emotic.scoring.embeddings import aligned_embeddings
    from oneshot_emotic.submission.check import Checked
    from oneshot_emotic.submission.embeddings_file import suffix_of, write_submission
    from oneshot_emotic.submission.metadata import document_problems

    submission = {name: options.pop(name) for name in SUBMISSION}
    submits = submission["name"] is not None
    if not submits and any(submission[name] for name in SUBMISSION if name != "checkout"):
        raise InputError("a model card, --slug and --replace go with --submit NAME")
    if submits and encoder.startswith(("timm:", "hf:")):
        planned([], **submission)  # no need to wait for weights: they do not say what must be said
    if output is not None:
        suffix_of(output, to_write=True)
    card: dict[str, Any] = {}
    target: Path | None = None
    processes = join_processes(options["device"])

    def loaded(found: Encoder) -> None:
        nonlocal card, target
        card = card_of(found)
        card.setdefault("base", "none")
        if submits:
            card, target = planned([card], **submission)
        card.setdefault("name", encoder[:80])
        if problems := document_problems(card, "model", "model card"):
            raise InputError(problems)
        if getattr(found, "identity", None) is None:
            say(f"note: {encoder} has no `identity`, so its vectors are not kept")

    tasks = chosen_tasks(names, dataset)
    quiet = nullcontext(lambda done, total: None)
    options |= {"loaded": loaded, "processes": processes}
    bar = growing_bar(f"embedding ({encoder})", "persons were done already")
    try:
        with bar if processes.main else quiet as progress:
            found = features_of(encoder, root, tasks, progress=progress, **options)
    except SystemExit as error:  # of 0, it would look like success
        raise InputError(f"{encoder} has ended the program: SystemExit({error.code})") from None
    if not processes.main:  # the main one says and writes what all have made
        return
    if grey := found.without_picture:
        say(f"warning: {len(grey):,} persons have no sound picture: grey ones for {some(grey)}")
    scores = score_features(found, tasks, shots).named(card["name"])
    if output is not None:
        persons = sorted({sample_id for task in tasks for sample_id in task.novel.sample_ids})
        write_submission(output, found.of(persons), tasks, card)
    printed = write_result(json_file, scores.to_dict())
    if not printed:
        print_tables(scores, tasks, shots)
    if output is not None:
        say(f"{output}: {len(persons):,} persons, for `oneshot-emotic submit {output}`")
    if target is not None:
        vectors = ((x, aligned_embeddings(found.of(x.novel.sample_ids), x)) for x in tasks)
        checked = [Checked(task, array, card["name"], encoder) for task, array in vectors]
        write_and_show(checked, card, target, upload=submission["upload"], show=not printed)
        if submission["pull_request"]:
            open_pull_request(target, card["name"])
