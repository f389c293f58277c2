"""What a GPU would wait for, counted on tensors without values: there is no GPU here."""

from __future__ import annotations

import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines import data as data_module  # noqa: E402
from oneshot_emotic_baselines import train as module  # noqa: E402
from oneshot_emotic_baselines.data import HeldInputs, PersonBatches, uploaded  # noqa: E402
from oneshot_emotic_baselines.distributed import Processes  # noqa: E402
from oneshot_emotic_baselines.losses import Targets  # noqa: E402
from oneshot_emotic_baselines.metric_learning import Losses, batch_order  # noqa: E402
from oneshot_emotic_baselines.model import AffectNet, Outputs  # noqa: E402
from oneshot_emotic_baselines.systems import cage  # noqa: E402
from torch._subclasses.fake_tensor import (  # noqa: E402
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from waits import HostWaits  # noqa: E402

GPU = torch.device("cuda", 0)


@pytest.fixture
def fake():
    """Tensors without values on a GPU that is not there."""
    data_module._scale.cache_clear()
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield
    data_module._scale.cache_clear()


def numbers(count=4):
    return torch.zeros(count, device=GPU)


@pytest.mark.parametrize(
    ("work", "waits"),
    [
        (lambda: torch.tensor((1.0, 2.0), device=GPU), 1),
        (lambda: torch.from_numpy(np.zeros(3)).to(GPU), 1),
        (lambda: torch.zeros(3).to(GPU, non_blocking=True), 0),
        (lambda: numbers().cpu(), 1),
        (lambda: numbers().copy_(torch.zeros(4)), 1),
        (lambda: numbers(1).item(), 1),
        (lambda: bool(numbers().any()), 1),
        (lambda: torch.zeros(1).item(), 0),
        (lambda: torch.where(numbers() > 0), 1),
        (lambda: numbers()[numbers() > 0], 1),
        (lambda: numbers()[torch.zeros(4, dtype=torch.long)], 1),
        (lambda: numbers()[torch.zeros(4, dtype=torch.long, device=GPU)], 0),
        (lambda: torch.arange(4, device=GPU).clamp_(0, 2) * torch.tensor(3.0), 0),
    ],
)
def test_what_counts_as_a_wait(fake, work, waits):
    refused = suppress(DataDependentOutputException, DynamicOutputShapeException)
    with HostWaits() as found, refused:  # a fake tensor cannot be looked at
        work()
    assert found.counts.total() == waits


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("kind", ["cuda", "meta"])
def test_no_step_waits_for_the_device(fake, monkeypatch, kind, frozen):
    """With the inputs of all persons on it; an epoch begins with four uploads."""
    monkeypatch.setattr("oneshot_emotic_baselines.model.resnet", tiny.small_resnet)
    settings = tiny.settings(batch_size=32, warmup=0.5, masked="auto" if kind == "cuda" else "on")
    device = torch.device(kind, 0) if kind == "cuda" else torch.device(kind)
    names, branches = tiny.task().base.sample_ids[:90], ("image", "body", "semantic")
    persons = PersonBatches(tiny.data(), names, branches, device, resident=True)
    if frozen:  # what a trunk makes of pictures
        rows = torch.arange(90, device=device)
        held = {name: (torch.zeros(90, 16, device=device), rows) for name in branches[:2]}
        persons = HeldInputs(device, {**held, "semantic": persons._held.inputs["semantic"]})
    with device:
        network = AffectNet(settings.effective_recipe, settings.backbone, 6, 16)
    weights = list(network.parameters())
    if kind == "cuda":  # half precision as on a GPU; the way back asks for a real one's streams
        monkeypatch.setattr("torch.cuda.amp.common.amp_definitely_not_available", lambda: False)
        monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: True)

        def backward(loss):
            for values in weights:
                values.grad = torch.zeros_like(values)

        monkeypatch.setattr(torch.Tensor, "backward", backward)
    else:
        monkeypatch.setattr(module, "autocast", lambda *_: nullcontext())
    optimiser, losses = module._optimiser(settings, network), Losses(settings)
    targets = np.arange(90) % 6
    order, ours = batch_order(targets, settings, 0, 5), Processes(0, 1, device)
    with HostWaits(kind) as epoch:
        batches = module.epoch_batches(persons, targets, order, tiny.SIZE, settings, 0, ours)
        first = next(batches)
    constants = 2 if kind == "cuda" and not frozen else 0  # the first epoch's alone
    assert dict(epoch.counts) == {"_to_copy": 4 + constants}
    with HostWaits(kind) as steps:
        records = [
            module.training_step(network, losses, optimiser, *batch, 0.2, settings)
            for batch in (first, *batches)
        ]
    assert len(records) == 5 and not steps.counts
    assert all(x.device == device and x.shape == (4,) for x in records)
    assert all(x.grad is not None for x in network.embedder.parameters())
    with HostWaits(kind) as look, pytest.raises(DynamicOutputShapeException):
        module._stop_unless_finite(records, 0, 4, settings)
    assert look.counts == {"nonzero": 1}


