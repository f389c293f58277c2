"""A head on frozen features: metric learning on the base persons of a task, in seconds on a CPU.

    head = fit_head(features, task)  # base persons alone
    evaluate(head.embed(features.of(task.novel.sample_ids)), task)

Losses, miner and batches are those of the trained baselines. How many epochs is decided on held-out
base classes: heads that have never seen them are fitted, and the epoch that is best for all of
these is where the head of all base persons stops.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from oneshot_emotic.encoders.features import DOCUMENT, Features, Vectors, read_features
from oneshot_emotic.errors import InputError, Problem, some
from oneshot_emotic.scoring.evaluate import evaluate
from oneshot_emotic.splits import BasePersons, Task
from oneshot_emotic_baselines.data import seed_of
from oneshot_emotic_baselines.losses import Targets
from oneshot_emotic_baselines.metric_learning import Losses, batch_order
from oneshot_emotic_baselines.model import Outputs
from oneshot_emotic_baselines.settings import HeadSettings, Settings

#: How often base classes are held out, and their share.
_FOLDS, _HELD_OUT = 3, 1 / 3
#: What a model card says with a head as it does without.
_INHERITED = (
    *("authors", "modalities", "backbone", "pretraining", "licence"),
    *("seen_unseen_names", "seen_test_images"),
)

#: sample_ids and a row each, as `evaluate` takes them.
Embeddings = tuple[Sequence[str], Vectors]


class _Network(nn.Module):
    """Features centred and scaled as the base persons' are, linear layers, and a classifier."""

    def __init__(self, vectors: Vectors, classes: int, settings: HeadSettings) -> None:
        super().__init__()
        mean, spread = (f(vectors, axis=0, dtype=np.float64) for f in (np.mean, np.std))
        scale = vectors.shape[1] ** -0.5 / np.where(spread > 0, spread, np.inf)
        self.register_buffer("mean", torch.from_numpy(mean))
        self.register_buffer("scale", torch.from_numpy(scale))
        embedding, hidden = settings.embedding, settings.hidden
        self.embedder: nn.Module = nn.Linear(hidden or vectors.shape[1], embedding)
        if hidden:
            first = nn.Linear(vectors.shape[1], hidden)
            self.embedder = nn.Sequential(first, nn.ReLU(), self.embedder)
        self.classifier = nn.Linear(embedding, classes)

    def scaled(self, vectors: Vectors) -> torch.Tensor:
        """What `embedder` takes."""
        return ((torch.from_numpy(vectors) - self.mean) * self.scale).float()


@dataclass(frozen=True)
class Head:
    """A fitted head.

    Attributes:
        network: The network.
        epochs: Passes over the base persons that it was fitted for.
        validation: 1-shot balanced accuracy on held-out base classes after each epoch, the mean
            over several choices of them.
        raw: The same of the features as they are.
    """

    network: _Network
    epochs: int
    validation: tuple[float, ...]
    raw: float

    def embed(self, features: Embeddings) -> Embeddings:
        """Embeddings of unit length.

        Args:
            features: From `Features.of`.
        """
        sample_ids, vectors = features
        with torch.inference_mode():
            found = self.network.embedder(self.network.scaled(vectors))
            # The losses compare cosines: at unit length, Euclidean neighbours are the same.
            return sample_ids, nn.functional.normalize(found, dim=1).numpy()

    @property
    def parameters(self) -> int:
        """Weights that an embedding depends on."""
        return sum(weight.numel() for weight in self.network.embedder.parameters())


def fit_head(features: Features, task: Task, settings: HeadSettings | None = None) -> Head:
    """Fit a head on the features of a task's base persons; its novel persons are not looked at.

    Args:
        features: Of the base persons at least; from `read_features` or `features_of`.
        task: The task.
        settings: Default: `HeadSettings()`.

    Raises:
        InputError: Base persons are not among the features, theirs are no numbers, or there are
            too few of them.
    """
    settings = settings or HeadSettings()
    persons = task.base.clean if settings.base == "clean" else task.base
    if bad := int((~np.isfinite(features.of(persons.sample_ids)[1])).any(axis=1).sum()):
        raise InputError(Problem(f"features of {bad:,} base persons are NaN or infinite"))
    curves, raw = [], []
    with _one_thread():
        for kept, held in _folds(persons, settings):
            given, curve = features.of(held.novel.sample_ids), []
            for network in _fitted(features, kept, settings, settings.epochs):
                head = Head(network, 0, (), 0.0)
                curve.append(_balanced_accuracy(head.embed(given), held))
            curves.append(curve)
            raw.append(_balanced_accuracy(given, held))
        if not curves:
            what = f"the {len(persons):,} base persons of {task.name} are too few: a head needs"
            raise InputError(Problem(f"{what} two classes to learn and two to hold out"))
        validation = np.mean(curves, axis=0)
        epochs = 1 + int(validation.argmax())
        *_, network = _fitted(features, persons, settings, epochs)
    return Head(network, epochs, tuple(validation.tolist()), float(np.mean(raw)))


