"""The encoder by scikit-image; the gradients themselves are tested there."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("skimage")

from oneshot_emotic.encoders.named import load_encoder


def test_orientations_then_colours(rng):
    encoder = load_encoder("hog-colour")
    pixels = [rng.integers(0, 256, size, dtype=np.uint8) for size in ((1, 1, 3), (300, 90, 3))]
    plain, noisy = encoder.embed([], [Image.fromarray(x) for x in pixels])
    assert plain.shape == (7 * 3 * 4 * 9 + 12,) and not plain[:756].any()
    assert np.linalg.norm(noisy) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(noisy[756:]) == pytest.approx(np.sqrt(0.1), abs=1e-5)
    assert "scikit-image" in encoder.identity


def test_a_step_to_the_right_is_found_where_it_is():
    """An edge down the middle: strong in the two middle columns of cells, of one orientation."""
    pixels = np.zeros((128, 64, 3), dtype=np.uint8)
    pixels[:, 32:] = 255
    (vector,) = load_encoder("hog-colour").embed([], [Image.fromarray(pixels)])
    blocks = vector[:756].reshape(7, 3, 2, 2, 9)
    # A block of the middle has both columns; those at the sides one each.
    assert blocks[3, 1].any(axis=(0, 2)).all()
    assert not blocks[3, 0, :, 0].any() and not blocks[3, 2, :, 1].any()
    assert np.unique(np.argwhere(blocks)[:, 4]).size == 1
