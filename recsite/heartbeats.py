"""When each queue's worker, and beat, were last alive: written to the cache, read by the overview.

A worker's main process beats every two seconds whatever its children do, so a queue that is busy with a
long training does not look silent.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import structlog
from django.core.cache import cache

WRITE_SECONDS = 5
BEAT = "beat"
KEPT_SECONDS = 7 * 86_400
# Five writes were missed; a deployment's restart takes less.
SILENT_SECONDS = 30.0

log = structlog.get_logger()
_written_at: dict[str, float] = {}


def seen(*, names: Iterable[str]) -> None:
    """Write that the workers of these queues (or "beat") are alive; at most every five seconds each."""
    now = time.time()
    due = [name for name in names if now - _written_at.get(name, 0.0) >= WRITE_SECONDS]
    if not due:
        return
    _written_at.update(dict.fromkeys(due, now))
    try:
        cache.set_many({_key(name): now for name in due}, timeout=KEPT_SECONDS)
    except Exception as error:  # noqa: BLE001  # whatever Redis does, the worker goes on
        log.warning("heartbeat_not_written", error=str(error))


def seconds_since_seen(*, names: Iterable[str]) -> dict[str, float | None]:
    """Return for each queue how long ago its worker was alive; None where nobody has seen it.

    Also None while the cache itself is away.
    """
    names = list(names)
    now = time.time()
    try:
        found = cache.get_many([_key(name) for name in names])
    except Exception as error:  # noqa: BLE001  # a page without this number is better than no page
        log.warning("heartbeats_not_read", error=str(error))
        found = {}
    times = {name: found.get(_key(name)) for name in names}
    return {name: None if at is None else max(now - at, 0.0) for name, at in times.items()}


def of_worker(sender: Any, **_: Any) -> None:
    """Note a beat of a worker's main process (Celery's signal `heartbeat_sent`)."""
    seen(names=sender.eventer.app.amqp.queues.consume_from)


def of_beat(**_: Any) -> None:
    """Note that beat has just sent a task, which it does every few seconds."""
    seen(names=[BEAT])


def _key(name: str) -> str:
    return f"worker-seen:{name}"
