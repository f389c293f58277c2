"""From a checkpoint to embeddings of a task's novel persons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from oneshot_emotic.dataset.load import load_task
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.splits import Task
from oneshot_emotic_baselines.checkpoint import load_checkpoint
from oneshot_emotic_baselines.data import (
    PersonBatches,
    PersonData,
    load_person_data,
    network_inputs,
    person_batches,
)
from oneshot_emotic_baselines.model import autocast, build_network, embedding_of
from oneshot_emotic_baselines.recipes import Recipe, recipe_named
from oneshot_emotic_baselines.scenes import SceneBatches
from oneshot_emotic_baselines.settings import TRIPLET, Settings
from oneshot_emotic_baselines.trunks import seen_by_trunks

Vectors = npt.NDArray[np.float32]


def embed_places(
    network: nn.Module,
    persons: PersonBatches | SceneBatches,
    count: int,
    settings: Settings,
    progress: Callable[[int], None] = lambda done: None,
) -> Vectors:
    """Embeddings of the first `count` persons, of shape (count, dimensions)."""
    places, done = persons.passes(count), 0
    was_training = network.training
    network.eval()
    vectors = []
    with torch.inference_mode():  # looked at once at the end: a look waits for a GPU
        for chosen, batch in zip(places, persons.batches(places), strict=True):
            with autocast(settings, persons.device):
                outputs = network(network_inputs(batch))
            vectors.append(embedding_of(outputs, settings.effective_recipe))
            done += len(chosen)
            progress(done)
    network.train(was_training)
    stacked: Vectors = torch.cat(vectors).cpu().numpy()
    return stacked[np.argsort(np.concatenate(places))]


def embed_task(
    checkpoint: Path,
    task: Task,
    data: PersonData,
    *,
    device: str = "auto",
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, Vectors]:
    """Embed the novel persons of the task that a checkpoint was trained on.

    Args:
        checkpoint: From `train`.
        task: The same task; of its novel persons only the sample_ids are looked at.
        data: Pictures, and the Sem2Vec table where the recipe needs it.
        device: `auto`, `cpu`, `cuda`.
        progress: Told the persons done.

    Returns:
        sample_id -> vector, of unit length unless the recipe says otherwise.

    Raises:
        InputError: The checkpoint is of another task or data set, or pictures are missing.
    """
    from oneshot_emotic_baselines.distributed import join_processes

    content = load_checkpoint(checkpoint)
    settings = Settings.from_dict(content["settings"])
    stated = content["dataset"] or {}
    ours = task.dataset
    if settings.task != task.name or (
        ours is not None and stated.get("fingerprint") not in (None, ours.fingerprint)
    ):
        where = f"{task.name} of {ours.name}" if ours else task.name
        raise InputError(
            Problem(
                f"was trained on {settings.task} of {stated.get('name')} "
                f"(fingerprint {str(stated.get('fingerprint'))[:12]}), not on {where}",
                str(checkpoint),
                "Give the data set it was trained on with --dataset",
            )
        )
    if content["size"] != data.size:
        raise InputError(
            Problem(
                f"was trained on pictures of {content['size']} pixels, not {data.size}",
                str(checkpoint),
                f"Give those with --prepared, or run `oneshot-emotic prepare ROOT --size "
                f"{content['size']}{' --keep-proportions' if data.whole else ''}`",
            )
        )
    target = join_processes(device).device
    network = _trained(checkpoint, content, settings).to(target, memory_format=torch.channels_last)
    if settings.frozen:
        data = seen_by_trunks(network, data, settings, target)
    persons = task.novel.sample_ids
    branches = settings.effective_recipe.branches
    batches = person_batches(data, persons, branches, target, resident=False, alone=True)
    vectors = embed_places(network, batches, len(persons), settings, progress)
    return dict(zip(persons, vectors, strict=True))


def _trained(checkpoint: Path, content: Mapping[str, Any], settings: Settings) -> nn.Module:
    """The network of a checkpoint."""
    classes = len(content["classes"])
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced
        network = build_network(settings, classes, pretrained=False)
    wanted, found = (
        {name: (value.shape, value.dtype) for name, value in weights.items()}
        for weights in (network.state_dict(), content["network"])
    )
    if wanted != found:
        raise InputError(
            Problem("its weights are not of the network it describes", str(checkpoint))
        )
    network.load_state_dict(content["network"], assign=True)
    if any(values.is_meta for values in network.buffers()):  # such as are no weights
        with torch.random.fork_rng(devices=[]):
            network = build_network(settings, classes, pretrained=False)
        network.load_state_dict(content["network"])
    return network


def embed_checkpoint(
    checkpoint: Path,
    root: Path,
    dataset: str = "synthetic",
    *,
    tasks: Sequence[str] = (),
    prepared: Path | None = None,
    sem2vec: Path | None = None,
    device: str = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Task, dict[str, Vectors], dict[str, Any]]:
    """Embed the task that a checkpoint was trained on, from an EMOTIC copy.

    Args:
        checkpoint: From `train`.
        root: The copy or stand-in, with prepared pictures.
        dataset: As for `load_task`.
        tasks: Tasks that somebody asked for: that one or none.
        prepared: The prepared pictures, where they are elsewhere.
        sem2vec: The Sem2Vec table, likewise.
        device: `auto`, `cpu`, `cuda`.
        progress: Told the persons done and all of them.

    Returns:
        The task, sample_id -> vector, and the model card.

    Raises:
        InputError: As `embed_task` does, or another task was asked for.
    """
    content = load_checkpoint(checkpoint)
    settings = Settings.from_dict(content["settings"])
    if tasks and tuple(tasks) != (settings.task,):
        raise InputError(
            Problem(f"was trained on {settings.task}, not on {some(tasks)}", str(checkpoint))
        )
    task = load_task(settings.task, dataset)
    data = load_person_data(
        root,
        size=content["size"],
        prepared=prepared,
        sem2vec=sem2vec,
        semantic="semantic" in settings.effective_recipe.branches,
        proportions="scene" in settings.effective_recipe.branches,
    )
    vectors = embed_task(
        checkpoint, task, data, device=device, progress=lambda n: progress(n, len(task.novel))
    )
    return task, vectors, checkpoint_card(checkpoint)


def model_card(
    recipe: Recipe, settings: Settings, pretraining: Mapping[str, str], how: str
) -> dict[str, Any]:
    """The model card of a baseline's submission.

    Args:
        recipe: Which.
        settings: What it was trained with.
        pretraining: Branch -> where the first weights came from; empty for random weights.
        how: Settings and device, in a sentence.
    """
    metric = "triplet loss" if settings.metric_loss == TRIPLET else settings.metric_loss
    names = [metric if x.name == "metric" else x.name.replace("_", " ") for x in recipe.losses]
    losses = " and ".join(names) or "nothing is trained"
    losses += " alone" if len(names) == 1 else ""
    seen = [("image", "body") if x == "scene" else (x,) for x in recipe.branches]
    modalities = [name for names in seen for name in names]
    origin = "; ".join(f"{branch}: {name}" for branch, name in pretraining.items())
    # An own file for whole images is a detector of COCO, of which many of EMOTIC's images are.
    detector = pretraining.get("scene", "").startswith("own file ")
    return {
        "name": recipe.title,
        "description": f"Baseline {recipe.name} of this package: {losses}. {how}"[:500],
        "authors": ["The oneshot-emotic developers"],
        "paper": recipe.paper,
        "modalities": modalities,
        "backbone": recipe.backbone or (settings.backbone if recipe.pixel_branches else "MLP"),
        "pretraining": (origin or "none")[:200],
        "licence": "MIT",
        "seen_unseen_names": False,
        "base": settings.base if recipe.losses else "none",
        "seen_test_images": detector,
    }


def checkpoint_card(checkpoint: Path) -> dict[str, Any]:
    """The model card of a checkpoint's embeddings."""
    content = load_checkpoint(checkpoint)
    settings = Settings.from_dict(content["settings"])
    how = f"{settings.epochs} epochs, seed {settings.seed}." if settings.epochs else ""
    return model_card(recipe_named(settings.recipe), settings, content["pretraining"], how)


def trained_network(checkpoint: Path) -> tuple[nn.Module, Settings]:
    """The network of a checkpoint and what it was trained with.

    Raises:
        InputError: It is no checkpoint.
    """
    content = load_checkpoint(checkpoint)
    settings = Settings.from_dict(content["settings"])
    return _trained(checkpoint, content, settings).eval(), settings
