"""A checkpoint is read as it was written, or not at all."""

from __future__ import annotations

import io
import random
import re
import struct

import pytest
import tiny

torch = pytest.importorskip("torch")

import safetensors  # noqa: E402
from oneshot_emotic_baselines.checkpoint import load_checkpoint, write_checkpoint  # noqa: E402
from oneshot_emotic_baselines.data import base_split  # noqa: E402
from oneshot_emotic_baselines.embed import embed_task  # noqa: E402
from oneshot_emotic_baselines.model import AffectNet  # noqa: E402

from oneshot_emotic.errors import InputError  # noqa: E402

small = pytest.fixture(scope="module")(tiny.small)


@pytest.fixture(scope="module")
def content(small):
    """What a run of a small network would keep."""
    settings, split = tiny.settings(), base_split(tiny.task())
    torch.manual_seed(0)
    network = AffectNet(settings.effective_recipe, "resnet18", len(split.classes), 16)
    return {
        "settings": settings.to_dict(),
        "classes": list(split.classes),
        "dataset": split.dataset.to_dict(),
        "pretraining": {"image": "none"},
        "size": tiny.SIZE,
        "network": dict(network.to(memory_format=torch.channels_last).state_dict()),
        "epoch": 2,
        "best_epoch": 1,
        "best": 1 / 3,
        "history": [{"epoch": 1, "loss": 0.1}],
    }


@pytest.fixture(scope="module")
def written(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "a.safetensors"
    write_checkpoint(path, content)
    return path.read_bytes()


def same(one, two):
    """Equal values of equal types, tensors to the last bit."""
    if isinstance(one, torch.Tensor):
        return one.dtype == two.dtype and one.shape == two.shape and bool((one == two).all())
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


def test_what_was_written_is_read(content, written, tmp_path):
    """By any reader of safetensors, too."""
    (tmp_path / "a").write_bytes(written)
    read = load_checkpoint(tmp_path / "a")
    assert set(read) == set(content) and set(read["network"]) == set(content["network"])
    assert all(same(read[key], content[key]) for key in content if key != "network")
    assert all(same(read["network"][key], value) for key, value in content["network"].items())
    write_checkpoint(tmp_path / "b", read)
    assert (tmp_path / "b").read_bytes() == written
    with safetensors.safe_open(tmp_path / "a", framework="np") as file:
        assert set(file.keys()) == {f"network.{name}" for name in content["network"]}
        for name, value in content["network"].items():
            assert (file.get_tensor(f"network.{name}") == value.numpy()).all()


@pytest.mark.parametrize("name", ["RMSprop", "SGD", "AdamW"])
def test_an_optimiser_goes_on_as_if_nothing_had_happened(content, tmp_path, name):
    options = {"lr": 1e-3, **({"momentum": 0.9} if name == "SGD" else {})}

    def step(weights, optimiser):
        weights.grad = torch.sin(weights.detach() * 9)
        optimiser.step()

    weights = [torch.nn.Parameter(torch.ones(3, 2)) for _ in range(2)]
    optimisers = [getattr(torch.optim, name)([x], **options) for x in weights]
    for _ in range(3):
        step(weights[0], optimisers[0])
    state = {"optimiser": optimisers[0].state_dict(), "scheduler": {"last_epoch": 3}}
    write_checkpoint(tmp_path / "a", {**content, **state})
    read = load_checkpoint(tmp_path / "a")
    weights[1].data.copy_(weights[0].data)
    optimisers[1].load_state_dict(read["optimiser"])
    for place in (0, 1):
        step(weights[place], optimisers[place])
    assert torch.equal(*weights) and read["scheduler"] == {"last_epoch": 3}


def test_damage_and_other_files_are_found(written, tmp_path):
    rng = random.Random(0)
    header = struct.unpack("<Q", written[:8])[0] + 8
    places = [*range(64), *(rng.randrange(header) for _ in range(100))]
    places += [rng.randrange(header, len(written)) for _ in range(100)]
    cases = []
    for place in places:
        damaged = bytearray(written)
        damaged[place] ^= 1 << rng.randrange(8)
        cases.append(bytes(damaged))
    cases += [written[:size] for size in (0, 4, 8, 100, len(written) // 2, len(written) - 1)]
    stream = io.BytesIO()
    torch.save({"network": {"a": torch.ones(2)}}, stream)
    cases += [written + b"\0", stream.getvalue(), b"\x02" + b"\0" * 7 + b"{}"]
    cases.append(written.replace(b"oneshot-emotic", b"oneshot_emotic"))  # without words
    cases.append(re.sub(rb"checkpoint/3", b"checkpoint/9", written))
    for case in cases:
        (tmp_path / "a").write_bytes(case)
        with pytest.raises(InputError, match="is not a checkpoint of this version, or is damaged"):
            load_checkpoint(tmp_path / "a")
    with pytest.raises(InputError, match="there is no such checkpoint"):
        load_checkpoint(tmp_path / "none")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": "32"}, "is not a checkpoint"),
        ({"classes": None}, "is not a checkpoint"),
        ({"history": {}}, "is not a checkpoint"),
        ({"settings": {}}, "made by another version"),
        ({"settings": {"epochs": "two"}}, "settings are wrong"),
        ({"settings": {"epochs": 0}}, "must be at least 1"),
        ({"settings": {"recipe": "../x"}}, "no recipe"),
        ({"settings": {"embedding": 10**12}}, "embedding: must be from 1 to 65536"),
        ({"settings": {"embedding": 65_536}}, "weights are not of the network"),
        ({"settings": {"backbone": "resnet50", "embedding": 17}}, "weights are not of the network"),
        ({"classes": ["a"]}, "length >= 2"),
        ({"classes": ["a", "b"]}, "weights are not of the network"),
        ({"classes": ["a" * 1001, "b"]}, "length <= 1000"),
        ({"size": 0}, "is not a checkpoint"),
        ({"best": float("nan")}, "holds NaN"),
        ({"dataset": {"name": ["x"]}}, "is not a checkpoint"),
        ({"network": {}}, "weights are not of the network"),
        ("embedder.bias", "weights are not of the network"),
    ],
)
def test_a_digest_makes_nothing_true(content, tmp_path, changes, message):
    """Somebody else's checkpoint, whose digest is right; a name is of weights of another type."""
    if isinstance(changes, str):
        changes = {"network": {**content["network"], changes: content["network"][changes].double()}}
    elif changes.get("settings"):
        changes = {"settings": {**content["settings"], **changes["settings"]}}
    write_checkpoint(tmp_path / "a", {**content, **changes})
    with pytest.raises(InputError, match=message) as caught:
        embed_task(tmp_path / "a", tiny.task(), tiny.data())
    assert "\n" not in str(caught.value)
