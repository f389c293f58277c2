"""Random vectors: what an encoder that looks at nothing would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from oneshot_emotic.rng import CounterStream

_DIMENSIONS = 16

#: The model card of their submissions.
CARD: Mapping[str, Any] = {
    "name": "Random embeddings",
    "description": "Sixteen random numbers a person, without looking at anything.",
    "authors": ["The oneshot-emotic developers"],
    "modalities": [],
    "licence": "MIT",
    "seen_unseen_names": False,
    "base": "none",
    "seen_test_images": False,
}


def random_vectors(sample_ids: Sequence[str]) -> npt.NDArray[np.float32]:
    """Nearly normal numbers fixed by the sample_id, a row a person."""
    streams = [CounterStream(f"oneshot-emotic/random-embedder/{name}") for name in sample_ids]
    rows = [[stream.normal() for _ in range(_DIMENSIONS)] for stream in streams]
    return np.array(rows, dtype=np.float32)
