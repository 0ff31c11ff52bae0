"""The interests of one person as they would have been at a time, as plain values for a page."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.utils import timezone

from interests.services import as_of, tracking_knowledge
from interests.services.detector_rows import Change
from interests.services.running import CannotRun
from recommender.services import refreshing
from recommender.services.previewing import CannotPreview


def state_at(*, end_user_id: int, at: str) -> dict[str, Any]:
    """Return what a person wanted at a time; `interests` holds key, weight, short-term, long-term of each category.

    Args:
        at: ISO 8601 with its zone.

    Raises:
        CannotPreview: the network of that time cannot be read.
    """
    try:
        found = as_of.state_as_of(
            end_user_id=end_user_id,
            at=datetime.fromisoformat(at),
            network_of=tracking_knowledge.network_of,
            catalogue=refreshing.memory.catalogue(timezone.now()),
        )
    except CannotRun as error:
        raise CannotPreview(str(error)) from error
    return {
        "interests": [
            [key, weight, found.short_term[key], found.long_term[key]]
            for key, weight in found.weights.items()
        ],
        "drift_score": found.drift_score,
        "num_events": found.num_events,
        "active_days": found.active_days,
        "last_event_at": _iso(found.last_event_at),
        "events_through": _iso(found.events_through),
        "drift_events": [_change(change) for change in found.drift_events],
        "knowledge_is_newer": found.knowledge_is_newer,
        "tracking_run_id": found.tracking_run_id,
        "training_run_id": found.training_run_id,
    }


def _change(change: Change) -> dict[str, Any]:
    names = ("num_events", "begin_event", "confidence", "rising", "falling", "is_return")
    kept = {name: value for name, value in asdict(change).items() if name in names}
    return kept | {
        "detected_at": change.detected_at.isoformat(),
        "begin_at": change.begin_at.isoformat(),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
