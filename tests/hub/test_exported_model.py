"""A checkpoint in a model repository on the Hub: put there, fetched, checked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hub.loopback import Blob, Repo

sys.path.insert(0, str(Path(__file__).parents[1] / "baselines"))
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines.data import base_split  # noqa: E402
from oneshot_emotic_baselines.train import train  # noqa: E402

REPO = "lab/b-dml"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Of a network without pictures: the client knows no small one."""
    folder = tmp_path_factory.mktemp("run")
    settings = tiny.settings("sem-dml", epochs=1)
    return train(settings, base_split(tiny.task()), tiny.data(), folder).checkpoint


@pytest.fixture
def embed(client, tmp_path):
    def call(place, status=0):
        data = ("--data", tiny.stand_in(), "--dataset", tiny.dataset())
        out = client.cli("embed", place, *data, "-o", tmp_path / "out", status=status)
        return out.stderr if status else (tmp_path / "out/cat-6-6.safetensors").read_bytes()

    return call


def test_it_goes_up_and_comes_back(client, hub, embed, checkpoint, tmp_path):
    """Private at first; by its newest commit and by one that is named; offline, too."""
    out = client.cli("export", checkpoint, "--upload", REPO).stdout
    state = hub.state()[REPO]
    commit = state["history"][-1]
    assert out == f"hf:{REPO}@{commit}\n" and state["private"]
    files = {".gitattributes", "README.md", "checkpoint.safetensors", "config.json"}
    assert set(state["files"][commit]) == files
    expected = embed(checkpoint)
    assert embed(f"hf:{REPO}") == expected
    assert embed(f"hf:{REPO}@{commit}") == expected
    # The same again makes no commit; another name none at all.
    client.cli("export", checkpoint, "--upload", REPO)
    assert hub.state()[REPO]["history"][-1] == commit
    hub.fault("GET /", "503")
    assert embed(f"hf:{REPO}@{commit}") == expected


def test_what_is_refused(client, hub, embed, checkpoint):
    assert "there is no such model repository on the Hub" in embed("hf:lab/nothing", status=2)
    client.cli("export", checkpoint, "--upload", REPO)
    assert "has no such revision" in embed(f"hf:{REPO}@v9", status=2)
    repo = hub.repos[REPO]
    whole = repo.commits[repo.head]
    # Somebody else's tensors under the old digest; nothing but our two files is fetched.
    other = bytearray(whole["checkpoint.safetensors"].content)
    other[-1] ^= 1
    repo.add({**whole, "checkpoint.safetensors": Blob(bytes(other), True)})
    assert "is not the file that config.json names" in embed(f"hf:{REPO}", status=2)
    repo.add({**whole, "pytorch_model.bin": Blob(b"pickle", True)})
    embed(f"hf:{REPO}")
    assert not any("pytorch_model.bin" in request for request in hub.requests if "GET" in request)
    repo.add({**whole, "config.json": Blob(b" " * (2 << 20), False)})
    assert "more than the 1,048,576" in embed(f"hf:{REPO}", status=2)
    hub.repos["lab/other"] = Repo(False)
    hub.repos["lab/other"].add({"README.md": Blob(b"", False)})
    assert "holds no config.json" in embed("hf:lab/other", status=2)
