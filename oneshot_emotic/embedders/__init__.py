"""Embedders that need no training and no torch: the first rows of the leaderboard.

An embedder turns persons into vectors; `EMBEDDERS` is the list that the command line offers. The
trained ones live in `baselines/`.
"""

from __future__ import annotations

from oneshot_emotic.embedders.colour_gradient import ColourGradient
from oneshot_emotic.embedders.random_vectors import RandomVectors
from oneshot_emotic.embedders.run import Embedder

EMBEDDERS: dict[str, type[Embedder]] = {
    RandomVectors.name: RandomVectors,
    ColourGradient.name: ColourGradient,
}
