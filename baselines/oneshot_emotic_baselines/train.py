"""Training one recipe on one task, from top to bottom: settings, set-up, loop, checkpoint.

    RUN/checkpoint.safetensors   the network of the best epoch, with the settings; for `embed`
    RUN/log.csv                  one line an epoch
    RUN/steps.csv                one line a step, where it is asked for
    RUN/resume.safetensors       while training: all that is needed to go on; gone when it is done

Losses, miner, sampler and the gathering over processes are in metric_learning.py.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from oneshot_emotic.emotic.tables import csv_rows, csv_text
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.files import write_text
from oneshot_emotic.scoring.evaluate import evaluate
from oneshot_emotic_baselines.checkpoint import load_checkpoint, write_checkpoint
from oneshot_emotic_baselines.data import (
    BaseSplit,
    IntArray,
    PersonBatches,
    PersonData,
    network_inputs,
    person_batches,
    random_changes,
    seed_of,
)
from oneshot_emotic_baselines.distributed import Processes, join_processes
from oneshot_emotic_baselines.embed import embed_places
from oneshot_emotic_baselines.losses import Targets
from oneshot_emotic_baselines.metric_learning import Losses, batch_order
from oneshot_emotic_baselines.model import autocast, build_network
from oneshot_emotic_baselines.recipes import resolved
from oneshot_emotic_baselines.scenes import SceneBatches
from oneshot_emotic_baselines.settings import Settings
from oneshot_emotic_baselines.targets import FloatArray, moved_boxes
from oneshot_emotic_baselines.trunks import seen_by_trunks
from oneshot_emotic_baselines.weights import WeightFiles, describe, weights_at

CHECKPOINT, RESUME = "checkpoint.safetensors", "resume.safetensors"
LOG, STEPS = "log.csv", "steps.csv"

_WORSE_THAN_GUESSING = (
    "warning: the mean cross entropy of the first epoch is above that of guessing: the first steps "
    "are too large; try --warmup 0.3, a lower --trunk-lr or a lower --lr"
)

#: Steps between two looks at whether losses and gradients are still numbers.
_CHECK_EVERY = 20


class TrainingStoppedError(InputError):
    """Training cannot go on; the message says what to change."""


@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        checkpoint: Its checkpoint file.
        settings: What it was trained with.
        pretraining: Branch -> where its first weights came from.
        history: The lines of the log.
        best_epoch: The epoch of the checkpoint.
        validation: Balanced accuracy of that epoch on held-out base persons; None without any.
    """

    checkpoint: Path
    settings: Settings
    pretraining: dict[str, str]
    history: tuple[dict[str, Any], ...]
    best_epoch: int
    validation: float | None


@dataclass
class _State:
    """What changes from epoch to epoch."""

    epoch: int = 0
    best_epoch: int = 0
    best: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)


