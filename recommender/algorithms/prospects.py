"""How many will choose an item that nobody chose yet: learned from items that were as new at moments of the past.

At each of those moments the items without an event are what now the new ones are. What each became is known: its
events until the next moment. A ridge regression tells them from the item's categories, its age by the year in its
title, and the fame of its words: how much more than others the items with a word had been chosen by then.

Legend: N items, F features.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms import texts
from recommender.algorithms.texts import Words

# Moments of the past, a tenth of the events apart; older ones count less.
NUM_MOMENTS = 6
SPAN = 0.1
FADING = 0.8
REGULARISATION = 10.0
# Where classes of age begin, in years; the first is of items that are dated ahead.
AGES = (-np.inf, -1, 0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 40, 60, 90)
# A word's fame rests on so many further items that are like all others.
SHRINKAGE = 3.0
# What more items have than this is no name.
MAX_ITEMS_OF_A_NAME = 60
MICROSECONDS_A_YEAR = 365.25 * 86_400_000_000


def prospects(log: InteractionLog, *, words: Words) -> NDArray[np.float32]:
    """Return how many events each item is expected to get next if it is new at the end of the log. [N]

    Zeros where the log is too short to have moments of the past.
    """
    stands = sparse.csr_array(words.counts.astype(bool).astype(np.float32))
    years = texts.years(log.catalogue)
    categories = (log.catalogue.shares > 0).astype(np.float32)
    chosen = log.take(~log.is_negative)

    def features(now: int) -> NDArray[np.float64]:
        before = np.bincount(chosen.items[chosen.times < now], minlength=log.num_items)
        columns = [_ages(years, now=now), categories, fame(stands, counts=before)]
        return np.concatenate(columns, axis=1, dtype=np.float64)  # [N, F]

    left: NDArray[np.float64] | float = 0.0
    right: NDArray[np.float64] | float = 0.0
    for weight, now, is_new, became in _moments(chosen):
        rows = features(now)[is_new]
        left = left + weight * rows.T @ rows
        right = right + weight * rows.T @ became[is_new]
    if isinstance(right, float):
        return np.zeros(log.num_items, np.float32)
    left = left + REGULARISATION * np.eye(len(right))
    return (features(int(chosen.times.max()) + 1) @ np.linalg.solve(left, right)).astype(np.float32)


def fame(stands: sparse.csr_array, *, counts: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the fame of each item's most famous word and that of all its words together.

    The fame of a word is the mean of log(1 + events) of the items chosen so far that have it, beside the mean of all
    of them, as if `SHRINKAGE` further ones were like all. A word of many items has none.

    Args:
        stands: 1 where an item has a word. [N, W]
        counts: events so far. [N]

    Returns:
        [N, 2]
    """
    is_chosen = counts > 0
    if not is_chosen.any():
        return np.zeros((len(counts), 2), np.float32)
    logs = np.log1p(counts)
    excess = np.where(is_chosen, logs - logs[is_chosen].mean(), 0)
    num_chosen = stands.T @ is_chosen.astype(np.float64)  # [W]
    of_words = (stands.T @ excess) / (num_chosen + SHRINKAGE)
    is_name = np.bincount(stands.indices, minlength=stands.shape[1]) <= MAX_ITEMS_OF_A_NAME
    of_items = sparse.csr_array(stands.multiply((of_words * is_name)[None, :]))
    return np.stack([_highest(of_items), of_items.sum(axis=1)], axis=1).astype(np.float32)


def _moments(
    chosen: InteractionLog,
) -> Iterator[tuple[float, int, NDArray[np.bool_], NDArray[np.int64]]]:
    """Yield moments of the past, the last first: weight, time, which items were new, what they got next."""
    times = np.sort(chosen.times)
    end = len(times)
    for number in range(1, NUM_MOMENTS + 1):
        start = int(len(times) * (1 - SPAN * number))
        now, until = int(times[start]), int(times[end - 1])
        is_before = chosen.times < now
        is_next = ~is_before & (chosen.times <= until)
        before = np.bincount(chosen.items[is_before], minlength=chosen.num_items)
        became = np.bincount(chosen.items[is_next], minlength=chosen.num_items)
        if is_before.any() and (before == 0).any():
            yield FADING ** (number - 1), now, before == 0, became
        end = max(start, 1)


def _ages(years: NDArray[np.int64], *, now: int) -> NDArray[np.float32]:
    """Return 1 in the class of each item's age, the last class where no year is known. [N, ages + 1]"""
    age = np.floor(1970 + now / MICROSECONDS_A_YEAR) - years
    places = np.where(years == texts.NO_YEAR, len(AGES), np.digitize(age, AGES) - 1)
    return np.eye(len(AGES) + 1, dtype=np.float32)[places]


def _highest(rows: sparse.csr_array) -> NDArray[np.float64]:
    """Return the highest stored number of each row, 0 where none is above. [N]"""
    highest = np.zeros(rows.shape[0])
    np.maximum.at(highest, np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr)), rows.data)
    return highest
