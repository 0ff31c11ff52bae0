"""What the tests of drift share: people whose interests change, and runs that track them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from django.utils import timezone

from interests.models import EndUser, Interaction, Item, TrackingRun
from interests.services import running, tracking
from tests import factories

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
NAMES = ("comedy", "drama", "horror", "western", "crime", "war")


def catalogue() -> list[Item]:
    return [factories.item(name, categories=(factories.category(name),)) for name in NAMES]


def choices(*phases: tuple[str, int], seed: int = 0) -> list[int]:
    """Return places in the catalogue: in each phase mostly one of the categories, so many times."""
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for name, count in phases:
        shares = np.full(len(NAMES), 0.04)
        shares[NAMES.index(name)] = 0.8
        chosen += rng.choice(len(NAMES), count, p=shares).tolist()
    return chosen


def live(
    person: EndUser, items: Sequence[Item], *, begin: int = 0, received_at: datetime | None = None
) -> list[Interaction]:
    """Give an end user one event on each of the items, one every six hours from the begin-th on."""
    times = [START + timedelta(hours=6 * (begin + number)) for number in range(len(items))]
    return [
        factories.event(person, thing, occurred_at=at, received_at=received_at or at)
        for at, thing in zip(times, items, strict=True)
    ]


def track() -> TrackingRun:
    run = running.request(TrackingRun, now=timezone.now(), tracker_version="mixture")
    tracking.track_everybody(run_id=run.pk)
    run.refresh_from_db()
    return run
