from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery import signals
from django.conf import settings as site_settings
from django.core.cache import cache
from django.utils import timezone
from kombu import Connection

from interests import tasks as interests_tasks
from interests.models import (
    ChangeMark,
    ImportRun,
    PopulationRun,
    RunState,
    TrackingRun,
    TrainingRun,
)
from interests.services import processes, running
from recommender import tasks
from recommender.models import EvaluationRun, PopularItems, PublicationRun
from recommender.services import asking
from recommender.services.asking import Question, State
from recsite.celery import QUEUES, app
from tests import factories
from tests.factories import NOW

Sent = list[tuple[str, str, dict[str, int]]]


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    cache.clear()


@pytest.fixture
def sent() -> Iterator[Sent]:
    """Messages that were sent: task, queue, arguments; those of the broker itself are taken away."""
    messages: Sent = []

    def note(sender: str, routing_key: str, body: tuple, **_: object) -> None:
        messages.append((sender, routing_key, body[1]))

    signals.after_task_publish.connect(note, weak=False)
    yield messages
    signals.after_task_publish.disconnect(note)
    with app.connection_for_write() as connection:
        for queue in QUEUES:
            connection.default_channel.queue_purge(queue)


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every message go to a socket that is not there, as when Redis is gone."""
    nowhere = Connection("redis+socket:///nowhere/redis.sock")
    monkeypatch.setattr(app, "producer_or_acquire", lambda *_: app.amqp.Producer(nowhere))


def waiting(run_class: type, **fields: object):
    return run_class.objects.create(requested_at=timezone.now(), **fields)


@pytest.mark.django_db
def test_each_kind_of_run_goes_to_its_task_and_queue(sent):
    training = factories.training_run()
    runs = [
        waiting(ImportRun, source="folder"),
        waiting(TrainingRun),
        waiting(TrackingRun, tracker_version="test"),
        waiting(PopulationRun),
        waiting(PublicationRun, training_run=training),
        waiting(EvaluationRun, split="time"),
    ]

    assert [tasks.enqueue_run(run) for run in runs] == [True] * 6
    assert sent == [
        ("interests.tasks.import_folder", "default", {"run_id": runs[0].pk}),
        ("interests.tasks.train", "training", {"run_id": runs[1].pk}),
        ("interests.tasks.track", "default", {"run_id": runs[2].pk}),
        ("interests.tasks.describe_population", "default", {"run_id": runs[3].pk}),
        ("recommender.tasks.publish", "default", {"run_id": runs[4].pk}),
        ("recommender.tasks.evaluate", "training", {"run_id": runs[5].pk}),
    ]


@pytest.mark.django_db
def test_without_a_broker_a_run_waits_and_is_sent_later(sent, no_broker):
    run = waiting(ImportRun, source="folder")

    assert tasks.enqueue_run(run) is False
    run.refresh_from_db()
    assert (run.state, sent) == (RunState.WAITING, [])


@pytest.mark.django_db
def test_without_a_broker_asking_for_a_refresh_does_not_fail(sent, no_broker):
    interests_tasks.ask_for_refresh()

    assert sent == []


@pytest.mark.django_db
def test_a_crowd_of_events_wakes_the_live_worker_once_until_it_looks(sent):
    for _ in range(3):
        interests_tasks.ask_for_refresh()
    tasks.refresh_marked()
    interests_tasks.ask_for_refresh()

    assert sent == [("recommender.tasks.refresh_marked", "live", {})] * 2


@pytest.mark.django_db
def test_a_crowd_is_handed_on_to_the_next_message_in_time(sent, monkeypatch):
    monkeypatch.setattr(tasks, "REFRESH_LIMIT", 2)
    monkeypatch.setattr(tasks, "REFRESH_SECONDS", 0.0)
    for _ in range(3):
        person = factories.end_user()
        factories.event(person, factories.item())
        ChangeMark.objects.create(end_user=person, marked_at=NOW)

    assert (tasks.refresh_marked(), ChangeMark.objects.count()) == (2, 1)
    assert sent == [
        ("recommender.tasks.refresh_marked", "live", {}),
        ("interests.tasks.look_for_alerts", "default", {}),
    ]


@pytest.mark.django_db
def test_the_sweep_catches_up_with_marks_whose_message_was_lost(no_broker):
    person = factories.end_user()
    factories.event(person, factories.item())

    ChangeMark.objects.create(end_user=person, marked_at=NOW)
    interests_tasks.ask_for_refresh()

    assert tasks.refresh_marked() == 1
    assert not ChangeMark.objects.exists()
    person.refresh_from_db()
    assert person.num_events == 1


@pytest.mark.django_db
def test_advancing_sends_what_it_requests(sent):
    ImportRun.objects.create(**factories.done(source="folder"))
    factories.event(factories.end_user(), factories.item())

    tasks.advance()
    tasks.advance()

    training = TrainingRun.objects.get()
    assert sent == [("interests.tasks.train", "training", {"run_id": training.pk})]


@pytest.mark.django_db
def test_the_night_sends_a_training(sent):
    factories.event(factories.end_user(), factories.item())

    tasks.train_nightly()
    tasks.train_nightly()

    training = TrainingRun.objects.get()
    assert sent == [("interests.tasks.train", "training", {"run_id": training.pk})]


@pytest.mark.django_db
def test_what_dead_workers_held_is_sent_again_once_a_lease(sent):
    past = timezone.now() - timedelta(seconds=1)
    held = {"state": RunState.STARTED, "requested_at": NOW, "attempt": 1}
    lost = TrainingRun.objects.create(**held, lease_expires_at=past)
    TrainingRun.objects.create(**held, lease_expires_at=timezone.now() + timedelta(minutes=1))
    last = TrainingRun.objects.create(
        **(held | {"attempt": TrainingRun.max_attempts}), lease_expires_at=past
    )

    tasks.reclaim_abandoned()
    tasks.reclaim_abandoned()

    assert sent == [("interests.tasks.train", "training", {"run_id": lost.pk})]
    last.refresh_from_db()
    assert (last.state, last.error) == (
        RunState.FAILED,
        f"Its worker died {TrainingRun.max_attempts} times. See the worker's log.",
    )


@pytest.mark.django_db
def test_runs_of_every_kind_whose_message_was_lost_are_sent_again(sent):
    long_ago = timezone.now() - timedelta(minutes=2)
    training = factories.training_run()
    runs = [
        ImportRun.objects.create(requested_at=long_ago, source="folder"),
        TrainingRun.objects.create(requested_at=long_ago),
        TrackingRun.objects.create(requested_at=long_ago, tracker_version="test"),
        PopulationRun.objects.create(requested_at=long_ago),
        PublicationRun.objects.create(requested_at=long_ago, training_run=training),
        EvaluationRun.objects.create(requested_at=long_ago, split="time"),
    ]
    waiting(ImportRun, source="just now")

    tasks.reclaim_abandoned()
    tasks.reclaim_abandoned()

    assert [message["run_id"] for _, _, message in sent] == [run.pk for run in runs]


@pytest.mark.django_db
def test_the_end_of_a_run_looks_for_what_comes_next(sent):
    signals.task_postrun.send(sender=tasks.publish, task=tasks.publish)
    signals.task_postrun.send(sender=tasks.advance, task=tasks.advance)
    signals.task_postrun.send(
        sender=interests_tasks.import_folder, task=interests_tasks.import_folder
    )

    assert sent == [
        ("recommender.tasks.advance", "default", {}),
        ("recommender.tasks.count_popular_items", "default", {}),
        ("recommender.tasks.advance", "default", {}),
    ]


@pytest.mark.django_db
def test_popular_items_are_counted():
    factories.event(factories.end_user(), factories.item("book"))

    tasks.count_popular_items()

    assert PopularItems.objects.get(window="all").item_ids == ["book"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("task", "run_class", "fields"),
    [
        (interests_tasks.import_folder, ImportRun, {"source": "folder"}),
        (interests_tasks.track, TrackingRun, {"tracker_version": "test"}),
        (interests_tasks.describe_population, PopulationRun, {}),
        (tasks.publish, PublicationRun, {}),
        (tasks.evaluate, EvaluationRun, {"split": "time"}),
    ],
)
def test_the_second_start_of_a_held_run_leaves_it_alone(task, run_class, fields):
    if run_class is PublicationRun:
        fields = {"training_run": factories.training_run()}
    run = waiting(run_class, **fields)
    hold = running.claim(run_class, run_id=run.pk, now=timezone.now())
    before = run_class.objects.values().get(pk=run.pk)

    task(run_id=run.pk)

    assert run_class.objects.values().get(pk=run.pk) == before
    hold.release()


@pytest.mark.django_db
def test_a_run_that_fails_keeps_its_reason_and_its_task_ends():
    run = waiting(ImportRun, source="/nowhere/at/all")

    interests_tasks.import_folder(run_id=run.pk)

    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert "/nowhere/at/all" in run.error


def test_a_training_is_a_process_of_its_own(monkeypatch):
    started = []
    monkeypatch.setattr(
        processes, "run_to_end", lambda command, *, log: started.append((command[1:], log)) or 0
    )

    interests_tasks.train(run_id=7)

    manage = str(site_settings.BASE_DIR / "manage.py")
    log = site_settings.RECSITE_HOME / "logs" / "training.log"
    assert started == [([manage, "train", "--run", "7"], log)]


def test_a_question_that_is_wanted_soon_expires_when_nobody_waits_any_more(sent, monkeypatch):
    expiring = []
    monkeypatch.setattr(asking, "wait", lambda asked, *, seconds: asked)
    monkeypatch.setattr(
        tasks.answer, "apply_async", lambda *, kwargs, expires, retry: expiring.append(expires)
    )

    asked = tasks.ask_soon(Question.SESSION, depends_on=[1], done=[])

    assert asked.is_waiting
    assert expiring == [tasks.SOON_SECONDS]


def test_without_a_broker_a_question_that_is_wanted_soon_fails_at_once(no_broker):
    asked = tasks.ask_soon(Question.SESSION, depends_on=[1], done=[])

    assert asked.state == State.FAILED


@pytest.mark.parametrize(("queue", "expected"), [("asked", 1), ("live", 1), ("default", 0)])
def test_workers_that_hold_the_network_load_it_when_they_start(monkeypatch, queue, expected):
    loaded = []
    monkeypatch.setattr(tasks, "_load_serving", lambda: loaded.append(queue))
    monkeypatch.setattr(app.amqp.queues, "_consume_from", {queue: app.amqp.queues[queue]})

    tasks.warm_up()
    for thread in threading.enumerate():
        if thread.name == "warm-up":
            thread.join()

    assert len(loaded) == expected


@pytest.mark.django_db
def test_a_worker_that_starts_before_anything_serves_says_so_and_goes_on(caplog):
    tasks._load_serving()

    assert tasks.refresh_marked() == 0
