"""`oneshot-emotic reproduce`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from oneshot_emotic.cli.needs import needs_extra
from oneshot_emotic.cli.options import FOLDER, TASK, workers_option
from oneshot_emotic.cli.progress import echo, echo_lines, say
from oneshot_emotic.cli.training_options import (
    device_option,
    settings_options,
    weight_files,
    weights_option,
)
from oneshot_emotic.errors import InputError
from oneshot_emotic.processes import available_processors

_SEGMENTER = "nvidia/segformer-b5-finetuned-ade-640-640"


@click.command()
@click.argument("root", type=FOLDER, required=False)
@click.option("--synthetic", is_flag=True, help="On the stand-in, which is made first.")
@click.option("-o", "--output", type=FOLDER, default=Path("reproduction"), show_default=True)
@click.option("--quick", is_flag=True, help="The same as --scale quick.")
@click.option(
    "--scale",
    type=click.Choice(["full", "reduced", "quick"]),
    help="full: the paper's settings (default). reduced: small pictures, few epochs (default for "
    "--synthetic without a GPU). quick: still fewer, the two categorical tasks.",
)
@click.option(
    "--baseline",
    "baselines",
    multiple=True,
    help="Only these; default: the paper's, and with --synthetic the systems beyond it.",
)
@click.option(
    "--recipe",
    type=click.Choice(["paper", "tuned"]),
    help="How they are trained: as in the paper (default of --scale full), or with frozen trunks "
    "and what else gave more on the stand-in (default of the others).",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 20),
    help="Runs of each baseline, with successive seeds; default: 3 at --scale reduced, else 1.",
)
@click.option("--task", "tasks", type=TASK, multiple=True, help="Only these tasks.")
@settings_options("base", "backbone", "seed")
@click.option("--sem2vec", type=FOLDER, help="A ready-made Sem2Vec table.")
@click.option(
    "--model",
    default=_SEGMENTER,
    show_default=True,
    help="The ADE20K segmenter, where a table must be made.",
)
@weights_option
@device_option
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    help="Trainings at the same time, spread over the GPUs; default: one a GPU, or without one a "
    "processor.",
)
@workers_option
@click.pass_context
@needs_extra
def command(
    ctx: click.Context,
    /,
    root: Path | None,
    synthetic: bool,
    output: Path,
    quick: bool,
    scale: str | None,
    baselines: tuple[str, ...],
    recipe: str | None,
    seeds: int | None,
    tasks: tuple[str, ...],
    sem2vec: Path | None,
    model: str,
    weights: tuple[str, ...],
    device: str,
    jobs: int | None,
    workers: int,
    **changes: Any,
) -> None:
    """Train and score all baselines: from an EMOTIC copy to a leaderboard.

    Prepares pictures and Sem2Vec, trains every baseline on every task, embeds, scores and writes
    OUTPUT/leaderboard/README.md. Stopped at any time, the same command goes on.
    """
    from oneshot_emotic_baselines import reproduce
    from oneshot_emotic_baselines.recipes import recipe_named
    from oneshot_emotic_baselines.sem2vec import tables_of
    from tabulate import tabulate

    from oneshot_emotic.cli import build, prepare, pretrain, synth
    from oneshot_emotic.cli import sem2vec as sem2vec_module
    from oneshot_emotic.dataset.folder import MANIFEST

    started = time.monotonic()
    # What nobody has said is for each baseline to say.
    unsaid = ParameterSource.DEFAULT
    changes = {k: v for k, v in changes.items() if ctx.get_parameter_source(k) != unsaid}
    if (root is None) != synthetic:
        raise InputError("give an EMOTIC copy or --synthetic, not both and not neither")
    gpus = len(reproduce.gpus(device))
    files, first = weight_files(weights)
    if first == "stand-in" and not synthetic:
        raise InputError("--weights stand-in is for --synthetic: it was trained on drawings")
    chosen = reproduce.chosen_scale(
        "quick" if quick else scale,
        synthetic=synthetic,
        gpu=bool(gpus),
        weight_files=files,
        weights=first,
        tasks=tasks,
        recipe=recipe,
        seeds=seeds,
    )
    unnamed = reproduce.OF_PAPER + (reproduce.SYSTEMS if synthetic else ())
    wanted = [recipe_named(item).name for item in baselines] or list(unnamed)
    say(f"{chosen.describe()}; {len(wanted)} baselines, {len(chosen.tasks)} tasks")
    if chosen.name != "full":
        say("these are not the paper's settings: the figures show that everything works, no more")

    if root is None:
        root = output / "stand-in"
        if not (root / "SYNTHETIC.json").exists():
            ctx.invoke(synth.command, out=root, workers=workers)
    dataset = output / "dataset"
    if not (dataset / MANIFEST).exists():
        ctx.invoke(build.command, emotic_root=root, output=dataset, workers=workers, no_images=True)
    parallel = jobs or gpus or available_processors()
    modules = ctx.parent.params["modules"] if ctx.parent else ()
    where = (output, root, str(dataset))
    reproduction = reproduce.Reproduction(
        chosen, *where, changes, sem2vec, files, device, parallel, modules
    )
    planned = reproduction.jobs(wanted, say)
    for size, whole in reproduction.pictures(planned):
        kept = {"proportions": True} if whole else {}
        ctx.invoke(prepare.command, root=root, size=size, workers=workers, **kept)
    for folder, size, backbone, branches in reproduction.trunks(planned):
        if "stand-in" not in files:
            ctx.invoke(
                pretrain.command,
                root=root,
                output=folder,
                branches=branches,
                size=size,
                persons=chosen.drawings,
                backbone=backbone,
                device=device,
                workers=workers,
            )
    for job in planned:  # before the first of them runs
        reproduction.weights_of(job)
    semantic = any("semantic" in job.recipe.branches for job in planned)
    if semantic and sem2vec is None and not tables_of(root):
        ctx.invoke(sem2vec_module.command, root=root, model=model, device=device)
    reproduction.run_jobs(planned, say)
    board = reproduction.write_leaderboard(planned, say)
    headers, lines = reproduce.figures_table(board, planned)
    echo("", f"{board.dataset.name}, label rule {board.dataset.label_rule}, in per cent", "")
    echo_lines(tabulate(lines, headers, tablefmt="simple", disable_numparse=True))
    if decoded := reproduction.decoded(planned):
        headers = ["own decoding", "task", "shots", "balanced accuracy", "error in levels"]
        echo("", "Not the protocol's classifier: by the systems' own decoders", "")
        echo_lines(tabulate(decoded, headers, tablefmt="simple", disable_numparse=True))
    echo("", f"leaderboard: {output / 'leaderboard' / 'README.md'}")
    echo(f"submissions: {output / 'submissions'}")
    echo(f"Took {reproduce.duration(time.monotonic() - started)}.")
