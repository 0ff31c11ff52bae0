"""What is chosen at this hour, on this weekday and on this device beyond the usual.

Naive Bayes over the context (Zhang, The Optimality of Naive Bayes, 2004): log p(item) + log p(hour | item) / p(hour) +
log p(weekday | item) / p(weekday) + log p(device | item) / p(device), each ratio pulled towards 1 by events that are like
all. Where the device is not known it says nothing. The log of events carries no zone: hours are those of UTC, which tell
people of one zone apart by their day and those of many zones by where they live.

Legend: b end users, N items, F features: 24 hours, then 7 weekdays, then devices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms import limits
from recommender.algorithms.person_features import common_devices, devices_of
from recommender.algorithms.protocol import CannotFit, Report, event_counts, popularity

MICROSECONDS_AN_HOUR = 3_600_000_000
HOURS, WEEKDAYS = 24, 7
# 1 January 1970 was a Thursday, the fourth day from Monday.
FIRST_WEEKDAY = 3


@dataclass(frozen=True)
class ContextPopularSettings:
    """How much the context has to prove.

    Attributes:
        shrinkage: events that are like all, added to those of each item in each context, above 0.
    """

    shrinkage: float = 100.0


@dataclass(frozen=True)
class ContextPopularity:
    """Popularity and what contexts change about it.

    Attributes:
        logs: log of events, -inf where never chosen. [N]
        lifts: log of how much more an item is chosen in a context than usual. [F, N]
        devices: names of those that are features.
    """

    logs: NDArray[np.float32]
    lifts: NDArray[np.float32]
    devices: tuple[str, ...]

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        scores = np.tile(self.logs, (len(users), 1))  # [b, N]
        last, has_events = _last_events(histories, users=users)
        if request_times is None:
            times, is_known = histories.times[last[has_events]], has_events
        else:
            times, is_known = request_times, np.ones(len(users), bool)
        hours, weekdays = contexts(times)
        scores[is_known] += self.lifts[hours] + self.lifts[weekdays]
        devices = np.full(len(users), -1)
        devices[has_events] = devices_of(histories, events=last[has_events], names=self.devices)
        scores[devices >= 0] += self.lifts[HOURS + WEEKDAYS + devices[devices >= 0]]
        return scores


class ContextPopular:
    """Popular items of the hour and the weekday of the request, or else of the end user's last event, and of its device."""

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
        limits.insist(self.name, settings, shrinkage=limits.ABOVE_0)
        positive = ~log.is_negative
        hours, weekdays = contexts(log.times[positive])
        items = log.items[positive]
        names = common_devices(log)
        devices = devices_of(log, events=np.flatnonzero(positive), names=names)
        has_device = devices >= 0
        events = np.zeros((HOURS + WEEKDAYS + len(names), log.num_items), np.float32)  # [F, N]
        np.add.at(events, (hours, items), 1)
        np.add.at(events, (weekdays, items), 1)
        np.add.at(events, (HOURS + WEEKDAYS + devices[has_device], items[has_device]), 1)
        usual = events.sum(axis=1, keepdims=True) / len(items) * counts  # [F, N]
        with np.errstate(divide="ignore", invalid="ignore"):
            # Where all of an item's events count as like all others, nothing is left of the ratio.
            alike = settings.shrinkage * events.sum(axis=1, keepdims=True) / len(items)
            lifts = np.log((events + alike) / (usual + alike))
            logs = np.log(popularity(log).clip(min=0))
        lifts = np.nan_to_num(lifts, posinf=0, neginf=0).astype(np.float32)
        return ContextPopularity(logs.astype(np.float32), lifts, names)


def contexts(times: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the features of times, microseconds since 1970 UTC: hours 0 to 23, weekdays 24 (Monday) to 30."""
    hours = times // MICROSECONDS_AN_HOUR
    return hours % HOURS, HOURS + (hours // HOURS + FIRST_WEEKDAY) % WEEKDAYS


def _last_events(
    histories: InteractionLog, *, users: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return each end user's last event, and who has one. [b]"""
    starts, ends = histories.offsets[users], histories.offsets[users + 1]
    return ends - 1, ends > starts
