"""Reports without scikit-learn, which only the map needs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def flat_map(monkeypatch):
    """The first two dimensions in place of t-SNE."""
    name = "oneshot_emotic.submission_report.embedding_map._tsne"
    monkeypatch.setattr(name, lambda points: points[:, :2].copy())
