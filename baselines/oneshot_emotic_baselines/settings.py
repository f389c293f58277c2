"""All that decides a training run, in one frozen value that is stored in its checkpoint."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal, get_args, get_type_hints

import msgspec

from oneshot_emotic.errors import InputError, Problem
from oneshot_emotic.tasks import task_definition
from oneshot_emotic_baselines.recipes import (
    BACKBONES,
    DML,
    Backbone,
    Branch,
    Loss,
    Pretraining,
    Recipe,
    recipe_named,
)

#: Which base persons to train on.
Base = Literal["full", "clean"]

#: The paper's side of both pictures in pixels, section IV-A.
SIZE = Recipe.size

#: The paper's metric loss; any other is of pytorch-metric-learning, with its own defaults.
TRIPLET = "TripletMarginLoss"

_STAND_IN: dict[Branch, Pretraining] = {
    "image": "stand-in-image",
    "body": "stand-in-body",
    "scene": "stand-in-image",
}

#: How a network is trained: as the paper says, or as gave more on held-out base classes of the
#: stand-in (docs/baselines.md).
Training = Literal["paper", "tuned"]
TUNED: Mapping[str, Any] = {
    "trunk_lr": 0.0,
    "balanced": True,
    "optimiser": "adamw",
    "learning_rate": 1e-3,
    "embedding": 32,
}

#: Setting -> the least and the greatest value.
_RANGES = {
    "seed": (0, math.inf),
    "persons": (1, 1_000_000),
    "epochs": (1, math.inf),
    "persons_per_epoch": (0, math.inf),
    "batch_size": (2, math.inf),
    "per_class": (1, math.inf),
    "learning_rate": (0, math.inf),
    "step_epochs": (1, math.inf),
    "weight_decay": (0, math.inf),
    "validation_draws": (1, math.inf),
    "embedding": (1, 65_536),
    "hidden": (0, 65_536),
    "metric_weight": (0, 1),
    "flip": (0, 1),
    "shift": (0, 0.5),
    "validation_share": (0, 0.5),
    "warmup": (0, 1),
    "trunk_lr": (0, 1),
    "clip": (0, math.inf),
    "ways": (0, math.inf),
    "shots": (1, math.inf),
}

#: Settings that came later: a checkpoint states them only where they are not as they always were.
_LATER = (
    *("balanced", "warmup", "trunk_lr", "masked", "select", "deterministic"),
    *("metric_loss", "schedule", "ways", "shots", "clip"),
)


@dataclass(frozen=True)
class Settings:
    """What decides a training run. The defaults are the paper's where it states them.

    Attributes:
        recipe: Name of the recipe.
        task: Name of the task.
        base: `full` as in the paper, or `clean`: without the base persons in whose image a novel
            person is.
        backbone: The network of the image and body branches: a ResNet, `timm:NAME`, or one of
            `BACKBONES`.
        weights: `default` (as the recipe says), `none` (from scratch) or `stand-in` (trunks of
            `pretrain`).
        seed: Of the initial weights, the batches, the augmentation and the held-out images.
        epochs: Passes over the base persons; the paper does not state it. 0 of a recipe without
            losses.
        persons_per_epoch: Persons an epoch; 0 for as many as there are base persons.
        batch_size: Persons a step, over all processes together.
        per_class: Persons a class that the sampler draws at a time.
        balanced: True gives every batch as many persons of each class; those that are left over
            go to the classes in turn. `per_class` is then not used.
        ways: Classes in each of such batches, drawn anew every time; 0 for all.
        shots: Of a class in a batch, the persons that make its prototype; the others are queries.
        optimiser: `rmsprop` (without momentum) as in the paper, `sgd` (momentum 0.9) or `adamw`.
        learning_rate: 0 for the paper's of this task.
        schedule: How the learning rate falls: `step`, or `cosine`, over all epochs to nothing.
        step_epochs: Epochs after which the learning rate is multiplied by `gamma`, again and again.
        gamma: That factor.
        warmup: Share of all steps in which the learning rate rises to its full height.
        trunk_lr: Learning rate of the pretrained layers, as a share of the others'. With 0 they
            stay as they are: their outputs are computed once, of pictures as they are.
        weight_decay: 0 in the paper's configuration.
        clip: The greatest length of the gradient, to which a longer one is shortened; 0 for none.
        metric_loss: The paper's triplet loss on mined triplets, or another of
            pytorch-metric-learning by its name there, as it is by default.
        margin: Of the triplet loss on cosine similarities.
        epsilon: Of the Multi-Similarity miner.
        metric_weight: Share of the metric loss; the rest is cross entropy. A recipe without both
            has its own weights.
        masked: `on` computes miner and triplet loss in tensors of a fixed shape, so that nobody
            waits for a GPU to count triplets; values and gradients are the same but for rounding.
            `auto` does so on a GPU.
        embedding: Dimensions of the embedding.
        flip: Probability that a person is mirrored, image and body together.
        shift: The most that a picture is moved in each direction, as a share of its side.
        validation_share: Share of the base persons held out, whole images at a time; 0 for none.
        validation_draws: One-shot episodes cut from them after each epoch.
        select: Chooses the epoch by held-out persons (`person`), or by held-out base classes
            (`class`: two or more, which are not trained on), or takes the `last`.
        precision: `auto` (bf16 autocast on CUDA, float32 elsewhere), `bf16` or `float32`.
        compile: True runs the model through `torch.compile`; on one GPU with CUDA graphs.
        deterministic: False lets a GPU use the quickest algorithms, whose sums differ each time.
    """

    recipe: str
    task: str
    base: Base = "full"
    backbone: str = "resnet18"
    weights: Literal["default", "none", "stand-in"] = "default"
    seed: int = 0
    epochs: int = 12
    persons_per_epoch: int = 0
    batch_size: int = 32
    per_class: int = 4
    balanced: bool = False
    ways: int = 0
    shots: int = 1
    optimiser: Literal["rmsprop", "sgd", "adamw"] = "rmsprop"
    learning_rate: float = 0.0
    schedule: Literal["step", "cosine"] = "step"
    step_epochs: int = 4
    gamma: float = 0.1
    warmup: float = 0.0
    trunk_lr: float = 1.0
    weight_decay: float = 0.0
    clip: float = 0.0
    metric_loss: str = TRIPLET
    margin: float = 0.2
    epsilon: float = 0.1
    metric_weight: float = 0.5
    masked: Literal["auto", "on", "off"] = "auto"
    embedding: int = 128
    flip: float = 0.5
    shift: float = 1 / 32
    validation_share: float = 0.1
    validation_draws: int = 100
    select: Literal["person", "class", "last"] = "person"
    precision: Literal["auto", "bf16", "float32"] = "auto"
    compile: bool = False
    deterministic: bool = True

    def __post_init__(self) -> None:
        """Refuse unknown names and values out of range, all at once."""
        recipe_named(self.recipe)
        task_definition(self.task)
        _check(self, {} if self.losses else {"epochs": (0, 0)})
        if self.trunk_lr != 1 and not self.effective_recipe.pretraining:
            raise InputError(Problem("nothing is pretrained that it could be of", "trunk_lr"))
        if self.metric_loss != TRIPLET and not self.effective_recipe.metric_loss:
            raise InputError(Problem(f"{self.recipe} has no metric loss", "metric_loss"))
        if self.metric_loss != TRIPLET and self.masked == "on":
            raise InputError(Problem(f"is for the {TRIPLET} alone", "masked"))

    @classmethod
    def of(
        cls,
        recipe: str,
        task: str,
        training: Training = "paper",
        scale: Mapping[str, Any] = MappingProxyType({}),
        **changes: Any,
    ) -> Settings:
        """With what holds for the recipe where nothing else is said.

        Layers that were not pretrained are not frozen.

        Args:
            recipe: Its name.
            task: Name of the task.
            training: The way of training; the recipe's own defaults go before it.
            scale: Settings that go before both.
            changes: What is said.
        """
        known = recipe_named(recipe)
        own = {**(TUNED if training == "tuned" else {}), **known.settings, **scale}
        if not known.pretraining or {**scale, **changes}.get("weights") == "none":
            own.pop("trunk_lr", None)
        return cls(recipe, task, **{**own, **changes})

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The recipe's losses with their weights."""
        return _parted(self.effective_recipe.losses, self.metric_weight)

    @property
    def frozen(self) -> bool:
        """True when the pretrained layers stay as they are."""
        return self.trunk_lr == 0

    @property
    def rate(self) -> float:
        """The learning rate of the first epochs."""
        # The paper, section IV-A: LEV-6:4 differs from all others.
        paper = 3.5e-6 if task_definition(self.task).family == "lev-6-4" else 3.5e-4
        return self.learning_rate or paper

    @property
    def effective_recipe(self) -> Recipe:
        """The recipe with the pretraining that is really used."""
        recipe = recipe_named(self.recipe)
        if self.weights == "default":
            return recipe
        found: dict[Branch, Pretraining] = {}
        if self.weights == "stand-in":
            found = {x: _STAND_IN[x] for x in recipe.pixel_branches if x in _STAND_IN}
        return replace(recipe, pretraining=found)

    def to_dict(self) -> dict[str, Any]:
        """The form in a checkpoint: names and numbers only."""
        later = {name: getattr(Settings, name) for name in _LATER}
        return {k: v for k, v in asdict(self).items() if k not in later or v != later[k]}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Settings:
        """From a checkpoint.

        Raises:
            InputError: It has other fields than this version's, or values out of range.
        """
        known = {item.name for item in fields(cls)}
        if strange := sorted((known - set(content) - set(_LATER)) | (set(content) - known)):
            raise InputError(
                Problem(
                    f"the checkpoint's settings lack or add {', '.join(map(str, strange))}",
                    remedy="It was made by another version; train again",
                )
            )
        try:
            return msgspec.convert(content, cls)
        except msgspec.ValidationError as error:
            raise InputError(Problem(f"the checkpoint's settings are wrong: {error}")) from None


