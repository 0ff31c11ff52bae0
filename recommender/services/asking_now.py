"""Who is asking for recommendations right now: live workers renew their slates before those of others.

The hot read only puts a key into a set of its process; a thread hands sets over to Redis ten times a second.
What Redis loses, or was never told, costs nobody anything but their place in the line.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime, timedelta

import redis
import structlog

from recsite import redis_client

# Whoever asked longer ago has gone on to something else.
KEPT = timedelta(seconds=60)
FLUSH_SECONDS = 0.1
# In one process between two flushes, and in Redis; the newest stay there.
MOST = 10_000
# Nobody can be first where everybody is: of more than this the newest come first.
MOST_FIRST = 1_000
KEY, REASONS_KEY = "asking-now", "asking-now:reasons"
PATIENCE_SECONDS = 0.5

log = structlog.get_logger()


class _Noted:
    """What this process has to hand over, and the thread that does it."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.keys: dict[int, bool] = {}
        self.wake = threading.Event()
        threading.Thread(target=self._work, name="asking-now", daemon=True).start()

    def _work(self) -> None:
        while True:
            self.wake.wait()
            time.sleep(FLUSH_SECONDS)
            self.wake.clear()
            hand_over(self.take(), at=time.time())

    def take(self) -> dict[int, bool]:
        """Return what was noted, and begin anew."""
        taken, self.keys = self.keys, {}
        return taken


_noted: _Noted | None = None


def note(end_user_id: int, *, wants_reasons: bool = False) -> None:
    """Note that a person is asking; takes a microsecond, never waits and never fails.

    Args:
        wants_reasons: whether they asked why; a slate whose reasons are missing gets them soon.
    """
    global _noted
    noted = _noted
    if noted is None or noted.process != os.getpid():  # a fork leaves threads behind
        noted = _noted = _Noted()
    keys = noted.keys
    if len(keys) < MOST:
        keys[end_user_id] = wants_reasons or keys.get(end_user_id, False)
    noted.wake.set()


def hand_over(keys: dict[int, bool], *, at: float) -> None:
    """Tell Redis who asked, by key, and whether why; where it is away that is forgotten.

    Args:
        at: seconds since 1970.
    """
    if not keys:
        return
    asked = dict.fromkeys(map(str, keys), at)
    why = {str(key): at for key, wants_reasons in keys.items() if wants_reasons}
    try:
        with redis_client.client(PATIENCE_SECONDS).pipeline(transaction=False) as pipe:
            for name, members in ((KEY, asked), (REASONS_KEY, why)):
                if members:
                    pipe.zadd(name, members)
                    pipe.zremrangebyscore(name, "-inf", at - KEPT.total_seconds())
                    pipe.zremrangebyrank(name, 0, -MOST - 1)
                    pipe.expire(name, KEPT)
            pipe.execute()
    except (redis.RedisError, OSError) as error:
        log.warning("asking_not_noted", error=str(error), num_end_users=len(keys))


def asking(now: datetime) -> list[int]:
    """Return the keys of the end users who asked within the last minute, the latest first; at most 1,000."""
    return _newest(KEY, now)


def wanting_reasons(now: datetime) -> list[int]:
    """Return those of them who asked why, the latest first; at most 1,000."""
    return _newest(REASONS_KEY, now)


def _newest(name: str, now: datetime) -> list[int]:
    since = (now - KEPT).timestamp()
    try:
        found = redis_client.client(PATIENCE_SECONDS).zrevrangebyscore(
            name, "+inf", since, start=0, num=MOST_FIRST
        )
    except (redis.RedisError, OSError) as error:
        log.warning("asking_not_known", error=str(error))
        return []
    return [int(key) for key in found]
