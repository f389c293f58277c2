"""The hand-made encoder on pictures whose statistics are known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from oneshot_emotic.encoders.colour_gradient import ColourGradient
from oneshot_emotic.encoders.random_vectors import random_vectors

#: Cells and orientations of the gradient part; colours follow.
CELLS, ORIENTATIONS = 36, 4


def embedded(pixels):
    picture = Image.fromarray(np.asarray(pixels, dtype=np.uint8))
    (vector,) = ColourGradient().embed([picture], [picture])
    assert vector.dtype == np.float32
    split = CELLS * ORIENTATIONS
    return vector[:split].reshape(CELLS, ORIENTATIONS), vector[split:]


def ramp(axis):
    """Grey that grows evenly down (0) or to the right (1), at the encoder's own size."""
    rows, columns = np.mgrid[0:96, 0:48]
    grey = (rows, columns)[axis]
    return np.repeat(grey[:, :, None], 3, axis=2)


def test_one_colour_has_no_gradients_and_its_own_mean():
    gradients, colours = embedded(np.full((96, 48, 3), (255, 0, 51)))
    assert not gradients.any()
    # Two bands of mean (1, 0, 0.2), no deviation; a tenth of the squared length of 1.
    expected = np.array([1, 0, 0.2] * 2 + [0, 0, 0] * 2)
    expected *= np.sqrt(0.1) / np.linalg.norm(expected)
    # The order is mean and deviation of the first band, then of the second, or means first.
    assert sorted(colours) == pytest.approx(sorted(expected), abs=1e-6)


@pytest.mark.parametrize(("axis", "orientation"), [(1, 0), (0, 2)])
def test_even_ramps_have_one_orientation_everywhere(axis, orientation):
    gradients, _ = embedded(ramp(axis))
    assert np.allclose(gradients[:, orientation], np.sqrt(0.9 / CELLS), atol=1e-6)
    assert not np.delete(gradients, orientation, axis=1).any()


def test_a_body_of_any_size_has_a_vector_of_length_one(rng):
    for size in ((1, 1, 3), (7, 300, 3), (500, 20, 3)):
        gradients, colours = embedded(rng.integers(1, 256, size))
        assert gradients.size + colours.size == 156
        length = np.hypot(np.linalg.norm(gradients), np.linalg.norm(colours))
        assert length == pytest.approx(1 if gradients.any() else np.sqrt(0.1), abs=1e-5)


def test_random_vectors_depend_on_the_name_alone():
    one, again, other = random_vectors(["a#0", "a#0", "a#1"])
    assert np.array_equal(one, again) and not np.array_equal(one, other)
