"""What every tracker offers, and the floor under every tracker's weights.

Legend: L length of a history, C categories.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interests.tracking.histories import History

# The share of every weight that is spread evenly. One floor for all trackers: without it a single event
# in a category never seen before costs infinitely much, and trackers would differ by their floors.
FLOOR = 1e-3


@dataclass(frozen=True)
class Track:
    """The interest weights of one end user after each event.

    Attributes:
        weights: row i: given the first i events; rows sum to 1, float64. [L + 1, C]
        long_term: the same without forgetting. [L + 1, C]
        short_term: the same with a memory of about 20 events. [L + 1, C]
    """

    weights: NDArray[np.float64]
    long_term: NDArray[np.float64]
    short_term: NDArray[np.float64]


class Tracker(Protocol):
    """Turns histories into interest weights."""

    name: str

    def fit(self, histories: Sequence[History]) -> None:
        """Learn what people have in common from the histories of others."""

    def track_all(self, histories: Sequence[History]) -> Iterator[tuple[int, Track]]:
        """Yield the track of each history with its place in `histories`, in any order."""


def track(tracker: Tracker, history: History) -> Track:
    """Return the track of one history."""
    return next(iter(tracker.track_all([history])))[1]


def with_floor(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights over the last axis mixed with the floor and summing to 1 up to rounding."""
    floored: NDArray[np.float64] = (1 - FLOOR) * weights + FLOOR / weights.shape[-1]
    floored /= floored.sum(-1, keepdims=True)
    return floored


def population_prior(histories: Sequence[History], *, num_categories: int) -> NDArray[np.float64]:
    """Return the mean shares of people, each person counting once, never 0 anywhere. [C]

    A person of few events says little: their shares are shrunk towards everybody's by ten events.
    """
    flat = np.full(num_categories, 1 / num_categories)
    counts = [h.shares[~h.is_negative].sum(0) for h in histories if not h.is_negative.all()]
    if not counts:
        return flat
    table = np.stack(counts)  # [U, C]
    pooled = (table.sum(0) + flat) / (table.sum() + 1)
    own = (table + 10 * pooled) / (table.sum(1, keepdims=True) + 10)
    prior: NDArray[np.float64] = own.mean(0)
    prior /= prior.sum()
    return prior