@dataclass(frozen=True)
class HeadSettings:
    """What decides a head on frozen features; what is not said here is as in `Settings`.

    The defaults that are not a network's were chosen on held-out base classes of the stand-in.

    Attributes:
        base: Base persons to train on.
        seed: Of the first weights and the batches.
        hidden: Units of a hidden layer; 0 for a linear head.
        embedding: Dimensions of the embedding.
        epochs: The most passes over the base persons.
        batch_size: Persons a step.
        per_class: Persons a class that the sampler draws at a time.
        balanced: As of `Settings`.
        learning_rate: Of Adam.
        margin: Of the triplet loss.
        epsilon: Of the miner.
        metric_weight: Share of the triplet loss.
        masked: As of `Settings`.
    """

    base: Base = Settings.base
    seed: int = Settings.seed
    hidden: int = 0
    embedding: int = Settings.embedding
    epochs: int = Settings.epochs
    batch_size: int = Settings.batch_size
    per_class: int = Settings.per_class
    balanced: bool = Settings.balanced
    learning_rate: float = 1e-3
    margin: float = Settings.margin
    epsilon: float = Settings.epsilon
    metric_weight: float = Settings.metric_weight
    masked: Literal["auto", "on", "off"] = Settings.masked
    metric_loss: ClassVar[str] = TRIPLET
    ways: ClassVar[int] = 0

    def __post_init__(self) -> None:
        """Refuse values out of range, all at once."""
        _check(self)

    @property
    def losses(self) -> tuple[Loss, ...]:
        """As of `Settings`."""
        return _parted(DML, self.metric_weight)


