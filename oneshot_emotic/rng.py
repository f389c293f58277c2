"""Random numbers that are the same for ever: raw output of a counter-based generator.

Library sampling functions may change between releases; the words of Philox4x64-10 (Salmon et al.,
"Parallel random numbers: as easy as 1, 2, 3", SC 2011) may not. Everything above the words is
integer arithmetic or single IEEE operations, so that a key gives the same numbers on any machine.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np

_WORD = 1 << 64
_BUFFER = 64


class CounterStream:
    """An endless stream of random numbers, fixed by a text.

    The Philox key is the first 16 bytes of the text's SHA-256 as two little-endian 64-bit words,
    the counter starts at zero.
    """

    def __init__(self, key: str) -> None:
        """Start the stream of `key`."""
        digest = hashlib.sha256(key.encode("utf-8")).digest()
        self._philox = np.random.Philox(key=np.frombuffer(digest[:16], dtype="<u8"))
        self._words: list[int] = []

    def word(self) -> int:
        """The next 64-bit word, as an integer."""
        if not self._words:
            self._words = self._philox.random_raw(_BUFFER).tolist()[::-1]
        return self._words.pop()

    def below(self, bound: int) -> int:
        """A uniform integer in 0 .. bound - 1; words that would bias it are drawn anew."""
        limit = _WORD - _WORD % bound
        while (word := self.word()) >= limit:
            pass
        return word % bound

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A uniform number in [low, high), from the upper 53 bits of a word."""
        return low + (high - low) * ((self.word() >> 11) * 2.0**-53)

    def normal(self) -> float:
        """A nearly normal number, mean 0 and variance 1: twelve uniform 32-bit halves, less six.

        The sum is an integer and therefore exact, where a logarithm would depend on the machine.
        """
        total = 0
        for _ in range(6):
            word = self.word()
            total += (word & 0xFFFFFFFF) + (word >> 32)
        return (total - 6 * (1 << 32)) / (1 << 32)

    def chance(self, probability: float) -> bool:
        """True with `probability`."""
        return self.uniform() < probability

    def choice(self, weights: Sequence[float]) -> int:
        """An index, with a probability in proportion to its weight."""
        target = self.uniform() * math.fsum(weights)
        for index, weight in enumerate(weights):
            target -= weight
            if target < 0:
                return index
        return max(index for index, weight in enumerate(weights) if weight > 0)

    def permutation(self, size: int) -> list[int]:
        """0 .. size - 1 in random order (Fisher-Yates from the last place down)."""
        order = list(range(size))
        for last in range(size - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order
