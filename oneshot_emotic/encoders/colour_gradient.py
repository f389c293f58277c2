"""A hand-made encoder: colour and gradient statistics of the body crop, nothing learnt.

Gradient orientations as in histograms of oriented gradients (Dalal and Triggs, CVPR 2005), in a
simple form: one histogram a cell, normalised over the whole crop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image

FloatArray = npt.NDArray[np.float64]

_WIDTH, _HEIGHT = 48, 96
_COLUMNS, _ROWS = 6, 6
_ORIENTATIONS = 4
_COLOUR_ROWS = 2
#: The share of colour in the squared distance; clothes have many colours and mean little.
_COLOUR_SHARE = 0.1


class ColourGradient:
    """Orientation histograms and mean colours over grids of the body crop."""

    name = "colour-gradient"
    #: The number changes with the vectors.
    identity = "colour-gradient 1"
    card: ClassVar[Mapping[str, Any]] = {
        "name": "Colour and gradient statistics",
        "description": (
            "Hand-made, nothing learnt: gradient orientation histograms and mean colours over "
            "grids of the body crop."
        ),
        "authors": ["The oneshot-emotic developers"],
        "modalities": ["body"],
        "licence": "MIT",
        "seen_unseen_names": False,
        "base": "none",
        "seen_test_images": False,
    }

    def embed(
        self,
        images: Sequence[Image.Image],  # noqa: ARG002
        bodies: Sequence[Image.Image],
    ) -> npt.NDArray[np.float32]:
        """The vectors of persons: 144 orientation values here, and 12 of colour."""
        return np.stack([self._vector(body) for body in bodies]).astype(np.float32)

    def _vector(self, body: Image.Image) -> FloatArray:
        pixels = pixels_of(body, _WIDTH, _HEIGHT)
        return with_colours(np.sqrt(_orientation_histograms(pixels.mean(axis=2))), pixels)


def pixels_of(picture: Image.Image, width: int, height: int) -> FloatArray:
    """A picture at this size, (height, width, 3) from 0 to 1."""
    small = picture.resize((width, height), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64) / 255


def with_colours(gradients: FloatArray, pixels: FloatArray) -> FloatArray:
    """A vector of gradients with the colour statistics of the same pixels beside it."""
    parts = (_unit(gradients) * (1 - _COLOUR_SHARE) ** 0.5, _unit(_colour_statistics(pixels)))
    return np.concatenate([parts[0], parts[1] * _COLOUR_SHARE**0.5])


def _orientation_histograms(grey: FloatArray) -> FloatArray:
    """Gradient magnitude by cell and unsigned orientation, flattened."""
    down, right = np.gradient(grey)
    magnitude = np.hypot(down, right)
    angle = np.arctan2(down, right) % np.pi
    chosen = np.minimum((angle * (_ORIENTATIONS / np.pi)).astype(np.int64), _ORIENTATIONS - 1)
    cells = (_ROWS, _HEIGHT // _ROWS, _COLUMNS, _WIDTH // _COLUMNS)
    histograms = [
        np.where(chosen == item, magnitude, 0).reshape(cells).mean(axis=(1, 3))
        for item in range(_ORIENTATIONS)
    ]
    return np.stack(histograms, axis=-1).ravel()


def _colour_statistics(pixels: FloatArray) -> FloatArray:
    """Mean and standard deviation of each channel in horizontal bands, flattened."""
    bands = pixels.reshape(_COLOUR_ROWS, -1, 3)
    return np.concatenate([bands.mean(axis=1), bands.std(axis=1)]).ravel()


def _unit(vector: FloatArray) -> FloatArray:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector
