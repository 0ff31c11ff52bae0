"""What is known of a person and an item at a moment, as numbers: behaviour of both, and content.

Every number is made of events before the moment. What others did is counted by time; what the person did, by place
in the own history, so that events at one time come in the order of the log. Columns, in the order of `Record.names`:

- of the person and of the item: log counts of events per kind; mean, median, variance and spread (highest less
  lowest) of values; whether there are values; log days since the last and since the first event (recency, age)
- of the item: log events of the last 90 days, log share of all events, and its share of each category
- of both: the share of the person's events in the item's categories, over the history and of late; how far values
  there lie above the person's mean
- company, of both, as logarithms: cosines between the item and what the person chose (each by who chose both, as in
  `neighbours`), those of the nearest items alone for choices just now, for all, and on average, and how far values of
  what is near lie above the person's mean; and those of all items on average, over the history and of late

Legend: m moments, n pairs of a moment and an item, N items, U end users of the fit, C categories, F features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms.moments import Moments, Pasts
from recommender.algorithms.records import Record, similarities
from recommender.algorithms.tallies import MICROSECONDS_A_DAY, Int, Side

LATELY = 90 * MICROSECONDS_A_DAY
# What others chose is looked up at so many times of a set of moments, each before the moments it serves.
NUM_SNAPSHOTS = 8
# Added to nearness and company before their logarithm.
LEAST = 0.01
# Columns of company.
NUM_COMPANY = 6
# Pairs whose company is worked out at a time.
BLOCK_PAIRS = 20_000
# With more pairs a moment, the company of all items is worked out and the pairs looked up.
MANY_PAIRS = 50


@dataclass(frozen=True)
class Known:
    """What is known at some moments; asked for the features of pairs of a moment and an item.

    Attributes:
        about: features of the moments' people. [m, K + 7]
    """

    record: Record
    moments: Moments
    about: NDArray[np.float32]
    pasts: Pasts

    @classmethod
    def of(cls, record: Record, log: InteractionLog, moments: Moments) -> Known:
        """Read the histories of the moments, and nothing else, from a sorted log of the record's catalogue."""
        own = _own_events(log, moments.users)
        people = Side.of(
            log.take(own), groups=log.users[own], ranks=own, stride=log.num_events + 1, scale=record.scale
        )  # fmt: skip
        about = people.features(moments.users, moments.ends, times=moments.times)
        about[:, -2] = moments.gaps
        means = people.mean_values(moments.users, moments.ends)
        return cls(record, moments, about, Pasts.of(log, moments, means))

    def features(self, rows: Int, items: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the features of pairs, finite, in the order of `Record.names`.

        Args:
            rows: the moment of each pair, an index into the moments. [n]
            items: the item of each pair. [n]

        Returns:
            [n, F]
        """
        times = self.moments.times[rows]
        return np.concatenate(
            [
                self.about[rows],
                _of_items(self.record, times, items),
                _of_categories(self.record, self.pasts, rows, items),
                self.company(rows, items),
            ],
            axis=1,
            dtype=np.float32,
        )

    def company(self, rows: Int, items: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the last columns of `features` alone. [n, 6]"""
        return _company(self.record, self.pasts, self.moments, rows, items)

    def nearness(self) -> NDArray[np.float32]:
        """Return how near all items are to what was chosen just now, and a little of their company. [m, N]"""
        found = np.zeros((len(self.moments.users), len(self.record.popularity)), np.float32)
        late = np.maximum(self.pasts.late.sum(axis=1), 1e-9)
        for some, choosers, near in _snapshots(self.record, self.moments):
            past, weighted = self.pasts.late[some], _weighted(choosers)
            found[some] = _whole_product(past @ weighted.T.tocsr(), weighted)
            found[some] *= 0.1 / late[some, None]
            found[some] += _whole_product(self.pasts.just_now[some], near)
        return found


def _of_items(record: Record, times: Int, items: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the items' own features; each item is looked up once a time. [n, K + 9 + C']"""
    different, number = np.unique(times, return_inverse=True)
    keys, place = np.unique(number * len(record.popularity) + items, return_inverse=True)
    times, items = different[keys // len(record.popularity)], keys % len(record.popularity)
    ranks = record.rank_at(times)
    behaviour = record.items.features(items, ranks, times=times)
    counts = record.items.events.counts(items, ranks)
    before = record.items.events.counts(items, record.rank_at(times - LATELY))
    popular = np.stack([np.log1p(counts - before), np.log1p(counts) - np.log1p(ranks)], axis=1)
    content = record.shares[np.ix_(items, record.columns)]
    return np.concatenate([behaviour, popular, content], axis=1, dtype=np.float32)[place]


def _of_categories(
    record: Record, pasts: Pasts, rows: Int, items: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Return the shares of a person's events in the items' categories and the values there. [n, 3]"""
    found = []
    for past in (pasts.chosen, pasts.late):
        profile = past @ record.shares / np.maximum(past.sum(axis=1), 1e-9)[:, None]
        found.append(_row_products(profile, record.shares, rows, items))
    tastes, rated = (
        _row_products(past @ record.shares, record.shares, rows, items)
        for past in (pasts.tastes, pasts.rated)
    )
    return np.stack([*found, tastes / (1 + rated)], axis=1)


def _company(
    record: Record, pasts: Pasts, moments: Moments, rows: Int, items: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Return the company of pairs. [n, 6]"""
    found = np.zeros((len(rows), NUM_COMPANY), np.float32)
    late, chosen = (np.maximum(past.sum(axis=1), 1e-9) for past in (pasts.late, pasts.chosen))
    order = np.argsort(rows, kind="stable")
    for some, choosers, near in _snapshots(record, moments):
        place = np.full(len(moments.users), -1)
        place[some] = np.arange(len(some))
        pairs = order[place[rows[order]] >= 0]
        own, wanted = rows[pairs], items[pairs]
        parts = (pasts.just_now, pasts.chosen, pasts.tastes)
        just_now, near_all, tastes = (
            _products(past[some], near, place[own], wanted) for past in parts
        )
        found[pairs] = np.stack(
            [
                _log(just_now),
                _log(near_all),
                _log(near_all / chosen[own]),
                tastes / (0.1 + near_all),
                _log(_met(choosers, pasts.chosen[some], place[own], wanted) / chosen[own]),
                _log(_met(choosers, pasts.late[some], place[own], wanted) / late[own]),
            ],
            axis=1,
        )
    return found


def _log(sums: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return logarithms of sums that may be 0, or a little below by rounding."""
    return np.asarray(np.log(np.maximum(sums, 0) + LEAST), np.float64)


def _snapshots(
    record: Record, moments: Moments
) -> Iterator[tuple[Int, sparse.csr_array, sparse.csr_array]]:
    """Yield moments, who had chosen what before the first of them, and the items' neighbours then.

    [m'], [U, N], [N, N]
    """
    ranks = record.rank_at(moments.times)
    order = np.argsort(ranks, kind="stable")
    num_parts = min(NUM_SNAPSHOTS, len(np.unique(ranks)))
    for some in np.array_split(order, num_parts) if num_parts else ():
        rank = int(ranks[some[0]])
        choosers = record.choosers_at(rank)
        # The neighbours at the end are asked for with every request, and kept.
        near = record.near if rank == len(record.times) else similarities(choosers)
        yield some, choosers, near


def _met(
    choosers: sparse.csr_array, past: sparse.csr_array, rows: Int, items: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Return the cosines of pairs' items with all that was chosen, summed. past: [m', N] -> [n]"""
    weighted = _weighted(choosers)
    # Of each person: what he and the moment's both chose.
    return _products(past @ weighted.T.tocsr(), weighted, rows, items)


def _weighted(choosers: sparse.csr_array) -> sparse.csr_array:
    """Return choices, each over the root of the item's number of them. [U, N]"""
    counts = np.bincount(choosers.indices, minlength=choosers.shape[1])
    norms = np.where(counts > 0, 1 / np.sqrt(np.maximum(counts, 1)), 0).astype(np.float32)
    weighted: sparse.csr_array = (choosers * norms[None, :]).tocsr()
    return weighted


def _products(
    left: sparse.csr_array, right: sparse.csr_array, rows: Int, items: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Return cells of a product. left: [m', s]; right: [s, N] -> [n]"""
    if len(rows) > MANY_PAIRS * left.shape[0]:
        return np.asarray(_whole_product(left, right)[rows, items])
    turned = right.T.tocsr()
    blocks = [np.zeros(0, np.float32)]
    for first in range(0, len(rows), BLOCK_PAIRS):
        own = slice(first, first + BLOCK_PAIRS)
        both = turned[items[own]].multiply(left[rows[own]])
        blocks.append(np.asarray(both.sum(axis=1), np.float32).ravel())
    return np.concatenate(blocks)


def _whole_product(left: sparse.csr_array, right: sparse.csr_array) -> NDArray[np.float32]:
    """Return a product that has few zeros. left: [m', s]; right: [s, N] -> [m', N]"""
    return np.ascontiguousarray((right.T.tocsr() @ left.toarray().T).T)


def _row_products(
    left: NDArray[np.floating], right: NDArray[np.floating], rows: Int, items: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Return the product of a row of each. [n]"""
    return np.asarray(np.einsum("nc,nc->n", left[rows], right[items]), np.float32)


def _own_events(log: InteractionLog, users: NDArray[np.int32]) -> Int:
    """Return the places of some people's events, ascending."""
    is_asked = np.zeros(log.num_users, bool)
    is_asked[users] = True
    return np.flatnonzero(is_asked[log.users])
