"""How far slates were behind events over the last hours, and whether that grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recommender.models import LagSample
from recommender.selectors.pages_frame import Freshness

SHOWN = timedelta(hours=6)
# Compared with so long ago, a lag grows or shrinks.
COMPARED = timedelta(minutes=5)
# Below this it is what one batch takes.
ORDINARY_SECONDS = 10.0


@dataclass(frozen=True)
class Sample:
    """How things stood at one time."""

    at: datetime
    lag_seconds: float
    num_waiting: int
    num_set_aside: int
    num_refreshed: int


def samples(*, now: datetime) -> list[Sample]:
    """Return the samples of the last six hours, oldest first; one query."""
    rows = LagSample.objects.filter(at__gte=now - SHOWN).order_by("at")
    return [
        Sample(row.at, row.lag_seconds, row.num_waiting, row.num_set_aside, row.num_refreshed)
        for row in rows
    ]


def is_growing(known: Sequence[Sample], *, lag_seconds: float, now: datetime) -> bool:
    """Tell whether the lag is more than ordinary and greater than five minutes ago."""
    before = [sample for sample in known if sample.at <= now - COMPARED]
    if not before or now - before[-1].at > 2 * COMPARED:
        return False
    return lag_seconds > max(ORDINARY_SECONDS, 1.5 * before[-1].lag_seconds)


def sentence(known: Sequence[Sample], *, freshness: Freshness, now: datetime) -> str:
    """Say how far slates are behind, how many wait, and where that is going."""
    if not freshness.num_waiting:
        most = max((sample.lag_seconds for sample in known), default=0.0)
        return f"Slates have seen every event; over the last hours they were {_span(most)} behind at most."
    people = f"{freshness.num_waiting:,} {'person waits' if freshness.num_waiting == 1 else 'people wait'}"
    said = f"Slates are {_span(freshness.lag_seconds)} behind events; {people}"
    if is_growing(known, lag_seconds=freshness.lag_seconds, now=now):
        return f"{said}, and it grows: events come faster than they are worked through. Older recommendations answer meanwhile; more live workers catch up sooner."
    return f"{said}."


def _span(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min" if seconds >= 120 else f"{seconds:,.0f} s"
