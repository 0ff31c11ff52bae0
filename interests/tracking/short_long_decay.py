"""Short and long decay: what a person did lately beside what they do in general, in fixed parts.

Legend: E events, K pairs of a short and a long memory, C categories.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from interests.tracking.experts import LONG_TERM, SHORT_TERM
from interests.tracking.histories import Batch, History, batches
from interests.tracking.memories import Counts, Memory, likelihoods
from interests.tracking.protocol import Track, population_prior, with_floor

SHORT = tuple(Memory(half_life, 8) for half_life in (3, 6, 12))
LONG = tuple(Memory(half_life, 12) for half_life in (30, 60, 120, np.inf))
PARTS = (0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass
class ShortLongDecay:
    """A tracker that says part of what a short memory says and part of what a long one says."""

    name: str = "short_long_decay"

    def __post_init__(self) -> None:
        self._shares: NDArray[np.float64] | None = None
        self._short, self._long, self._part = SHORT[1], LONG[2], PARTS[1]

    def fit(self, histories: Sequence[History]) -> None:
        """Learn the mean interests of others, and choose both memories and their parts."""
        if not any(len(history) for history in histories):
            return
        num_categories = histories[0].shares.shape[1]
        self._shares = population_prior(histories, num_categories=num_categories)
        table = likelihoods((*SHORT, *LONG), histories, self._shares)  # [E, memories]
        if not len(table):
            return

        def foreseen(choice: tuple[int, int, float]) -> float:
            short, long, part = choice
            mixed = part * table[:, short] + (1 - part) * table[:, len(SHORT) + long]
            return float(np.log(mixed).mean())

        choices = product(range(len(SHORT)), range(len(LONG)), PARTS)
        short, long, self._part = max(choices, key=foreseen)
        self._short, self._long = SHORT[short], LONG[long]

    def track_all(self, histories: Sequence[History]) -> Iterator[tuple[int, Track]]:
        """Yield the track of each history with its place in `histories`."""
        for batch in batches(histories):
            yield from self._tracks(batch)

    def _tracks(self, batch: Batch) -> Iterator[tuple[int, Track]]:
        size, length, num_categories = batch.shares.shape
        shares = self._shares
        if shares is None:
            shares = np.full(num_categories, 1 / num_categories)
        memories = (self._short, self._long, LONG_TERM, SHORT_TERM)
        counts = Counts(memories, shares=shares, size=size)
        tracks = np.empty((size, length + 1, 4, num_categories))
        for step in range(length + 1):
            tracks[:, step] = counts.predictions()
            if step < length:
                counts.add(batch.shares[:, step], batch.weights[:, step])
        mixed = self._part * tracks[:, :, 0] + (1 - self._part) * tracks[:, :, 1]
        mixed, tracks = with_floor(mixed), with_floor(tracks)
        for row, index in enumerate(batch.index):
            own = slice(batch.lengths[row] + 1)
            yield int(index), Track(mixed[row, own], tracks[row, own, 2], tracks[row, own, 3])
