"""Who asks when, and how much of the own history counts at that moment.

Legend: m moments, N items.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms.records import Record
from recommender.algorithms.tallies import Int, Tally, log_days

# The last events of a person that say what he chooses; older ones stay in his counts.
WINDOW = 200
# An event counts half "of late" for every so many after it.
HALF_LIFE = 10.0
# The same for "just now".
SHORT_HALF_LIFE = 2.0


@dataclass(frozen=True)
class Moments:
    """Who asks, when, and how much of the own history counts.

    Attributes:
        users: index into the histories' `user_ids`. [m]
        ends: events of the histories from the user's first up to here, exclusive, count. [m]
        times: microseconds. [m]
        gaps: log days since the own last event; the usual ones where the time is not known. [m]
    """

    users: NDArray[np.int32]
    ends: Int
    times: Int
    gaps: NDArray[np.float64]

    @classmethod
    def at_events(cls, log: InteractionLog, events: Int) -> Moments:
        """Return the moments just before events of a sorted log."""
        times = log.times[events]
        return cls(log.users[events], events, times, _gaps(log, log.users[events], events, times))

    @classmethod
    def at_times(cls, log: InteractionLog, users: NDArray[np.int32], times: Int) -> Moments:
        """Return moments at times: the own events that count are earlier."""
        order = np.unique(np.concatenate([log.times, times]))
        ranks = np.searchsorted(order, log.times)
        own = Tally.of(log.users, ranks, stride=len(order) + 1)
        _, ends = own.spans(users, np.searchsorted(order, times))
        return cls(users, ends, times, _gaps(log, users, ends, times))

    @classmethod
    def now(cls, log: InteractionLog, users: NDArray[np.int32], record: Record) -> Moments:
        """Return the moments after whole histories, when the record ends; how long after is not known."""
        times = np.full(len(users), record.end)
        gaps = np.full(len(users), record.usual_gap)
        return cls(users, log.offsets[users + 1], times, gaps)

    @classmethod
    def until(cls, log: InteractionLog, users: NDArray[np.int32], times: Int) -> Moments:
        """Return the moments after whole histories, at known times."""
        ends = log.offsets[users + 1]
        return cls(users, ends, times, _gaps(log, users, ends, times))


@dataclass(frozen=True)
class Pasts:
    """Histories of moments as matrices over items, of the last `WINDOW` choices of each.

    Attributes:
        chosen: how often each item. [m, N]
        late: the same, each event counted by how many came after it. [m, N]
        just_now: the same, with a shorter half-life. [m, N]
        rated: choices that have a value. [m, N]
        tastes: how far values lie above the person's mean, summed. [m, N]
    """

    chosen: sparse.csr_array
    late: sparse.csr_array
    just_now: sparse.csr_array
    rated: sparse.csr_array
    tastes: sparse.csr_array

    @classmethod
    def of(cls, log: InteractionLog, moments: Moments, means: NDArray[np.float64]) -> Pasts:
        """Read the histories. means: of values of each moment's person. [m]"""
        starts = np.maximum(log.offsets[moments.users], moments.ends - WINDOW)
        lengths = moments.ends - starts
        rows = np.repeat(np.arange(len(lengths)), lengths)
        events = np.arange(lengths.sum()) + np.repeat(
            starts - np.cumsum(lengths) + lengths, lengths
        )
        # What was refused is a value of the person's, not a choice.
        is_choice = ~log.is_negative[events]
        rows, events = rows[is_choice], events[is_choice]
        since = moments.ends[rows] - 1 - events
        above = log.values[events] - means[rows]
        is_rated = np.isfinite(above)
        shape = (len(lengths), log.num_items)

        def matrix(values: NDArray[np.float64]) -> sparse.csr_array:
            cells = (values.astype(np.float32), (rows, log.items[events]))
            found = sparse.csr_array(cells, shape=shape)
            found.sum_duplicates()
            return found

        return cls(
            matrix(np.ones(len(rows))),
            matrix(0.5 ** (since / HALF_LIFE)),
            matrix(0.5 ** (since / SHORT_HALF_LIFE)),
            matrix(is_rated.astype(np.float64)),
            matrix(np.where(is_rated, above, 0.0)),
        )


def _gaps(
    log: InteractionLog, users: NDArray[np.int32], ends: Int, times: Int
) -> NDArray[np.float64]:
    is_known = ends > log.offsets[users]
    last = np.append(log.times, 0)[np.where(is_known, ends - 1, -1)]
    return np.where(is_known, log_days(times - last), 0.0)
