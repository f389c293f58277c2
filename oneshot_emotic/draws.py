"""The published support draws: who stands for its class in each repetition (protocol rule 2).

A class's persons, sorted by sample_id, are shuffled again and again with one random stream a task
and class; draws take the next shots from these shuffles one after the other. So nobody is support
twice before everybody was once, and nothing but the class's own persons decides its draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from oneshot_emotic.rng import CounterStream
from oneshot_emotic.tasks import DRAWS, MAX_SHOTS, PROTOCOL


def shots_offered(persons: int) -> int:
    """Shots that a class of so many persons offers: at most five, and one person stays a query."""
    return min(MAX_SHOTS, persons - 1)


def draw_supports(
    task: str, class_name: str, persons: int, draws: int = DRAWS
) -> npt.NDArray[np.int32]:
    """The support persons of one class.

    Args:
        task: The task's name.
        class_name: The novel class.
        persons: How many persons it has, at least two.
        draws: How many repetitions.

    Returns:
        Places in the class's list sorted by sample_id, of shape (draws, `shots_offered(persons)`).
        No place comes twice in a row of the result, and in the order of the result none comes
        k + 1 times before all came k times.
    """
    shots = shots_offered(persons)
    if shots < 1:
        raise ValueError(f"a class needs at least two persons to be drawn from, not {persons}")
    stream = CounterStream(f"oneshot-emotic/protocol-{PROTOCOL}/draws/{task}/{class_name}")
    supply = _shuffles(stream, persons, shots)
    places = [next(supply) for _ in range(draws * shots)]
    return np.array(places, dtype=np.int32).reshape(draws, shots)


def _shuffles(stream: CounterStream, persons: int, shots: int) -> Iterator[int]:
    """Successive permutations of 0 .. persons - 1, such that no group of `shots` repeats a place.

    Only a group that begins in one permutation and ends in the next could: there, places that the
    group already has change with the nearest later ones that it lacks.
    """
    taken = 0  # of the current group
    group: list[int] = []
    while True:
        order = stream.permutation(persons)
        if taken:
            _move_back(order, avoid=group, count=shots - taken)
        for place in order:
            group.append(place)
            taken += 1
            yield place
            if taken == shots:
                taken, group = 0, []


def _move_back(order: list[int], avoid: Sequence[int], count: int) -> None:
    """Exchange members of `avoid` among the first `count` of `order` for the next that are not."""
    for place in range(min(count, len(order))):
        if order[place] in avoid:
            other = next(
                later for later in range(place + 1, len(order)) if order[later] not in avoid
            )
            order[place], order[other] = order[other], order[place]
