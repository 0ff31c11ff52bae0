"""How soon the detector finds known changes among one's own people, and how often it cries for nothing.

Legend: C categories.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from interests.drift import detectors, injecting
from interests.drift.injecting import Injected

# A change is found by an alarm up to so many events after it began.
WINDOW_EVENTS = 40
# Thresholds tried, as shares of the one in force: from many more alarms to hardly any.
FACTORS = (0.5, 0.75, 1.0, 1.35, 1.8, 2.4, 3.2)


@dataclass(frozen=True)
class Reached:
    """What one threshold reaches.

    Attributes:
        threshold: evidence in nats at which a drift event is raised
        false_alarms_per_1000: per 1,000 events of people in whom nothing changes
        found_share: of the changes put in, 0 to 1
        low, high: 95 % interval of `found_share` (Wilson)
        median_delay: events from the begin of a change to its alarm; None: none was found
        late_delay: the same for the slowest tenth
    """

    threshold: float
    false_alarms_per_1000: float
    found_share: float
    low: float
    high: float
    median_delay: float | None
    late_delay: float | None


@dataclass(frozen=True)
class SelfTest:
    """What came out, with how much stands behind it."""

    reached: list[Reached]
    num_end_users: int
    num_events: int
    num_changes: int


H = TypeVar("H", bound=Any)  # a history, as `injecting` has it


class TooFewHistories(ValueError):
    """Nobody's history is long enough to put a change into."""


def run(
    histories: Sequence[Any],
    *,
    population: NDArray[np.float64],
    settings: detectors.DetectorSettings,
    seed: int,
    report: Callable[[float], None] = lambda share_done: None,
) -> SelfTest:
    """Return what the detector reaches on histories with known changes, at several thresholds.

    Args:
        histories: of end users, long and short; changes are put into those of 60 events and more.
        population: mean interests, sums to 1. [C]
        settings: as in force; the thresholds tried lie around its own.
        report: called with the share done, 0 to 1.

    Raises:
        TooFewHistories: no history is long enough.
    """
    rng = np.random.default_rng(seed)
    quiet = injecting.without_changes(histories, rng=rng)
    changed, injected = injecting.with_changes(quiet, rng=rng) if quiet else ([], [])
    if not injected:
        raise TooFewHistories(
            f"No history has {injecting.MIN_EVENTS} events that are not negative: there is nothing "
            "to put a change into yet."
        )
    num_events = sum(len(history.shares) for history in quiet)
    reached = []
    for number, factor in enumerate(FACTORS):
        tried = replace(settings, threshold=settings.threshold * factor)
        false = sum(map(len, detectors.detect(quiet, population=population, settings=tried)))
        alarms = detectors.detect(
            [changed[change.history] for change in injected], population=population, settings=tried
        )
        after = [[alarm.after - 1 for alarm in own] for own in alarms]
        reached.append(_reached(tried.threshold, false, num_events, _delays(after, injected)))
        report((number + 1) / len(FACTORS))
    return SelfTest(reached, len(quiet), num_events, len(injected))


def drawn(
    histories: Sequence[H], *, seed: int, limit: int | None = None, max_events: int | None = None
) -> list[H]:
    """Return histories at random, at most `limit`, until they have `max_events` events together."""
    chosen: list[H] = []
    num_events = 0
    for place in np.random.default_rng(seed).permutation(len(histories))[:limit]:
        if max_events is not None and num_events >= max_events:
            break
        chosen.append(histories[place])
        num_events += len(histories[place].shares)
    return chosen


def threshold_for(reached: Sequence[Reached], *, false_alarms_per_1000: float) -> Reached | None:
    """Return the lowest threshold within a budget of false alarms, None where none is."""
    within = [row for row in reached if row.false_alarms_per_1000 <= false_alarms_per_1000]
    return min(within, key=lambda row: row.threshold, default=None)


def _delays(alarms: Sequence[Sequence[int]], injected: Sequence[Injected]) -> list[int | None]:
    """Return the delay of the first alarm of each change within the window; None: not found."""
    found: list[int | None] = []
    for own, change in zip(alarms, injected, strict=True):
        delays = [event - change.event for event in own]
        found.append(next((d for d in delays if 0 < d <= WINDOW_EVENTS), None))
    return found


def _reached(
    threshold: float, false: int, num_events: int, delays: Sequence[int | None]
) -> Reached:
    found = [delay for delay in delays if delay is not None]
    low, high = wilson(len(found), len(delays))
    return Reached(
        threshold=threshold,
        false_alarms_per_1000=1000 * false / num_events,
        found_share=len(found) / len(delays),
        low=low,
        high=high,
        median_delay=float(np.median(found)) if found else None,
        late_delay=float(np.quantile(found, 0.9)) if found else None,
    )


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, 1927); 0 to 1 where nothing was counted."""
    if not total:
        return 0.0, 1.0
    z2, share = 1.96**2, hits / total
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = 1.96 * np.sqrt(share * (1 - share) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))
