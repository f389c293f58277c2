"""The baselines as data: what each one sees, its network and losses, what it is pretrained on.

Source: Affect-DML (arXiv 2111.15271), section IV-A and Tables II to IV. docs/baselines.md says
where the paper is silent and what was decided.

A system of your own is one file, which anything else may import before it trains:

    register(Recipe("mine", "Mine", branches=("body",), network=MyNetwork, losses=(MY_LOSS,)))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pkgutil import resolve_name
from typing import Any, Literal, NamedTuple, get_args

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.tasks import TASKS

#: `scene`: the whole image with its proportions, and the person's box (scenes.py).
Branch = Literal["image", "body", "semantic", "scene"]
Pretraining = Literal["imagenet", "places365", "stand-in-image", "stand-in-body"]
Backbone = Literal["resnet18", "resnet50"]
Target = Literal["affect", "box"]

#: A function, or its place as `module:name`, which is imported when it is used.
Part = Callable[..., Any] | str

#: Trunks by name, yours too: called with True where it is to begin with pretrained weights, each
#: makes a network from pictures to `num_features` numbers.
BACKBONES: dict[str, Part] = {
    name: f"oneshot_emotic_baselines.systems.maxvit:{name}" for name in ("maxvit_t", "maxvit_64")
}

#: Those whose pretrained weights are torchvision's.
TORCHVISION = (*get_args(Backbone), "maxvit_t")

#: Where the figures below were printed.
REPORTED_SOURCE = "arXiv 2111.15271, Tables II and III: plain accuracy on EMOTIC, one support draw"


class Loss(NamedTuple):
    """One of a recipe's losses.

    Attributes:
        name: `metric` (of the outputs' field `embedding`), `cross_entropy` (of `logits`), or any
            other for a loss of its own.
        weight: What it is multiplied by.
        function: Of its own loss: takes the network's outputs, the targets (`Targets`) and the
            settings; gives one number.
    """

    name: str
    weight: float = 1.0
    function: Part = ""


#: The paper's losses. What the two weigh together is parted by the setting `metric_weight`.
DML = (Loss("metric", 0.5), Loss("cross_entropy", 0.5))
ENTROPY = (Loss("cross_entropy"),)


@dataclass(frozen=True)
class Recipe:
    """One baseline.

    Attributes:
        name: As on the command line.
        title: The paper's name for it; an asterisk marks pretraining on Places-365.
        kind: `trained`; `random` (vectors without looking); `control` (no embedding at all).
        branches: What it sees, in the order of the concatenation.
        losses: What it descends, their weighted sum; without any, nothing is trained.
        pretraining: What the ResNet of a branch was trained on before.
        in_paper: False for one of this package's; `reproduce` trains it where it is named.
        system: True for one of docs/systems.md; `reproduce --synthetic` trains it unasked, too.
        network: Makes the network from recipe, settings, number of base classes and files of
            weights. Of the batch's branches it makes a named tuple.
        backbone: What the model card names as such; default: that of the settings.
        paper: Where it is described.
        embedding: The field of that tuple which is the embedding.
        unit_length: True where the losses compare cosines, so that it is submitted at length 1.
        targets: What else of the base persons the losses are given, besides their classes.
        augment: Changes a batch's inputs further, drawing from a generator; both are its arguments.
        size: Side of the pictures in pixels.
        settings: Settings that are its defaults in place of those of `Settings`.
        reduced: Settings in place of these and the scale's at the scales `reduced` and `quick` of
            `reproduce`, such as a network that is small enough for a CPU.
        reduced_size: Side of the pictures there.
        decoder: Its own way to decide, beside the protocol's 1-NN and never in its place: takes the
            network, the task and its novel persons' vectors by sample_id; gives figures by shots,
            as `level_figures` does, or None for a task that it is not for.
        measure: What else is measured on held-out base persons after each epoch: takes the network,
            their batches and how many they are; gives figures by name, for the log.
        parameters: Of the whole network with six base classes and these settings, where stated.
        gflop: Of that network, billions of floating-point operations to embed one person, counted
            as in cost.py; 0 where not stated.
        elsewhere: What its paper reports by another protocol than any here.
    """

    name: str
    title: str
    kind: Literal["trained", "random", "control"] = "trained"
    branches: tuple[Branch, ...] = ()
    losses: tuple[Loss, ...] = DML
    pretraining: Mapping[Branch, Pretraining] = field(default_factory=dict)
    in_paper: bool = True
    system: bool = False
    network: Part = "oneshot_emotic_baselines.model:affect_net"
    backbone: str = ""
    paper: str = "https://arxiv.org/abs/2111.15271"
    embedding: str = "embedding"
    unit_length: bool = True
    targets: tuple[Target, ...] = ()
    augment: Part | None = None
    measure: Part | None = None
    size: int = 256
    settings: Mapping[str, Any] = field(default_factory=dict)
    reduced: Mapping[str, Any] = field(default_factory=dict)
    reduced_size: int = 64
    decoder: Part | None = None
    parameters: int = 0
    gflop: float = 0.0
    elsewhere: str = ""

    @property
    def metric_loss(self) -> bool:
        """True where a metric loss is among its losses."""
        return any(loss.name == "metric" for loss in self.losses)

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

_SYSTEMS = "oneshot_emotic_baselines.systems"
_CAGE = Recipe(
    "cage",
    "CAGE",
    branches=("body",),
    losses=(Loss("cross_entropy"), Loss("affect", 5.0, f"{_SYSTEMS}.cage:affect")),
    pretraining=_BODY,
    in_paper=False,
    system=True,
    network=f"{_SYSTEMS}.cage:CageNet",
    paper="https://arxiv.org/abs/2404.14975",
    unit_length=False,
    targets=("affect",),
    augment=f"{_SYSTEMS}.cage:augment",
    size=224,
    settings={
        "backbone": "maxvit_t",
        "embedding": 512,
        "epochs": 30,
        "optimiser": "adamw",
        "learning_rate": 5e-5,
        "schedule": "cosine",
        "weight_decay": 0.01,
        "trunk_lr": 1.0,
        "shift": 0.0,
    },
    reduced={
        "backbone": "maxvit_64",
        "trunk_lr": 0.0,
        "learning_rate": 1e-3,
        "embedding": 32,
    },
    parameters=30_412_232,
    gflop=11.12,
    elsewhere="EMOTIC: RMSE of V/A/D 1.150/1.209/1.169 of 1 to 10, CCC 0.316/0.594/0.300",
)
_FROZEN = Recipe(
    "frozen",
    "Frozen encoder",
    branches=("image", "body"),
    losses=(),
    pretraining=_BOTH,
    in_paper=False,
    system=True,
    network=f"{_SYSTEMS}.frozen:FrozenNet",
    paper="",
    size=224,
    settings={"epochs": 0, "trunk_lr": 0.0, "select": "last"},
    reduced={"epochs": 0},
    parameters=22_353_024,
    gflop=7.25,
)

_ALL = (
    Recipe("random", "Random", "random"),
    Recipe("majority", "Always the majority class", "control"),
    Recipe(
        "kosti",
        "Kosti et al.*",
        "trained",
        ("image", "body"),
        ENTROPY,
        _PLACES,
        parameters=23_010_310,
        gflop=9.48,
    ),
    Recipe("i-dml", "I-DML", "trained", ("image",), DML, _IMAGE, parameters=11_505_606, gflop=4.74),
    Recipe("b-dml", "B-DML", "trained", ("body",), DML, _BODY, parameters=11_505_606, gflop=4.74),
    Recipe(
        "ib-dml",
        "IB-DML",
        "trained",
        ("image", "body"),
        DML,
        _BOTH,
        parameters=23_010_310,
        gflop=9.48,
    ),
    Recipe(
        "ib-dml-places",
        "IB-DML*",
        "trained",
        ("image", "body"),
        DML,
        _PLACES,
        parameters=23_010_310,
        gflop=9.48,
    ),
    Recipe("sem-dml", "Sem-DML", "trained", ("semantic",), in_paper=False, parameters=237_190),
    Recipe(
        "sem-i-dml",
        "Sem-I-DML",
        "trained",
        ("image", "semantic"),
        DML,
        _IMAGE,
        parameters=11_741_894,
        gflop=4.74,
    ),
    Recipe(
        "sem-ib-dml",
        "Sem-IB-DML",
        "trained",
        ("image", "body", "semantic"),
        DML,
        _BOTH,
        parameters=23_246_598,
        gflop=9.48,
    ),
    Recipe(
        "ce-cosine",
        "CE-cosine",
        branches=("image", "body"),
        losses=ENTROPY,
        pretraining=_BOTH,
        in_paper=False,
        network="oneshot_emotic_baselines.model:cosine_net",
        paper="https://arxiv.org/abs/1804.09458",
        parameters=23_010_305,
        gflop=9.48,
    ),
    Recipe(
        "proto",
        "Proto",
        branches=("image", "body"),
        losses=(Loss("prototypes", 1.0, "oneshot_emotic_baselines.losses:prototypes"),),
        pretraining=_BOTH,
        in_paper=False,
        network="oneshot_emotic_baselines.model:embedding_net",
        paper="https://arxiv.org/abs/1703.05175",
        unit_length=False,  # its loss compares Euclidean distances
        settings={"balanced": True},
        parameters=23_009_536,
        gflop=9.48,
    ),
    _CAGE,
    replace(
        _CAGE,
        name="cage-discrete",
        title="CAGE, classes alone",
        losses=ENTROPY,
        targets=(),
        parameters=30_410_696,
        elsewhere="AffectNet-8, faces: F1 0.599, with valence and arousal 0.621",
    ),
    Recipe(
        "mt-clar",
        "MT-CLAR-style",
        branches=("body",),
        losses=(Loss("metric"), Loss("difference", 1.0, f"{_SYSTEMS}.mt_clar:difference")),
        pretraining=_BODY,
        in_paper=False,
        system=True,
        network=f"{_SYSTEMS}.mt_clar:MtClarNet",
        paper="https://arxiv.org/abs/2308.02173",
        targets=("affect",),
        settings={"metric_loss": "ContrastiveLoss", "embedding": 128},
        reduced={"embedding": 32},
        decoder=f"{_SYSTEMS}.mt_clar:decode",
        parameters=11_521_731,
        gflop=4.74,
        elsewhere="no figure could be read",
    ),
    _FROZEN,
    replace(
        _FROZEN,
        name="frozen-head",
        title="Frozen encoder, linear head",
        losses=DML,
        settings={"trunk_lr": 0.0},
        reduced={},
        parameters=22_484_998,
    ),
    Recipe(
        "dsct",
        "DSCT",
        branches=("scene",),
        losses=(
            Loss("focal", 5.0, f"{_SYSTEMS}.dsct:focal"),
            Loss("box", 5.0, f"{_SYSTEMS}.dsct:box"),
            Loss("giou", 2.0, f"{_SYSTEMS}.dsct:giou"),
        ),
        pretraining={"scene": "imagenet"},
        in_paper=False,
        system=True,
        network=f"{_SYSTEMS}.dsct:DsctNet",
        paper="https://arxiv.org/abs/2404.17205",
        unit_length=False,
        augment=f"{_SYSTEMS}.dsct:augment",
        measure=f"{_SYSTEMS}.dsct:localisation",
        size=800,
        settings={
            "backbone": "resnet50",
            "epochs": 50,
            "optimiser": "adamw",
            "learning_rate": 2e-4,
            "step_epochs": 40,
            "trunk_lr": 0.1,
            "weight_decay": 1e-4,
            "clip": 0.1,
            "shift": 0.0,
        },
        reduced={
            "backbone": "resnet18",
            "trunk_lr": 0.0,
            "learning_rate": 1e-3,
            "embedding": 32,
            "epochs": 4,
            "step_epochs": 3,
        },
        parameters=41_066_494,
        gflop=185.23,
        elsewhere="EMOTIC: mAP 37.81, in its authors' public rerun 36.21; CAER-S: 89 to 92 %",
    ),
)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def register(recipe: Recipe) -> Recipe:
    """Add a recipe to those that are known by name.

    Raises:
        InputError: There is one of this name.
    """
    if RECIPES.setdefault(recipe.name, recipe) is not recipe:
        raise InputError(Problem(f"there is a recipe {recipe.name!r} already"))
    return recipe


def resolved(part: Part) -> Callable[..., Any]:
    """A recipe's part, imported if it is named by its place."""
    found: Callable[..., Any] = resolve_name(part) if isinstance(part, str) else part
    return found


def recipe_named(name: str) -> Recipe:
    """The recipe called `name`.

    Raises:
        InputError: There is no such recipe.
    """
    if name not in RECIPES:
        near = "".join(f"Did you mean {x!r}? " for x in get_close_matches(name, RECIPES, 1))
        remedy = f"{near}The recipes are {', '.join(RECIPES)}"
        raise InputError(Problem(f"there is no recipe {name!r}", remedy=remedy))
    return RECIPES[name]
