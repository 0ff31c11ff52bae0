"""A population of which one segment moves, with a report on it: for pages that show it."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from interests.models import (
    EndUser,
    EventKind,
    Interaction,
    InterestState,
    PopulationRun,
    TrackingRun,
)
from interests.services import describing, running
from tests import factories

NUM_PEOPLE, NUM_WEEKS, NUM_MOVERS = 48, 8, 5
NAMES = ("Drama", "Comedy", "Documentary")
MONDAY = factories.NOW.replace(day=2, hour=0)
KEPT = [0.6, 0.3, 0.1]
MOVED = [0.2, 0.2, 0.6]


def fill() -> PopulationRun:
    """Make 48 people, half of them paying; those turn from Drama to Documentary after six weeks. Return the report."""
    categories = [factories.category(name, colour_rank=rank) for rank, name in enumerate(NAMES)]
    things = [factories.item(categories=(category,)) for category in categories]
    kind, _ = EventKind.objects.get_or_create(name="view")
    tracking = TrackingRun.objects.create(**factories.done(tracker_version="test"))
    keys = [category.pk for category in categories]
    events, states = [], []
    for number in range(NUM_PEOPLE):
        is_paid = bool(number % 2)
        person = factories.end_user(
            f"person {number:02}",
            attributes={"plan": "paid" if is_paid else "free"},
            drift_score=7.0 - 0.5 * number if number < NUM_MOVERS else 0.3 - number / 40,
            num_events=NUM_WEEKS * 3,
        )
        for week in range(NUM_WEEKS):
            at = MONDAY + timedelta(weeks=week, hours=number)
            has_moved = is_paid and week >= NUM_WEEKS - 2
            for place in (2, 2, number % 3) if has_moved else (0, 0, (number + week) % 3):
                events.append(
                    Interaction(
                        event_id=f"event {len(events)} of the population", end_user=person, kind=kind,
                        item=things[place], occurred_at=at, received_at=at,
                    )
                )  # fmt: skip
            weights = MOVED if has_moved else KEPT
            states.append(
                InterestState(
                    end_user=person, tracking_run=tracking, tracker_version="test", at=at,
                    category_ids=keys, weights=weights, long_term=weights, short_term=weights,
                    event_shares=weights, num_events=3 * week + 3, active_days=week + 1,
                    events_through=at, created_at=at,
                )
            )  # fmt: skip
    Interaction.objects.bulk_create(events)
    InterestState.objects.bulk_create(states)
    return report()


def report() -> PopulationRun:
    """Describe the population as it is."""
    run = running.request(PopulationRun, now=timezone.now())
    describing.describe_population(run_id=run.pk)
    run.refresh_from_db()
    return run


def movers() -> list[EndUser]:
    """Return those whose drift score says that they moved, the largest first."""
    return list(EndUser.objects.filter(drift_score__gte=3).order_by("-drift_score"))
