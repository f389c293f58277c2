"""A network's cost is counted: by hand here, layer by layer."""

from __future__ import annotations

import pytest
import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from oneshot_emotic_baselines.cost import cost_of  # noqa: E402
from oneshot_emotic_baselines.data import base_split  # noqa: E402
from oneshot_emotic_baselines.train import train  # noqa: E402

small = pytest.fixture(scope="module", autouse=True)(tiny.small)


def cost(tmp_path, recipe):
    task, data = tiny.task(), tiny.data()
    run = train(tiny.settings(recipe, epochs=1), base_split(task), data, tmp_path)
    return cost_of(run.checkpoint, data, task.novel.sample_ids[0]), len(base_split(task).classes)


def test_sem2vec_alone(tmp_path):
    found, classes = cost(tmp_path, "sem-dml")
    layers = [(150, 256), (256, 512), (512, 16), (16, classes)]
    products = sum(a * b for a, b in layers)
    assert found.gflop == pytest.approx(2 * products / 1e9, rel=1e-12)
    biases = sum(b for _, b in layers)
    assert found.parameters == products + biases + 2 * 256  # the last of batch normalisation


def test_pictures(tmp_path):
    """Two convolutions of stride 2, from 32 to 15 to 7 pixels a side, and the layers after them."""
    found, classes = cost(tmp_path, "b-dml")
    products = 15 * 15 * 8 * (3 * 9) + 7 * 7 * 16 * (8 * 9) + 16 * 512 + 512 * 16 + 16 * classes
    assert found.gflop == pytest.approx(2 * products / 1e9, rel=1e-12)
