"""What stands around every page: how far behind the newest event the slates are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from interests.models import ChangeMark
from recommender.models import Serving
from recommender.selectors import publications

# Later than this and the promise of fresh recommendations is broken: the pulse turns red.
LATE_SECONDS = 60


@dataclass(frozen=True)
class Freshness:
    """How long the oldest event that no slate has seen has been waiting."""

    is_serving: bool
    num_waiting: int
    lag_seconds: float

    @property
    def is_late(self) -> bool:
        return self.lag_seconds > LATE_SECONDS


def freshness(*, now: datetime) -> Freshness:
    """Return the lag of the slates that serve; two queries."""
    marks = ChangeMark.objects.exclude(publications.is_set_aside())
    waiting = marks.aggregate(num=Count("end_user_id"), oldest=Min("marked_at"))
    oldest = waiting["oldest"]
    return Freshness(
        is_serving=Serving.objects.exists(),
        num_waiting=waiting["num"],
        lag_seconds=(now - oldest).total_seconds() if oldest else 0.0,
    )
