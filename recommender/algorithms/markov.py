"""What follows the last choices: a Markov chain over items, of any order, with back-off to shorter memories.

How often item j came after the last n choices is counted; a part of each count, the discount, is taken off and
given to what the last n - 1 choices say, down to how often each item is chosen at all (absolute discounting,
Ney, Essen and Kneser, Computer Speech and Language 1994; for recommending, Shani, Heckerman and Brafman, JMLR 2005):

    P(j | c) = max(n(c, j) - d, 0) / n(c) + d · t(c) / n(c) · P(j | c without its oldest)

with t(c) how many different items came after c.

Legend: b end users, N items, E events that are not negative, C contexts of one length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms import matrices
from recommender.algorithms.protocol import CannotFit, Report, event_counts


@dataclass(frozen=True)
class MarkovSettings:
    """How much is remembered.

    Attributes:
        order: how many of the last choices decide, 1 or more.
        discount: d, above 0 and at most 1: how much of each count is given to shorter memories.
    """

    order: int = 1
    discount: float = 0.9


@dataclass(frozen=True)
class Contexts:
    """What came after the last choices, for one number of these.

    Attributes:
        keys: of each context: the number of the one without its oldest choice, times N, plus that
            choice; ascending, int64. [C]
        counts: how often an item came next, less the discount, over how often the context was. [C, N]
        rests: what is left for shorter memories, 0 to 1. [C]
    """

    keys: NDArray[np.int64]
    counts: sparse.csr_array
    rests: NDArray[np.float32]

    def find(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of contexts, -1 where one was never seen."""
        if not len(self.keys):
            return np.full(len(keys), -1)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, places, -1)


@dataclass(frozen=True)
class Chain:
    """Fitted counts. `lengths`: those of one choice first; `base`: each item's share of events. [N]"""

    lengths: tuple[Contexts, ...]
    base: NDArray[np.float32]

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        last = _last_choices(histories, users=users, most=len(self.lengths))  # [b, order]
        scores = np.tile(self.base, (len(users), 1))  # [b, N]
        found = np.zeros(len(users), np.int64)
        for length, contexts in enumerate(self.lengths):
            is_known = (found >= 0) & (last[:, length] >= 0)
            keys = found * len(self.base) + last[:, length]
            found = np.where(is_known, contexts.find(keys), -1)
            rows = np.flatnonzero(found >= 0)
            own = found[rows]
            scores[rows] *= contexts.rests[own][:, None]
            scores[rows] += contexts.counts[own].toarray()
        scores[:, self.base == 0] = -np.inf
        return scores


class Markov:
    """Items by how often they came after the last choices."""

    name = "markov"
    is_baseline = True
    reads_order = True

    def grid(self) -> Sequence[MarkovSettings]:
        return tuple(
            MarkovSettings(*own) for own in ((1, 0.9), (2, 0.9), (3, 0.9), (1, 0.5), (2, 0.5))
        )

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: MarkovSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Chain:
        counts = event_counts(log)
        if not counts.any():
            raise CannotFit("There are no events to follow: markov needs at least one.")
        if settings.order < 1 or not 0 < settings.discount <= 1:
            raise CannotFit("markov needs an order of 1 or more and a discount above 0, at most 1.")
        chosen = np.flatnonzero(~log.is_negative)
        users, items = log.users[chosen], log.items[chosen].astype(np.int64)
        lengths = []
        known = np.zeros(len(items), np.int64)  # of each event, which context its last choices are
        for length in range(settings.order):
            oldest = np.arange(len(items)) - length
            is_whole = (oldest >= 0) & (users[oldest] == users) & (known >= 0)
            keys = known * log.num_items + items[oldest]
            distinct, places = np.unique(keys[is_whole], return_inverse=True)
            known = np.full(len(items), -1)
            known[is_whole] = places
            is_followed = (known[:-1] >= 0) & (users[1:] == users[:-1])
            shape = (len(distinct), log.num_items)
            after = _counted(known[:-1][is_followed], items[1:][is_followed], shape=shape)
            lengths.append(_discounted(distinct, after, discount=settings.discount))
        return Chain(tuple(lengths), (counts / counts.sum()).astype(np.float32))


def _counted(
    contexts: NDArray[np.int64], items: NDArray[np.int64], *, shape: tuple[int, int]
) -> sparse.csr_array:
    ones = np.ones(len(items), np.float32)
    counts = sparse.csr_array((ones, (contexts, items)), shape=shape)
    counts.sum_duplicates()
    return counts


def _discounted(keys: NDArray[np.int64], counts: sparse.csr_array, *, discount: float) -> Contexts:
    """Take the discount off each count; a context that nothing followed gives all to shorter ones."""
    kinds = np.diff(counts.indptr)
    totals = np.asarray(counts.sum(axis=1), np.float32)
    rests = np.where(kinds > 0, discount * kinds / np.maximum(totals, 1), 1)
    counts.data = (counts.data - np.float32(discount)) / np.repeat(totals, kinds)
    return Contexts(keys, counts, rests.astype(np.float32))


def _last_choices(log: InteractionLog, *, users: NDArray[np.int32], most: int) -> NDArray[np.int64]:
    """Return the last choices of end users, the latest first, -1 where there are fewer. [b, most]"""
    events, rows = matrices.events_of(log, users=users)
    is_choice = ~log.is_negative[events]
    events, rows = events[is_choice], rows[is_choice]
    ends = np.cumsum(np.bincount(rows, minlength=len(users)))
    since = ends[rows] - 1 - np.arange(len(rows))
    is_late = since < most
    last = np.full((len(users), most), -1)
    last[rows[is_late], since[is_late]] = log.items[events[is_late]]
    return last
