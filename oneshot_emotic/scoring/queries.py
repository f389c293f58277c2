"""Who is a query of a draw (protocol rule 3)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.arrays import IntArray


def held_out_images(images: IntArray, support: npt.NDArray[np.int32]) -> tuple[IntArray, IntArray]:
    """The images that a support person of a draw is in; nobody in them is a query of the draw.

    Args:
        images: The image of each person as a number from 0, of shape (persons,).
        support: Places of the support persons, of shape (draws, shots, classes), -1 for none.

    Returns:
        Draws and images of equal length, sorted, each pair once.
    """
    many = int(images.max(initial=-1)) + 1
    flat = support.reshape(len(support), -1)
    draw, column = np.nonzero(flat >= 0)
    # An image may hold several support persons of a draw: once is enough.
    pairs = np.unique(draw * many + images[flat[draw, column]])
    draws, of_images = np.divmod(pairs, max(many, 1))
    return draws, of_images


def held_out(images: IntArray, support: npt.NDArray[np.int32]) -> tuple[IntArray, IntArray]:
    """The persons who are no queries: all in an image that a support person of the draw is in.

    Returns:
        Draws and persons of equal length, sorted, each pair once; everybody else is a query.
    """
    draw, image = held_out_images(images, support)
    by_image = np.argsort(images, kind="stable")
    first = np.searchsorted(images[by_image], np.arange(int(images.max(initial=-1)) + 2))
    many = first[image + 1] - first[image]
    within = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
    draws = np.repeat(draw, many)
    persons = by_image[np.repeat(first[image], many) + within]
    order = np.lexsort((persons, draws))
    return draws[order], persons[order]
