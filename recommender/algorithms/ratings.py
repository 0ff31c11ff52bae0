"""What end users said of items, as a sparse matrix: their ratings, or what the kinds of their events weigh.

Legend: b end users, N items.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms import matrices

# Where fewer of the events have a value, they are the exception: one scale for all is that of the kinds.
LEAST_SHARE = 0.5


def is_rated(log: InteractionLog) -> bool:
    """Return whether at least half of the events carry a value, and values are what to compare people by."""
    return bool(log.num_events and np.isfinite(log.values).mean() >= LEAST_SHARE)


def said(log: InteractionLog, *, users: NDArray[np.int32], has_ratings: bool) -> sparse.csr_array:
    """Return what some end users of a sorted log said of items, by the last event on each. [b, N]

    Args:
        has_ratings: the value of the last event that has one, a 0 being a cell like any other; without, the
            weight of the last event's kind, a negative one included.
    """
    events, rows = matrices.events_of(log, users=users)
    values = log.values[events] if has_ratings else log.kind_weights[log.kinds[events]]
    is_told = np.isfinite(values)
    keys = (rows * log.num_items + log.items[events])[is_told]
    # Of several events on one item the last counts: it comes first among the reversed.
    cells, last = np.unique(keys[::-1], return_index=True)
    places = (cells // max(log.num_items, 1), cells % max(log.num_items, 1))
    shape = (len(users), log.num_items)
    return sparse.csr_array((values[is_told][::-1][last].astype(np.float32), places), shape=shape)
