"""Memories: counts of a person's events that fade with a half-life and lean on a prior.

Legend: B end users of a batch, K memories, C categories, E events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.tracking.histories import Batch, History, batches

# How far a negative event pushes its categories down, beside how far a positive one lifts them.
NEGATIVE_STRENGTH = 0.5
# One event counts as at most so many: a large weight given to a kind must not drown a history.
MAX_EVENT_WEIGHT = 5.0
# Where a memory leans on the person, it leans on everything they did, itself shrunk by this much.
PERSON_PSEUDO_COUNT = 15.0
# What is learned from other people moves no more after this many events of theirs.
MAX_FIT_EVENTS = 150_000


@dataclass(frozen=True)
class Memory:
    """One way to remember.

    Attributes:
        half_life: events after which an event counts half; infinite: nothing is forgotten
        pseudo_count: how many events the prior is worth (a Dirichlet prior)
        leans_on_person: the prior is the person's long-term interest instead of the population's
    """

    half_life: float
    pseudo_count: float
    leans_on_person: bool = False

    @property
    def kept(self) -> float:
        """Return what is left of an event after the next one."""
        return float(0.5 ** (1 / self.half_life))


def half_life_of(num_events: float) -> float:
    """Return the half-life at which the counts 1 + g + g^2 + ... sum to `num_events`."""
    return float(np.log(0.5) / np.log(1 - 1 / num_events))


class Counts:
    """What several memories hold of several people; memories that lean on the person may stand anywhere."""

    def __init__(
        self, memories: Sequence[Memory], *, shares: NDArray[np.float64], size: int
    ) -> None:
        self._shares = shares
        self._kept = np.array([memory.kept for memory in memories])
        self._pseudo = np.array([memory.pseudo_count for memory in memories])
        self._leaning = np.flatnonzero([memory.leans_on_person for memory in memories])
        # Memories of one half-life hold the same counts, whatever they lean on.
        _, self._distinct, self._same = np.unique(
            self._kept, return_index=True, return_inverse=True
        )
        self._base = self._pseudo[:, None] * shares  # [K, C]
        self._base[self._leaning] = 0
        self._counts = np.zeros((size, len(memories), len(shares)))
        self._totals = np.zeros((size, len(memories)))
        self.person = np.zeros((size, len(shares)))  # all events, nothing forgotten

    def keep(self, size: int) -> None:
        """Forget all but the first `size` end users."""
        self._counts, self._totals = self._counts[:size], self._totals[:size]
        self.person = self.person[:size]

    def state(self) -> tuple[NDArray[np.float64], ...]:
        """Return what it holds of each person, each [B, ...]; the rest follows from it."""
        return self._counts[:, self._distinct], self.person

    def restore(self, rows: NDArray[np.intp], state: Sequence[NDArray[np.float64]]) -> None:
        """Hold of the people in `rows` what `state` returned."""
        counts, person = state
        self._counts[rows] = counts[:, self._same]
        self._totals[rows] = self._counts[rows].sum(2)
        self.person[rows] = person

    def predictions(self) -> NDArray[np.float64]:
        """Return what each memory expects next; rows sum to 1, none is 0. [B, K, C]"""
        table = self._counts + self._base
        if len(self._leaning):
            person = self.person + PERSON_PSEUDO_COUNT * self._shares
            person /= person.sum(1, keepdims=True)
            table[:, self._leaning] += self._pseudo[self._leaning, None] * person[:, None]
        table /= (self._totals + self._pseudo)[:, :, None]
        return table

    def add(self, event: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        """Remember one event of each person: its shares [B, C], its weight [B]; weight 0 adds nothing."""
        self._counts *= self._kept[:, None]
        self._totals *= self._kept
        amounts = np.clip(weights, -MAX_EVENT_WEIGHT, MAX_EVENT_WEIGHT)
        amounts = np.where(amounts < 0, NEGATIVE_STRENGTH * amounts, amounts)
        added = event * amounts[:, None]  # [B, C]
        self._counts += added[:, None]
        self.person += added
        self._totals += amounts[:, None]
        if (amounts < 0).any():
            # Nothing falls below "never seen": the prior's part is always left.
            np.maximum(self._counts, 0, out=self._counts)
            np.maximum(self.person, 0, out=self.person)
            self._totals = self._counts.sum(2)


def foresight(predictions: NDArray[np.float64], event: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return exp(sum of x_c log p_c), the likelihood of a shared event: [B, K, C], [B, C] to [B, K]."""
    likelihood: NDArray[np.float64] = np.exp(
        np.matmul(np.log(predictions), event[:, :, None])[..., 0]
    )
    return likelihood


def likelihoods(
    memories: Sequence[Memory], histories: Sequence[History], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how well each memory foresaw each event of other people that is not negative. [E, K]

    Of more than 150,000 events those of every n-th person are taken.
    """
    step = 1 + sum(len(history) for history in histories) // MAX_FIT_EVENTS
    rows = [_foreseen(memories, batch, shares) for batch in batches(histories[::step])]
    return np.concatenate([np.ones((0, len(memories))), *rows])


def _foreseen(
    memories: Sequence[Memory], batch: Batch, shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    counts = Counts(memories, shares=shares, size=len(batch.index))
    rows = [np.ones((0, len(memories)))]
    for step in range(batch.shares.shape[1]):
        going = batch.num_longer(step)
        counts.keep(going)
        event = batch.shares[:going, step]  # [B, C]
        rows.append(foresight(counts.predictions(), event)[batch.is_target[:going, step]])
        counts.add(event, batch.weights[:going, step])
    return np.concatenate(rows)
