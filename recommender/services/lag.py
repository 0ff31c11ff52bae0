"""How far slates are behind events, noted each minute, and how many people's were renewed."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from interests.models import ChangeMark
from recommender.models import LagSample
from recommender.selectors import pages_frame, publications

REFRESHED_KEY, SAMPLED_KEY = "people-refreshed", "people-refreshed:sampled"
KEPT = timedelta(days=7)
AWAY = (RedisError, OSError)

log = structlog.get_logger()


def note_refreshed(num: int) -> None:
    """Add to the number of people whose state and slate were renewed; lost while Redis is away."""
    try:
        cache.add(REFRESHED_KEY, 0, timeout=None)
        cache.incr(REFRESHED_KEY, num)
    except (*AWAY, ValueError) as error:
        log.warning("refreshed_not_counted", error=str(error))


def refreshed_in_all() -> int:
    """Return how many people were renewed since Redis began to count, 0 while it is away."""
    try:
        return int(cache.get(REFRESHED_KEY, 0))
    except AWAY:
        return 0


def sample(*, now: datetime) -> None:
    """Write down how things stand; what is a week old goes."""
    freshness = pages_frame.freshness(now=now)
    LagSample.objects.create(
        at=now,
        lag_seconds=max(freshness.lag_seconds, 0.0),
        num_waiting=freshness.num_waiting,
        num_set_aside=ChangeMark.objects.filter(publications.is_set_aside()).count(),
        num_refreshed=_refreshed_since_last(),
    )
    LagSample.objects.filter(at__lt=now - KEPT).delete()


def _refreshed_since_last() -> int:
    total = refreshed_in_all()
    try:
        before = int(cache.get(SAMPLED_KEY, 0))
        cache.set(SAMPLED_KEY, total, timeout=None)
    except AWAY:
        return 0
    return total - before if total >= before else total  # Redis began anew
