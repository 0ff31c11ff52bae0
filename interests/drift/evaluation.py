"""How good alarms are where the changes are known: found changes, delay, and false alarms of stable people.

The rule of the repository's measures: a change is found by the first alarm after its first event and at most
`WINDOW_EVENTS` after its end; every other alarm is false.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

WINDOW_EVENTS = 40


class KnownChange(Protocol):
    """A change of one person; numbers of events count from 0."""

    @property
    def event(self) -> int:
        """The first event that it touches."""

    @property
    def end_event(self) -> int:
        """The event at which it is complete; `event` itself for an abrupt change."""


@dataclass(frozen=True)
class DriftQuality:
    """What alarms are worth.

    Attributes:
        precision, recall, f1: 0 to 1; 0 where nothing was raised or nothing had changed
        median_delay: events from the begin of a found change to its alarm, None: none was found
        false_alarms_per_1000: alarms per 1,000 events of people without any change
    """

    num_changes: int
    num_alarms: int
    precision: float
    recall: float
    f1: float
    median_delay: float | None
    false_alarms_per_1000: float


def drift_quality(
    alarms: Sequence[Sequence[int]],
    *,
    changes: Sequence[Sequence[KnownChange]],
    num_events: Sequence[int],
    window: int = WINDOW_EVENTS,
) -> DriftQuality:
    """Return how good the alarms are.

    Args:
        alarms: for each person the numbers, from 0, of the events that raised one.
        changes: what changed in each.
        num_events: how many each has.
        window: so many events after its end a change can still be found.
    """
    delays = [
        delay
        for own, known in zip(alarms, changes, strict=True)
        for delay in _delays(sorted(own), sorted(known, key=lambda c: c.event), window)
    ]
    stable = [i for i, known in enumerate(changes) if not known]
    stable_events = sum(num_events[i] for i in stable)
    num_alarms, num_changes = sum(map(len, alarms)), sum(map(len, changes))
    precision = len(delays) / num_alarms if num_alarms else 0.0
    recall = len(delays) / num_changes if num_changes else 0.0
    return DriftQuality(
        num_changes=num_changes,
        num_alarms=num_alarms,
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if delays else 0.0,
        median_delay=statistics.median(delays) if delays else None,
        false_alarms_per_1000=1000 * sum(len(alarms[i]) for i in stable) / max(stable_events, 1),
    )


def _delays(alarms: list[int], changes: list[KnownChange], window: int) -> list[int]:
    """Return the delay of each change found; an alarm finds one change only."""
    left, delays = list(alarms), []
    for change in changes:
        found = next((n for n in left if change.event < n <= change.end_event + window), None)
        if found is not None:
            left.remove(found)
            delays.append(found - change.event)
    return delays
