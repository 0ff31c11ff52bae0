"""Whether the workers are alive."""

from __future__ import annotations

from dataclasses import dataclass

from recsite import heartbeats
from recsite.celery import QUEUES


@dataclass(frozen=True)
class WorkerSeen:
    """When somebody who works on a queue (or beat, which keeps the schedule) was last alive.

    Attributes:
        queue: "training", "live", "default" or "beat"
        seconds: how long ago; None: never, as far as the cache knows
        is_silent: too long ago; work on this queue waits
    """

    queue: str
    seconds: float | None
    is_silent: bool


def workers_seen() -> list[WorkerSeen]:
    """Return for each queue, and beat, when it was last seen alive."""
    seen = heartbeats.seconds_since_seen(names=[*QUEUES, heartbeats.BEAT])
    return [
        WorkerSeen(
            queue=queue,
            seconds=seconds,
            is_silent=seconds is None or seconds > heartbeats.SILENT_SECONDS,
        )
        for queue, seconds in seen.items()
    ]