def _folds(persons: BasePersons, settings: HeadSettings) -> Iterator[tuple[BasePersons, Task]]:
    """Persons to fit on, and held-out classes that stand to them as the novel ones do to all."""
    for number in range(_FOLDS):
        draws = Settings.validation_draws
        kept, held = persons.split(_HELD_OUT, number, by="class", draws=draws)
        kept = kept.clean if settings.base == "clean" else kept
        if len(kept.classes) > 1 and not held.unscorable:
            yield kept, held


def _balanced_accuracy(embeddings: Embeddings, task: Task) -> float:
    return evaluate(embeddings, task, intervals=False)[1].balanced_accuracy.mean or 0.0


def _fitted(
    features: Features, persons: BasePersons, settings: HeadSettings, epochs: int
) -> Iterator[_Network]:
    """The network after each epoch, always the same object."""
    vectors, classes = features.of(persons.sample_ids)[1], persons.classes
    targets = np.array([classes.index(label) for label in persons.labels], dtype=np.int64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("head", settings.seed))
        network = _Network(vectors, len(classes), settings)
    inputs, wanted = network.scaled(vectors), torch.from_numpy(targets)
    losses = Losses(settings)
    optimiser = torch.optim.Adam(network.parameters(), settings.learning_rate)
    steps = max(1, len(targets) // settings.batch_size)
    for epoch in range(epochs):
        for places in batch_order(targets, settings, epoch, steps):
            embeddings = network.embedder(inputs[places])
            outputs = Outputs(embeddings, network.classifier(embeddings))
            loss, _ = losses(outputs, Targets(wanted[places]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        yield network


@contextmanager
def _one_thread() -> Iterator[None]:
    """The same sums however many processors there are; so small a network is no slower by it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def open_features(folder: Path) -> Features:
    """The features of a folder, or of the only folder of features in it.

    Raises:
        InputError: It holds none, several, or damaged ones.
    """
    documents = (folder / DOCUMENT, *sorted(folder.glob(f"*/{DOCUMENT}")))
    found = [path.parent for path in documents if path.is_file()]
    if len(found) == 1:
        return read_features(found[0])
    if not found:
        remedy = "`oneshot-emotic run ENCODER --data ROOT` makes them in ROOT/features"
        raise InputError(Problem("holds no features", str(folder), remedy))
    names = [f"{x} ({read_features(x).card.get('name', 'no name')})" for x in found]
    what = f"holds features of {len(found)} encoders"
    raise InputError(Problem(what, str(folder), f"Give one of {some(names)}"))


def head_card(
    encoder: Mapping[str, Any], settings: HeadSettings, head: Head, seeds: Sequence[int]
) -> dict[str, Any]:
    """The model card of a frozen encoder with a head.

    Args:
        encoder: Its own card.
        settings: Of the head.
        head: One of them; all are equally large.
        seeds: Of its training runs.
    """
    kind = "MLP" if settings.hidden else "linear"
    card = {name: encoder[name] for name in _INHERITED if name in encoder}
    if "parameters" in encoder:
        card["parameters"] = encoder["parameters"] + head.parameters
    how = (
        f"A {kind} head of {settings.embedding} dimensions on frozen features, fitted to base "
        "persons by triplet loss and cross entropy, its epochs chosen on held-out base classes."
    )
    return {
        **card,
        "name": f"{str(encoder.get('name', 'Features'))[:65]} + {kind} head",
        "description": f"{how} {encoder.get('description', '')}".strip()[:500],
        "training_seeds": list(seeds),
        "base": "full" if "full" in (settings.base, encoder.get("base")) else "clean",
    }
