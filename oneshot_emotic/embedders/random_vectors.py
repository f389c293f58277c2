"""Random vectors: what an embedder that looks at nothing gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from oneshot_emotic.embedders.run import FloatVector
from oneshot_emotic.rng import CounterStream

_DIMENSIONS = 16


class RandomVectors:
    """Nearly normal vectors fixed by the sample_id."""

    name: ClassVar[str] = "random"
    needs_pictures: ClassVar[bool] = False
    card: ClassVar[Mapping[str, Any]] = {
        "name": "Random embeddings",
        "description": "Sixteen random numbers a person, without looking at anything.",
        "authors": ["The oneshot-emotic developers"],
        "modalities": [],
        "licence": "MIT",
        "seen_unseen_names": False,
        "base": "none",
        "seen_test_images": False,
    }

    def embed(self, sample_id: str, body: Image.Image | None) -> FloatVector:  # noqa: ARG002
        """The vector of a person, whatever it looks like."""
        stream = CounterStream(f"oneshot-emotic/random-embedder/{sample_id}")
        return np.array([stream.normal() for _ in range(_DIMENSIONS)], dtype=np.float32)
