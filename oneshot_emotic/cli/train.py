"""`oneshot-emotic train`."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any, Literal

import click
from click.core import ParameterSource

from oneshot_emotic.cli.needs import needs_extra
from oneshot_emotic.cli.options import FOLDER, TASK, data_option, dataset_option
from oneshot_emotic.cli.progress import echo, growing_bar, say
from oneshot_emotic.cli.training_options import (
    config_option,
    device_option,
    settings_options,
    size_option,
    weight_files,
    weights_option,
)
from oneshot_emotic.errors import InputError, Problem


@click.command()
@click.argument("baseline")
@click.option("--task", type=TASK, required=True)
@data_option
@size_option
@click.option("--prepared", type=FOLDER, help="Default: ROOT/prepared-SIZE.")
@click.option("--sem2vec", type=FOLDER, help="The Sem2Vec table; default: looked for in ROOT.")
@dataset_option
@click.option(
    "-o",
    "--output",
    type=FOLDER,
    default=Path("runs"),
    show_default=True,
    help="The run goes to OUTPUT/BASELINE/TASK/seed-N.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="Train so many times, with successive seeds, and report mean and spread.",
)
@click.option(
    "--recipe",
    type=click.Choice(["paper", "tuned"]),
    default="paper",
    show_default=True,
    help="Where nothing else is said: the paper's settings, or frozen trunks and what else gave "
    "more on the stand-in.",
)
@weights_option
@settings_options()
@click.option("--freeze-trunk", is_flag=True, help="The same as --trunk-lr 0.")
@config_option
@click.option("--log-steps", is_flag=True, help="Write the losses of every step to steps.csv.")
@click.option("--tensorboard", is_flag=True, help="Write the log for TensorBoard, too.")
@device_option
@click.pass_context
@needs_extra
def command(
    ctx: click.Context,
    /,
    baseline: str,
    recipe: Literal["paper", "tuned"],
    task: str,
    root: Path,
    dataset: str,
    output: Path,
    seed: int,
    seeds: int,
    weights: tuple[str, ...],
    device: str,
    size: int,
    prepared: Path | None,
    sem2vec: Path | None,
    freeze_trunk: bool,
    log_steps: bool,
    tensorboard: bool,
    **chosen: Any,
) -> None:
    """Train a baseline on the base persons of a task.

    BASELINE is one of `oneshot-emotic baselines`. The pictures come from `oneshot-emotic prepare`,
    the Sem2Vec table from `oneshot-emotic sem2vec`. The best epoch is chosen on held-out base
    persons. A run that was stopped goes on where it was. With several GPUs: torchrun
    --nproc-per-node N -m oneshot_emotic train ...
    """
    from oneshot_emotic_baselines.data import base_split, load_person_data
    from oneshot_emotic_baselines.distributed import join_processes, leave_processes
    from oneshot_emotic_baselines.embed import embed_task
    from oneshot_emotic_baselines.pretraining import default_folder, trunk_files
    from oneshot_emotic_baselines.recipes import recipe_named
    from oneshot_emotic_baselines.settings import Settings
    from oneshot_emotic_baselines.targets import base_targets
    from oneshot_emotic_baselines.tracking import tensorboard_log
    from oneshot_emotic_baselines.train import train

    from oneshot_emotic.dataset.load import load_task
    from oneshot_emotic.report import percent
    from oneshot_emotic.scoring.evaluate import evaluate

    wanted = recipe_named(baseline)
    if wanted.kind != "trained":
        why = "`oneshot-emotic embed random` makes its vectors"
        if wanted.kind == "control":
            why = "it is a control, shown by `oneshot-emotic score` beside every submission"
        raise InputError(Problem(f"{baseline} is not trained: {why}"))
    said = {
        name for name in ctx.params if ctx.get_parameter_source(name) != ParameterSource.DEFAULT
    }
    chosen = {name: value for name, value in chosen.items() if name in said}
    size = size if "size" in said else wanted.size
    files, first = weight_files(weights)
    if weights:
        chosen["weights"] = first
    if freeze_trunk:
        chosen["trunk_lr"] = 0.0
    runs = [
        Settings.of(baseline, task, recipe, seed=x, **chosen) for x in range(seed, seed + seeds)
    ]
    if first == "stand-in":
        folder = files.get("stand-in", default_folder(root, size))
        seen = ["image" if branch == "scene" else branch for branch in wanted.branches]
        files = trunk_files(folder, runs[0].backbone, seen)
    loaded = load_task(task, dataset)
    data = load_person_data(
        root,
        size=size,
        prepared=prepared,
        sem2vec=sem2vec,
        semantic="semantic" in wanted.branches,
        proportions="scene" in wanted.branches,
    )
    main = join_processes(device).main
    figures = []
    for settings in runs:
        name = f"seed-{settings.seed}"
        folder = output / baseline / task / name
        split = base_split(loaded, settings.base)
        on_epoch = tensorboard_log(folder) if tensorboard and main else lambda line: None
        with growing_bar(name if main else "") as progress:
            run = train(
                settings,
                split,
                data,
                folder,
                weight_files=files,
                targets=base_targets(split, data, root) if wanted.targets else None,
                device=device,
                log_steps=log_steps,
                on_epoch=on_epoch,
                say=say if main else lambda line: None,
                progress=progress if main else lambda done, total: None,
            )
        if not main:
            continue
        chance = "" if run.validation is None else f", validation {percent(run.validation)} %"
        echo(f"{run.checkpoint}: epoch {run.best_epoch} of {settings.epochs}{chance}")
        if seeds > 1 and not loaded.unscorable:
            scores = evaluate(embed_task(run.checkpoint, loaded, data, device=device), loaded)
            figures.append(scores[1].balanced_accuracy.mean or 0.0)
            echo(f"  {task}, 1-shot balanced accuracy: {percent(figures[-1])} %")
    if len(figures) > 1:
        echo(
            f"{baseline} on {task}, {len(figures)} training seeds: balanced accuracy "
            f"{percent(statistics.fmean(figures))} %, standard deviation "
            f"{percent(statistics.stdev(figures))}, from {percent(min(figures))} to "
            f"{percent(max(figures))}"
        )
    leave_processes()
