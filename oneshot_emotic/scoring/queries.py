"""Who is a query of a draw (protocol rule 3)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def query_mask(
    images: npt.NDArray[np.int64], support: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    """All persons but those in an image that a support person of the draw comes from.

    Args:
        images: The image of each person as a number from 0, of shape (persons,).
        support: Places of the support persons, of shape (draws, shots, classes), -1 for none.

    Returns:
        True for a query, of shape (draws, persons).
    """
    draws = support.shape[0]
    taken = np.zeros((draws, int(images.max(initial=-1)) + 1), dtype=bool)
    flat = support.reshape(draws, -1)
    draw, column = np.nonzero(flat >= 0)
    taken[draw, images[flat[draw, column]]] = True
    return ~taken[:, images]
