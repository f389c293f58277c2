"""`oneshot-emotic fit-head`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from oneshot_emotic.cli.needs import needs_extra
from oneshot_emotic.cli.options import FOLDER, dataset_option, shots_option, tasks_option
from oneshot_emotic.cli.progress import echo, echo_lines
from oneshot_emotic.cli.score import print_tables
from oneshot_emotic.cli.training_options import settings_options


@click.command()
@click.argument("folder", metavar="FEATURES", type=FOLDER)
@dataset_option
@tasks_option
@click.option(
    "-o", "--output", type=FOLDER, required=True, help="A new folder for the files of embeddings."
)
@settings_options("hidden", "embedding", "base", "epochs", "seed", of="HeadSettings")
@click.option(
    "--seeds",
    type=click.IntRange(1, 20),
    default=1,
    show_default=True,
    help="Fit so many heads a task, with successive seeds.",
)
@shots_option
@needs_extra
def command(
    folder: Path,
    dataset: str,
    names: tuple[str, ...],
    output: Path,
    seed: int,
    seeds: int,
    shots: tuple[int, ...],
    **chosen: Any,
) -> None:
    """Train a small head on the features of a frozen encoder, and score both.

    FEATURES is what `oneshot-emotic run` keeps in ROOT/features. The head is trained on the base
    persons of a task by the losses of the baselines, its epochs chosen on held-out base classes.
    Writes OUTPUT/TASK.safetensors, or a file a seed, for `score`, `compare` and `submit`.
    """
    from oneshot_emotic_baselines.head import fit_head, head_card, open_features
    from oneshot_emotic_baselines.settings import HeadSettings

    from oneshot_emotic.encoders.evaluate import chosen_tasks, score_features
    from oneshot_emotic.files import new_folder
    from oneshot_emotic.report import comparison_report, percent
    from oneshot_emotic.scoring.comparison import compare
    from oneshot_emotic.scoring.evaluate import evaluate
    from oneshot_emotic.submission.embeddings_file import write_submission
    from oneshot_emotic.submission.runs import row_of_files

    runs = [HeadSettings(seed=number, **chosen) for number in range(seed, seed + seeds)]
    features, tasks = open_features(folder), chosen_tasks(names, dataset)
    given = {task.name: features.of(task.novel.sample_ids) for task in tasks}
    card: dict[str, Any] = {}
    parts = []
    with new_folder(output, marker="", contents=frozenset()) as written:
        raw = score_features(features, tasks, shots)
        for task in tasks:
            for settings in runs:
                started = time.monotonic()
                head = fit_head(features, task, settings)
                best = percent(head.validation[head.epochs - 1])
                echo(
                    f"{task.name}, seed {settings.seed}: epoch {head.epochs} of {settings.epochs}, "
                    f"{best} % on held-out base classes, features alone {percent(head.raw)} %, "
                    f"{time.monotonic() - started:.0f} s"
                )
                card = head_card(features.card, settings, head, [x.seed for x in runs])
                embeddings = head.embed(given[task.name])
                of_seed = f".seed-{settings.seed}" if seeds > 1 else ""
                write_submission(
                    written / f"{task.name}{of_seed}.safetensors", embeddings, task, card
                )
                parts.append(evaluate(embeddings, task, shots))
    scores = row_of_files(parts, card["name"])
    echo()
    print_tables(scores, tasks, shots, dict.fromkeys(given, seeds))
    alone = str(features.card.get("name", "the features alone"))
    echo("")
    echo_lines(comparison_report(list(compare(scores, raw)), card["name"], alone))
    echo(f"{output}: {len(parts)} files, for `oneshot-emotic submit {output}`", err=True)