def train(
    settings: Settings,
    split: BaseSplit,
    data: PersonData,
    run: str | Path,
    *,
    weight_files: WeightFiles | None = None,
    targets: Mapping[str, FloatArray] | None = None,
    device: str = "auto",
    log_steps: bool = False,
    on_epoch: Callable[[Mapping[str, Any]], None] = lambda line: None,
    say: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Train a recipe, or go on where an earlier call with the same settings was stopped.

    Args:
        settings: What to train and how.
        split: From `base_split`: base persons only, nothing of a novel one.
        data: From `load_person_data`.
        run: The run's folder.
        weight_files: Local files of pretrained weights, or folders of `transformers`.
        targets: For a recipe that has `targets`: from `base_targets`.
        device: `auto`, `cpu`, `cuda`.
        log_steps: True writes the losses and the length of the gradient of every step, too.
        on_epoch: Given the log's line after each epoch, by its columns; what it raises stops
            training, which a later call goes on with.
        say: Told a line an epoch.
        progress: Told the steps done and all steps.

    Returns:
        The run, with its checkpoint written.

    Raises:
        TrainingStoppedError: A loss or gradient is no longer a number.
        InputError: Weights, pictures or the Sem2Vec table are missing, or the folder holds a run
            with other settings.
    """
    folder = Path(run)
    files = {name: weights_at(path) for name, path in (weight_files or {}).items()}
    recipe = settings.effective_recipe
    if recipe.kind != "trained":
        raise InputError(Problem(f"{recipe.name} is not a trained baseline"))
    if lacking := [name for name in recipe.targets if name not in (targets or {})]:
        what = f"{recipe.name} is trained on {some(lacking)} too, and none is given"
        raise InputError(Problem(what, remedy="See `base_targets`"))
    if strange := {"image", "body", "scene"} & set(files) - set(recipe.branches):
        raise InputError(Problem(f"{recipe.name} has no branch for these weights", some(strange)))
    wanted, given = ((x.task, f"{x.base} base") for x in (settings, split))
    if wanted != given:
        words = f"the settings are for {', '.join(wanted)}, not {', '.join(given)}"
        raise InputError(Problem(words))
    ours = join_processes(device)
    if settings.batch_size % ours.world:
        raise InputError(
            Problem(
                f"a batch of {settings.batch_size} cannot be shared evenly "
                f"by {ours.world} processes"
            )
        )
    identity = {
        "settings": settings.to_dict(),
        "size": data.size,
        "dataset": split.dataset.to_dict() if split.dataset else None,
    }
    going_on = (folder / RESUME).exists()
    # A first checkpoint alone may be all that a kill has left.
    written = (folder / CHECKPOINT).exists() and len(_read_log(folder)) >= settings.epochs
    if written and not going_on:
        return _finished(folder, settings, identity)

    # Persons: those to train on, and those to select on.
    share = 0.0 if settings.select == "last" else settings.validation_share
    by: Literal["image", "class"] = "class" if settings.select == "class" else "image"
    kept, episodes = split.hold_out(share, settings.seed, settings.validation_draws, by)
    classes = kept.targets()
    if len(np.unique(classes)) < 2:
        raise InputError(
            Problem(f"only {len(kept)} base persons of one class are left to train on")
        )
    # The network and what changes it.
    # To go on, all weights come from the file.
    network = _network(settings, len(split.classes), files, ours, from_file=going_on)
    origin = describe(recipe.pretraining, files, settings.backbone)
    stated = {**identity, "classes": split.classes, "pretraining": origin}
    if not recipe.losses:  # it is what its first weights make it
        if ours.main:
            whole = {**stated, "network": network.state_dict(), **vars(_State())}
            write_checkpoint(folder / CHECKPOINT, whole)
        ours.wait()
        return _finished(folder, settings, identity)
    optimiser = _optimiser(settings, network)
    scheduler = _scheduler(settings, optimiser)
    state = _State()
    if going_on:
        content = _content(folder / RESUME, identity)
        network.load_state_dict(content["network"])
        optimiser.load_state_dict(content["optimiser"])
        for weights, values in optimiser.state.items():
            for name, value in values.items():
                if value.shape == weights.shape:  # laid out in memory as the optimiser makes them
                    values[name] = torch.empty_like(weights).copy_(value)
        scheduler.load_state_dict(content["scheduler"])
        state = _State(**{item.name: content[item.name] for item in fields(_State)})
        say(f"going on after epoch {state.epoch}")
    if settings.frozen:
        data = seen_by_trunks(network, data, settings, ours.device)
    training = person_batches(data, kept.sample_ids, recipe.branches, ours.device)
    selection = None
    if episodes is not None and ours.main:
        persons = episodes.novel.sample_ids
        selection = person_batches(data, persons, recipe.branches, ours.device, alone=True)
    model: Any = network
    if ours.world > 1:
        model = DistributedDataParallel(network)
    if settings.compile:
        graphs = ours.device.type == "cuda" and ours.world == 1
        model = torch.compile(model, mode="reduce-overhead" if graphs else None)
    losses = Losses(settings, ours.world, network.metric_loss)
    rows = {name: row for row, name in enumerate(split.sample_ids)}
    own = [rows[name] for name in kept.sample_ids]
    beside: dict[str, FloatArray] = {name: (targets or {})[name][own] for name in recipe.targets}
    steps = max(1, (settings.persons_per_epoch or len(kept)) // settings.batch_size)

    with _same_every_time(ours.device, settings.deterministic):
        while state.epoch < settings.epochs:
            started = time.monotonic()
            epoch = state.epoch
            order = batch_order(classes, settings, epoch, steps)
            model.train()
            torch.manual_seed(seed_of("layers", settings.seed, epoch))  # for layers that draw
            records: list[torch.Tensor] = []
            known = (classes, order, data.size, settings, epoch, ours, beside)
            batches = epoch_batches(training, *known)
            for step, batch in enumerate(batches):
                done = (epoch * steps + step + 1) / (settings.epochs * steps)
                records.append(training_step(model, losses, optimiser, *batch, done, settings))
                if (step + 1) % _CHECK_EVERY == 0 or step + 1 == steps:
                    _stop_unless_finite(records, epoch, step, settings)
                progress(epoch * steps + step + 1, settings.epochs * steps)
            rate = scheduler.get_last_lr()[0]
            scheduler.step()
            of_steps = torch.stack(records).double()
            means = ours.mean(of_steps.mean(dim=0)).tolist()
            state.epoch += 1
            if log_steps:
                of_steps = ours.mean(of_steps)
            if ours.main:
                if log_steps:
                    _log_steps(folder / STEPS, epoch, losses.names, of_steps)
                if epoch == 0 and means[2] > math.log(len(split.classes)):
                    say(_WORSE_THAN_GUESSING)
                figure, measured = None, {}
                if episodes is not None and selection is not None:
                    vectors = embed_places(network, selection, len(episodes.novel), settings)
                    scores = evaluate(
                        (episodes.novel.sample_ids, vectors), episodes, intervals=False
                    )
                    figure = scores[1].balanced_accuracy.mean
                    if recipe.measure:
                        how = (network, selection, len(episodes.novel))
                        measured = resolved(recipe.measure)(*how)
                names = ("epoch", "learning_rate", "loss", *losses.names, *measured, "validation")
                entries = (state.epoch, rate, *means[:-1], *measured.values(), figure)
                state.history.append(dict(zip(names, entries, strict=True)))
                better = figure is None or state.best is None or figure > state.best
                if better:
                    state.best, state.best_epoch = figure, state.epoch
                content = {**stated, "network": network.state_dict(), **vars(state)}
                if better:
                    write_checkpoint(folder / CHECKPOINT, content)
                lines = [["" if x is None else x for x in line.values()] for line in state.history]
                write_text(folder / LOG, csv_text(names, lines))
                if not settings.frozen:  # such a run takes seconds, and begins again
                    moving = {"optimiser": optimiser, "scheduler": scheduler}
                    states = {name: x.state_dict() for name, x in moving.items()}
                    write_checkpoint(folder / RESUME, content | states)
                say(_line(state, settings, better, time.monotonic() - started))
                on_epoch(state.history[-1])
            ours.wait()
    if ours.main:
        (folder / RESUME).unlink(missing_ok=True)
    ours.wait()
    return _finished(folder, settings, identity)


def _network(
    settings: Settings,
    classes: int,
    files: WeightFiles,
    ours: Processes,
    *,
    from_file: bool = False,
) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("network", settings.seed))
        network = build_network(settings, classes, files, pretrained=not from_file)
    if settings.trunk_lr != 1 and not hasattr(network, "trunk"):
        raise InputError(Problem(f"{settings.recipe} has no branches that it is of", "trunk_lr"))
    return ours.synchronised(network).to(ours.device, memory_format=torch.channels_last)


def _optimiser(settings: Settings, network: nn.Module) -> torch.optim.Optimizer:
    kinds: dict[str, Any] = {
        "rmsprop": torch.optim.RMSprop,
        "sgd": partial(torch.optim.SGD, momentum=0.9),
        "adamw": torch.optim.AdamW,
    }
    groups: Any = network.parameters()
    if settings.trunk_lr != 1:
        begun = settings.effective_recipe.pretraining
        pretrained, last = (tuple(f"branches.{x}.{y}" for x in begun) for y in ("", "fc."))
        slow = getattr(network, "slow", ())  # weights that learn as slowly, and are never frozen
        trunk: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, weights in network.named_parameters():
            of_trunk = name.startswith(pretrained) and not name.startswith(last)
            slowly = of_trunk or (name.startswith(slow) and not settings.frozen)
            (trunk if slowly else rest).append(weights)
            weights.requires_grad_(not (of_trunk and settings.frozen))
        groups = [{"params": rest}]
        if not settings.frozen:
            groups.append({"params": trunk, "lr": settings.rate * settings.trunk_lr})
    made: torch.optim.Optimizer = kinds[settings.optimiser](
        groups, lr=settings.rate, weight_decay=settings.weight_decay
    )
    return made


def _scheduler(settings: Settings, optimiser: torch.optim.Optimizer) -> Any:
    schedulers = torch.optim.lr_scheduler
    if settings.schedule == "cosine":
        return schedulers.CosineAnnealingLR(optimiser, settings.epochs)
    return schedulers.StepLR(optimiser, settings.step_epochs, settings.gamma)


def epoch_batches(
    persons: PersonBatches | SceneBatches,
    targets: IntArray,
    order: IntArray,
    size: int,
    settings: Settings,
    epoch: int,
    ours: Processes,
    beside: Mapping[str, FloatArray] | None = None,
) -> Iterator[tuple[dict[str, torch.Tensor], Targets]]:
    """This process's part of each batch of an epoch: what the network takes, and what is wanted.

    What is known before the epoch begins, order, classes and augmentation, goes to the device at
    once, since each such copy waits for it.
    """
    random = torch.Generator().manual_seed(seed_of("augment", settings.seed, epoch))
    most = (order.shape[1], size, settings.flip, settings.shift)
    drawn = [random_changes(*most, random) for _ in order]
    local = order.shape[1] // ours.world
    mine = slice(ours.rank * local, (ours.rank + 1) * local)
    places = order[:, mine]
    known: dict[str, npt.NDArray[Any]] = {"classes": targets, **(beside or {})}
    columns = {k: torch.from_numpy(x[places]).to(ours.device) for k, x in known.items()}
    mirrored, moved = (torch.stack(x)[:, mine].to(ours.device) for x in zip(*drawn, strict=True))
    augment = resolved(settings.effective_recipe.augment or _unchanged)
    for step, batch in enumerate(persons.batches(list(places))):
        wanted = Targets(**{name: values[step] for name, values in columns.items()})
        if wanted.box is not None:
            wanted = wanted._replace(box=moved_boxes(wanted.box, mirrored[step], moved[step], size))
        yield augment(network_inputs(batch, (mirrored[step], moved[step])), random), wanted


def _unchanged(
    inputs: dict[str, torch.Tensor],
    random: torch.Generator,  # noqa: ARG001
) -> dict[str, torch.Tensor]:
    return inputs


def training_step(
    model: nn.Module,
    losses: Losses,
    optimiser: torch.optim.Optimizer,
    inputs: dict[str, torch.Tensor],
    wanted: Targets,
    done: float,
    settings: Settings,
) -> torch.Tensor:
    """One step, of which nothing waits for a GPU.

    Args:
        model: The network, perhaps compiled or of several processes.
        losses: Its losses.
        optimiser: Of its weights.
        inputs: From `epoch_batches`.
        wanted: Likewise.
        done: Share of all steps that are done with this one.
        settings: Of the run.

    Returns:
        The loss, each of `losses.names` and the length of the gradient, on the device.
    """
    optimiser.zero_grad()
    with autocast(settings, wanted.classes.device):
        outputs = model(inputs)
    loss, parts = losses(outputs, wanted)
    loss.backward()
    gradients = [x.grad for x in model.parameters() if x.grad is not None]
    length = nn.utils.get_total_norm(gradients)
    if settings.clip:
        nn.utils.clip_grads_with_norm_(model.parameters(), settings.clip, length)
    _step(optimiser, done, settings)
    return torch.stack([*parts, length]).detach()


def _step(optimiser: torch.optim.Optimizer, done: float, settings: Settings) -> None:
    """A step with the learning rate of the epoch; less in the first share `warmup` of all steps."""
    if done >= settings.warmup:
        optimiser.step()
        return
    rates = [group["lr"] for group in optimiser.param_groups]
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        group["lr"] = rate * done / settings.warmup
    optimiser.step()
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        group["lr"] = rate


def _log_steps(path: Path, epoch: int, names: tuple[str, ...], of_steps: torch.Tensor) -> None:
    """Add an epoch's steps to the file; what a stopped run wrote of it is replaced."""
    before = csv_rows(path)[1 : 1 + epoch * len(of_steps)] if path.exists() and epoch else []
    rows = [[epoch + 1, step + 1, *values] for step, values in enumerate(of_steps.tolist())]
    columns = ("epoch", "step", "loss", *names, "gradient")
    write_text(path, csv_text(columns, [*before, *rows]))


@contextlib.contextmanager
def _same_every_time(device: torch.device, wanted: bool) -> Iterator[None]:
    """On a GPU: only algorithms that give the same sums every time where there are such, or any."""
    if device.type != "cuda":
        yield
        return

    def use(same: bool, warn_only: bool, fill: bool, benchmark: bool) -> None:
        torch.use_deterministic_algorithms(same, warn_only=warn_only)
        torch.utils.deterministic.fill_uninitialized_memory = fill
        torch.backends.cudnn.benchmark = benchmark

    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
        torch.backends.cudnn.benchmark,
    )
    use(wanted, True, False, not wanted)
    try:
        yield
    finally:
        use(*before)


