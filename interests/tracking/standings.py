"""Where the mixture stands with people: all it knows of each after so many events, as numbers to be kept.

With it a new event costs one step instead of a replay of the person's history. Numbers are kept as
float32: what follows from them differs from a replay by about a millionth of itself.

Legend: B end users of a batch, C categories, S numbers of one person.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.tracking.experts import Experts
from interests.tracking.histories import History

# Of the numbers and their order: a standing of another format is not read, the history is replayed.
FORMAT = 1


@dataclass(frozen=True)
class Standing:
    """Where the mixture stands with one person.

    Attributes:
        num_events: seen, negatives included
        network_from: how many of the person's events the network was trained on, 0 without a network
        numbers: float32. [S]
    """

    num_events: int
    network_from: int
    numbers: NDArray[np.float32]

    def is_of(self, history: History) -> bool:
        """Tell whether the network was trained on as many of the events it has seen as of the history's."""
        known = min(history.network_from, self.num_events)
        return self.num_events <= len(history) and known == self.network_from


def packed(parts: Sequence[NDArray[np.float64]], rows: slice) -> NDArray[np.float32]:
    """Return the numbers of some people, given arrays of [B, ...]. [b, S]"""
    own = [part[rows] for part in parts]
    flat = [part.reshape(len(part), math.prod(part.shape[1:])) for part in own]
    return np.concatenate(flat, axis=1, dtype=np.float32)


def unpacked(
    numbers: NDArray[np.float32], like: Sequence[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """Return the arrays that were packed, given others of the same shapes but for the number of people.

    Raises:
        ValueError: they are of other shapes, such as those of another number of categories.
    """
    sizes = [part[0].size for part in like]
    if numbers.shape[1] != sum(sizes):
        raise ValueError(f"A standing has {sum(sizes)} numbers here, not {numbers.shape[1]}.")
    found = np.split(numbers.astype(np.float64), np.cumsum(sizes)[:-1], axis=1)
    return [
        own.reshape(len(numbers), *part.shape[1:]) for own, part in zip(found, like, strict=True)
    ]


def recall_last_events(
    crowd: Experts, rows: Sequence[int], histories: Sequence[History], firsts: Sequence[int]
) -> None:
    """Let the experts know the last two events before `firsts` of the people in `rows`."""
    for row, history, first in zip(rows, histories, firsts, strict=True):
        for back in range(min(first, 2)):
            place = first - 1 - back
            crowd.events[back][row] = history.shares[place] * np.sign(history.weights[place])
            crowd.times[back, row] = history.times[place]
