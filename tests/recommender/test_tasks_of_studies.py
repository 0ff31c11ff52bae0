"""Messages of studies: who is sent for, again where somebody died, and never for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery import signals
from django.core.cache import cache
from django.utils import timezone

from recommender import tasks
from recommender.models import Study, Trial
from recommender.services import studying
from recsite.celery import app

Sent = list[tuple[str, int]]

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent() -> Iterator[Sent]:
    """Messages to workers for studies: the queue and which study; those of the broker are taken away."""
    cache.clear()
    messages: Sent = []

    def note(sender: str, routing_key: str, body: tuple, **_: object) -> None:
        if sender == tasks.tune.name:
            messages.append((routing_key, body[1]["run_id"]))

    signals.after_task_publish.connect(note, weak=False)
    yield messages
    signals.after_task_publish.disconnect(note)
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge("tuning")


def study(**fields) -> Study:
    return Study.objects.create(algorithm="ease", requested_at=timezone.now(), **fields)


def trial(of: Study, *, expires: timedelta) -> Trial:
    now = timezone.now()
    return Trial.objects.create(
        study=of, number=of.trials.count(), state="started", attempt=1, requested_at=now,
        lease_expires_at=now + expires,
    )  # fmt: skip


def test_a_study_goes_to_the_queue_for_studies(sent):
    made = study()

    assert tasks.enqueue_run(made)

    assert sent == [("tuning", made.pk)]


def test_the_first_message_calls_for_helpers_and_each_for_the_next_trial(sent, monkeypatch):
    made = study()
    monkeypatch.setattr(studying, "begin", lambda run_id: 2)
    monkeypatch.setattr(studying, "work", lambda run_id: True)

    tasks.tune(run_id=made.pk)

    assert sent == [("tuning", made.pk)] * 3


def test_where_nothing_is_left_nobody_is_called(sent, monkeypatch):
    monkeypatch.setattr(studying, "begin", lambda run_id: 0)
    monkeypatch.setattr(studying, "work", lambda run_id: False)

    tasks.tune(run_id=1)

    assert sent == []


def test_a_lost_trial_is_sent_for_once_and_a_study_nobody_works_on_with_all_its_workers(sent):
    lost, busy, idle = study(state="started"), study(state="started"), study(state="started")
    trial(lost, expires=timedelta(seconds=-1))
    trial(busy, expires=timedelta(seconds=30))

    tasks.reclaim_abandoned()
    tasks.reclaim_abandoned()

    assert sent == [("tuning", lost.pk)] + [("tuning", idle.pk)] * 4


def test_a_study_whose_message_was_lost_is_sent_again(sent):
    forgotten = study()
    Study.objects.update(requested_at=timezone.now() - timedelta(minutes=5))
    study()

    tasks.reclaim_abandoned()
    tasks.reclaim_abandoned()

    assert sent == [("tuning", forgotten.pk)]
