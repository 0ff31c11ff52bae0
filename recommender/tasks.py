"""The Celery door to publications, evaluations, live refresh and the chain: one service call each."""

from __future__ import annotations

import threading
import time
from typing import Any

import structlog
from celery import current_app, shared_task, signals
from django.core.cache import cache
from django.db import OperationalError as DatabaseIsAway
from django.db import connection
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerIsAway
from redis.exceptions import RedisError

from interests import tasks as interests_tasks
from interests.models import Run
from interests.services import running
from recommender.models import EvaluationRun, PublicationRun, Study
from recommender.services import (
    advancing,
    asking,
    counting,
    keeping,
    lag,
    looking,
    outcome_rates,
    outcomes,
    tuning,
)
from recommender.services.asking import Asked, Question

HOUR_SECONDS = 3_600
# People per turn at most. A turn takes whoever was marked during the turn before, so turns grow with the load.
REFRESH_LIMIT = 250
# From the begin of one turn to that of the next at least: people renewed together cost half as much each.
GATHER_SECONDS = 0.15
# Nobody was marked for so long: there is time to explain slates.
QUIET_SECONDS = 1.0
# A crowd is handed on to the next message after this, far from the time limit that would kill the work.
REFRESH_SECONDS = 30.0
# A run is sent again at most this often while it waits: behind a long training that is for hours.
SENT_AGAIN_SECONDS = 600
# Somebody is looking at the page meanwhile; most answers take a tenth of a second.
ANSWER_SECONDS = 25
# What a program that asks for a session's list is promised; afterwards stored lists answer.
SOON_SECONDS = 0.3
# Their workers hold the network.
WARM_QUEUES = {"live", "asked"}
LOST = (DatabaseIsAway, RedisError, OSError)

log = structlog.get_logger()


@shared_task(queue="default", time_limit=6 * HOUR_SECONDS)
def publish(*, run_id: int) -> None:
    """Make everybody's slates and switch to them."""
    from recommender.services import publishing

    interests_tasks.work(publishing.publish, PublicationRun, run_id)


@shared_task(queue="training", time_limit=24 * HOUR_SECONDS)
def evaluate(*, run_id: int) -> None:
    """Compare the algorithms."""
    from recommender.services import evaluating

    interests_tasks.work(evaluating.evaluate, EvaluationRun, run_id)


@shared_task(queue="tuning", time_limit=6 * HOUR_SECONDS)
def tune(*, run_id: int) -> None:
    """Do one trial of a study, and send whoever is free to the next; the first also calls for helpers."""
    from recommender.services import studying

    for _ in range(studying.begin(run_id=run_id)):
        interests_tasks.enqueue(tune, run_id=run_id)
    if studying.work(run_id=run_id):
        interests_tasks.enqueue(tune, run_id=run_id)


@shared_task(queue="live", time_limit=300, autoretry_for=LOST)
def refresh_marked() -> int:
    """Renew state and slate of the people marked as changed; return on how many was worked.

    When nobody is left, slates are explained: those that somebody asked about, and, after a quiet second,
    the others.
    """
    from recommender.services import refreshing

    # Whoever is marked from now on may need another message.
    _forget(interests_tasks.REFRESH_ASKED_KEY)
    num_refreshed, began = 0, time.monotonic()
    worked_at = began
    while True:
        turn = time.monotonic()
        num = refreshing.refresh_marked(limit=REFRESH_LIMIT, now=timezone.now())
        if num:
            num_refreshed, worked_at = num_refreshed + num, time.monotonic()
            lag.note_refreshed(num)
            if worked_at - began >= REFRESH_SECONDS:
                interests_tasks.ask_for_refresh()
                break
        is_quiet = turn - worked_at >= QUIET_SECONDS
        num_explained = refreshing.explain_some(now=timezone.now(), is_idle=is_quiet)
        waits = bool(refreshing.memory.to_explain) and turn - began < REFRESH_SECONDS
        if not (num or num_explained or waits):
            break
        time.sleep(max(GATHER_SECONDS - (time.monotonic() - turn), 0))
    if num_refreshed:
        interests_tasks.ask_for_look()
    return num_refreshed


@shared_task(
    queue="asked",
    soft_time_limit=ANSWER_SECONDS,
    time_limit=ANSWER_SECONDS + 10,
    autoretry_for=LOST,
)
def answer(*, key: str, question: str, arguments: dict[str, Any]) -> None:
    """Answer what somebody has asked; the answer waits in the cache."""
    from recommender.services import answering

    answering.answer(key=key, question=question, arguments=arguments, now=time.time())


def ask(
    question: Question,
    *,
    depends_on: Any,
    joins: str = "",
    expires_seconds: float = asking.DEADLINE_SECONDS,
    **arguments: Any,
) -> Asked:
    """Return how a question stands; a live worker is asked where nobody has asked the same before.

    Args:
        depends_on: plain values that the answer changes with, beside the arguments.
        joins: the key of the same asked before: then it is only looked at, even if nobody answered in time.
        expires_seconds: a worker that comes to it later leaves it.
        arguments: plain values.
    """
    key = asking.key_of(question, arguments=arguments, depends_on=depends_on)
    try:
        known = asking.look(key, now=time.time()) if joins == key else None
        if known is not None:
            return known
        asked, is_new = asking.place(key, now=time.time())
        if is_new:
            values = {"key": key, "question": question, "arguments": arguments}
            answer.apply_async(kwargs=values, expires=expires_seconds, retry=False)
    except (BrokerIsAway, RedisError, OSError) as error:
        log.warning("question_not_sent", question=question, error=str(error))
        return asking.unreachable(key)
    return asked