def test_the_librarys_miner_waits():
    """On a CPU, where looks cost nothing, they can be counted; there it is the library's."""
    random = torch.Generator().manual_seed(0)
    embeddings, wanted = torch.randn(32, 16, generator=random), torch.arange(32) % 6
    found = {}
    for masked in ("auto", "off", "on"):
        losses = Losses(tiny.settings(masked=masked))
        with HostWaits("cpu") as waits:
            _, parts = losses(Outputs(embeddings, torch.zeros(32, 6)), Targets(wanted))
        found[masked] = waits.counts.total(), float(parts[1])
    assert found["auto"] == found["off"]  # the same bits as ever
    assert found["off"][0] >= 4 and found["on"][0] == 0
    assert found["on"][1] == pytest.approx(found["off"][1], abs=1e-6)


def test_the_next_batch_is_on_its_way_while_one_is_used(monkeypatch):
    """On a stream of its own, which the user's stream waits for."""
    seen = []

    class Stream:
        def __init__(self, name):
            self.name = name

        def record_event(self):
            seen.append("event")
            return f"event {seen.count('event')}"

        def wait_event(self, event):
            seen.append(f"{self.name} waits for {event}")

        def __enter__(self):
            seen.append("on the copying stream")

        def __exit__(self, *_):
            seen.append("back")

    class Pinned:
        def to(self, device, non_blocking):
            assert device == GPU and non_blocking
            seen.append("copy")
            return self

        def record_stream(self, stream):
            seen.append(f"kept for {stream.name}")

    cuda = SimpleNamespace(
        Stream=lambda device: Stream("copying"),
        Event=object,
        stream=lambda stream: stream,
        current_stream=lambda device: Stream("computing"),
    )
    monkeypatch.setattr(torch, "cuda", cuda)
    batches = [{"body": Pinned()} for _ in range(3)]
    for number, batch in enumerate(uploaded(iter(batches), GPU)):
        assert batch == batches[number]
        seen.append(f"use {number}")
    copy = ["on the copying stream", "copy", "back", "event"]
    here = [[f"computing waits for event {n}", "kept for computing"] for n in (1, 2, 3)]
    expected = [*copy, *copy, *here[0], "use 0", *copy, *here[1], "use 1", *here[2], "use 2"]
    assert seen == expected


@pytest.mark.parametrize("wanted", [True, False])
def test_the_same_sums_every_time_unless_not_wanted(wanted):
    backend = torch.backends.cudnn
    before = torch.are_deterministic_algorithms_enabled(), backend.benchmark
    with module._same_every_time(GPU, wanted):
        now = torch.are_deterministic_algorithms_enabled(), backend.benchmark
        assert now == (wanted, not wanted)
    assert (torch.are_deterministic_algorithms_enabled(), backend.benchmark) == before


def test_cage_waits_for_nothing_either(fake):
    """Its augmentation, drawn on the CPU, and its loss of valence, arousal and dominance."""
    targets = Targets(torch.zeros(4, dtype=torch.long, device=GPU), numbers(12).view(4, 3))
    with HostWaits() as found:
        changed = cage.augment({"body": torch.zeros(4, 3, 32, 32, device=GPU)}, torch.Generator())
        outputs = cage.Outputs(numbers(), numbers(), changed["body"][:, :, 0, 0])
        assert cage.affect(outputs, targets, None).device == GPU
    assert not found.counts
