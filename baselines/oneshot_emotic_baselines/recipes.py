"""The baselines as data: what each one sees, what it is pretrained on, which losses it has.

Source: Affect-DML (arXiv 2111.15271), section IV-A and Tables II to IV. docs/baselines.md says
where the paper is silent and what was decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.tasks import TASKS

Branch = Literal["image", "body", "semantic"]
Pretraining = Literal["imagenet", "places365", "stand-in-image", "stand-in-body"]
Backbone = Literal["resnet18", "resnet50"]

#: Where the figures below were printed.
REPORTED_SOURCE = "arXiv 2111.15271, Tables II and III: plain accuracy on EMOTIC, one support draw"


@dataclass(frozen=True)
class Recipe:
    """One baseline.

    Attributes:
        name: As on the command line.
        title: The paper's name for it; an asterisk marks pretraining on Places-365.
        kind: `trained`; `random` (vectors without looking); `control` (no embedding at all).
        branches: What it sees, in the order of the concatenation.
        metric_loss: True for triplet loss and cross entropy in equal parts, False for cross entropy
            alone.
        pretraining: What the ResNet of a branch was trained on before.
        in_paper: False for a control of this package's; `reproduce` trains it where it is named.
    """

    name: str
    title: str
    kind: Literal["trained", "random", "control"] = "trained"
    branches: tuple[Branch, ...] = ()
    metric_loss: bool = True
    pretraining: Mapping[Branch, Pretraining] = field(default_factory=dict)
    in_paper: bool = True

    @property
    def pixel_branches(self) -> tuple[Branch, ...]:
        """The branches with a ResNet."""
        return tuple(branch for branch in self.branches if branch != "semantic")

    @property
    def reported(self) -> dict[str, float]:
        """Task -> per cent plain accuracy, as the paper prints it for ResNet18 on EMOTIC."""
        return dict(zip(TASKS, _REPORTED.get(self.name, ()), strict=False))


#: Tables II and III, in the order of the tasks.
_REPORTED = {
    "random": (16.78, 16.68, 12.23, 6.86, 13.26, 7.62, 11.73, 13.28),
    "kosti": (29.98, 30.22, 36.03, 45.01, 45.02, 28.68, 33.65, 37.24),
    "i-dml": (17.84, 27.64, 46.72, 46.89, 55.63, 30.63, 38.31, 63.36),
    "b-dml": (15.41, 27.66, 35.89, 41.95, 54.99, 37.05, 36.91, 53.62),
    "ib-dml": (21.02, 28.19, 50.75, 46.03, 59.16, 48.96, 38.20, 58.69),
    "ib-dml-places": (24.20, 29.46, 49.00, 43.53, 56.23, 47.33, 35.13, 55.99),
    "sem-i-dml": (32.16, 33.48, 56.79, 46.84, 58.78, 51.76, 38.72, 65.29),
    "sem-ib-dml": (33.76, 36.26, 52.36, 47.19, 64.52, 58.92, 41.37, 62.56),
}
#: Table IV: Sem-IB-DML with ResNet50.
REPORTED_RESNET50 = dict(
    zip(TASKS, (35.80, 36.24, 56.27, 48.51, 64.51, 57.69, 41.59, 62.22), strict=True)
)

_IMAGE: dict[Branch, Pretraining] = {"image": "imagenet"}
_BODY: dict[Branch, Pretraining] = {"body": "imagenet"}
_BOTH = {**_IMAGE, **_BODY}
# Kosti et al. and the released code; the footnote of the paper has the two swapped.
_PLACES: dict[Branch, Pretraining] = {"image": "places365", "body": "imagenet"}

_ALL = (
    Recipe("random", "Random", "random"),
    Recipe("majority", "Always the majority class", "control"),
    Recipe("kosti", "Kosti et al.*", "trained", ("image", "body"), False, _PLACES),
    Recipe("i-dml", "I-DML", "trained", ("image",), True, _IMAGE),
    Recipe("b-dml", "B-DML", "trained", ("body",), True, _BODY),
    Recipe("ib-dml", "IB-DML", "trained", ("image", "body"), True, _BOTH),
    Recipe("ib-dml-places", "IB-DML*", "trained", ("image", "body"), True, _PLACES),
    Recipe("sem-dml", "Sem-DML", "trained", ("semantic",), in_paper=False),
    Recipe("sem-i-dml", "Sem-I-DML", "trained", ("image", "semantic"), True, _IMAGE),
    Recipe("sem-ib-dml", "Sem-IB-DML", "trained", ("image", "body", "semantic"), True, _BOTH),
)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def recipe_named(name: str) -> Recipe:
    """The recipe called `name`.

    Raises:
        InputError: There is no such recipe.
    """
    if name not in RECIPES:
        raise InputError(
            Problem(f"there is no recipe {name!r}", remedy=f"The recipes are {', '.join(RECIPES)}")
        )
    return RECIPES[name]
