"""A person with a change of interests, for tests of what is made of it."""

from __future__ import annotations

from typing import Any

from interests.models import DriftEvent, EndUser
from tests.factories import NOW


def drift_event(person: EndUser, *, begin: int, raised: int, **fields: Any) -> DriftEvent:
    """Make a change that began after `begin` events and was raised after `raised`."""
    return DriftEvent.objects.create(
        **{
            "end_user": person, "detector_version": "test", "detected_at": NOW, "begin_at": NOW,
            "num_events": raised, "begin_event": begin, "confidence": 0.9, "score": 5.0,
            "category_ids": [0], "before": [1.0], "after": [1.0], "rising": [], "falling": [],
            "evidence": [], "events_through": NOW, "created_at": NOW, **fields,
        }
    )  # fmt: skip
