"""What the choice of the support persons that a data set has adds to the uncertainty of a mean.

A class with 45 persons gives 45 support persons, whichever way 1,000 draws are made of them: had
others been annotated, the mean over draws would be another one. Resampling draws does not show
that. The bootstrap therefore gives a resampled image its weight in both of its roles, as query and
as support: to first order, a support person's weight v moves the mean over draws by (v - 1) times
what the person's draws have above the mean of all draws (the first term of Hoeffding's
decomposition of a U-statistic).

What few draws show of one person is mostly the other persons in them. The effects of a class are
made smaller by sqrt(1 - MSW / MSB), the square root of the share of their variance that is due to
persons (one-way analysis of variance), so that they vary as much as the true ones; where nobody is
support twice nothing can be said, and resampling the draws covers it.
"""

from __future__ import annotations

import functools
import math
import operator

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.resampling import Weights
from oneshot_emotic.scoring.workers import side_by_side

FloatArray = npt.NDArray[np.float64]


def support_effects(
    values: FloatArray, support: npt.NDArray[np.int32], weights: Weights
) -> FloatArray:
    """How far each figure's mean over draws moves in each resample.

    Args:
        values: Figures of each draw, of shape (figures, draws); NaN for a draw without a value.
        support: Places of the support persons, of shape (draws, shots, classes), -1 for none.
        weights: Of each person in each resample, of shape (persons, resamples).

    Returns:
        Array of shape (figures, resamples).
    """
    with side_by_side() as pool:
        moved = pool.map(
            lambda of_class: _moved(values, of_class, weights), np.moveaxis(support, 2, 0)
        )
        return functools.reduce(operator.add, moved)


def _moved(values: FloatArray, support: npt.NDArray[np.int32], weights: Weights) -> FloatArray:
    """What the support persons of one class do, their places of shape (draws, shots)."""
    draw, shot = np.nonzero(support >= 0)
    persons, person = np.unique(support[draw, shot], return_inverse=True)
    effects = np.stack([_effects(figure, draw, person, len(persons)) for figure in values])
    total = np.zeros((len(values), weights.shape[1]))
    if effects.any():
        for place, effect in zip(persons, effects.T, strict=True):  # in this order
            total += effect[:, None] * (weights[place] - 1.0)
    return total


def _effects(
    figure: FloatArray, draw: npt.NDArray[np.intp], person: npt.NDArray[np.intp], persons: int
) -> FloatArray:
    """Of each person of a class on the mean over draws of one figure, of shape (persons,)."""
    known = ~np.isnan(figure)
    if not known.any():
        return np.zeros(persons)
    mean = math.fsum(figure[known].tolist()) / int(known.sum())
    used = known[draw]
    person, above = person[used], (figure - mean)[draw[used]]
    uses = np.bincount(person, minlength=persons)
    sums = np.bincount(person, weights=above, minlength=persons)
    there = uses > 0
    groups, observations = int(there.sum()), len(above)
    if groups < 2 or observations <= groups:
        return np.zeros(persons)
    between = math.fsum((sums[there] ** 2 / uses[there]).tolist())
    within = math.fsum((above**2).tolist()) - between
    share = 0.0
    if between > 0:
        share = 1 - max(within, 0.0) / (observations - groups) * (groups - 1) / between
    effects: FloatArray = math.sqrt(max(share, 0.0)) * sums / int(known.sum())
    return effects
