"""Weights come from torchvision, from a local file or from nowhere; nothing in a file is run."""

from __future__ import annotations

import io
import os
import random
import urllib.error
import zipfile

import pytest
import tiny

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")

from oneshot_emotic_baselines.data import base_split  # noqa: E402
from oneshot_emotic_baselines.model import AffectNet  # noqa: E402
from oneshot_emotic_baselines.recipes import RECIPES  # noqa: E402
from oneshot_emotic_baselines.train import train  # noqa: E402
from oneshot_emotic_baselines.weights import describe, read_weights, resnet  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from oneshot_emotic.cli.training_options import weight_files  # noqa: E402
from oneshot_emotic.errors import InputError  # noqa: E402


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(1)
    return torchvision.models.resnet18().state_dict()


def same(network, state):
    return all(
        torch.equal(value, state[key])
        for key, value in network.state_dict().items()
        if not key.startswith("fc.")
    )


@pytest.mark.parametrize("save", [torch.save, save_file])
def test_a_file_of_torchvision(tmp_path, state, save):
    path = tmp_path / f"resnet18.{'pth' if save is torch.save else 'safetensors'}"
    save(state, path)
    assert same(resnet("resnet18", "imagenet", {"imagenet": path}), state)


def test_a_file_for_each_branch(tmp_path, state):
    """Before that of its pretraining; what it was trained on nobody has said."""
    paths = {}
    for number, name in enumerate(("image", "body", "imagenet")):
        paths[name] = tmp_path / f"{name}.pth"
        torch.save(
            {k: x + number if x.is_floating_point() else x for k, x in state.items()}, paths[name]
        )
    network = AffectNet(RECIPES["ib-dml"], "resnet18", 6, weight_files=paths)
    assert same(network.branches["image"], state)
    found = network.branches["body"].conv1.weight
    assert torch.equal(found, state["conv1.weight"] + 1)
    del paths["image"]
    network = AffectNet(RECIPES["ib-dml"], "resnet18", 6, weight_files=paths)
    assert torch.equal(network.branches["image"].conv1.weight, state["conv1.weight"] + 2)
    origin = describe(RECIPES["ib-dml"].pretraining, paths)
    assert origin["body"].startswith("own file body.pth, sha256 ")
    assert origin["image"].startswith("imagenet (imagenet.pth, sha256 ")
    given = tuple(f"{name}={path}" for name, path in paths.items())
    assert weight_files(given) == (paths, "default")
    with pytest.raises(InputError, match="body=FILE, scene=FILE, not 'semantic=x'"):
        weight_files(("semantic=x",))
    with pytest.raises(InputError, match="does not go with other weights"):
        weight_files(("none", *given))


def test_weights_of_a_branch_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="body: i-dml has no branch for these weights"):
        train(
            tiny.settings("i-dml", weights="default"),
            base_split(tiny.task()),
            tiny.data(),
            tmp_path,
            weight_files={"body": tmp_path / "x.pth"},
        )


def test_a_file_of_places365(tmp_path, state):
    """Data-parallel names, 365 classes, no counters of batch normalisation."""
    content = {f"module.{k}": v for k, v in state.items() if "num_batches" not in k}
    content["module.fc.weight"], content["module.fc.bias"] = torch.ones(365, 512), torch.ones(365)
    path = tmp_path / "resnet18_places365.pth.tar"
    torch.save({"epoch": 90, "arch": "resnet18", "state_dict": content, "best_prec1": 55.0}, path)
    assert same(resnet("resnet18", "places365", {"places365": path}), state)
    source = describe(RECIPES["kosti"].pretraining, {"places365": path})
    assert source["image"].startswith("places365 (resnet18_places365.pth.tar, sha256 ")
    assert source["body"] == "imagenet (torchvision IMAGENET1K_V1)"


def test_another_network_is_refused(tmp_path, state):
    torch.save({k: v for k, v in state.items() if k != "conv1.weight"}, tmp_path / "a.pth")
    with pytest.raises(InputError, match=r"1 weights are missing, such as conv1\.weight"):
        resnet("resnet18", "imagenet", {"imagenet": tmp_path / "a.pth"})
    torch.save(state, tmp_path / "b.pth")
    with pytest.raises(InputError, match=r"have another shape.*Check --backbone"):
        resnet("resnet50", "imagenet", {"imagenet": tmp_path / "b.pth"})


class Calls:
    """An object that calls something when it is loaded."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        # Named, and told what the way round it does.
        (
            Calls(open, "owned", "w"),
            r"io\.open besides weights, .*not loaded for safety.*can run any program as you. "
            r"Only if you trust whoever made it.*weights_only=False",
        ),
        (Calls(os.system, "touch owned"), r"posix\.system, with which a file can do anything$"),
    ],
)
def test_nothing_in_a_file_is_run(tmp_path, state, extra, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": state, "extra": extra}, tmp_path / "a.pth")
    with pytest.raises(InputError, match=message):
        read_weights(tmp_path / "a.pth")
    assert not (tmp_path / "owned").exists()


def test_damage_is_no_reason_to_trust_a_file(tmp_path):
    """A damaged file names no object, so that nobody is told to load it with its code."""
    stream = io.BytesIO()
    torch.save({"state_dict": {"conv1.weight": torch.ones(4, 4)}}, stream)
    whole, rng = stream.getvalue(), random.Random(0)
    pickled = whole.index(b"state_dict") - 40
    seen = 0
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[rng.randrange(pickled, pickled + 200)] = rng.randrange(256)
        (tmp_path / "a.pth").write_bytes(damaged)
        try:
            read_weights(tmp_path / "a.pth")
        except InputError as error:
            named = "besides weights" in str(error)
            assert named == ("weights_only" in str(error)), error
            assert named or "is not a weights file" in str(error) or "no state_dict" in str(error)
            assert str(error).isprintable()
            seen += not named
    assert seen > 50


def test_what_unpacks_to_more_is_refused(tmp_path, state):
    torch.save(state, tmp_path / "a.pth")
    with (
        zipfile.ZipFile(tmp_path / "a.pth") as archive,
        zipfile.ZipFile(tmp_path / "b.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for member in archive.infolist():
            packed.writestr(member.filename, archive.read(member))
    with pytest.raises(InputError, match="packed members"):
        read_weights(tmp_path / "b.pth")


@pytest.mark.filterwarnings("ignore:Validating sparse tensor")
@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"not weights", b"PK\x03\x04 a broken archive"),
        *([1, 2], {"conv1.weight": torch.ones(64, 3, 7, 7).to_sparse()}),
        {"conv1.weight": torch.ones(64, 3, 7, 7, device="meta")},
    ],
)
def test_what_is_no_weights(tmp_path, state, content):
    path = tmp_path / "a.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save({**state, **content} if isinstance(content, dict) else content, path)
    words = "no state_dict" if isinstance(content, list) else r"a\.pth"
    with pytest.raises(InputError, match=words):
        resnet("resnet18", "imagenet", {"imagenet": path})


def test_without_network_the_message_says_how_to_supply_the_file(monkeypatch):
    def offline(*args, **kwargs):
        raise urllib.error.URLError("Temporary failure in name resolution")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(InputError) as caught:
        resnet("resnet18", "imagenet", {})
    message = str(caught.value)
    assert "could not be downloaded: Temporary failure in name resolution" in message
    assert "resnet18-" in message and "--weights imagenet=FILE" in message
    with pytest.raises(InputError, match="--weights places365=FILE"):
        resnet("resnet18", "places365", {})
