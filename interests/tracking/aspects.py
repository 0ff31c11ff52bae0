"""What an event of several categories was about: credited to those that its person is after.

Somebody who has watched a hundred comedies and now watches a romantic comedy did so for the comedy. Half of
such an event counted as romance blurs what is known of a person. So each event is credited to its
categories by how much this person wants each (the E step of a topic model whose topics are the categories,
Hofmann, "Probabilistic latent semantic analysis", 1999), and what is expected next is spread again: those
who are after comedy also get the categories that comedies have beside it.

Legend: B end users of a batch, E events, U end users, C categories, G levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.tracking import levels
from interests.tracking.histories import History

ROUNDS = 10
# A person's credits lean on everybody's by so many events, a category's spread on itself by so many.
PERSON_EVENTS = 2.0
OWN_EVENTS = 5.0
# Smaller parts of a spread are left out: a table of a thousand categories stays small.
SMALLEST_PART = 1e-4


@dataclass(frozen=True)
class Aspects:
    """What people are after, and the categories that come with it.

    Attributes:
        shares: what people are after in the mean, sums to 1, float64. [C]
        spread: row c: category shares of the events credited to c; rows sum to 1, float64. [C, C]
        levels: how many people are after a category how much (levels.py); rows sum to 1, float64. [C, G]
    """

    shares: NDArray[np.float64]
    spread: NDArray[np.float64]
    levels: NDArray[np.float64]

    @classmethod
    def plain(cls, shares: NDArray[np.float64]) -> Aspects:
        """Return what holds before anything was learned: each category comes alone."""
        size = len(shares)
        nobody = np.zeros((0, size))
        return cls(shares=shares, spread=np.eye(size), levels=levels.learn(nobody))


def credit(event: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how one event of each person is credited: its shares [B, C] by what is wanted [B, C]."""
    credits = event * wanted
    sums = credits.sum(1, keepdims=True)
    found: NDArray[np.float64] = np.where(sums > 0, credits / np.maximum(sums, 1e-300), event)
    return found


def learn(histories: Sequence[History], *, shares: NDArray[np.float64]) -> Aspects:
    """Return the aspects under which others' events are likely, each person credited as a whole.

    Args:
        shares: mean category shares of people, never 0. [C]
    """
    kept = [history.shares[~history.is_negative] for history in histories]
    kept = [own for own in kept if len(own)]
    if not kept:
        return Aspects.plain(shares)
    events = np.concatenate(kept)  # [E, C]
    lengths = np.array([len(own) for own in kept])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    credits, mean = events, shares
    for _ in range(ROUNDS):
        counts = np.add.reduceat(credits, starts, axis=0)  # [U, C]
        own = counts + PERSON_EVENTS * mean
        own /= own.sum(1, keepdims=True)
        mean = own.mean(0)
        credits = credit(events, np.repeat(own, lengths, axis=0))
    spread = credits.T @ events + OWN_EVENTS * np.eye(len(shares))
    counts = np.add.reduceat(credits, starts, axis=0)
    return Aspects(shares=mean / mean.sum(), spread=_pruned(spread), levels=levels.learn(counts))


def _pruned(spread: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = spread / spread.sum(1, keepdims=True)
    spread = np.where(spread < SMALLEST_PART, 0, spread)
    pruned: NDArray[np.float64] = spread / spread.sum(1, keepdims=True)
    return pruned
