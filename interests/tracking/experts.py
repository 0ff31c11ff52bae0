"""The experts of the mixture: memories of many lengths, change points, and levels of interest.

Each expert predicts the category of the next event. The weight of an expert for one person is its
posterior: it grows by how well the expert foresaw that person's events. After each event a small share
flows back to the population's belief, so that the best expert may change (Herbster and Warmuth,
"Tracking the best expert", 1998).

Legend: B end users of a batch, K experts, C categories, E events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from interests.tracking.aspects import Aspects, credit
from interests.tracking.change_points import ChangePoints
from interests.tracking.histories import Batch, History, batches
from interests.tracking.levels import Levels, log_likelihood
from interests.tracking.memories import MAX_FIT_EVENTS, Counts, Memory, foresight, half_life_of
from interests.tracking.protocol import with_floor
from interests.tracking.sessions import Sessions

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
# Chances of a new level after an event: hardly ever, once in a long history, once in a season.
LEVEL_CHANCES = (0.0005, 0.002, 0.01)
# In the order of the beliefs: memories of plain events, of credited events, change points, levels.
NUM_EXPERTS = 2 * len(MEMORIES) + 2 + len(LEVEL_CHANCES)

# Of 0.003, 0.02 and 0.1 the best on both data sets.
FIXED_SHARE = 0.02
# Early: more rounds gain 0.0003 nats on one data set and lose as much on the other.
EM_ROUNDS = 20


class Experts:
    """What each expert knows of several people, and how much it is believed for each, [B, K]."""

    def __init__(
        self,
        *,
        shares: NDArray[np.float64],
        aspects: Aspects,
        beliefs: NDArray[np.float64],
        size: int,
    ) -> None:
        self._aspects = aspects
        self._has_aspects = not np.array_equal(aspects.spread, np.eye(len(shares)))
        self.plain = Counts((*MEMORIES, LONG_TERM, SHORT_TERM), shares=shares, size=size)
        self.credited = Counts(MEMORIES, shares=aspects.shares, size=size)
        self.changes = tuple(
            ChangePoints(aspects.shares, size=size, leans_on_person=leans)
            for leans in (False, True)
        )
        self.levels = tuple(
            Levels(aspects.levels, chance=chance, size=size) for chance in LEVEL_CHANCES
        )
        self.sessions = Sessions(len(shares), size=size)
        self._prior = beliefs
        self.belief = np.tile(beliefs, (size, 1))
        self.events = (np.zeros((size, len(shares))), np.zeros((size, len(shares))))
        self.times = np.zeros((2, size))  # of the same last two events, microseconds

    def keep(self, size: int) -> None:
        """Forget all but the first `size` end users."""
        for counts in (self.plain, self.credited):
            counts.keep(size)
        for changes in self.changes:
            changes.keep(size)
        for levels in self.levels:
            levels.keep(size)
        self.sessions.keep(size)
        self.belief, self.times = self.belief[:size], self.times[:, :size]
        self.events = (self.events[0][:size], self.events[1][:size])

    @property
    def _parts(self) -> tuple[Counts | ChangePoints | Levels | Sessions, ...]:
        return (self.plain, self.credited, *self.changes, *self.levels, self.sessions)

    def state(self) -> list[NDArray[np.float64]]:
        """Return what is known of each person but for their last two events, each [B, ...]."""
        return [array for part in self._parts for array in part.state()] + [self.belief]

    def restore(self, rows: NDArray[np.intp], state: Sequence[NDArray[np.float64]]) -> None:
        """Know of the people in `rows` what `state` returned."""
        left = list(state)
        for part in self._parts:
            size = len(part.state())
            part.restore(rows, left[:size])
            del left[:size]
        (self.belief[rows],) = left

    def foresee(self) -> NDArray[np.float64]:
        """Work out what is expected of the next events, `predictions` [B, K, C]; return the mixture. [B, C]"""
        plain = self.plain.predictions()
        self.long_term, self.short_term = plain[:, -2], plain[:, -1]
        credited = [self.credited.predictions()]
        credited += [changes.predictions()[:, None] for changes in self.changes]
        credited += [levels.predictions()[:, None] for levels in self.levels]
        wanted = np.concatenate(credited, axis=1)
        num_memories = len(MEMORIES)
        weight = self.belief[:, None, num_memories:]
        self.wanted = np.matmul(weight, wanted)[:, 0] / weight.sum(2)
        if self._has_aspects:
            wanted = with_floor(wanted @ self._aspects.spread)
        self.predictions = np.concatenate([plain[:, :-2], wanted], axis=1)
        mixed: NDArray[np.float64] = np.matmul(self.belief[:, None], self.predictions)[:, 0]
        self.mixed = mixed
        return mixed

    def add(self, batch: Batch, step: int) -> None:
        """Take in event `step` of each person, after `foresee`, and believe those more who foresaw it."""
        here = len(self.belief)
        event, weights = batch.shares[:here, step], batch.weights[:here, step]
        self._believe(event, batch.is_target[:here, step])
        credits = credit(event, self.wanted)
        self.plain.add(event, weights)
        self.credited.add(credits, weights)
        for changes in self.changes:
            changes.add(credits, weights)
        seen = np.exp(log_likelihood(credits))
        for level in self.levels:
            level.add(seen, weights)
        begins = batch.begins_session[:here, step]
        self.sessions.add(event, weights, begins_session=begins, expected=self.mixed)
        self.events = (event * np.sign(weights)[:, None], self.events[0])
        self.times = np.stack([batch.times[:here, step].astype(float), self.times[0]])

    def _believe(self, event: NDArray[np.float64], is_target: NDArray[np.bool_]) -> None:
        """Move beliefs by how well the experts foresaw; a negative event is no target."""
        self.belief = moved(
            self.belief, foresight(self.predictions, event), prior=self._prior, where=is_target
        )


def moved(
    belief: NDArray[np.float64],
    seen: NDArray[np.float64],
    *,
    prior: NDArray[np.float64],
    where: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return beliefs [B, K] after experts gave an event the likelihoods `seen` [B, K]."""
    posterior = belief * seen
    posterior /= posterior.sum(1, keepdims=True)
    after = (1 - FIXED_SHARE) * posterior + FIXED_SHARE * prior
    found: NDArray[np.float64] = np.where(where[:, None], after, belief)
    return found


