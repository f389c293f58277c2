"""`oneshot-emotic baselines`."""

from __future__ import annotations

import click

from oneshot_emotic.cli.needs import needs_extra
from oneshot_emotic.cli.progress import echo, echo_lines


@click.command()
@click.option("--metric-losses", is_flag=True, help="List what `train --metric-loss` takes.")
@needs_extra
def command(metric_losses: bool) -> None:
    """List the baselines with the paper's figures."""
    if metric_losses:
        from oneshot_emotic_baselines import metric_learning

        echo_lines("\n".join(metric_learning.metric_losses()))
        return
    from oneshot_emotic_baselines.recipes import RECIPES, REPORTED_RESNET50, REPORTED_SOURCE
    from tabulate import tabulate

    from oneshot_emotic.report import NONE
    from oneshot_emotic.tasks import TASKS

    rows = []
    for recipe in RECIPES.values():
        metric = recipe.settings.get("metric_loss", "triplet")
        names = [metric if x.name == "metric" else x.name for x in recipe.losses]
        losses = " + ".join(names).replace("_", " ")
        rows.append(
            [
                recipe.name,
                recipe.title,
                ", ".join(recipe.branches) or NONE,
                losses if recipe.kind == "trained" else NONE,
                ", ".join(f"{key}: {value}" for key, value in recipe.pretraining.items()) or NONE,
            ]
        )
    headers = ["recipe", "the paper's name", "sees", "losses", "pretraining"]
    echo_lines(tabulate(rows, headers, tablefmt="simple"))
    figures = [
        [recipe.name, *(f"{recipe.reported[task]:.2f}" for task in TASKS)]
        for recipe in RECIPES.values()
        if recipe.reported
    ]
    figures.append(["sem-ib-dml, resnet50", *(f"{REPORTED_RESNET50[task]:.2f}" for task in TASKS)])
    echo("", f"Reported, not recomputed: {REPORTED_SOURCE} (ResNet50: Table IV).")
    echo("Plain accuracy of one support draw: not comparable with scores of this package.", "")
    short = [name.replace("valence", "v").replace("arousal", "a") for name in TASKS]
    short = [name.replace("dominance", "d") for name in short]
    echo_lines(tabulate(figures, ["reported", *short], tablefmt="simple", disable_numparse=True))
    systems = [
        [recipe.name, f"{recipe.parameters:,}", recipe.paper, recipe.elsewhere]
        for recipe in RECIPES.values()
        if recipe.elsewhere
    ]
    echo("", "Beyond the paper; what their own papers report is of another protocol each:", "")
    headers = ["system", "parameters", "source", "reported, on another protocol"]
    echo_lines(tabulate(systems, headers, tablefmt="simple", disable_numparse=True))
    echo("", "Train one: oneshot-emotic train RECIPE --task TASK --data ROOT")
