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
from interests.tracking.standings import Standing, packed, recall_last_events, unpacked

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
            going = _Going.of(batch, self._population_of(batch))
            for row, index in enumerate(batch.index):
                yield int(index), going.track(row)

    def advance_all(
        self, histories: Sequence[History], standings: Sequence[Standing | None]
    ) -> Iterator[Advanced]:
        """Go on with each history from where the mixture stands with its person, or from the first event.

        Args:
            standings: of the same people, made with the same population, network and first events.
        """
        firsts = [0 if one is None else one.num_events for one in standings]
        for batch in batches(histories, firsts=firsts):
            known = [standings[i] for i in batch.index]
            own = [histories[i] for i in batch.index]
            going = _Going.of(
                batch, self._population_of(batch), standings=known, histories=own, is_kept=True
            )
            for row, index in enumerate(batch.index):
                history = own[row]
                yield Advanced(
                    place=int(index),
                    first=firsts[index],
                    track=going.track(row),
                    standing=Standing(len(history), history.network_from, going.numbers[row]),
                )

    def _population_of(self, batch: Batch) -> Population:
        return self.population or Population.unknown(batch.shares.shape[2])


@dataclass(frozen=True)
class Advanced:
    """What became of one history.

    Attributes:
        place: in the histories that were given
        first: after how many events the first row of the track is
        track: from there on
        standing: after the last event
    """

    place: int
    first: int
    track: Track
    standing: Standing


@dataclass
class _Going:
    """A batch worked out event by event.

    Attributes:
        weights, long_term, short_term: after each event. [B, L + 1, C]
        numbers: where the mixture stands in the end, if that is to be kept. [B, S]
    """

    batch: Batch
    weights: NDArray[np.float64]
    long_term: NDArray[np.float64]
    short_term: NDArray[np.float64]
    numbers: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        batch: Batch,
        population: Population,
        *,
        standings: Sequence[Standing | None] = (),
        histories: Sequence[History] = (),
        is_kept: bool = False,
    ) -> _Going:
        size, length, num_categories = batch.shares.shape
        crowd = fitting.experts_of(population, size=size)
        words = _Words(batch, population)
        _recall(crowd, words, standings, histories)
        numbers = packed([*crowd.state(), *words.state()], slice(size if is_kept else 0))
        weights, long_term, short_term = np.ones((3, size, length + 1, num_categories))
        for step, here in experts.walk(batch, crowd):
            words.keep(here)
            if is_kept and (ending := slice(batch.num_longer(step), here)).start < here:
                words.hear(step)
                numbers[ending] = packed([*crowd.state(), *words.state()], ending)
            long_term[:here, step], short_term[:here, step] = crowd.long_term, crowd.short_term
            weights[:here, step] = words.mix(crowd, step)
            if step < length:
                words.update(step)
        weights, long_term, short_term = map(with_floor, (weights, long_term, short_term))
        return cls(batch, weights, long_term, short_term, numbers)

    def track(self, row: int) -> Track:
        own = slice(self.batch.lengths[row] + 1)
        return Track(self.weights[row, own], self.long_term[row, own], self.short_term[row, own])


def _recall(
    crowd: Experts,
    words: _Words,
    standings: Sequence[Standing | None],
    histories: Sequence[History],
) -> None:
    """Let experts and words know what is known already of those people with whom they stand somewhere."""
    known = [(row, one) for row, one in enumerate(standings) if one is not None]
    if not known:
        return
    rows = np.array([row for row, _ in known])
    like = [crowd.state(), words.state()]
    parts = unpacked(np.stack([one.numbers for _, one in known]), [*like[0], *like[1]])
    crowd.restore(rows, parts[: len(like[0])])
    words.restore(rows, parts[len(like[0]) :])
    firsts = [one.num_events for _, one in known]
    recall_last_events(crowd, rows.tolist(), [histories[row] for row in rows], firsts)


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
        self._heard = np.ones((size, batch.shares.shape[2]))  # what the network said last
        self._predictions = np.ones((size, 3, batch.shares.shape[2]))

    def keep(self, size: int) -> None:
        """Forget all but the first `size` end users."""
        self._size = size
        self._prior, self._belief = self._prior[:size], self._belief[:size]
        self._predictions, self._heard = self._predictions[:size], self._heard[:size]

    def state(self) -> list[NDArray[np.float64]]:
        """Return the beliefs, and what the network said last, each [B, ...]."""
        return [self._belief, self._heard]

    def restore(self, rows: NDArray[np.intp], state: Sequence[NDArray[np.float64]]) -> None:
        """Go on with what `state` returned for the people in `rows`."""
        self._belief[rows], self._heard[rows] = state
        has_entered = rows[self._batch.first[rows] > self._enters_at[rows]]
        self._prior[has_entered] *= 1 - NETWORK_PRIOR
        self._prior[has_entered, -1] = NETWORK_PRIOR

    def hear(self, step: int) -> None:
        """Listen to what the network says after `step` of these events."""
        if self._batch.network_shares is not None and step > 0:
            self._heard = self._batch.network_shares[: self._size, step - 1]

    def mix(self, crowd: Experts, step: int) -> NDArray[np.float64]:
        """Return what is expected after `step` of these events. [B, C]"""
        num_events = self._batch.first[: self._size] + step
        self._predictions[:, 0] = crowd.mixed
        if self._population.gate is not None:
            given = features(crowd, step=num_events, shares=self._population.shares)
            self._predictions[:, 1] = with_floor(self._population.gate.weights(given))
        if self._batch.network_shares is not None:
            self.hear(step)
            self._predictions[:, 2] = with_floor(self._heard)
            self._let_network_in(self._enters_at[: self._size] == num_events)
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