def walk(batch: Batch, experts: Experts) -> Iterator[tuple[int, int]]:
    """Yield each step of a batch and how many people are still there; all experts have foreseen it."""
    length = batch.shares.shape[1]
    for step in range(length + 1):
        here = batch.num_longer(step - 1)  # who has so many events at all
        experts.keep(here)
        experts.foresee()
        yield step, here
        if step < length:
            experts.add(batch, step)


def learn_beliefs(
    histories: Sequence[History], *, shares: NDArray[np.float64], aspects: Aspects
) -> NDArray[np.float64]:
    """Return the fixed weights of experts under which people's events are likeliest, by EM. [K]"""
    everybody = np.full(NUM_EXPERTS, 1 / NUM_EXPERTS)
    step = 1 + sum(map(len, histories)) // MAX_FIT_EVENTS
    rows = [np.ones((0, NUM_EXPERTS))]
    for batch in batches(histories[::step]):
        experts = Experts(shares=shares, aspects=aspects, beliefs=everybody, size=len(batch.index))
        for number, _ in walk(batch, experts):
            going = batch.num_longer(number)
            if going:
                seen = foresight(experts.predictions[:going], batch.shares[:going, number])
                rows.append(seen[batch.is_target[:going, number]])
    return expected_weights(np.concatenate(rows))


def expected_weights(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fixed weights under which the rows of likelihoods are likeliest, by EM, [E, K] to [K]"""
    num_experts = table.shape[1]
    beliefs = np.full(num_experts, 1 / num_experts)
    for _ in range(EM_ROUNDS if len(table) else 0):
        posterior = beliefs * table
        beliefs = (posterior / posterior.sum(1, keepdims=True)).mean(0)
        # No expert is given up: one person may need what nobody else did.
        beliefs = 0.99 * beliefs + 0.01 / num_experts
    return beliefs
