"""`oneshot-emotic baselines`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from oneshot_emotic.cli.needs import needs_extra
from oneshot_emotic.cli.progress import echo, echo_lines

if TYPE_CHECKING:
    from oneshot_emotic_baselines.recipes import Recipe

_COLUMNS = 80
_WORDS = (
    "An asterisk: begun with Places-365 weights. Scene: the whole image with its proportions, and "
    "the person's box. Affect: valence, arousal and dominance of base persons. Pixels: the side of "
    "a picture. Parameters are those with six base classes; GFLOP: floating-point operations to "
    "embed one person, in billions. All of the default network."
)


@click.command()
@click.option("--metric-losses", is_flag=True, help="List what `train --metric-loss` takes.")
@needs_extra
def command(metric_losses: bool) -> None:
    """List all systems: what they see and learn, size, source, reported figures.

    The paper's baselines, other systems that are trained here, and frozen encoders. Needs no torch.
    """
    if metric_losses:
        from oneshot_emotic_baselines import metric_learning

        echo_lines("\n".join(metric_learning.metric_losses()))
        return
    from oneshot_emotic_baselines.recipes import RECIPES

    recipes = list(RECIPES.values())
    trained = [recipe for recipe in recipes if recipe.kind == "trained"]
    for table in (_systems(recipes), _inputs(trained), _training(trained)):
        echo_lines(table)
        echo("")
    echo_lines(_wrapped(_WORDS))
    _reported(recipes)
    echo("", "Reported elsewhere, each by another protocol; comparable with no score here:", "")
    for recipe in recipes:
        if recipe.elsewhere:
            echo_lines(_item(recipe.name, recipe.elsewhere))
    echo("", "Frozen encoders, as `oneshot-emotic run NAME --data ROOT` takes them:", "")
    echo_lines("\n".join(_encoders()))
    echo("", "Train one: oneshot-emotic train RECIPE --task TASK --data ROOT")


def _systems(recipes: Sequence[Recipe]) -> str:
    """What each is, and where it is described."""
    from oneshot_emotic.report import NONE

    rows = [
        [x.name, x.title, x.paper.replace("https://arxiv.org/abs/", "arXiv ") or NONE]
        for x in recipes
    ]
    return _table(rows, ["recipe", "name", "source"])


def _inputs(recipes: Sequence[Recipe]) -> str:
    """What each sees, and what it begins with."""
    from oneshot_emotic.report import NONE

    rows = [
        [
            recipe.name,
            ", ".join(recipe.branches),
            ", ".join(dict.fromkeys(recipe.pretraining.values())) or NONE,
            str(recipe.size) if recipe.pixel_branches else NONE,
        ]
        for recipe in recipes
    ]
    return _table(rows, ["recipe", "sees", "begins with", "pixels"], right=(3,))


def _training(recipes: Sequence[Recipe]) -> str:
    """What each descends, and how large it is."""
    from oneshot_emotic.report import NONE

    rows = [
        [
            recipe.name,
            _losses(recipe) or "none: not trained",
            f"{recipe.parameters:,}" if recipe.parameters else NONE,
            f"{recipe.gflop:.3g}" if recipe.gflop else NONE,
        ]
        for recipe in recipes
    ]
    return _table(rows, ["recipe", "losses", "parameters", "GFLOP"], right=(2, 3))


def _losses(recipe: Recipe) -> str:
    metric = recipe.settings.get("metric_loss", "triplet")
    names = [metric.removesuffix("Loss") if x.name == "metric" else x.name for x in recipe.losses]
    return " + ".join(names).replace("_", " ")


def _reported(recipes: Sequence[Recipe]) -> None:
    """The figures of Affect-DML."""
    from oneshot_emotic_baselines.recipes import REPORTED_RESNET50, REPORTED_SOURCE

    from oneshot_emotic.tasks import TASKS

    figures = [(x.name, x.reported) for x in recipes if x.reported]
    figures.append(("sem-ib-dml, resnet50", REPORTED_RESNET50))
    rows = [[name, *(f"{of[task]:.2f}" for task in TASKS)] for name, of in figures]
    short = [task.replace("-", "\n", 1).replace("-", ":", 1).replace("-", "\n") for task in TASKS]
    echo("")
    echo_lines(_wrapped(f"Reported, not recomputed: {REPORTED_SOURCE} (ResNet50: Table IV)."))
    echo("Plain accuracy of one support draw: not comparable with scores of this package.", "")
    headers = [text.replace("valence", "v").replace("arousal", "a") for text in short]
    headers = [text.replace("dominance", "d") for text in headers]
    echo_lines(_table(rows, ["reported", *headers], right=range(1, 9)))


def _encoders() -> Iterator[str]:
    """The frozen encoders that are known, and what a row with one discloses."""
    from oneshot_emotic.encoders.known import KNOWN, SEEN_TEST_IMAGES

    for known in KNOWN:
        paper = known.paper.replace("https://arxiv.org/abs/", "arXiv ")
        yield known.name
        yield f"    {known.title}; {paper}; {known.parameters:,} parameters"
        words = f"--seen-unseen-names {known.seen_unseen_names}"
        yield f"    {known.size} px; weights: {known.licence}; {words}"
    yield ""
    yield _wrapped(
        "--seen-unseen-names yes: it was pretrained with texts, which hold the words of the unseen "
        f"classes. --seen-test-images {SEEN_TEST_IMAGES} on EMOTIC for all: whether pretraining on "
        "pictures of the web has seen its images cannot be known."
    )


def _item(name: str, text: str) -> str:
    return textwrap.fill(f"{name:14} {text}", _COLUMNS, subsequent_indent=15 * " ")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _COLUMNS)


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str], right: Sequence[int] = ()) -> str:
    from tabulate import tabulate

    align = ["right" if place in right else "left" for place in range(len(headers))]
    return tabulate(rows, headers, tablefmt="simple", colalign=align, disable_numparse=True)
