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


def week_ends(history: History) -> NDArray[np.int64]:
    """Return how many events there were at the end of each week (UTC) with events; the last is all. [M]"""
    if not len(history):
        return np.zeros(0, np.int64)
    days = np.floor_divide(history.times, DAY_MICROSECONDS)
    weeks = np.floor_divide(days + DAYS_FROM_MONDAY, 7)
    return np.flatnonzero(np.append(np.diff(weeks) > 0, True)) + 1


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
