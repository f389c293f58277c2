"""`oneshot-emotic reproduce`."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oneshot_emotic.cli.needs import needs_baselines
from oneshot_emotic.cli.options import FOLDER, task_choice, workers_option
from oneshot_emotic.cli.progress import say
from oneshot_emotic.cli.training_options import device_option, weight_files, weights_option
from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.processes import available_processors

if TYPE_CHECKING:
    from oneshot_emotic_baselines.reproduce import Job, Scale

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
@click.option("--recipe", "recipes", multiple=True, help="Only these baselines.")
@click.option("--task", "tasks", type=task_choice, multiple=True, help="Only these tasks.")
@click.option(
    "--backbone",
    type=click.Choice(["resnet18", "resnet50"]),
    default="resnet18",
    show_default=True,
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
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
    help="Trainings at the same time; default: one on a GPU, else one a processor.",
)
@workers_option
@click.pass_context
@needs_baselines
def command(
    ctx: click.Context,
    root: Path | None,
    synthetic: bool,
    output: Path,
    quick: bool,
    scale: str | None,
    recipes: tuple[str, ...],
    tasks: tuple[str, ...],
    backbone: str,
    seed: int,
    sem2vec: Path | None,
    model: str,
    weights: tuple[str, ...],
    device: str,
    jobs: int | None,
    workers: int,
) -> None:
    """Train and score all baselines: from an EMOTIC copy to a leaderboard.

    Prepares pictures and Sem2Vec, trains every baseline on every task, embeds, scores and writes
    OUTPUT/leaderboard/README.md. Stopped at any time, the same command goes on.
    """
    import torch
    from oneshot_emotic_baselines import reproduce
    from oneshot_emotic_baselines.recipes import RECIPES, recipe_named

    from oneshot_emotic.cli import build, prepare, synth
    from oneshot_emotic.dataset.folder import MANIFEST, read_tasks

    started = time.monotonic()
    reproduce.check_root(root, synthetic)
    gpu = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    name = "quick" if quick else scale or ("reduced" if synthetic and not gpu else "full")
    chosen = reproduce.SCALES[name]
    files, from_scratch = weight_files(weights)
    if from_scratch or (synthetic and name != "full" and not files):
        chosen = replace(chosen, changes={**chosen.changes, "weights": "none"})
    if tasks:
        chosen = replace(chosen, tasks=tasks)
    wanted = [recipe_named(item).name for item in recipes] or list(RECIPES)
    say(f"{chosen.describe()}; {len(wanted)} baselines, {len(chosen.tasks)} tasks")
    if name != "full":
        say("these are not the paper's settings: the figures show that everything works, no more")

    if root is None:
        root = output / "stand-in"
        if not (root / "SYNTHETIC.json").exists():
            ctx.invoke(synth.command, out=root, workers=workers)
    dataset = output / "dataset"
    if not (dataset / MANIFEST).exists():
        ctx.invoke(build.command, emotic_root=root, output=dataset, workers=workers, no_images=True)
    loaded = read_tasks(dataset)
    chosen = _scorable(chosen, loaded)
    planned = reproduce.plan_jobs(
        chosen,
        output,
        root,
        str(dataset),
        recipes=wanted,
        backbone=backbone,
        seed=seed,
        sem2vec=sem2vec,
        weight_files=files,
        device=device,
    )
    parallel = jobs or (1 if gpu else available_processors())
    if parallel > 1 and not gpu:
        threads = max(1, available_processors() // parallel)
        planned = [replace(job, threads=threads) for job in planned]
    planned = _without_places(planned)
    ctx.invoke(prepare.command, root=root, size=chosen.size, workers=workers)
    if sem2vec is None and any("semantic" in RECIPES[job.recipe].branches for job in planned):
        _sem2vec(ctx, root, model, device)
    reproduce.run_jobs(planned, parallel, say)
    reproduce.write_documents(planned, loaded, chosen)
    _leaderboard(output, planned, loaded)
    click.echo(f"Took {reproduce.duration(time.monotonic() - started)}.")


def _scorable(scale: Scale, tasks: Any) -> Scale:
    for name in scale.tasks:
        if tasks[name].unscorable:
            say(f"left out: {tasks[name].unscorable}")
    return replace(scale, tasks=tuple(x for x in scale.tasks if not tasks[x].unscorable))


def _without_places(jobs: list[Job]) -> list[Job]:
    """Leave out what needs Places-365 weights that were not given, and say so."""
    from oneshot_emotic_baselines.reproduce import missing_weights

    missing = missing_weights(jobs)
    for recipe in missing:
        say(
            f"warning: {recipe.name} is left out: it begins with Places-365 weights; give "
            "--weights places365=FILE"
        )
    names = {recipe.name for recipe in missing}
    kept = [job for job in jobs if job.recipe not in names]
    if not kept:
        raise InputError(Problem("no baseline is left to run"))
    return kept


def _sem2vec(ctx: click.Context, root: Path, model: str, device: str) -> None:
    from oneshot_emotic_baselines.sem2vec import TABLE

    if (root / TABLE).is_file() or list(root.glob(f"sem2vec-*/{TABLE}")):
        return
    from oneshot_emotic.cli import sem2vec

    ctx.invoke(sem2vec.command, root=root, model=model, device=device)


def _leaderboard(output: Path, jobs: list[Job], tasks: Any) -> None:
    """Recompute everything from the submission files, write the page, show the figures."""
    from oneshot_emotic_baselines.recipes import RECIPES
    from oneshot_emotic_baselines.reproduce import reported_document
    from tabulate import tabulate

    from oneshot_emotic.dataset.loader import TaskLoader
    from oneshot_emotic.leaderboard.files import generated_files, write_files
    from oneshot_emotic.leaderboard.recompute import recompute_boards
    from oneshot_emotic.report import overall_cell, percent
    from oneshot_emotic.scoring.controls import CONTROLS
    from oneshot_emotic.tasks import FAMILIES

    folders = list(dict.fromkeys(job.output.parent for job in jobs))
    boards = recompute_boards(folders, TaskLoader(str(output / "dataset")), say)
    write_files(output / "leaderboard", generated_files(boards, reported_document()))
    (board,) = boards
    names = {job.output.parent.name: job.recipe for job in jobs}
    shown = [name for name in tasks if any(name in row.scores.tasks for row in board.rows)]
    rows = [(names[row.slug], RECIPES[names[row.slug]], row.scores) for row in board.rows]
    rows.sort(key=lambda item: list(RECIPES).index(item[0]))
    figures = [(name, scores) for name, _, scores in rows]
    figures += [(CONTROLS[name], board.control_scores(name)) for name in CONTROLS]
    families = {task.table.family for name, task in tasks.items() if name in shown}
    shown_families = [name for name in FAMILIES if name in families]
    lines = [
        [
            name,
            *(percent(scores.tasks[task][1].balanced_accuracy.mean) for task in shown),
            *(overall_cell(scores, family, 1) for family in shown_families),
        ]
        for name, scores in figures
    ]
    headers = ["1-shot balanced accuracy", *shown, *(f"overall {x}" for x in shown_families)]
    click.echo(f"\n{board.dataset.name}, label rule {board.dataset.label_rule}, in per cent\n")
    click.echo(tabulate(lines, headers, tablefmt="simple", disable_numparse=True))
    click.echo(f"\nleaderboard: {output / 'leaderboard' / 'README.md'}")
    click.echo(f"submissions: {output / 'submissions'}")
