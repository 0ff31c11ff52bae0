"""A hidden Markov model: a person is in one of a few moods, learned on others, and changes them at times.

Legend: B end users of a batch, L length of a history, S states, C categories.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interests.tracking.background import Background
from interests.tracking.histories import Batch, History, batches
from interests.tracking.protocol import Track, with_floor

if TYPE_CHECKING:
    from interests.tracking.networks.chains import Chain

# More states foresee better for longer; so many learn in minutes on one core.
NUM_STATES = 24
ROUNDS = 12
# A round is worth its time while it gains so many nats an event.
LEAST_GAIN = 2e-4
# Longer histories are learned from in pieces, people in batches of like length.
PIECE = 200
MAX_FIT_EVENTS = 60_000


@dataclass
class HiddenMarkov:
    """A tracker by moods; what it expects is the mean of the moods by how likely each is now."""

    num_states: int = NUM_STATES
    rounds: int = ROUNDS
    name: str = "hmm"

    def __post_init__(self) -> None:
        self._background = Background()
        self._chain: Chain | None = None

    def fit(self, histories: Sequence[History]) -> None:
        """Learn moods, and how one follows another, on others (Baum-Welch)."""
        import torch  # only where something is fitted

        from interests.tracking.networks import chains  # noqa: PLC0415

        self._background.fit(histories)
        pieces = _pieces(histories)
        if not pieces:
            return
        shares = torch.from_numpy(self._background.shares(pieces[0].shares.shape[1]))
        told = [
            (torch.from_numpy(own.shares), torch.from_numpy(own.is_target.astype(float)))
            for own in batches(pieces)
        ]
        num_events = float(sum(own.sum() for _, own in told))
        chain = chains.Chain.random(shares, num_states=self.num_states, seed=0)
        before = -np.inf
        for _ in range(self.rounds if num_events else 0):
            chain, reached = chains.improved(chain, told, shares)
            if (reached - before) / num_events < LEAST_GAIN:
                break
            before = reached
        self._chain = chain

    def track_all(self, histories: Sequence[History]) -> Iterator[tuple[int, Track]]:
        """Yield the track of each history with its place in `histories`."""
        plain = dict(self._background.tracks(histories, lambda history, own: own))
        if self._chain is None:
            yield from plain.items()
            return
        for batch in batches(histories):
            weights = _expected(self._chain, batch)
            for row, index in enumerate(batch.index.tolist()):
                own = with_floor(weights[row, : batch.lengths[row] + 1])
                yield index, Track(own, plain[index].long_term, plain[index].short_term)


def _pieces(histories: Sequence[History]) -> list[History]:
    step = 1 + sum(map(len, histories)) // MAX_FIT_EVENTS
    return [
        History(
            shares=own.shares[begin : begin + PIECE],
            times=own.times[begin : begin + PIECE],
            sessions=own.sessions[begin : begin + PIECE],
            weights=own.weights[begin : begin + PIECE],
        )
        for own in histories[::step]
        for begin in range(0, len(own), PIECE)
    ]


def _expected(chain: Chain, batch: Batch) -> np.ndarray:
    """Return what the moods expect after each event; negative events tell nothing. [B, L + 1, C]"""
    import torch

    from interests.tracking.networks import chains  # noqa: PLC0415

    emit = chain.emit.exp()
    first = (chain.begin.exp() @ emit).expand(len(batch.index), 1, -1)
    if not batch.shares.shape[1]:
        return first.numpy()
    told = torch.from_numpy(batch.is_target.astype(float))
    seen = chain.log_likelihoods(torch.from_numpy(batch.shares), told)
    now = chains.forward(chain, seen).softmax(2)  # [B, L, S]
    weights: np.ndarray = torch.cat([first, now @ chain.move.exp() @ emit], 1).numpy()
    return weights
