"""The plainest tracker: everything a person did so far, shrunk towards the population.

Legend: B end users of a batch, L length of a history, C categories.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.tracking.experts import LONG_TERM, SHORT_TERM
from interests.tracking.histories import Batch, History, batches
from interests.tracking.memories import Counts, Memory, likelihoods
from interests.tracking.protocol import Track, population_prior, with_floor


@dataclass
class SingleMemory:
    """A tracker that remembers in one way, the one that foresaw other people's events best.

    Attributes:
        candidates: ways to remember that `fit` chooses from; the first until then
        name: of the tracker
        shares: mean interests of others; None: nothing learned yet. [C]
    """

    candidates: tuple[Memory, ...]
    name: str
    shares: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        self.memory = self.candidates[0]

    def fit(self, histories: Sequence[History]) -> None:
        """Learn the mean interests of others, and choose how to remember."""
        if not any(len(history) for history in histories):
            return
        num_categories = histories[0].shares.shape[1]
        self.shares = population_prior(histories, num_categories=num_categories)
        table = likelihoods(self.candidates, histories, self.shares)
        if len(table):
            self.memory = self.candidates[int(np.log(table).mean(0).argmax())]

    def track_all(self, histories: Sequence[History]) -> Iterator[tuple[int, Track]]:
        """Yield the track of each history with its place in `histories`."""
        for batch in batches(histories):
            yield from self._tracks(batch)

    def _tracks(self, batch: Batch) -> Iterator[tuple[int, Track]]:
        size, length, num_categories = batch.shares.shape
        shares = self.shares
        if shares is None:
            shares = np.full(num_categories, 1 / num_categories)
        counts = Counts((self.memory, LONG_TERM, SHORT_TERM), shares=shares, size=size)
        tracks = np.empty((size, length + 1, 3, num_categories))
        for step in range(length + 1):
            tracks[:, step] = counts.predictions()
            if step < length:
                counts.add(batch.shares[:, step], batch.weights[:, step])
        tracks = with_floor(tracks)
        for row, index in enumerate(batch.index):
            own = tracks[row, : batch.lengths[row] + 1]
            yield int(index), Track(own[:, 0], own[:, 1], own[:, 2])


def own_shares() -> SingleMemory:
    """Return a new tracker that forgets nothing."""
    return SingleMemory(tuple(Memory(np.inf, count) for count in (10, 20, 40)), name="own_shares")
