"""Weights come from torchvision, from a local file or from nowhere; nothing in a file is run."""

from __future__ import annotations

import urllib.error

import pytest

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")

from oneshot_emotic_baselines.recipes import RECIPES  # noqa: E402
from oneshot_emotic_baselines.weights import describe, read_weights, resnet  # noqa: E402

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


def test_a_file_of_torchvision(tmp_path, state):
    torch.save(state, tmp_path / "resnet18.pth")
    assert same(resnet("resnet18", "imagenet", {"imagenet": tmp_path / "resnet18.pth"}), state)


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


def test_a_file_of_safetensors(tmp_path, state):
    from safetensors.torch import save_file

    save_file(state, tmp_path / "a.safetensors")
    assert same(resnet("resnet18", "imagenet", {"imagenet": tmp_path / "a.safetensors"}), state)


def test_none_is_random():
    torch.manual_seed(1)
    one = resnet("resnet18", None, {}).state_dict()
    torch.manual_seed(2)
    two = resnet("resnet18", None, {}).state_dict()
    assert not torch.equal(one["conv1.weight"], two["conv1.weight"])


def test_another_network_is_refused(tmp_path, state):
    torch.save({k: v for k, v in state.items() if k != "conv1.weight"}, tmp_path / "a.pth")
    with pytest.raises(InputError, match=r"1 weights are missing, such as conv1\.weight"):
        resnet("resnet18", "imagenet", {"imagenet": tmp_path / "a.pth"})
    torch.save(state, tmp_path / "b.pth")
    with pytest.raises(InputError, match=r"have another shape.*Check --backbone"):
        resnet("resnet50", "imagenet", {"imagenet": tmp_path / "b.pth"})


def test_nothing_in_a_file_is_run(tmp_path, state):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    torch.save({"state_dict": state, "extra": Evil()}, tmp_path / "a.pth")
    with pytest.raises(InputError, match="not loaded for safety"):
        read_weights(tmp_path / "a.pth")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04 a broken archive"])
def test_damaged_files(tmp_path, content):
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.pth"):
        read_weights(tmp_path / "a.pth")
    torch.save([1, 2], tmp_path / "b.pth")
    with pytest.raises(InputError, match="no state_dict"):
        read_weights(tmp_path / "b.pth")


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