def ask_soon(question: Question, *, depends_on: Any, **arguments: Any) -> Asked:
    """Return how a question stands after at most `SOON_SECONDS`; nobody comes back to one that still waits.

    A question that no worker came to is forgotten, so that whoever asks next asks anew.
    """
    asked = ask(question, depends_on=depends_on, expires_seconds=SOON_SECONDS, **arguments)
    try:
        return asking.wait(asked, seconds=SOON_SECONDS) if asked.is_waiting else asked
    except (RedisError, OSError) as error:
        log.warning("question_not_looked_for", question=question, error=str(error))
        return asking.unreachable(asked.key)


@shared_task(queue="default", time_limit=600, autoretry_for=LOST)
def count_popular_items() -> None:
    """Count what is popular, over all and lately."""
    counting.count_popular_items(now=timezone.now())


@shared_task(queue="default", time_limit=600, autoretry_for=LOST)
def count_outcomes() -> int:
    """Count what people saw and did with answers; return how many hours of people that were."""
    return outcomes.count(now=timezone.now())


@shared_task(queue="default", time_limit=600, autoretry_for=LOST)
def report_outcomes() -> int:
    """Work out the rates that the page about outcomes shows; return how many."""
    return outcome_rates.report(now=timezone.now())


@shared_task(queue="default", time_limit=60, autoretry_for=LOST)
def sample_lag() -> None:
    """Note how far slates are behind events."""
    lag.sample(now=timezone.now())


@shared_task(queue="default", time_limit=600, autoretry_for=LOST)
def look_at_experiments() -> int:
    """Work out what each variant of the running experiments is worth; return how many those are."""
    return looking.look_at_all(now=timezone.now())


@shared_task(queue="default", time_limit=60, autoretry_for=LOST)
def prune_shelf_changes() -> int:
    """Remove what every web process has seen; return how many changes."""
    return keeping.prune(now=timezone.now())


@shared_task(queue="default", time_limit=60, autoretry_for=LOST)
def advance() -> None:
    """Request the runs that newer data calls for."""
    for run in advancing.advance(now=timezone.now()):
        enqueue_run(run)


@shared_task(queue="default", time_limit=60, autoretry_for=LOST)
def train_nightly() -> None:
    """Request the night's training if there are newer events than the last one saw."""
    run = advancing.request_nightly_training(now=timezone.now())
    if run is not None:
        enqueue_run(run)


@shared_task(queue="default", time_limit=60, autoretry_for=LOST)
def reclaim_abandoned() -> None:
    """Send runs again whose worker died or whose message was lost."""
    now = timezone.now()
    for run_class, task in TASK_OF_RUN.items():
        for run_id in running.abandoned(run_class, now=now):
            _send_again(task, run_id=run_id, seconds=running.LEASE_SECONDS)
        for run_id in advancing.forgotten(run_class, now=now):
            _send_again(task, run_id=run_id, seconds=SENT_AGAIN_SECONDS)
    for wanted in tuning.lacking(now=now):
        _send_again(
            tune,
            run_id=wanted.study_id,
            seconds=SENT_AGAIN_SECONDS,
            because=wanted.because,
            num=wanted.num,
        )


TASK_OF_RUN: dict[type[Run], Any] = {
    **interests_tasks.TASK_OF_RUN,
    PublicationRun: publish,
    EvaluationRun: evaluate,
    Study: tune,
}
# What a study finds calls for nothing by itself.
CHAIN = frozenset(task.name for task in TASK_OF_RUN.values()) - {tune.name}


def enqueue_run(run: Run) -> bool:
    """Send a run of any kind to its worker; call it after commit."""
    return interests_tasks.enqueue(TASK_OF_RUN[type(run)], run_id=run.pk)


@signals.task_postrun.connect(weak=False)
def go_on_after_run(task: Any, **_: Any) -> None:
    """Look for what comes next as soon as a run has ended, not only when beat looks."""
    if task.name not in CHAIN:
        return
    try:
        if task.name == interests_tasks.import_folder.name:
            count_popular_items.apply_async(retry=False)
        advance.apply_async(retry=False)
    except (BrokerIsAway, RedisError, OSError) as error:
        log.warning("chain_not_advanced", error=str(error))


@signals.worker_process_init.connect(weak=False)
def warm_up(**_: Any) -> None:
    """Load the network that serves before the first question or event waits for it."""
    if WARM_QUEUES & set(current_app.amqp.queues.consume_from):
        threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()


def _warm_up() -> None:
    try:
        _load_serving()
    finally:
        connection.close()  # the thread's own


def _load_serving() -> None:
    from recommender.services import previewing, refreshing

    try:
        previewing.serving()
        refreshing.memory.catalogue(timezone.now())
    except Exception as error:  # noqa: BLE001  # whoever asks first finds out, and is told
        log.info("not_warmed_up", reason=str(error))


def _send_again(task: Any, *, run_id: int, seconds: int, because: str = "", num: int = 1) -> None:
    if cache.add(f"sent-again:{task.name}:{run_id}:{because}", 1, timeout=seconds):
        log.info("run_sent_again", task=task.name, run_id=run_id, num=num, because=because)
        for _ in range(num):
            interests_tasks.enqueue(task, run_id=run_id)


def _forget(key: str) -> None:
    try:
        cache.delete(key)
    except RedisError as error:
        log.warning("cache_not_reached", error=str(error))