@dataclass(frozen=True)
class PretrainSettings:
    """What decides a trunk that is pretrained on drawings.

    Attributes:
        persons: Figures drawn.
        size: Side of the pictures in pixels.
        backbone: A ResNet, or one of `BACKBONES`.
        labels: `drawn`: what the drawing knows (of a body hands and posture, of an image setting,
            objects and light); `none`: two views of a picture are to be alike, all others not.
        seed: Of figures, first weights and batches.
        epochs: Passes over the pictures.
        batch_size: Pictures a step.
        learning_rate: The highest, of AdamW.
    """

    persons: int = 10_000
    size: int = 64
    backbone: str = "resnet18"
    labels: Literal["drawn", "none"] = "drawn"
    seed: int = 0
    epochs: int = 2
    batch_size: int = 32
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        """Refuse values out of range, all at once."""
        _check(self)


def _parted(losses: tuple[Loss, ...], share: float) -> tuple[Loss, ...]:
    """With what metric loss and cross entropy weigh together parted anew."""
    weights = {loss.name: loss.weight for loss in losses}
    if not {"metric", "cross_entropy"} <= set(weights):
        return losses
    both = weights["metric"] + weights["cross_entropy"]
    shares = {"metric": share * both, "cross_entropy": (1 - share) * both}
    return tuple(loss._replace(weight=shares.get(loss.name, loss.weight)) for loss in losses)


def _check(settings: Any, ranges: Mapping[str, tuple[float, float]] | None = None) -> None:
    """Refuse unknown names and values out of range, all at once; some have ranges of their own."""
    hints = get_type_hints(type(settings))
    choices = {x.name: get_args(hints[x.name]) for x in fields(settings)}
    problems = [
        Problem(f"must be one of {', '.join(known)}, not {value!r}", name)
        for name, known in choices.items()
        if known and (value := getattr(settings, name)) not in known
    ]
    if "backbone" in choices and not choices["backbone"]:
        known = (*get_args(Backbone), *BACKBONES)
        value = settings.backbone
        # No more of timm's grammar: a stranger's checkpoint may say it.
        of_timm = re.fullmatch(r"timm:[\w.]+(\?img_size=\d+)?", value)
        if value not in known and (isinstance(settings, PretrainSettings) or not of_timm):
            forms = "" if isinstance(settings, PretrainSettings) else " or timm:NAME[?img_size=N]"
            problems.append(
                Problem(f"must be {', '.join(known)}{forms}, not {value!r}", "backbone")
            )
    for name, (least, most) in {**_RANGES, **(ranges or {})}.items():
        value = getattr(settings, name, least)
        if not least <= value <= most:
            bounds = f"at least {least}" if most == math.inf else f"from {least} to {most}"
            problems.append(Problem(f"must be {bounds}, not {value}", name))
    if problems:
        raise InputError(problems)
