"""A map of an embedding: its persons in the plane by t-SNE, as in Figure 4 of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oneshot_emotic.rng import CounterStream
from oneshot_emotic.scoring.arrays import FloatArray, IntArray
from oneshot_emotic.scoring.preparation import PreparedEmbeddings
from oneshot_emotic.splits import Task

#: Persons of a map: of more, a sample is drawn. All supports of draw 0 are in it.
MOST_PERSONS = 1200
#: Dimensions that t-SNE is given: of more, the main ones (principal components).
MOST_DIMENSIONS = 50
_PERPLEXITY = 30.0
#: Fewer different embeddings make no map.
_FEWEST = 4


@dataclass(frozen=True)
class EmbeddingMap:
    """Where persons lie in the plane.

    Attributes:
        persons: Places in the task's novel persons, ascending.
        positions: Of shape (persons, 2), rounded to two decimals; distances have no unit.
    """

    persons: IntArray
    positions: FloatArray


def embedding_map(prepared: PreparedEmbeddings, task: Task) -> EmbeddingMap | None:
    """The map of a task's novel persons; None where hardly any two embeddings differ.

    The same on every run on a machine: one thread, a fixed start. Another processor, or other
    versions of NumPy, SciPy or scikit-learn, may move the points: t-SNE makes the last bits of its
    input large.
    """
    persons = map_sample(task)
    rows = prepared.row_of[persons]
    if len(np.unique(rows)) < _FEWEST:
        return None
    points = prepared.quick[rows].astype(np.float64)
    return EmbeddingMap(persons, np.round(_tsne(points), 2) + 0.0)


def map_sample(task: Task, most: int = MOST_PERSONS) -> IntArray:
    """Who is on the map: the supports of draw 0, then persons by lot. Ascending places."""
    supports = np.unique(task.support[0, 0])
    lot = CounterStream(f"oneshot-emotic/report/map/{task.name}").permutation(len(task.novel))
    others = [place for place in lot if place not in set(supports.tolist())]
    chosen: IntArray = np.sort([*supports.tolist(), *others[: most - len(supports)]])
    return chosen


def _tsne(points: npt.NDArray[np.float64]) -> FloatArray:
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    kept = min(MOST_DIMENSIONS, *points.shape)
    # With several threads t-SNE adds in an order that depends on how many there are.
    with threadpool_limits(1):
        components = PCA(kept, svd_solver="covariance_eigh").fit_transform(points)
        start = np.zeros((len(points), 2))
        start[:, : min(kept, 2)] = components[:, :2]
        start *= 1e-4 / max(float(start[:, 0].std()), np.finfo(np.float64).tiny)
        perplexity = min(_PERPLEXITY, (len(points) - 1) / 3)
        method = TSNE(init=start.astype(np.float32), perplexity=perplexity, random_state=0)
        positions: FloatArray = method.fit_transform(components).astype(np.float64)
    return positions
