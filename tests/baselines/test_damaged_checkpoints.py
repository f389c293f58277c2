"""A short run of tests/fuzz_pictures.py: damaged checkpoints and weights are refused or whole."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from fuzz_pictures import CHECKPOINTS, try_some


@pytest.mark.filterwarnings("ignore")
def test_damaged_checkpoints(tmp_path, monkeypatch):
    import oneshot_emotic_baselines.model as model

    monkeypatch.setattr(model, "resnet", model.resnet)  # put back after the small one
    assert try_some(tmp_path, CHECKPOINTS, 40) == {"read", "refused"}
