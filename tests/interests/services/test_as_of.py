"""The state at a time is a function of the events up to it, and of knowledge that was there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from interests.models import EndUser, Interaction, InterestState, TrackingRun
from interests.services import as_of, detecting, tracking
from tests import factories
from tests.interests.services.changing import START, catalogue, choices, live, track

pytestmark = pytest.mark.django_db
# Forty events of comedy, then war; the time is thirty events after the change.
CHANGE, PAST, ALL = 60, 90, 120
AT = START + timedelta(hours=6 * (PAST - 1))


@pytest.fixture
def items():
    return catalogue()


@pytest.fixture
def ann(items):
    person = factories.end_user("ann")
    live(person, [items[n] for n in choices(("comedy", CHANGE), ("war", ALL - CHANGE))])
    for number in range(3):
        other = factories.end_user()
        live(other, [items[n] for n in choices(("drama", 40), seed=number + 1)])
    return person


def state(person, **options):
    return as_of.state_as_of(end_user_id=person.pk, at=AT, **options)


def alter_everything_later(person, items):
    """Change, add and delete what happened after the time, and let a live worker see it."""
    later = list(Interaction.objects.filter(end_user=person, occurred_at__gt=AT).order_by("pk"))
    Interaction.objects.filter(pk__in=[event.pk for event in later[:10]]).delete()
    for event in later[10:20]:
        Interaction.objects.filter(pk=event.pk).update(
            item=items[3], occurred_at=event.occurred_at + timedelta(days=300)
        )
    newer = factories.item(categories=(factories.category("brand new"),))
    now = timezone.now()
    live(person, [newer] * 30, begin=ALL, received_at=now)
    live(factories.end_user("newcomer"), [newer] * 30, begin=ALL, received_at=now)
    tracking.renew_states(end_user_ids=EndUser.objects.values_list("pk", flat=True), now=now)


@pytest.mark.parametrize("is_run_by_then", [True, False])
def test_nothing_that_happens_later_changes_it(items, ann, is_run_by_then):
    run = track()
    if is_run_by_then:
        TrackingRun.objects.update(finished_at=AT)
    before = state(ann)

    alter_everything_later(ann, items)
    after = state(ann)

    assert after == before
    assert (before.num_events, before.active_days) == (PAST, 23)
    assert before.last_event_at == before.events_through == AT
    assert sum(before.weights.values()) == pytest.approx(1)
    assert [len(before.drift_events), before.tracking_run_id] == [1, run.pk]
    assert before.knowledge_is_newer is not is_run_by_then
    assert InterestState.objects.filter(end_user=ann, tracking_run=None).count() == 1


def test_before_anything_was_tracked_it_is_of_the_events_alone(items, ann):
    before = state(ann)

    alter_everything_later(ann, items)

    assert state(ann) == before
    assert (before.tracking_run_id, before.knowledge_is_newer) == (None, False)
    assert [len(before.drift_events), before.num_events] == [1, PAST]


def test_now_it_is_the_current_state(ann):
    track()
    ann.refresh_from_db()
    stored = ann.current_state

    found = as_of.state_as_of(end_user_id=ann.pk, at=timezone.now())

    assert [found.weights[key] for key in stored.category_ids] == pytest.approx(stored.weights)
    assert [found.long_term[key] for key in stored.category_ids] == pytest.approx(stored.long_term)
    assert found.drift_score == pytest.approx(stored.drift_score, rel=1e-5)
    assert [list(found.rising), list(found.falling)] == [stored.rising, stored.falling]
    assert found.knowledge_is_newer is False


def test_drift_events_that_are_stored_are_what_a_replay_raises(ann, monkeypatch):
    track()

    stored = state(ann)
    monkeypatch.setattr(detecting, "events_seen", lambda **_: 0)
    replayed = state(ann)

    assert stored.drift_events[0].identity == replayed.drift_events[0].identity
    np.testing.assert_allclose(stored.drift_events[0].after, replayed.drift_events[0].after)
    assert replace(stored, drift_events=()) == replace(replayed, drift_events=())


def test_it_is_what_the_older_run_knew_where_a_newer_one_is_done(items, ann):
    older = track()
    TrackingRun.objects.update(finished_at=AT - timedelta(days=1))
    before = state(ann)
    alter_everything_later(ann, items)

    newer = track()

    found = state(ann)
    assert [found.tracking_run_id, newer.pk > older.pk] == [older.pk, True]
    assert found.weights == pytest.approx(before.weights)
    assert [one.identity for one in found.drift_events] == [
        one.identity for one in before.drift_events
    ]


def test_as_known_then_leaves_out_what_arrived_later(items, ann):
    late = Interaction.objects.filter(end_user=ann, occurred_at=AT)
    late.update(received_at=AT + timedelta(days=3))

    known_now, known_then = state(ann), state(ann, as_known_then=True)

    assert (known_now.num_events, known_then.num_events) == (PAST, PAST - 1)
    assert known_now.events_through == AT + timedelta(days=3)
    assert known_then.events_through == AT - timedelta(hours=6)


def test_before_the_first_event_there_is_nothing(ann):
    found = as_of.state_as_of(end_user_id=ann.pk, at=START - timedelta(days=1))

    assert (found.weights, found.num_events, found.drift_events) == ({}, 0, ())
    assert (found.drift_score, found.last_event_at, found.events_through) == (None, None, None)


@pytest.mark.parametrize(("days", "is_asked"), [(-1, True), (1, False)])
def test_a_network_has_a_say_only_if_it_had_seen_nothing_later(ann, monkeypatch, days, is_asked):
    training = factories.training_run(window_to=AT + timedelta(days=days))
    track()
    TrackingRun.objects.update(training_run=training, finished_at=AT)
    shares = np.zeros((PAST, 7), np.float32)
    shares[:, 3] = 1
    monkeypatch.setattr(as_of.tracking_knowledge, "network_shares", lambda *_, **__: shares)
    asked = []

    found = state(ann, network_of=asked.append)

    assert [run.pk for run in asked] == ([training.pk] if is_asked else [])
    assert found.training_run_id == (training.pk if is_asked else None)
    assert (found.weights != state(ann).weights) is is_asked
