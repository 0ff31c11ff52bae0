"""Decay by time instead of by events: after a half-life an event counts half, however many came between.

Legend: L length of a history, C categories.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.tracking.background import Background
from interests.tracking.histories import History
from interests.tracking.measure import cross_entropies
from interests.tracking.memories import MAX_EVENT_WEIGHT, MAX_FIT_EVENTS, NEGATIVE_STRENGTH
from interests.tracking.protocol import Track, with_floor

DAY_MICROSECONDS = 86_400_000_000
HALF_LIVES_DAYS = (1.0, 7.0, 30.0, 90.0, 365.0)
PSEUDO_COUNTS = (8.0, 15.0)


@dataclass
class TimeDecay:
    """A tracker that forgets by the clock; half-life and pseudo-count are chosen on other people."""

    half_life_days: float = 30.0
    pseudo_count: float = 15.0
    name: str = "time_decay"

    def __post_init__(self) -> None:
        self._background = Background()

    def fit(self, histories: Sequence[History]) -> None:
        """Learn the mean interests of others, and choose how fast to forget."""
        self._background.fit(histories)
        step = 1 + sum(map(len, histories)) // MAX_FIT_EVENTS
        some = [history for history in histories[::step] if len(history)]
        if not some:
            return
        shares = self._background.shares(some[0].shares.shape[1])
        losses = {
            (days, count): self._loss(some, shares, days, count)
            for days in HALF_LIVES_DAYS
            for count in PSEUDO_COUNTS
        }
        self.half_life_days, self.pseudo_count = min(losses, key=losses.__getitem__)

    def track_all(self, histories: Sequence[History]) -> Iterator[tuple[int, Track]]:
        """Yield the track of each history with its place in `histories`."""

        def foresee(history: History, own: NDArray[np.float64]) -> NDArray[np.float64]:
            shares = self._background.shares(own.shape[1])
            return decayed(
                history, shares, days=self.half_life_days, pseudo_count=self.pseudo_count
            )

        yield from self._background.tracks(histories, foresee)

    @staticmethod
    def _loss(
        histories: Sequence[History], shares: NDArray[np.float64], days: float, count: float
    ) -> float:
        losses = []
        for history in histories:
            weights = with_floor(decayed(history, shares, days=days, pseudo_count=count))
            losses.append(cross_entropies(Track(weights, weights, weights), history))
        every = np.concatenate(losses)
        return float(every.mean()) if len(every) else 0.0


def decayed(
    history: History, shares: NDArray[np.float64], *, days: float, pseudo_count: float
) -> NDArray[np.float64]:
    """Return weights after each event, as seen at the time of that event. [L + 1, C]"""
    counts = np.zeros((len(history) + 1, len(shares)))
    amounts = np.clip(history.weights, -MAX_EVENT_WEIGHT, MAX_EVENT_WEIGHT)
    amounts = np.where(amounts < 0, NEGATIVE_STRENGTH * amounts, amounts)
    pauses = np.diff(history.times, prepend=history.times[:1]) / DAY_MICROSECONDS
    kept = 0.5 ** (pauses / days)
    for place in range(len(history)):
        added = kept[place] * counts[place] + amounts[place] * history.shares[place]
        counts[place + 1] = np.maximum(added, 0)
    leaning = counts + pseudo_count * shares
    weights: NDArray[np.float64] = leaning / leaning.sum(1, keepdims=True)
    return weights
