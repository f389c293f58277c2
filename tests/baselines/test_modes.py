"""Ways to run the same step: half precision and compiled; on a CPU, where both exist too."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines.checkpoint import load_checkpoint  # noqa: E402
from oneshot_emotic_baselines.data import base_split  # noqa: E402
from oneshot_emotic_baselines.embed import embed_task  # noqa: E402
from oneshot_emotic_baselines.train import train  # noqa: E402

small = pytest.fixture(scope="module")(tiny.small)
pytestmark = pytest.mark.usefixtures("small")


def run(folder, **changes):
    settings = tiny.settings(recipe="sem-ib-dml", epochs=2, **changes)
    return train(settings, base_split(tiny.task()), tiny.data(), folder, device="cpu")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return run(tmp_path_factory.mktemp("plain"), precision="float32")


def test_half_precision_is_near_and_keeps_whole_weights(plain, tmp_path):
    half = run(tmp_path, precision="bf16")
    for ours, theirs in zip(half.history, plain.history, strict=True):
        assert ours["loss"] != theirs["loss"]
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=0.03)
    weights = load_checkpoint(half.checkpoint)["network"]
    assert {x.dtype for x in weights.values()} <= {torch.float32, torch.int64}
    embeddings = embed_task(half.checkpoint, tiny.task(), tiny.data())
    assert len(embeddings) == len(tiny.task().novel)
    assert np.isfinite(list(embeddings.values())).all()


@pytest.mark.skipif(not shutil.which("g++"), reason="compiling for a CPU needs g++")
def test_compiled_is_the_same_network(plain, tmp_path):
    compiled = run(tmp_path, precision="float32", compile=True)
    for ours, theirs in zip(compiled.history, plain.history, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-3)
    names = [list(load_checkpoint(x.checkpoint)["network"]) for x in (compiled, plain)]
    assert names[0] == names[1]
