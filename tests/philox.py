"""Philox4x64-10 written down from its paper, to hold the package's streams against."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator

MASK = (1 << 64) - 1


def philox_words(key: tuple[int, int]) -> Iterator[int]:
    """Philox4x64-10 (Salmon et al. 2011): ten rounds a counter, counters from 1 as in NumPy."""
    for counter in itertools.count(1):
        x = [counter & MASK, counter >> 64, 0, 0]
        k0, k1 = key
        for _ in range(10):
            product0, product1 = 0xD2E7470EE14C6C93 * x[0], 0xCA5A826395121157 * x[2]
            x = [
                (product1 >> 64) ^ x[1] ^ k0,
                product1 & MASK,
                (product0 >> 64) ^ x[3] ^ k1,
                product0 & MASK,
            ]
            k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
        yield from x


def words_of_text(text: str) -> Iterator[int]:
    """The words of the stream that a text names: its SHA-256 gives the key."""
    digest = hashlib.sha256(text.encode()).digest()
    return philox_words(
        (int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little"))
    )
