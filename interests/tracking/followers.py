"""Trackers that are networks, learned on others: GRU, LSTM and transformer share all but the network.

Legend: L length of a history, I numbers about an event, C categories.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interests.tracking.background import Background
from interests.tracking.histories import History
from interests.tracking.memories import MAX_FIT_EVENTS
from interests.tracking.protocol import Track

if TYPE_CHECKING:  # torch comes only where something is fitted
    from interests.tracking.networks.recurrent import Follower, Kind

# Shares fade by half in so many events, and lean on everybody's by so many.
HALF_LIVES = (5.0, 25.0, 120.0)
PSEUDO_COUNT = 10.0
# Networks learn from histories in pieces of this length.
PIECE = 128
# One person in so many says when to stop learning.
ASIDE = 8
SMALLEST_DAYS = 1e-4


@dataclass
class FollowerTracker:
    """A tracker by a network; before `fit` it says what the person does in general."""

    kind: Kind
    name: str

    def __post_init__(self) -> None:
        self._background = Background()
        self._network: Follower | None = None

    def fit(self, histories: Sequence[History]) -> None:
        """Learn the network on others; one person in eight says when to stop."""
        from interests.tracking.networks import recurrent  # noqa: PLC0415  # brings torch

        self._background.fit(histories)
        step = 1 + sum(map(len, histories)) // MAX_FIT_EVENTS
        some = [history for history in histories[::step] if len(history) > 1]
        aside = [piece for own in some[::ASIDE] for piece in self._pieces(own)]
        pieces = [p for n, own in enumerate(some) if n % ASIDE for p in self._pieces(own)]
        self._network = recurrent.learn(self.kind, pieces, aside) if pieces else None

    def track_all(self, histories: Sequence[History]) -> Iterator[tuple[int, Track]]:
        """Yield the track of each history with its place in `histories`."""
        yield from self._background.tracks(histories, self._weights)

    def _weights(self, history: History, own: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._network is None or not len(history):
            return own
        from interests.tracking.networks import recurrent  # noqa: PLC0415  # brings torch

        inputs, memories = inputs_of(history, self._background.shares(own.shape[1]))
        return np.concatenate([own[:1], recurrent.expected(self._network, inputs, memories)])

    def _pieces(self, history: History) -> list[tuple[NDArray[np.float32], ...]]:
        """Return what the network sees of each piece, the next events, and which of them count."""
        inputs, memories = inputs_of(history, self._background.shares(history.shares.shape[1]))
        events = history.shares[1:].astype(np.float32)
        counts = (~history.is_negative[1:]).astype(np.float32)
        return [
            (
                inputs[begin : begin + PIECE][: len(events) - begin],
                memories[begin : begin + PIECE][: len(events) - begin],
                events[begin : begin + PIECE],
                counts[begin : begin + PIECE],
            )
            for begin in range(0, len(events), PIECE)
        ]


def inputs_of(
    history: History, shares: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what a network sees after each event: numbers [L, I], and logs of memories. [L, 3, C]"""
    length, num_categories = history.shares.shape
    memories = np.empty((length, len(HALF_LIVES), num_categories))
    kept = 0.5 ** (1 / np.array(HALF_LIVES))[:, None]
    counts = np.zeros((len(HALF_LIVES), num_categories))
    signed = history.shares * np.sign(history.weights)[:, None]
    for place in range(length):
        counts = kept * counts + np.maximum(signed[place], 0)
        memories[place] = counts
    memories += PSEUDO_COUNT * shares
    memories /= memories.sum(2, keepdims=True)
    pauses = np.diff(history.times, prepend=history.times[:1]) / 86_400e6
    number = np.arange(length)
    begins = np.diff(history.sessions, prepend=-1) > 0
    inside = number - np.maximum.accumulate(np.where(begins, number, 0))
    numbers = [
        signed,
        num_categories * memories.reshape(length, -1) / 4,
        np.log(np.maximum(pauses, SMALLEST_DAYS))[:, None] / 4,
        begins[:, None],
        np.log1p(inside)[:, None] / 2,
        np.log1p(number)[:, None] / 4,
    ]
    return np.concatenate(numbers, 1).astype(np.float32), np.log(memories).astype(np.float32)
