"""Who chose what, as sparse matrices of zeros and ones.

Legend: U end users, b of them, N items.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog


def choices(log: InteractionLog) -> sparse.csr_array:
    """Return 1 where an end user has an event on an item that is not negative, float32. [U, N]"""
    chosen = ~log.is_negative
    return _ones(log.users[chosen], log.items[chosen], shape=(log.num_users, log.num_items))


def choices_of(
    log: InteractionLog, *, users: NDArray[np.int32], half_life: float | None = None
) -> sparse.csr_array:
    """Return the rows of `choices` for some end users of a sorted log, without making the rest. [b, N]

    Args:
        half_life: with it, a choice counts 1 if it is the end user's last event, and half for every
            `half_life` events since.
    """
    events, rows = events_of(log, users=users)
    chosen = ~log.is_negative[events]
    shape = (len(users), log.num_items)
    rows, columns = rows[chosen], log.items[events[chosen]]
    if half_life is None:
        return _ones(rows, columns, shape=shape)
    since = log.offsets[users + 1][rows] - 1 - events[chosen]
    weights = 0.5 ** (since / half_life)
    # Of several events on one item the last counts: it comes first among the reversed.
    keys, last = np.unique((rows * log.num_items + columns)[::-1], return_index=True)
    places = (keys // log.num_items, keys % log.num_items)
    return sparse.csr_array((weights[::-1][last].astype(np.float32), places), shape=shape)


def events_of(
    log: InteractionLog, *, users: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the events of some end users of a sorted log, oldest first, and which of them each is of. [events]"""
    starts, ends = log.offsets[users], log.offsets[users + 1]
    lengths = ends - starts
    rows = np.repeat(np.arange(len(users)), lengths)
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.repeat(starts, lengths) + within, rows


def compact(chosen: sparse.csr_array) -> tuple[sparse.csr_array, NDArray[np.intp]]:
    """Leave out end users and items without a choice; return what is left and which items it has."""
    chosen = chosen[np.flatnonzero(np.diff(chosen.indptr))]
    items = np.unique(chosen.indices)
    return chosen[:, items], items.astype(np.intp)


def _ones(
    rows: NDArray[np.integer], columns: NDArray[np.integer], *, shape: tuple[int, int]
) -> sparse.csr_array:
    matrix = sparse.csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix
