"""Histograms of oriented gradients, as scikit-image makes them, and colours of the body crop.

Dalal and Triggs, CVPR 2005. Cells and blocks were chosen on held-out base classes of the stand-in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from oneshot_emotic.encoders.colour_gradient import ColourGradient, pixels_of, with_colours

_WIDTH, _HEIGHT, _CELL, _BLOCK = 64, 128, 16, 2


class HogColour(ColourGradient):
    """Histograms in 8 x 4 cells of the body crop, normalised in blocks of 2 x 2, and colours.

    Of 756 orientation and 12 colour values.
    """

    name = "hog-colour"
    card: ClassVar[Mapping[str, Any]] = {
        **ColourGradient.card,
        "name": "HOG and colour",
        "description": (
            "Hand-made, nothing learnt: histograms of oriented gradients by scikit-image and mean "
            "colours of the body crop."
        ),
    }

    def __init__(self) -> None:
        from importlib.metadata import version

        from skimage.feature import hog

        self.identity = f"hog-colour 1, scikit-image {version('scikit-image')}"
        self._hog = hog

    def _vector(self, body: Image.Image) -> npt.NDArray[np.float64]:
        pixels = pixels_of(body, _WIDTH, _HEIGHT)
        sizes = {"pixels_per_cell": (_CELL, _CELL), "cells_per_block": (_BLOCK, _BLOCK)}
        return with_colours(self._hog(pixels, channel_axis=-1, **sizes), pixels)
