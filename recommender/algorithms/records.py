"""What a log says of its items at any time: counts, values, who chose what; the names of all features.

Legend: E events, E' choices, U end users, N items, C categories, F features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms.matrices import choices
from recommender.algorithms.protocol import popularity
from recommender.algorithms.tallies import Int, Scale, Side, log_days

# Categories that are columns of their own: those of the most items.
MAX_CATEGORIES = 20
# As many neighbours of an item are kept, by a cosine with this added to its denominator.
NUM_NEIGHBOURS, SHRINKAGE = 20, 10.0
# Cells of similarities worked out at a time.
BLOCK_CELLS = 16_000_000


@dataclass(frozen=True)
class Record:
    """What a log says of its items at any time, and nothing else of it.

    Attributes:
        times: of all events, ascending, microseconds. [E]
        items: the items' side; ranks count events of `times` that are earlier
        people: who made each choice, in order of time. [E']
        chosen: the items of these. [E']
        ranks: of these. [E']
        firsts: ranks of each known item's first choice, ascending, and these items. [2, N']
        num_people: U
        near: neighbours of the items when all is counted, see `similarities`. [N, N]
        shares: categories of the items. [N, C]
        columns: categories that are features
        popularity: choices of each item, -inf where it has none. [N]
        usual_gap: log days between a person's events, in the middle
    """

    scale: Scale
    times: Int
    items: Side
    people: NDArray[np.int32]
    chosen: NDArray[np.int32]
    ranks: Int
    firsts: Int
    num_people: int
    near: sparse.csr_array
    shares: NDArray[np.float32]
    columns: Int
    category_names: tuple[str, ...]
    popularity: NDArray[np.float32]
    usual_gap: float

    @classmethod
    def of_log(cls, log: InteractionLog) -> Record:
        """Read a sorted log."""
        times = np.sort(log.times)
        ranks = np.searchsorted(times, log.times)
        scale = Scale.of_log(log)
        order = np.flatnonzero(~log.is_negative)
        order = order[np.argsort(ranks[order], kind="stable")]
        known, first = np.unique(log.items[order], return_index=True)
        by_first = np.argsort(first, kind="stable")
        firsts = np.stack([ranks[order][first[by_first]], known[by_first].astype(np.int64)])
        sizes = (log.catalogue.shares > 0).sum(axis=0)
        columns = np.sort(np.argsort(-sizes, kind="stable")[:MAX_CATEGORIES])
        gaps = np.diff(log.times)[np.diff(log.users) == 0]
        stride = len(times) + 1
        return cls(
            scale=scale,
            times=times,
            items=Side.of(log, groups=log.items, ranks=ranks, stride=stride, scale=scale),
            people=log.users[order],
            chosen=log.items[order],
            ranks=ranks[order],
            firsts=firsts,
            num_people=log.num_users,
            near=similarities(choices(log)),
            shares=log.catalogue.shares,
            columns=columns,
            category_names=log.catalogue.category_names,
            popularity=popularity(log),
            usual_gap=float(np.median(log_days(gaps))) if len(gaps) else 0.0,
        )

    @property
    def end(self) -> int:
        """Say when the record ends: just after its last event, microseconds."""
        return int(self.times[-1]) + 1 if len(self.times) else 0

    def rank_at(self, times: Int) -> Int:
        """Return how many events are earlier than each time. [n]"""
        return np.searchsorted(self.times, times)

    def choosers_at(self, rank: int) -> sparse.csr_array:
        """Return 1 where somebody had chosen an item before a rank, float32. [U, N]"""
        end = np.searchsorted(self.ranks, rank)
        places = (self.people[:end], self.chosen[:end])
        shape = (self.num_people, len(self.popularity))
        matrix = sparse.csr_array((np.ones(end, np.float32), places), shape=shape)
        matrix.sum_duplicates()
        matrix.data[:] = 1
        return matrix

    def names(self) -> tuple[str, ...]:
        """Return what each feature says. F of them"""
        return (
            *self.scale.names("person"),
            *self.scale.names("item"),
            "item: events of late",
            "item: share of all events",
            *(f"item: in {self.category_names[column]}" for column in self.columns),
            "share of events in the item's categories",
            "share of late events in the item's categories",
            "value above the person's mean in the item's categories",
            "near what was chosen just now",
            "near what was chosen, summed",
            "near what was chosen, mean",
            "value above the person's mean of what is near",
            "company of what was chosen, mean",
            "company of what was chosen of late, mean",
        )


def similarities(choosers: sparse.csr_array) -> sparse.csr_array:
    """Return the cosines of items and those nearest to them, each row those of one item. [U, N] -> [N, N]"""
    by_item = choosers.T.tocsr()
    norms = np.sqrt(np.diff(by_item.indptr)).astype(np.float32)  # [N]
    step = max(1, BLOCK_CELLS // max(choosers.shape[1], 1))
    blocks = []
    for first in range(0, choosers.shape[1], step):
        block = by_item[first : first + step] @ choosers
        owners = np.repeat(np.arange(first, first + block.shape[0]), np.diff(block.indptr))
        block.data /= norms[owners] * norms[block.indices] + SHRINKAGE
        block.data[block.indices == owners] = 0
        for row in np.flatnonzero(np.diff(block.indptr) > NUM_NEIGHBOURS):
            values = block.data[block.indptr[row] : block.indptr[row + 1]]
            values[values < np.partition(values, -NUM_NEIGHBOURS)[-NUM_NEIGHBOURS]] = 0
        block.eliminate_zeros()
        blocks.append(block)
    found: sparse.csr_array = sparse.vstack(blocks, format="csr")
    return found
