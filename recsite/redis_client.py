"""Connections to Redis for requests: kept, and given up on soon. Django's cache makes a client for every call."""

from __future__ import annotations

import functools

import redis
from django.conf import settings


@functools.cache
def client(patience_seconds: float) -> redis.Redis:
    """Return the client of this process that waits so long for Redis at most."""
    made: redis.Redis = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=patience_seconds,
        socket_connect_timeout=patience_seconds,
    )
    return made
