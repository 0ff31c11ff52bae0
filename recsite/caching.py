"""What goes into the cache and comes out of it again: plain values only."""

from __future__ import annotations

import json
from typing import Any

import redis
import structlog
from django.conf import settings

PATIENCE_SECONDS = 2.0

log = structlog.get_logger()


class JsonSerializer:
    """Writes values to Redis as JSON. Django's own would unpickle, which runs whatever stands there."""

    def dumps(self, value: Any) -> bytes:
        """Return a plain value as bytes; a whole number as Redis counts it.

        Raises:
            TypeError: it is not plain.
        """
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """Return the value of what `dumps` wrote.

        Raises:
            ValueError: it is something else.
        """
        return json.loads(data)


def name_of_person(end_user_id: int) -> str:
    """Return what the name of everything that is kept about a person holds, so that it can be forgotten."""
    return f"person-{end_user_id}-"


def forget_person(end_user_id: int) -> int:
    """Remove what is kept about a person and return how much that was; without Redis it goes by itself."""
    try:
        client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=PATIENCE_SECONDS)
        names = list(client.scan_iter(match=f"*{name_of_person(end_user_id)}*", count=1000))
        num: int = client.delete(*names) if names else 0  # type: ignore[assignment]  # not async
        return num
    except (redis.RedisError, OSError) as error:
        log.warning("person_not_forgotten_in_cache", error=str(error))
        return 0
