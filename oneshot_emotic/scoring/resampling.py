"""The resamples of the two-level bootstrap: how often each image and each draw is in each of them.

Images and support draws are resampled independently of each other. A weight comes from a hash of
the image's or the draw's name alone, so that every submission, and every task that an image is in,
has the same resamples, and another image in the data set moves none of them. Weights are 0 to 5,
with the mean and the variance of a Poisson bootstrap, both exactly 1 (`_WEIGHT`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

#: Resamples of protocol 1.
RESAMPLES = 1000

Weights = npt.NDArray[np.uint8]

_KEY = "oneshot-emotic/protocol-1/bootstrap"
#: How many of the 256 values of a byte stand for the weights 0, 1, 2, ...
_SHARES = (94, 95, 46, 16, 4, 1)
_WEIGHT: Weights = np.repeat(np.arange(len(_SHARES), dtype=np.uint8), _SHARES)


@lru_cache(maxsize=4)
def image_weights(image_ids: tuple[str, ...]) -> Weights:
    """How often each person's image is in each resample.

    Args:
        image_ids: The image of each person.

    Returns:
        Read-only array of shape (persons, resamples).
    """
    place = {image: index for index, image in enumerate(dict.fromkeys(image_ids))}
    table = _weights(f"{_KEY}/image/{image}" for image in place)
    return _read_only(table[[place[image] for image in image_ids]])


@lru_cache(maxsize=16)
def draw_weights(task: str, draws: int) -> Weights:
    """How often each support draw of a task is in each resample.

    Returns:
        Read-only array of shape (draws, resamples).
    """
    return _read_only(_weights(f"{_KEY}/draw/{task}/{draw}" for draw in range(draws)))


def _weights(names: Iterable[str]) -> Weights:
    """One row of weights a name: the bytes of its SHAKE128, looked up in `_WEIGHT`."""
    data = b"".join(hashlib.shake_128(name.encode("utf-8")).digest(RESAMPLES) for name in names)
    return _WEIGHT[np.frombuffer(data, dtype=np.uint8).reshape(-1, RESAMPLES)]


def _read_only(weights: Weights) -> Weights:
    weights.setflags(write=False)  # kept for the next caller
    return weights
