"""Rate limits: a count per key and minute in Redis. When Redis is away everybody is let through.

A process takes its requests from Redis in small blocks, so that not every request waits for Redis. The
count never lets more through than the limit; a limit of 6,000 may bite up to 10 requests early for each
process, one of less than 1,200 is exact.
"""

from __future__ import annotations

import contextlib
import ipaddress
import threading
import time
import zlib
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from recsite import redis_client
from recsite.access.authentication import Caller

WINDOW_SECONDS = 60
BLOCKS_PER_WINDOW = 600
# A page sends once a second at most, and some dozens of people may share an address.
ADDRESS_RATE_PER_MINUTE = 600
ADDRESS_BUCKETS = 65_536
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


def address_of(request: HttpRequest) -> str:
    """Return where a request comes from, "" where that is not known: a proxy's own word, not the sender's."""
    num_proxies = settings.TRUSTED_PROXIES
    if not num_proxies:
        return str(request.META.get("REMOTE_ADDR", ""))
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    return hops[-num_proxies].strip() if len(hops) >= num_proxies else ""


class KeyThrottle(BaseThrottle):
    """DRF's door to `check`."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Return True, or raise `RateExceeded`."""
        if isinstance(request.auth, Caller):
            check(request.auth, now=time.time(), address=address_of(request._request))
        return True


def check(caller: Caller, *, now: float, address: str = "") -> None:
    """Count one request of the caller; `now` in seconds since 1970.

    A browser's key is in the hands of everybody who sees the page, so each address has a limit too.

    Raises:
        RateExceeded: the minute's requests are used up; it says how long to wait.
    """
    window = int(now) // WINDOW_SECONDS
    if caller.origins and address:
        name = f"{caller.key_id}:{_bucket(address)}"
        if _take(name, window, rate=ADDRESS_RATE_PER_MINUTE) <= 0:
            raise RateExceeded(
                wait=(window + 1) * WINDOW_SECONDS - now,
                detail="This address has used up its requests for this minute.",
            )
    if not caller.rate_per_minute:
        return
    with _lock:
        block = _blocks.get(caller.key_id)
        if block is not None and block.window == window and block.num_left > 0:
            block.num_left -= 1
            return
    rate = caller.rate_per_minute
    granted = _take(str(caller.key_id), window, rate=rate, size=max(1, rate // BLOCKS_PER_WINDOW))
    if granted <= 0:
        raise RateExceeded(wait=(window + 1) * WINDOW_SECONDS - now)
    with _lock:
        _blocks[caller.key_id] = _Block(window, granted - 1)


def _bucket(address: str) -> int:
    """Return one of 65,536 counts, which bounds what a flood of addresses can take of Redis.

    Whoever has one IPv6 address has 2^64 of them, so their common beginning counts.
    """
    if ":" in address:
        with contextlib.suppress(ValueError):  # nonsense is taken as it is
            address = str(int(ipaddress.IPv6Address(address)) >> 64)
    return zlib.crc32(address.encode()) % ADDRESS_BUCKETS


def _take(count: str, window: int, *, rate: int, size: int = 1) -> int:
    """Take up to `size` requests from the minute's count; 0 or less when there are none left."""
    global _paused_until
    if time.monotonic() < _paused_until:
        return 1
    try:
        with redis_client.client(PATIENCE_SECONDS).pipeline(transaction=True) as pipe:
            name = f"recsite:rate:{count}:{window}"
            pipe.incrby(name, size)
            pipe.expire(name, 2 * WINDOW_SECONDS)
            used = int(pipe.execute()[0])
    except (redis.RedisError, OSError) as error:
        _paused_until = time.monotonic() + PAUSE_SECONDS
        log.warning("rate_limit_skipped", error=str(error))
        return 1
    return min(size, rate - (used - size))
