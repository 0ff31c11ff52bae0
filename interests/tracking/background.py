"""What trackers share that say something else than memories do: long-term and short-term beside their word.

Legend: L length of a history, C categories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.tracking.histories import History
from interests.tracking.own_shares import SingleMemory, own_shares
from interests.tracking.protocol import Track, with_floor

# Given a history and what its person wants in the long term [L + 1, C]: the weights. [L + 1, C]
Foresee = Callable[[History, NDArray[np.float64]], NDArray[np.float64]]


@dataclass
class Background:
    """Everybody's mean interests, and with them the long-term and short-term interests of each person."""

    def __post_init__(self) -> None:
        self._plain: SingleMemory = own_shares()

    def fit(self, histories: Sequence[History]) -> None:
        """Learn the mean interests of others."""
        self._plain.fit(histories)

    def shares(self, num_categories: int) -> NDArray[np.float64]:
        """Return the mean interests of others, all alike where nothing was learned. [C]"""
        if self._plain.shares is None:
            return np.full(num_categories, 1 / num_categories)
        return self._plain.shares

    def tracks(self, histories: Sequence[History], foresee: Foresee) -> Iterator[tuple[int, Track]]:
        """Yield a track of each history whose weights are what `foresee` says."""
        for index, track in self._plain.track_all(histories):
            weights = foresee(histories[index], track.weights)
            yield index, Track(with_floor(weights), track.long_term, track.short_term)
