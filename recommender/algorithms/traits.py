"""What a ranker may know of a person and an item beside what algorithms say: how usual, new and near the item is.

Legend: b end users, N items, C categories, E traits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms.protocol import event_counts

TRAITS = (
    "log events",
    "log late events",
    "log days since the first event",
    "like all",
    "like the last",
)
# The last tenth of events, by their time, is late.
LATE_QUANTILE = 0.9
LAST_EVENTS = 10
DAY = 86_400_000_000


@dataclass(frozen=True)
class Traits:
    """Traits of items, learned from a log.

    Attributes:
        of_items: the first three of `TRAITS`, in standard deviations. [N, 3]
        shares: categories of the items, rows of length 1; [N, 0] where all have one category. [N, C]
    """

    of_items: NDArray[np.float32]
    shares: NDArray[np.float32]

    @classmethod
    def of_log(cls, log: InteractionLog) -> Traits:
        """Learn them from a sorted log."""
        counts = event_counts(log)
        late = (
            log.take(log.times >= np.quantile(log.times, LATE_QUANTILE)) if log.num_events else log
        )
        first = np.full(log.num_items, np.iinfo(np.int64).max)
        np.minimum.at(first, log.items, log.times)
        end = log.times.max(initial=0)
        days = np.where(counts > 0, np.maximum(end - first, 0) / DAY, 0)
        columns = np.log1p(np.stack([counts, event_counts(late), days], axis=1))
        columns -= columns.mean(axis=0)
        columns /= np.maximum(columns.std(axis=0), 1e-9)
        shares = log.catalogue.shares
        if shares.shape[1] < 2:
            shares = shares[:, :0]
        lengths = np.sqrt((shares**2).sum(axis=1, keepdims=True))
        return cls(
            columns.astype(np.float32), (shares / np.maximum(lengths, 1e-9)).astype(np.float32)
        )

    @property
    def count(self) -> int:
        """How many traits there are."""
        return len(TRAITS)

    def at(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        rows: NDArray[np.integer],
        items: NDArray[np.integer],
    ) -> NDArray[np.float32]:
        """Return the traits of some items, each for one end user; likeness is a cosine of categories.

        Args:
            users: whose histories count. [b]
            rows: for whom each item is, an index into `users`. [c]
            items: [c]

        Returns:
            [c, E]
        """
        found = np.zeros((len(items), len(TRAITS)), np.float32)
        found[:, :3] = self.of_items[items]
        if not self.shares.shape[1]:
            return found
        profiles = np.zeros((2, len(users), self.shares.shape[1]), np.float32)
        for row, user in enumerate(users):
            events = slice(histories.offsets[user], histories.offsets[user + 1])
            own = self.shares[histories.items[events][~histories.is_negative[events]]]
            profiles[0, row], profiles[1, row] = own.sum(axis=0), own[-LAST_EVENTS:].sum(axis=0)
        profiles /= np.maximum(np.sqrt((profiles**2).sum(axis=2, keepdims=True)), 1e-9)
        found[:, 3] = np.einsum("cd,cd->c", profiles[0][rows], self.shares[items])
        found[:, 4] = np.einsum("cd,cd->c", profiles[1][rows], self.shares[items])
        return found