def _stop_unless_finite(
    records: list[torch.Tensor], epoch: int, step: int, settings: Settings
) -> None:
    """Look at the losses and gradients of the last steps, all at once: a look waits for the GPU."""
    recent = torch.stack(records[-_CHECK_EVERY:])
    bad = (~torch.isfinite(recent)).any(dim=1).nonzero()
    if not len(bad):
        return
    place = int(bad[0])
    loss, *_, gradient = recent[place].tolist()
    raise TrainingStoppedError(
        Problem(
            f"training {settings.recipe} on {settings.task} stopped in epoch {epoch + 1}, step "
            f"{step + 2 - len(recent) + place}: loss {loss:g}, length of the gradient {gradient:g}",
            remedy="Lower --lr (it was "
            f"{settings.rate:g}), or train with --precision float32; the checkpoint of the epochs "
            "before is kept",
        )
    )


def _finished(folder: Path, settings: Settings, identity: dict[str, Any]) -> Run:
    content = _content(folder / CHECKPOINT, identity)
    return Run(
        folder / CHECKPOINT,
        settings,
        content["pretraining"],
        tuple(_read_log(folder)),
        content["best_epoch"],
        content["best"],
    )


def _content(path: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint's content, unless it is of a run that is another: two are not mixed."""
    content = load_checkpoint(path)
    there, ours = (
        x["settings"] | {"size": x["size"], "dataset": x["dataset"]} for x in (content, identity)
    )
    other = [
        f"{name} {there.get(name)!r}, not {value!r}"
        for name, value in ours.items()
        if there.get(name) != value
    ]
    if other:
        raise InputError(
            Problem(
                f"holds a run with other settings: {'; '.join(other)}",
                str(path.parent),
                "Give another folder with -o, or remove it",
            )
        )
    return content


def _read_log(folder: Path) -> list[dict[str, Any]]:
    if not (folder / LOG).exists():
        return []
    names, *rows = csv_rows(folder / LOG)
    return [
        {name: json.loads(cell or "null") for name, cell in zip(names, row, strict=True)}
        for row in rows
    ]


def _line(state: _State, settings: Settings, better: bool, seconds: float) -> str:
    last = state.history[-1]
    figure = last["validation"]
    names = [x for x in last if x not in ("epoch", "learning_rate", "loss", "validation")]
    # A loss that is no part of the recipe is nothing.
    said = [name for name in names if last[name]]
    parts = ", ".join(f"{name.replace('_', ' ')} {last[name]:.4f}" for name in said)
    return (
        f"epoch {state.epoch:2}/{settings.epochs}  rate {last['learning_rate']:.1e}  "
        f"loss {last['loss']:.4f} ({parts})  "
        + (f"validation {100 * figure:.1f} %  " if figure is not None else "")
        + f"{seconds:.1f} s"
        + ("  *" if better else "")
    )
