"""The Celery door to imports, trainings, trackings and population reports: ids in, one service call each.

Every run is guarded by its lease, so a message that comes twice finds the run held and leaves.
"""

from __future__ import annotations

import random
import sys
from typing import Any

import structlog
from celery import current_app, shared_task
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerIsAway
from redis.exceptions import RedisError

from interests.models import (
    ImportRun,
    PopulationRun,
    Run,
    SelfTestRun,
    TrackingRun,
    TrainingRun,
)
from interests.services import processes, running
from recsite import redis_client

DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600
# Somebody who asked this long ago was answered or lost; the sweep asks every five seconds anyway.
REFRESH_ASKED_SECONDS = 5
REFRESH_ASKED_KEY = "refresh-asked"
# A crowd of refreshed people makes one look; beat looks every minute anyway.
LOOK_ASKED_SECONDS = 15
LOOK_ASKED_KEY = "look-asked"
# A request that has stored its events waits so long for Redis at most; the sweep finds its marks anyway.
PATIENCE_SECONDS = 0.5

log = structlog.get_logger()


@shared_task(queue="default", time_limit=6 * HOUR_SECONDS)
def import_folder(*, run_id: int) -> None:
    """Import a folder or an upload."""
    from interests.services import importing

    work(importing.import_folder, ImportRun, run_id)


@shared_task(queue="training", time_limit=7 * DAY_SECONDS)
def train(*, run_id: int) -> None:
    """Train a network in a process of its own: CUDA does not survive the worker's fork.

    The run's row says how it ended; a process that was killed is replaced when its lease has run out.
    """
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "train", "--run", str(run_id)]
    code = processes.run_to_end(command, log=settings.RECSITE_HOME / "logs" / "training.log")
    log.info("training_process_ended", run_id=run_id, code=code)


@shared_task(queue="default", time_limit=12 * HOUR_SECONDS)
def track(*, run_id: int) -> None:
    """Work out everybody's interest states anew."""
    from interests.services import tracking

    work(tracking.track_everybody, TrackingRun, run_id)


@shared_task(queue="default", time_limit=6 * HOUR_SECONDS)
def describe_population(*, run_id: int) -> None:
    """Work out what everybody and every segment wants over time, and who drifts."""
    from interests.services import describing

    work(describing.describe_population, PopulationRun, run_id)


@shared_task(queue="default", time_limit=6 * HOUR_SECONDS)
def test_detector(*, run_id: int) -> None:
    """Try the detector on our own people with known changes."""
    from interests.services import self_testing

    work(self_testing.test_detector, SelfTestRun, run_id)


@shared_task(queue="default", time_limit=300)
def look_for_alerts() -> None:
    """Let the alert rules look at what is new, and send what they raised."""
    from interests.services import alerting

    if alerting.look(now=timezone.now()):
        ask_for_delivery()


@shared_task(queue="default", time_limit=120)
def deliver_alerts() -> None:
    """Send the alerts that are due."""
    from interests.services import delivering

    delivering.deliver_due(now=timezone.now(), rng=random.Random())


TASK_OF_RUN: dict[type[Run], Any] = {
    ImportRun: import_folder,
    TrainingRun: train,
    TrackingRun: track,
    PopulationRun: describe_population,
    SelfTestRun: test_detector,
}


def enqueue(task: Any, *, run_id: int) -> bool:
    """Send a run to its worker; call it after commit. Return whether the broker took it.

    Where it did not, the run waits in the database and `reclaim_abandoned` sends it again.
    """
    try:
        task.apply_async(kwargs={"run_id": run_id}, retry=False)
    except (BrokerIsAway, RedisError, OSError) as error:
        log.warning("run_not_enqueued", task=task.name, run_id=run_id, error=str(error))
        return False
    return True


def enqueue_run(run: Run) -> bool:
    """Send a run of this app to its worker; call it after commit."""
    return enqueue(TASK_OF_RUN[type(run)], run_id=run.pk)


def ask_for_refresh() -> None:
    """Wake a live worker for the people just marked; call it after commit.

    A crowd of events wakes it once. Where the broker is away the marks wait for the sweep.
    """
    try:
        asked = redis_client.client(PATIENCE_SECONDS).set(
            cache.make_key(REFRESH_ASKED_KEY), 1, nx=True, ex=REFRESH_ASKED_SECONDS
        )
        if asked:
            current_app.send_task("recommender.tasks.refresh_marked", queue="live", retry=False)
    except (BrokerIsAway, RedisError, OSError) as error:
        log.warning("refresh_not_asked_for", error=str(error))


def ask_for_look() -> None:
    """Let alert rules look at what was just written, not only when beat looks; call it after commit."""
    try:
        if cache.add(LOOK_ASKED_KEY, 1, timeout=LOOK_ASKED_SECONDS):
            look_for_alerts.apply_async(retry=False, expires=60)
    except (BrokerIsAway, RedisError, OSError) as error:
        log.warning("look_not_asked_for", error=str(error))


def ask_for_delivery() -> None:
    """Send alerts that are due now, not only when beat looks; call it after commit."""
    try:
        deliver_alerts.apply_async(retry=False, expires=60)
    except (BrokerIsAway, RedisError, OSError) as error:
        log.warning("delivery_not_asked_for", error=str(error))


def work(service: Any, run_class: type[Run], run_id: int) -> None:
    """Call the service of a run; what went wrong is on the run's row, and only there.

    Raising would have the message tried again, which the lease does better.
    """
    try:
        service(run_id=run_id)
    except running.RunNotClaimed as reason:
        log.info("run_left_alone", run=run_class.__name__, run_id=run_id, reason=str(reason))
    except (running.RunStopped, running.RunOvertaken) as reason:
        log.info("run_given_up", run=run_class.__name__, run_id=run_id, reason=str(reason))
    except Exception:  # it is on the row and in the log
        log.exception("run_failed", run=run_class.__name__, run_id=run_id)
