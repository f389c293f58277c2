"""The published support draws: who stands for its class in each repetition (protocol rule 2).

A class with n persons is drawn from in blocks of n draws. A block has the persons in a random
order, from one random stream a task and class. The first shot takes them one after the other; every
further shot does so too, but begins at a place of its own. So every shot goes through all persons
before anyone repeats, a draw holds nobody twice, and nothing but the class's own persons decides.
"""

from __future__ import annotations

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
        Every row is a random subset in random order; every column has each place once in every
        `persons` rows from the first.
    """
    shots = shots_offered(persons)
    if shots < 1:
        raise ValueError(f"a class needs at least two persons to be drawn from, not {persons}")
    stream = CounterStream(f"oneshot-emotic/protocol-{PROTOCOL}/draws/{task}/{class_name}")
    blocks = [_block(stream, persons, shots) for _ in range(0, draws, persons)]
    return np.concatenate(blocks)[:draws]


def _block(stream: CounterStream, persons: int, shots: int) -> npt.NDArray[np.int32]:
    """Draws in which every shot takes everybody once, of shape (persons, shots)."""
    order = np.array(stream.permutation(persons), dtype=np.int32)
    begins = [0]
    while len(begins) < shots:
        if (place := stream.below(persons)) not in begins:
            begins.append(place)
    drawn: npt.NDArray[np.int32] = order[(np.arange(persons)[:, None] + begins) % persons]
    return drawn
