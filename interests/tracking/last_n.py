"""The shares of the last N events, shrunk towards the population."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.tracking.histories import History
from interests.tracking.own_shares import SingleMemory, own_shares
from interests.tracking.protocol import Track, with_floor


@dataclass
class LastN:
    """A tracker that knows the last `num_events` events that are not negative, and nothing else."""

    num_events: int = 50
    pseudo_count: float = 15.0
    name: str = "last_n"

    def __post_init__(self) -> None:
        self._plain: SingleMemory = own_shares()

    def fit(self, histories: Sequence[History]) -> None:
        """Learn the mean interests of others."""
        self._plain.fit(histories)

    def track_all(self, histories: Sequence[History]) -> Iterator[tuple[int, Track]]:
        """Yield the track of each history with its place in `histories`."""
        for index, track in self._plain.track_all(histories):
            weights = self._weights(histories[index], prior=track.weights[0])
            yield index, Track(with_floor(weights), track.long_term, track.short_term)

    def _weights(self, history: History, *, prior: NDArray[np.float64]) -> NDArray[np.float64]:
        is_kept = ~history.is_negative
        sums = np.zeros((int(is_kept.sum()) + 1, len(prior)))
        np.cumsum(history.shares[is_kept], axis=0, out=sums[1:])
        end = np.concatenate([[0], np.cumsum(is_kept)])  # [L + 1]
        start = np.maximum(end - self.num_events, 0)
        counts = sums[end] - sums[start] + self.pseudo_count * prior
        shares: NDArray[np.float64] = counts / counts.sum(1, keepdims=True)
        return shares
