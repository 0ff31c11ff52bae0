"""Queues and the whole schedule.

training: hours; each run is a process of its own under a lease. tuning: trials of studies, minutes each, on any
number of machines. live: seconds after an event. asked: what somebody waits for, which may not stand behind a
turn of `live`. default: minutes. Every task names its queue.
"""

from __future__ import annotations

import os
from typing import Any

import structlog
from celery import Celery, Task, signals
from celery.exceptions import Reject
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsite.settings")

QUEUES = ("training", "tuning", "live", "asked", "default")
# A message that took three workers down with it would take the fourth.
MAX_STARTS = 3
STARTS_KEPT_SECONDS = 86_400

log = structlog.get_logger()


class DurableTask(Task):  # type: ignore[type-arg]  # Task takes none at run time
    """A task that is dead after three starts, retries and redelivered messages counted alike."""

    acks_late = True
    reject_on_worker_lost = True
    max_retries = MAX_STARTS - 1
    retry_backoff = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body, unless this message has had its starts."""
        if self.request.called_directly:
            return super().__call__(*args, **kwargs)
        if self._count_start() > MAX_STARTS:
            log.error("task_dead", task=self.name, task_id=self.request.id, kwargs=kwargs)
            raise Reject(f"{self.name} was started {MAX_STARTS} times in vain", requeue=False)
        return self.run(*args, **kwargs)  # the parent's would hide the request from `retry`

    def _count_start(self) -> int:
        from django.core.cache import cache  # noqa: PLC0415  # settings are not ready any earlier

        key = f"task-starts:{self.request.id}"
        try:
            cache.add(key, 0, timeout=STARTS_KEPT_SECONDS)
            return int(cache.incr(key))
        except Exception as error:  # noqa: BLE001  # Redis is away: better run once too often
            log.warning("task_start_not_counted", task=self.name, error=str(error))
            return 1


app = Celery("recsite", task_cls=DurableTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Each message expires when the next is due, so that a broker or worker that was away is not flooded.
SCHEDULE: dict[str, tuple[str, str, float | crontab, int]] = {
    # name: (task, queue, every so many seconds or at, seconds until it expires)
    "refresh whom a lost message left marked": ("recommender.tasks.refresh_marked", "live", 5, 5),
    "request what newer data calls for": ("recommender.tasks.advance", "default", 60, 60),
    "restart what a dead worker held": ("recommender.tasks.reclaim_abandoned", "default", 15, 15),
    "look for what alert rules watch": ("interests.tasks.look_for_alerts", "default", 60, 60),
    "send the alerts that are due": ("interests.tasks.deliver_alerts", "default", 60, 60),
    "count popular items": ("recommender.tasks.count_popular_items", "default", 600, 600),
    "count what came of answers": ("recommender.tasks.count_outcomes", "default", 60, 60),
    "work out rates of outcomes": ("recommender.tasks.report_outcomes", "default", 300, 300),
    "note how far slates are behind": ("recommender.tasks.sample_lag", "default", 60, 60),
    "look at experiments": ("recommender.tasks.look_at_experiments", "default", 600, 600),
    "forget what web processes have seen": (
        "recommender.tasks.prune_shelf_changes", "default", 60, 60,
    ),
    "train every night": (
        "recommender.tasks.train_nightly", "default", crontab(hour="3", minute="0"), 3_600,
    ),
}  # fmt: skip

app.conf.beat_schedule = {
    name: {"task": task, "schedule": due, "options": {"queue": queue, "expires": expires}}
    for name, (task, queue, due, expires) in SCHEDULE.items()
}


@signals.heartbeat_sent.connect(weak=False)
def note_heartbeat(sender: Any, **_: Any) -> None:
    """Write that the workers of this process's queues are alive."""
    from recsite import heartbeats  # noqa: PLC0415  # settings are not ready any earlier

    heartbeats.of_worker(sender)


@signals.beat_init.connect(weak=False)
@signals.beat_embedded_init.connect(weak=False)
def note_beat(**_: Any) -> None:
    """Write with each message that this process, which is beat, sends that it is alive."""
    from recsite import heartbeats  # noqa: PLC0415  # settings are not ready any earlier

    signals.after_task_publish.connect(heartbeats.of_beat, weak=False)
