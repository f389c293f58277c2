"""What the choice of the support persons that a data set has adds to the uncertainty of a mean.

A class with 45 persons gives 45 support persons, whichever way 1,000 draws are made of them: had
others been annotated, the mean over draws would be another one. Resampling draws does not show
that. The bootstrap therefore gives a resampled image its weight in both of its roles, as query and
as support: to first order, a support person's weight v moves the mean over draws by (v - 1) times
what the person's draws have above the mean of all draws (the first term of Hoeffding's
decomposition of a U-statistic).

What few draws show of one person is mostly the doing of the other persons in them. That noise has
the variance MSW / draws for each class (MSW: the mean square within persons, from a one-way
analysis of variance of the draws by the class's support person). The resamples are drawn together
around their mean until their variance is that much less. Where nobody is support twice the noise
cannot be told, and resampling the draws has to do.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

from oneshot_emotic.scoring.arrays import FloatArray
from oneshot_emotic.scoring.resampling import Weights

#: Effects are rounded to multiples of this. A figure is at most 9 (levels), a class of persons adds
#: up to 9 x 5 shots of effect, a weight is at most 5: no sum reaches 2^53 steps.
_STEP = 2.0**-44


def add_support_effects(
    means: FloatArray, values: FloatArray, support: npt.NDArray[np.int32], weights: Weights
) -> FloatArray:
    """The resampled means with what the support persons' weights do to them.

    Args:
        means: Each figure's mean over draws in each resample, of shape (figures, resamples).
        values: Figures of each draw, of shape (figures, draws); NaN for a draw without a value.
        support: Places of the support persons, of shape (draws, shots, classes), -1 for none.
        weights: Of each person in each resample, of shape (persons, resamples).

    Returns:
        Array of shape (figures, resamples).
    """
    parts = (
        _effects_of_class(values, of_class, weights) for of_class in np.moveaxis(support, 2, 0)
    )
    moved, noise = functools.reduce(lambda a, b: (a[0] + b[0], a[1] + b[1]), parts)
    return np.stack(
        [_drawn_together(*figure) for figure in zip(means, moved, noise.tolist(), strict=True)]
    )


def _drawn_together(mean: FloatArray, moved: FloatArray, noise: float) -> FloatArray:
    """Resamples of one figure less the variance of the noise, at least what they had unmoved."""
    total = mean + moved
    known = ~np.isnan(total)
    centre, variance = _moments(total[known])
    if variance == 0:
        return total
    _, unmoved = _moments(mean[known])
    factor = math.sqrt(min(1.0, max(variance - noise, unmoved) / variance))
    result: FloatArray = centre + factor * (total - centre)
    return result


def _moments(values: FloatArray) -> tuple[float, float]:
    """Mean and variance, of sums that were rounded once."""
    plain: list[float] = values.tolist()
    if not plain:
        return 0.0, 0.0
    mean = math.fsum(plain) / len(plain)
    return mean, math.fsum((value - mean) * (value - mean) for value in plain) / len(plain)


def _effects_of_class(
    values: FloatArray, support: npt.NDArray[np.int32], weights: Weights
) -> tuple[FloatArray, FloatArray]:
    """What one class's persons, places of shape (draws, shots), do to each figure, and the noise.

    Returns:
        Arrays of shape (figures, resamples) and (figures,), the second a variance.
    """
    draw, shot = np.nonzero(support >= 0)
    persons, person = np.unique(support[draw, shot], return_inverse=True)
    found = [_effects(figure, draw, person, len(persons)) for figure in values]
    effects = np.stack([effect for effect, _ in found])
    # Whole numbers of `_STEP`, whose products and sums are exact in any order.
    whole = np.rint(effects / _STEP)
    total = (whole @ (weights[persons].astype(np.float64) - 1.0)) * _STEP
    return total, np.array([noise for _, noise in found])


def _effects(
    figure: FloatArray, draw: npt.NDArray[np.intp], person: npt.NDArray[np.intp], persons: int
) -> tuple[FloatArray, float]:
    """Of each person of a class on the mean over draws of one figure, and their noise's variance.

    Returns:
        Array of shape (persons,), and the sum of the variances of its values due to noise.
    """
    nothing = np.zeros(persons), 0.0
    known = ~np.isnan(figure)
    draws = int(known.sum())
    if draws == 0:
        return nothing
    mean = math.fsum(figure[known].tolist()) / draws
    used = known[draw]
    person, above = person[used], (figure - mean)[draw[used]]
    uses = np.bincount(person, minlength=persons)
    there = uses > 0
    groups, observations = int(there.sum()), len(above)
    if groups < 2 or observations <= groups:
        return nothing
    sums = np.bincount(person, weights=above, minlength=persons)
    between = math.fsum((sums[there] ** 2 / uses[there]).tolist())
    within = max(0.0, math.fsum((above**2).tolist()) - between) / (observations - groups)
    return sums / draws, within * observations / draws**2
