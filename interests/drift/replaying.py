"""Where a detector goes on: snapshots at growing distances back, each known by the events it has seen.

Legend: L length of a history.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from interests.datasets.drawing import drawn

# Going back so few events is not worth a snapshot of its own.
NEAREST = 16
# Each distance is so many times the one before: twelve snapshots reach back over sixteen million events, and
# a late event costs at most some twenty times the way back to it. Steps of 2 would halve that for twice the
# rows.
GROWTH = 4
# A replay of so few from the first event costs little.
FIRST = 64


def fingerprints(event_keys: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a number for the first 0, 1, ... L events that is another for other events or another order.

    Args:
        event_keys: keys of one person's events in their order. [L]

    Returns:
        uint64; two different beginnings share one with a chance of 2^-64. [L + 1]
    """
    return fingerprints_of_all(event_keys, np.array([0, len(event_keys)]))[0]


def fingerprints_of_all(
    event_keys: NDArray[np.int64], offsets: NDArray[np.int64]
) -> list[NDArray[np.uint64]]:
    """Return the `fingerprints` of several people at once.

    Args:
        event_keys: of all their events, person by person. [E]
        offsets: where each person's begin, and the end. [b + 1]
    """
    first = np.repeat(offsets[:-1], np.diff(offsets))
    places = (np.arange(len(event_keys)) - first).astype(np.uint64)
    mixed = drawn((drawn(event_keys) + places).view(np.int64), seed=1)
    sums = np.zeros(len(event_keys) + 1, np.uint64)
    np.cumsum(mixed, out=sums[1:])  # wraps around, which is meant
    ends = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    return [sums[begin : end + 1] - sums[begin] for begin, end in ends]


def points(num_events: int) -> list[int]:
    """Return after how many events a first pass keeps snapshots, ascending; the last is after all."""
    found, distance = [num_events], NEAREST
    while num_events - distance + 1 >= FIRST:
        found.append(num_events - distance + 1)
        distance *= GROWTH
    return sorted(found) if num_events else []


def worth_keeping(numbers: Collection[int]) -> set[int]:
    """Return which snapshots to keep: the newest, and the oldest of each distance back from it.

    Those of the first 64 events are not worth it.

    Args:
        numbers: of events that the snapshots have seen.
    """
    newest = max(numbers, default=0)
    oldest: dict[int, int] = {}
    for number in sorted(number for number in numbers if number >= min(FIRST, newest)):
        oldest.setdefault(_distance(newest - number), number)
    return set(oldest.values())


def _distance(events_back: int) -> int:
    """Return the place of a distance in the row 0, under 16, under 64, under 256, ..."""
    place, limit = 0, 1
    while events_back >= limit:
        place, limit = place + 1, NEAREST * GROWTH**place
    return place
