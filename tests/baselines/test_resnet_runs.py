"""Two tests with a whole ResNet18: it learns what it is shown, and a kill changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines import train as train_module  # noqa: E402
from oneshot_emotic_baselines.data import PersonBatches, base_split, network_inputs  # noqa: E402
from oneshot_emotic_baselines.distributed import Processes  # noqa: E402
from oneshot_emotic_baselines.embed import embed_places  # noqa: E402
from oneshot_emotic_baselines.losses import Targets  # noqa: E402
from oneshot_emotic_baselines.metric_learning import Losses  # noqa: E402


def test_kill_9_and_again(tmp_path):
    arguments = ["train", "b-dml", "--task", "cat-6-6", "--data", tiny.stand_in()]
    arguments += ["--dataset", tiny.dataset(), "--size", tiny.SIZE, "--weights", "none"]
    arguments += ["--persons-per-epoch", 8, "--batch-size", 8, "--device", "cpu"]
    tiny.data()
    tiny.cli(*arguments, "--epochs", 3, "-o", tmp_path / "whole")
    folder = tmp_path / "killed/b-dml/cat-6-6/seed-0"
    command = ("-m", "oneshot_emotic", *arguments, "--epochs", 3, "-o", tmp_path / "killed")
    tiny.kill_when(folder / "resume.safetensors", *command)
    tiny.cli(*arguments, "--epochs", 3, "-o", tmp_path / "killed")
    left = {k: v for k, v in tiny.files_of(folder).items() if not k.endswith(".partial")}
    whole = tiny.files_of(tmp_path / "whole/b-dml/cat-6-6/seed-0")
    assert left == whole


def test_32_persons_are_learnt():
    """sem-ib-dml recognises everybody of a small set that it was trained on."""
    split = base_split(tiny.task()).subset(range(32))
    settings = tiny.settings(batch_size=32, per_class=4, embedding=128)
    cpu = torch.device("cpu")
    persons = PersonBatches(tiny.data(), split.sample_ids, settings.effective_recipe.branches, cpu)
    targets = split.targets()
    wanted = torch.from_numpy(targets)
    ours = Processes(0, 1, cpu)
    network = train_module._network(settings, len(split.classes), {}, ours)
    optimiser = train_module._optimiser(settings, network)
    losses = Losses(settings)
    (batch,) = persons.batches([np.arange(32)])
    for _ in range(80):
        network.train()
        loss, _ = losses(network(network_inputs(batch)), Targets(wanted))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    # Statistics of batch normalisation follow slowly; a few looks let them catch up.
    with torch.no_grad():
        for _ in range(20):
            network(network_inputs(batch))
    network.eval()
    with torch.inference_mode():
        _, logits = network(network_inputs(batch))
    assert (logits.argmax(dim=1) == wanted).all()
    vectors = embed_places(network, persons, 32, settings)
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    shared = np.isin(targets, np.flatnonzero(np.bincount(targets) > 1))
    assert (targets[distances.argmin(axis=1)] == targets)[shared].all()
