"""Rows of drift for tests: each function makes one row with sensible defaults and returns it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from interests.models import (
    Category,
    DriftEvent,
    EndUser,
    Interaction,
    InterestState,
    TrackingRun,
)
from tests import factories
from tests.factories import NOW


def tracking_run(**fields: Any) -> TrackingRun:
    return TrackingRun.objects.create(tracker_version="1", **factories.done(**fields))


def drift_event(
    person: EndUser,
    falling: Category,
    rising: Category,
    *,
    at: datetime = NOW,
    evidence: tuple[Interaction, ...] = (),
    **fields: Any,
) -> DriftEvent:
    return DriftEvent.objects.create(
        **{
            "end_user": person,
            "detector_version": "1",
            "detected_at": at,
            "begin_at": at - timedelta(days=2),
            "num_events": 60,
            "begin_event": 48,
            "confidence": 0.9,
            "score": 7.5,
            "category_ids": [falling.pk, rising.pk, 0],
            "before": [0.75, 0.25, 0.0],
            "after": [0.25, 0.75, 0.0],
            "rising": [rising.pk],
            "falling": [falling.pk],
            "evidence": [event.pk for event in evidence],
            "events_through": at,
            "created_at": at,
            **fields,
        }
    )


def state(person: EndUser, weights: dict[Category, float], **fields: Any) -> InterestState:
    """Give an end user a current state; what is left of the weights is uncategorised."""
    shares = [*weights.values(), 1 - sum(weights.values())]
    made = InterestState.objects.create(
        **{
            "end_user": person,
            "tracker_version": "1",
            "at": NOW,
            "category_ids": [*(category.pk for category in weights), 0],
            "weights": shares,
            "long_term": shares,
            "short_term": shares,
            "event_shares": shares,
            "num_events": 60,
            "active_days": 3,
            "events_through": NOW,
            "created_at": NOW,
            **fields,
        }
    )
    EndUser.objects.filter(pk=person.pk).update(current_state=made)
    return made
