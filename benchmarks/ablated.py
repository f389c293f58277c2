"""Systems with one of their parts switched off, as recipes: for systems_ablation.py alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from oneshot_emotic_baselines.recipes import RECIPES, Loss, Recipe, register


class Variant(NamedTuple):
    """A system without a part.

    Attributes:
        system: The name of its recipe.
        part: What is off, in words.
        recipe: The name of the recipe without it.
    """

    system: str
    part: str
    recipe: str


def _without_losses(system: str, *names: str) -> tuple[Loss, ...]:
    return tuple(loss for loss in RECIPES[system].losses if loss.name not in names)


def _without_fusion(part: str) -> Callable[..., Any]:
    def network(recipe: Recipe, settings: Any, classes: int, files: Any) -> Any:
        from oneshot_emotic_baselines.systems.dsct import FUSION, DsctNet

        kept = [name for name in FUSION if name != part]
        return DsctNet(recipe, settings, classes, files, kept)

    return network


def _registered(system: str, part: str, **changes: Any) -> Variant:
    name = f"{system}-no-{part.replace(' ', '-')}"
    register(replace(RECIPES[system], name=name, title=f"{system} without {part}", **changes))
    return Variant(system, part, name)


#: In the order of the table. cage without V/A/D is a recipe of its own.
VARIANTS = (
    Variant("cage", "V/A/D loss", "cage-discrete"),
    _registered(
        "mt-clar",
        "difference head",
        losses=_without_losses("mt-clar", "difference"),
        targets=(),
        decoder=None,
    ),
    *(
        _registered("dsct", f"fusion {part}", network=_without_fusion(part))
        for part in ("near", "alike", "subjects")
    ),
    _registered("dsct", "box losses", losses=_without_losses("dsct", "box", "giou")),
)
