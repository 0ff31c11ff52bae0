"""The tracker that serves: experts believed by how well they foresaw this person, a gate, and the network.

Experts (experts.py) are memories of several lengths and Bayesian change points; their mixture is known for
each person from the first event. A gate (gate.py) learned on other people turns what the experts say into
one word; from its training cut on the ranking network has one too. Which of mixture, gate and network is
believed is learned for each person online, in the same way as for the experts.

Legend: B end users of a batch, L length of a history, C categories, W words: mixture, gate, network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interests.tracking import aspects, experts, fitting
from interests.tracking.experts import Experts, moved
from interests.tracking.features import features
from interests.tracking.histories import Batch, History, batches
from interests.tracking.memories import foresight
from interests.tracking.population import Population
from interests.tracking.protocol import Track, population_prior, with_floor

VERSION = "mixture-2"
# Belief in the network at the first event it was not trained on.
NETWORK_PRIOR = 0.15


@dataclass
class Mixture:
    """Bayesian mixture of experts, the gate and, from its training cut on, the network.

    Attributes:
        population: what `fit` learned; None: nothing yet
    """

    population: Population | None = None
    name: str = "mixture"

    def fit(self, histories: Sequence[History]) -> None:
        """Learn from the histories of others: mean interests, aspects, beliefs and the gate."""
        if not any(len(history) for history in histories):
            self.population = None
            return
        num_categories = histories[0].shares.shape[1]
        shares = population_prior(histories, num_categories=num_categories)
        known = aspects.learn(histories, shares=shares)
        beliefs = experts.learn_beliefs(histories, shares=shares, aspects=known)
        population = Population(shares=shares, beliefs=beliefs, aspects=known)
        learned = fitting.learn_gate(histories, population=population)
        if learned is not None:
            gate, belief = learned
            population = replace(population, gate=gate, gate_belief=belief)
        self.population = population

    def track_all(self, histories: Sequence[History]) -> Iterator[tuple[int, Track]]:
        """Yield the track of each history with its place in `histories`."""
        for batch in batches(histories):
            population = self.population or Population.unknown(batch.shares.shape[2])
            yield from _tracks(batch, population)


def _tracks(batch: Batch, population: Population) -> Iterator[tuple[int, Track]]:
    size, length, num_categories = batch.shares.shape
    crowd = fitting.experts_of(population, size=size)
    words = _Words(batch, population)
    weights, long_term, short_term = np.ones((3, size, length + 1, num_categories))
    for step, here in experts.walk(batch, crowd):
        words.keep(here)
        long_term[:here, step], short_term[:here, step] = crowd.long_term, crowd.short_term
        weights[:here, step] = words.mix(crowd, step)
        if step < length:
            words.update(step)
    weights, long_term, short_term = map(with_floor, (weights, long_term, short_term))
    for row, index in enumerate(batch.index):
        own = slice(batch.lengths[row] + 1)
        yield int(index), Track(weights[row, own], long_term[row, own], short_term[row, own])


class _Words:
    """How much mixture, gate and network are believed for each end user. [B, W]"""

    def __init__(self, batch: Batch, population: Population) -> None:
        self._batch = batch
        self._population = population
        self._size = size = len(batch.index)
        by_gate = 0.0 if population.gate is None else population.gate_belief
        self._prior = np.tile([1 - by_gate, by_gate, 0.0], (size, 1))
        self._belief = self._prior.copy()
        # The network says nothing before it has seen an event.
        self._enters_at = np.maximum(batch.network_from, 1)
        self._predictions = np.ones((size, 3, batch.shares.shape[2]))

    def keep(self, size: int) -> None:
        """Forget all but the first `size` end users."""
        self._size = size
        self._prior, self._belief = self._prior[:size], self._belief[:size]
        self._predictions = self._predictions[:size]

    def mix(self, crowd: Experts, step: int) -> NDArray[np.float64]:
        """Return what is expected after `step` events. [B, C]"""
        self._predictions[:, 0] = crowd.mixed
        if self._population.gate is not None:
            given = features(crowd, step=step, shares=self._population.shares)
            self._predictions[:, 1] = with_floor(self._population.gate.weights(given))
        if self._batch.network_shares is not None and step > 0:
            shares = self._batch.network_shares[: self._size, step - 1]
            self._predictions[:, 2] = with_floor(shares)
            self._let_network_in(self._enters_at[: self._size] == step)
        mixed: NDArray[np.float64] = np.matmul(self._belief[:, None], self._predictions)[:, 0]
        return mixed

    def update(self, step: int) -> None:
        """Believe those more who foresaw event `step`; a negative event is no target."""
        self._belief = moved(
            self._belief,
            foresight(self._predictions, self._batch.shares[: self._size, step]),
            prior=self._prior,
            where=self._batch.is_target[: self._size, step],
        )

    def _let_network_in(self, is_entering: NDArray[np.bool_]) -> None:
        for beliefs in (self._prior, self._belief):
            beliefs[is_entering] *= 1 - NETWORK_PRIOR
            beliefs[is_entering, -1] = NETWORK_PRIOR
