"""What is chosen at this hour and on this weekday beyond the usual.

Naive Bayes over the context (Zhang, The Optimality of Naive Bayes, 2004): log p(item) + log p(hour | item) / p(hour) +
log p(weekday | item) / p(weekday), each ratio pulled towards 1 by events that are like all. The log of events carries neither device nor zone: hours are those of UTC, which tell people of one zone apart by
their day and those of many zones by where they live.

Legend: b end users, N items, F features: 24 hours, then 7 weekdays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms.protocol import CannotFit, Report, event_counts, popularity

MICROSECONDS_AN_HOUR = 3_600_000_000
HOURS, WEEKDAYS = 24, 7
# 1 January 1970 was a Thursday, the fourth day from Monday.
FIRST_WEEKDAY = 3


@dataclass(frozen=True)
class ContextPopularSettings:
    """How much the context has to prove.

    Attributes:
        shrinkage: events that are like all, added to those of each item in each hour and weekday, above 0.
    """

    shrinkage: float = 100.0


@dataclass(frozen=True)
class ContextPopularity:
    """Popularity and what contexts change about it.

    Attributes:
        logs: log of events, -inf where never chosen. [N]
        lifts: log of how much more an item is chosen in a context than usual. [F, N]
    """

    logs: NDArray[np.float32]
    lifts: NDArray[np.float32]

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        scores = np.tile(self.logs, (len(users), 1))  # [b, N]
        times, is_known = _times(histories, users=users, request_times=request_times)
        hours, weekdays = contexts(times[is_known])
        scores[is_known] += self.lifts[hours] + self.lifts[weekdays]
        return scores


class ContextPopular:
    """Popular items of the hour and the weekday of the request, or else of the end user's last event."""

    name = "context_popular"
    is_baseline = False

    def grid(self) -> Sequence[ContextPopularSettings]:
        return tuple(ContextPopularSettings(value) for value in (100.0, 10.0, 1000.0))

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: ContextPopularSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> ContextPopularity:
        counts = event_counts(log)
        if not counts.any():
            raise CannotFit("There are no events to count: context_popular needs at least one.")
        if settings.shrinkage <= 0:
            raise CannotFit("context_popular needs a shrinkage above 0.")
        positive = ~log.is_negative
        hours, weekdays = contexts(log.times[positive])
        items = log.items[positive]
        events = np.zeros((HOURS + WEEKDAYS, log.num_items), np.float32)  # [F, N]
        np.add.at(events, (hours, items), 1)
        np.add.at(events, (weekdays, items), 1)
        usual = events.sum(axis=1, keepdims=True) / len(items) * counts  # [F, N]
        with np.errstate(divide="ignore", invalid="ignore"):
            # Where all of an item's events count as like all others, nothing is left of the ratio.
            alike = settings.shrinkage * events.sum(axis=1, keepdims=True) / len(items)
            lifts = np.log((events + alike) / (usual + alike))
            logs = np.log(popularity(log).clip(min=0))
        return ContextPopularity(
            logs.astype(np.float32), np.nan_to_num(lifts, posinf=0, neginf=0).astype(np.float32)
        )


def contexts(times: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the features of times, microseconds since 1970 UTC: hours 0 to 23, weekdays 24 (Monday) to 30."""
    hours = times // MICROSECONDS_AN_HOUR
    return hours % HOURS, HOURS + (hours // HOURS + FIRST_WEEKDAY) % WEEKDAYS


def _times(
    histories: InteractionLog,
    *,
    users: NDArray[np.int32],
    request_times: NDArray[np.int64] | None,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return when each end user asks, or did something last, and for whom that is known. [b]"""
    if request_times is not None:
        return request_times, np.ones(len(users), bool)
    starts, ends = histories.offsets[users], histories.offsets[users + 1]
    has_events = ends > starts
    times = np.zeros(len(users), np.int64)
    times[has_events] = histories.times[ends[has_events] - 1]
    return times, has_events
