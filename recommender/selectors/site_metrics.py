"""What the database and Redis say of the site as a whole, for /metrics; few and cheap reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import redis
from django.conf import settings
from django.db.models import Count, Sum

from interests.models import ChangeMark, RunState
from recommender.models import OutcomeRate, OutcomeRefusal, Placement, Serving
from recommender.selectors import health, pages_frame, pages_runs, publications
from recsite.celery import QUEUES

PATIENCE_SECONDS = 1.0


@dataclass(frozen=True)
class SiteMetrics:
    """Numbers of now.

    Attributes:
        num_waiting: people whose events their slate has not seen
        num_set_aside: those on whom work failed again and again
        serving_seconds: since when the publication that serves does; None where none does
        trained_seconds: how old its network is
        queue_lengths: messages that wait, by queue; None while Redis is away
        worker_seconds: since when each queue's worker, and beat, was last alive; None: never seen
        runs: how many by kind and state
        rates: value by placement's name and metric, over the last day
        refused: outcomes that were not counted, by reason
    """

    num_waiting: int
    num_set_aside: int
    lag_seconds: float
    serving_seconds: float | None
    trained_seconds: float | None
    queue_lengths: dict[str, int] | None
    worker_seconds: dict[str, float | None]
    runs: dict[tuple[str, str], int]
    rates: dict[tuple[str, str], float]
    refused: dict[str, int]


def site_metrics(*, now: datetime) -> SiteMetrics:
    """Return the numbers; a fixed number of queries."""
    freshness = pages_frame.freshness(now=now)
    serving = Serving.objects.select_related("publication__training_run").first()
    trained_at = serving.publication.training_run.finished_at if serving else None
    return SiteMetrics(
        num_waiting=freshness.num_waiting,
        num_set_aside=ChangeMark.objects.filter(publications.is_set_aside()).count(),
        lag_seconds=max(freshness.lag_seconds, 0.0),
        serving_seconds=(now - serving.since).total_seconds() if serving else None,
        trained_seconds=(now - trained_at).total_seconds() if trained_at else None,
        queue_lengths=_queue_lengths(),
        worker_seconds={worker.queue: worker.seconds for worker in health.workers_seen()},
        runs=_runs(),
        rates=_rates(),
        refused=_refused(),
    )


def _queue_lengths() -> dict[str, int] | None:
    """Return how many messages wait; Celery keeps each queue as a list of its name."""
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
    )
    try:
        return {queue: int(client.llen(queue)) for queue in QUEUES}  # type: ignore[arg-type]
    except (redis.RedisError, OSError):
        return None
    finally:
        client.close()


def _runs() -> dict[tuple[str, str], int]:
    found = {(kind, state): 0 for kind in pages_runs.KINDS for state in RunState.values}
    for kind, model in pages_runs.KINDS.items():
        counted = model._default_manager.values_list("state").annotate(num=Count("pk"))
        found |= {(kind, state): num for state, num in counted}
    return found


def _rates() -> dict[tuple[str, str], float]:
    names = dict(Placement.objects.values_list("pk", "name"))
    rates = OutcomeRate.objects.filter(span=OutcomeRate.Span.LAST_DAY, dimension="all")
    return {(names.get(rate.placement, ""), rate.metric): rate.value for rate in rates}


def _refused() -> dict[str, int]:
    counted = OutcomeRefusal.objects.values_list("reason").annotate(num=Sum("num"))
    return dict.fromkeys(OutcomeRefusal.Reason.values, 0) | dict(counted)
