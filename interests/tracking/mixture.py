"""The tracker that serves: a Bayesian mixture over memories of several lengths, and the network.

Each expert predicts the category of the next event. The weight of an expert for one person is its
posterior: it grows by how well the expert foresaw that person's events. After each event a small share
flows back to the population's belief, so that the best expert may change (Herbster and Warmuth,
"Tracking the best expert", 1998). Other people teach two things: the mean interests that memories lean
on, and how much each expert is believed before a person's first event.

Legend: B end users of a batch, L length of a history, K memories, C categories, E events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.tracking.histories import Batch, History, batches
from interests.tracking.memories import Counts, Memory, foresight, half_life_of, likelihoods
from interests.tracking.protocol import Track, population_prior, with_floor

VERSION = "mixture-1"

# A grid, chosen once on MovieLens small and the simulated streams (docs/experiments.md); people weigh it.
MEMORIES = (
    Memory(np.inf, 10), Memory(np.inf, 25), Memory(160, 12), Memory(60, 8), Memory(60, 15),
    Memory(25, 8), Memory(25, 15), Memory(12, 8), Memory(6, 6), Memory(3, 6),
    Memory(30, 20, leans_on_person=True), Memory(12, 15, leans_on_person=True),
    Memory(5, 10, leans_on_person=True), Memory(2, 4, leans_on_person=True),
)  # fmt: skip
# Shrunk the same way, so that a difference between them is a difference of memory only.
LONG_TERM = Memory(np.inf, 10)
SHORT_TERM = Memory(half_life_of(20), 10)

# Of 0.003, 0.02 and 0.1 the best on both data sets.
FIXED_SHARE = 0.02
# Belief in the network at the first event it was not trained on: as much as two average memories.
NETWORK_PRIOR = 0.15
# Early: more rounds gain 0.0003 nats on one data set and lose as much on the other.
EM_ROUNDS = 20


@dataclass(frozen=True)
class Population:
    """What other people teach.

    Attributes:
        shares: mean interests, sums to 1, float64. [C]
        beliefs: belief in each memory before the first event, sums to 1, float64. [K]
    """

    shares: NDArray[np.float64]
    beliefs: NDArray[np.float64]

    @classmethod
    def unknown(cls, num_categories: int) -> Population:
        """Return what holds before anybody was looked at: all categories and memories alike."""
        return cls(
            shares=np.full(num_categories, 1 / num_categories),
            beliefs=np.full(len(MEMORIES), 1 / len(MEMORIES)),
        )


@dataclass
class Mixture:
    """Bayesian mixture of memories and, from its training cut on, the network.

    Attributes:
        population: what `fit` learned; None: nothing yet
    """

    population: Population | None = None
    name: str = "mixture"

    def fit(self, histories: Sequence[History]) -> None:
        """Learn mean interests and the belief in each memory from the histories of others."""
        if not any(len(history) for history in histories):
            self.population = None
            return
        num_categories = histories[0].shares.shape[1]
        shares = population_prior(histories, num_categories=num_categories)
        self.population = Population(shares, _beliefs(likelihoods(MEMORIES, histories, shares)))

    def track_all(self, histories: Sequence[History]) -> Iterator[tuple[int, Track]]:
        """Yield the track of each history with its place in `histories`."""
        for batch in batches(histories):
            population = self.population or Population.unknown(batch.shares.shape[2])
            yield from _tracks(batch, population)


def _beliefs(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fixed weights of memories under which people's events are likeliest, by EM, [E, K] to [K]"""
    beliefs = np.full(len(MEMORIES), 1 / len(MEMORIES))
    for _ in range(EM_ROUNDS if len(table) else 0):
        posterior = beliefs * table
        beliefs = (posterior / posterior.sum(1, keepdims=True)).mean(0)
        # No memory is given up: one person may need what nobody else did.
        beliefs = 0.99 * beliefs + 0.01 / len(MEMORIES)
    return beliefs


def _tracks(batch: Batch, population: Population) -> Iterator[tuple[int, Track]]:
    size, length, num_categories = batch.shares.shape
    memories = (*MEMORIES, LONG_TERM, SHORT_TERM)
    counts = Counts(memories, shares=population.shares, size=size)
    belief = _Belief(batch, population)
    weights, long_term, short_term = np.ones((3, size, length + 1, num_categories))
    for step in range(length + 1):
        here = batch.num_longer(step - 1)  # who has so many events at all
        counts.keep(here)
        belief.keep(here)
        predictions = counts.predictions()  # [B, K + 2, C]
        long_term[:here, step], short_term[:here, step] = predictions[:, -2], predictions[:, -1]
        weights[:here, step] = belief.mix(predictions[:, :-2], step)
        if step < length:
            belief.update(step)
            counts.add(batch.shares[:here, step], batch.weights[:here, step])
    weights, long_term, short_term = map(with_floor, (weights, long_term, short_term))
    for row, index in enumerate(batch.index):
        own = slice(batch.lengths[row] + 1)
        yield int(index), Track(weights[row, own], long_term[row, own], short_term[row, own])


class _Belief:
    """How much each expert is believed for each end user; the network is the last, [B, K + 1]."""

    def __init__(self, batch: Batch, population: Population) -> None:
        self._batch = batch
        size, num_memories = len(batch.index), len(MEMORIES)
        self._size = size
        self._prior = np.zeros((size, num_memories + 1))
        self._prior[:, :-1] = population.beliefs
        self._belief = self._prior.copy()
        # The network says nothing before it has seen an event.
        self._enters_at = np.maximum(batch.network_from, 1)
        self._predictions = np.ones((size, num_memories + 1, batch.shares.shape[2]))

    def keep(self, size: int) -> None:
        """Forget all but the first `size` end users."""
        self._size = size
        self._prior, self._belief = self._prior[:size], self._belief[:size]
        self._predictions = self._predictions[:size]

    def mix(self, memories: NDArray[np.float64], step: int) -> NDArray[np.float64]:
        """Return the experts' mixture after `step` events. [B, C]"""
        self._predictions[:, :-1] = memories
        if self._batch.network_shares is not None and step > 0:
            self._predictions[:, -1] = with_floor(
                self._batch.network_shares[: self._size, step - 1]
            )
            self._let_network_in(self._enters_at[: self._size] == step)
        mixed: NDArray[np.float64] = np.matmul(self._belief[:, None], self._predictions)[:, 0]
        return mixed

    def update(self, step: int) -> None:
        """Believe those more who foresaw event `step`; a negative event is no target."""
        seen = foresight(self._predictions, self._batch.shares[: self._size, step])
        posterior = self._belief * seen
        posterior /= posterior.sum(1, keepdims=True)
        moved = (1 - FIXED_SHARE) * posterior + FIXED_SHARE * self._prior
        self._belief = np.where(
            self._batch.is_target[: self._size, step, None], moved, self._belief
        )

    def _let_network_in(self, is_entering: NDArray[np.bool_]) -> None:
        for beliefs in (self._prior, self._belief):
            beliefs[is_entering] *= 1 - NETWORK_PRIOR
            beliefs[is_entering, -1] = NETWORK_PRIOR
