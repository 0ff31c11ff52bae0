"""What everybody chooses: over all time, and lately. The same list for every end user.

Legend: b end users, N items, E events that are not negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms.protocol import CannotFit, Report, event_counts, popularity

MICROSECONDS_A_DAY = 86_400_000_000


@dataclass(frozen=True)
class MostPopularSettings:
    """Most popular has nothing to choose."""


@dataclass(frozen=True)
class RecentlyPopularSettings:
    """How far back "lately" reaches.

    Attributes:
        window_days: days before the end of training (or before the request, where its time is known).
    """

    window_days: int = 30


@dataclass(frozen=True)
class Popularity:
    """A fitted ranking that is equal for everybody. `item_scores`: -inf where never chosen. [N]"""

    item_scores: NDArray[np.float32]

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        return np.tile(self.item_scores, (len(users), 1))  # [b, N]


class MostPopular:
    """Items by their number of events."""

    name = "most_popular"
    is_baseline = True

    def grid(self) -> Sequence[MostPopularSettings]:
        return (MostPopularSettings(),)

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: MostPopularSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Popularity:
        _counts(log)
        return Popularity(popularity(log))


@dataclass(frozen=True)
class RecentPopularity:
    """Events of the fit in order of time, so that any window is a slice.

    Attributes:
        items: [E]
        times: ascending, microseconds. [E]
        all_time: below 1: orders items that the window does not tell apart; -inf where never chosen. [N]
        window: microseconds
    """

    items: NDArray[np.int32]
    times: NDArray[np.int64]
    all_time: NDArray[np.float32]
    window: int

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        if request_times is None:
            recent = self._counts_before(int(self.times[-1]) + 1)
            return np.tile(recent, (len(users), 1))  # [b, N]
        return np.stack([self._counts_before(int(time)) for time in request_times])  # [b, N]

    def _counts_before(self, end: int) -> NDArray[np.float32]:
        first, last = np.searchsorted(self.times, [end - self.window, end])
        counts = np.bincount(self.items[first:last], minlength=len(self.all_time))
        return (counts + self.all_time).astype(np.float32)


class RecentlyPopular:
    """Items by their number of events in a window that ends where training ends."""

    name = "recently_popular"
    is_baseline = True

    def grid(self) -> Sequence[RecentlyPopularSettings]:
        return tuple(RecentlyPopularSettings(days) for days in (30, 7, 90, 180, 365, 730))

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: RecentlyPopularSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> RecentPopularity:
        counts = _counts(log)
        positive = np.flatnonzero(~log.is_negative)
        order = positive[np.argsort(log.times[positive], kind="stable")]
        below_one = counts / (2 * counts.max())
        return RecentPopularity(
            items=log.items[order],
            times=log.times[order],
            all_time=np.where(counts > 0, below_one, -np.inf).astype(np.float32),
            window=settings.window_days * MICROSECONDS_A_DAY,
        )


def _counts(log: InteractionLog) -> NDArray[np.int64]:
    counts = event_counts(log)
    if not counts.any():
        raise CannotFit("There are no events to count: popularity needs at least one.")
    return counts
