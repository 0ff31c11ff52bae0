"""Rate limits: a count per key and minute in Redis. When Redis is away everybody is let through.

A process takes its requests from Redis in small blocks, so that not every request waits for Redis. The
count never lets more through than the limit; a limit of 6,000 may bite up to 10 requests early for each
process, one of less than 1,200 is exact.
"""

from __future__ import annotations

import functools
import threading
import time
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from recsite.access.authentication import Caller

WINDOW_SECONDS = 60
BLOCKS_PER_WINDOW = 600
# A Redis that hangs may cost a request this much, and after that nothing for a second.
PATIENCE_SECONDS = 0.1
PAUSE_SECONDS = 1.0

log = structlog.get_logger()


class RateExceeded(Throttled):
    """The key has used up its minute."""

    default_code = "rate_exceeded"
    default_detail = "This key has used up its requests for this minute."


@dataclass(slots=True)
class _Block:
    """Requests that this process took from the count and has not used yet."""

    window: int
    num_left: int


_blocks: dict[int, _Block] = {}
_lock = threading.Lock()
_paused_until = 0.0


class KeyThrottle(BaseThrottle):
    """DRF's door to `check`."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Return True, or raise `RateExceeded`."""
        if isinstance(request.auth, Caller):
            check(request.auth, now=time.time())
        return True


def check(caller: Caller, *, now: float) -> None:
    """Count one request of the caller; `now` in seconds since 1970.

    Raises:
        RateExceeded: the minute's requests are used up; it says how long to wait.
    """
    if not caller.rate_per_minute:
        return
    window = int(now) // WINDOW_SECONDS
    with _lock:
        block = _blocks.get(caller.key_id)
        if block is not None and block.window == window and block.num_left > 0:
            block.num_left -= 1
            return
    granted = _take(caller, window)
    if granted <= 0:
        raise RateExceeded(wait=(window + 1) * WINDOW_SECONDS - now)
    with _lock:
        _blocks[caller.key_id] = _Block(window, granted - 1)


def _take(caller: Caller, window: int) -> int:
    """Take up to a block of requests from the minute's count; 0 when there are none left."""
    global _paused_until
    size = max(1, caller.rate_per_minute // BLOCKS_PER_WINDOW)
    if time.monotonic() < _paused_until:
        return 1
    try:
        with _client().pipeline(transaction=True) as pipe:
            name = f"recsite:rate:{caller.key_id}:{window}"
            pipe.incrby(name, size)
            pipe.expire(name, 2 * WINDOW_SECONDS)
            used = int(pipe.execute()[0])
    except (redis.RedisError, OSError) as error:
        _paused_until = time.monotonic() + PAUSE_SECONDS
        log.warning("rate_limit_skipped", error=str(error))
        return 1
    return min(size, caller.rate_per_minute - (used - size))


@functools.cache
def _client() -> redis.Redis:
    client: redis.Redis = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
    )
    return client
