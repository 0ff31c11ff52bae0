"""The moments of a history for which a state is kept, and the plain facts of each.

Legend: L length of a history, M moments, C categories.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interests.tracking.histories import History

DAY_MICROSECONDS = 86_400_000_000
# 1970-01-01 was a Thursday; weeks begin on Monday.
DAYS_FROM_MONDAY = 3
# About the memory of the short-term interest: between two states it can have changed altogether.
EVENTS_PER_STATE = 25


def moments(history: History) -> NDArray[np.int64]:
    """Return after how many events a state is kept; the last is all of them. [M]

    At the end of each week (UTC) with events and, within a week, after about every 25 events: people who
    do a year's worth in an evening have a history too. Never between events of one time, which have no order.
    """
    if not len(history):
        return np.zeros(0, np.int64)
    days = np.floor_divide(history.times, DAY_MICROSECONDS)
    weeks = np.floor_divide(days + DAYS_FROM_MONDAY, 7)
    number = np.arange(len(history))
    begins = np.maximum.accumulate(np.where(np.diff(weeks, prepend=weeks[0] - 1) > 0, number, 0))
    parts = (number - begins) // EVENTS_PER_STATE
    can_end = np.flatnonzero(np.append(np.diff(history.times) > 0, True))
    # The last event that can end each part of a week; a part all of one time has none.
    is_last = np.append((np.diff(weeks[can_end]) > 0) | (np.diff(parts[can_end]) > 0), True)
    # A week's last full part takes in the few events after it, so that no state stands for a handful.
    sizes = np.diff(can_end[is_last], prepend=-1)
    ends_week = np.append(np.diff(weeks[can_end[is_last]]) > 0, True)
    joins_next = np.zeros(len(sizes), bool)
    joins_next[:-1] = ends_week[1:] & ~ends_week[:-1] & (sizes[1:] < EVENTS_PER_STATE)
    found: NDArray[np.int64] = can_end[is_last][~joins_next] + 1
    return found


def active_days(history: History, *, after: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return on how many days (UTC) there were events up to each moment. [M]"""
    days = np.floor_divide(history.times, DAY_MICROSECONDS)
    is_new = np.diff(days, prepend=days[:1] - 1) > 0
    counts = np.concatenate([[0], np.cumsum(is_new)])
    found: NDArray[np.int64] = counts[after]
    return found


def shares_between(
    history: History, *, after: NDArray[np.int64], begin: int = 0
) -> NDArray[np.float64]:
    """Return the mean shares of the events since the moment before; zeros where all are negative. [M, C]

    Args:
        after: numbers of events, ascending.
        begin: number of events at the moment before the first.
    """
    is_kept = (~history.is_negative).astype(float)
    sums = np.zeros((len(history) + 1, history.shares.shape[1] + 1))
    np.cumsum(np.column_stack([history.shares * is_kept[:, None], is_kept]), axis=0, out=sums[1:])
    between = np.diff(sums[np.concatenate([[begin], after])], axis=0)
    shares: NDArray[np.float64] = between[:, :-1] / np.maximum(between[:, -1:], 1)
    return shares
