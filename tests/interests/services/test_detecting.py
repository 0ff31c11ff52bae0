"""Drift events and the detector's snapshots in the database."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from interests.drift import detector_blocks, detectors
from interests.models import (
    DetectorChoice,
    DetectorSnapshot,
    DriftEvent,
    EndUser,
    Interaction,
    RunState,
    TrackingRun,
)
from interests.selectors import drift_counts
from interests.services import current_states, detecting, running, tracking
from tests import factories
from tests.interests.services.changing import NAMES, START, catalogue, choices, live, track

pytestmark = pytest.mark.django_db
NOW = START + timedelta(days=400)
TWO_CHANGES = (("comedy", 60), ("war", 60), ("drama", 50))


@pytest.fixture
def items():
    return catalogue()


@pytest.fixture
def ann():
    return factories.end_user("ann")


def renew(*people, now=NOW):
    return tracking.renew_states(end_user_ids=[person.pk for person in people], now=now)


def counted(person):
    """Return what makes out each drift event that counts, in order."""
    rows = drift_counts.that_count(drift_counts.newest_run()).filter(end_user=person)
    return [
        (row.num_events, row.begin_event, row.detected_at, row.begin_at, row.rising, row.falling,
         row.evidence, row.is_return, round(row.score, 6), row.events_through)
        for row in rows.order_by("num_events")
    ]  # fmt: skip


def newest_state(person):
    rows = DetectorSnapshot.objects.filter(end_user=person).order_by("-num_events")
    return rows[0].num_events, rows[0].state


def test_a_run_raises_a_change_with_its_begin_sides_and_evidence(items, ann):
    played = live(ann, [items[n] for n in choices(("comedy", 60), ("war", 40))])
    live(factories.end_user("steady"), [items[n] for n in choices(("drama", 100), seed=5)])

    run = track()

    event = DriftEvent.objects.get()
    keys = {thing.item_id: thing.categories.get().pk for thing in items}
    assert (event.end_user, event.tracking_run, event.withdrawn_at) == (ann, run, None)
    assert event.detector_version == detectors.VERSION
    assert abs(event.begin_event - 60) <= 3
    assert event.begin_at == played[event.begin_event].occurred_at
    assert event.detected_at == played[event.num_events - 1].occurred_at
    assert 60 < event.num_events < 84
    assert (event.rising[0], event.falling[0]) == (keys["war"], keys["comedy"])
    assert event.category_ids == [*sorted(keys.values()), 0]
    place = event.category_ids.index(keys["war"])
    assert event.before[place] < 0.1
    assert event.after[place] > 0.5
    shown = Interaction.objects.filter(pk__in=event.evidence)
    assert set(shown.values_list("item__item_id", flat=True)) == {"war"}
    assert all(played[event.begin_event].pk <= key for key in event.evidence)
    assert event.events_through == played[-1].received_at
    assert run.results["num_drift_events"] == 1
    assert run.results["detector_threshold"] == detectors.DEFAULT.threshold
    people = EndUser.objects.order_by("user_id").values_list("user_id", "drifted_at")
    assert list(people) == [("ann", event.detected_at), ("steady", None)]


def test_events_one_by_one_raise_what_a_run_raises(items, ann):
    things = [items[n] for n in choices(*TWO_CHANGES)]
    live(ann, things[:50])
    track()
    for number, thing in enumerate(things[50:], start=50):
        live(ann, [thing], begin=number)
        renew(ann)
    by_events = counted(ann)
    state = newest_state(ann)

    track()

    assert len(by_events) >= 2
    assert [row[:3] for row in counted(ann)] == [row[:3] for row in by_events]
    assert (newest_state(ann)[0], state[0]) == (170, 170)
    assert state[1]["fingerprint"] == newest_state(ann)[1]["fingerprint"]


def test_a_new_event_advances_the_detector_by_one_step(items, ann, monkeypatch):
    live(ann, [items[n] for n in choices(("comedy", 150))])
    track()
    steps = []
    step = detector_blocks.step
    monkeypatch.setattr(
        detector_blocks, "step", lambda bank, **event: steps.append(1) or step(bank, **event)
    )

    live(ann, items[:1], begin=150)
    renew(ann)

    assert len(steps) == 1
    numbers = DetectorSnapshot.objects.order_by("num_events").values_list("num_events", flat=True)
    assert list(numbers) == [87, 135, 150, 151]


@pytest.mark.parametrize("seed", [1, 2])
def test_late_events_give_what_a_sorted_replay_gives(items, seed):
    """Events arrive in batches, a fifth of them late by up to a hundred places."""
    rng = np.random.default_rng(seed)
    things = [items[n] for n in choices(*TWO_CHANGES, seed=seed)]
    delays = np.where(rng.random(170) < 0.2, rng.integers(0, 100, 170), 0)
    arrivals = np.argsort(np.arange(170) + delays, kind="stable")
    ann, bob = factories.end_user("ann"), factories.end_user("bob")

    for part in np.array_split(arrivals, 20):
        arrived = NOW + timedelta(minutes=int(part[0]))
        for number in part.tolist():
            live(ann, [things[number]], begin=number, received_at=arrived)
        renew(ann)
    through = Interaction.objects.order_by("-received_at")[0].received_at
    own = Interaction.objects.filter(end_user=ann).order_by("occurred_at")
    for number, event in enumerate(own):
        live(bob, [event.item], begin=number, received_at=through)
    renew(bob)

    def plain(person):
        keys = Interaction.objects.filter(end_user=person).order_by("occurred_at")
        place = {key: number for number, key in enumerate(keys.values_list("pk", flat=True))}
        return [(*row[:6], [place[key] for key in row[6]], *row[7:9]) for row in counted(person)]

    assert plain(ann) == plain(bob)
    assert len(plain(bob)) >= 2
    assert newest_state(ann)[1]["detector"] == newest_state(bob)[1]["detector"]
    ann.refresh_from_db()
    assert ann.drifted_at == counted(ann)[-1][2]
    assert DetectorSnapshot.objects.filter(end_user=ann).count() <= 12


def test_a_late_event_withdraws_what_it_unmakes_and_keeps_the_row(items, ann):
    live(ann, [items[n] for n in choices(("comedy", 60))])
    live(ann, [items[NAMES.index("war")]] * 30, begin=100)
    run = track()
    (raised,) = DriftEvent.objects.all()
    # What looked like a change from comedy to war is forty late events of other things between.
    between = [items[n] for n in choices(("war", 20), ("comedy", 20), seed=4)]
    live(ann, between, begin=60, received_at=NOW)

    renew(ann)

    raised.refresh_from_db()
    assert (raised.tracking_run, raised.withdrawn_at) == (run, NOW)
    assert raised.pk not in drift_counts.that_count(run).values_list("pk", flat=True)
    live_rows = DriftEvent.objects.filter(tracking_run=None)
    assert set(live_rows.values_list("created_at", "events_through")) == {(NOW, NOW)}


def test_an_event_that_changes_nothing_leaves_what_was_raised(items, ann):
    live(ann, [items[n] for n in choices(("comedy", 60), ("war", 40))])
    track()
    before = list(DriftEvent.objects.values_list("pk", "withdrawn_at"))

    live(ann, items[-1:], begin=100)
    renew(ann)

    assert list(DriftEvent.objects.values_list("pk", "withdrawn_at")) == before
    ann.refresh_from_db()
    assert ann.drifted_at == DriftEvent.objects.get().detected_at


def test_a_new_category_somewhere_raises_nothing_anew(items, ann):
    live(ann, [items[n] for n in choices(("comedy", 60), ("war", 40))])
    track()
    other = factories.item(categories=(factories.category("brand new"),))

    live(ann, [other], begin=100)
    renew(ann)

    assert DriftEvent.objects.filter(withdrawn_at=None).count() == 1
    number, state = newest_state(ann)
    assert (number, len(state["category_ids"])) == (101, 8)


@pytest.mark.parametrize("reason", ["another version", "settings of another shape"])
def test_a_snapshot_that_cannot_be_used_is_replaced_and_nothing_raised_anew(items, ann, reason):
    live(ann, [items[n] for n in choices(("comedy", 60), ("war", 40))])
    track()
    before = list(DriftEvent.objects.values())
    for row in DetectorSnapshot.objects.all():
        if reason == "another version":
            row.detector_version = "detector-0"
        else:
            row.state["detector"]["version"] = "detector-0"
        row.save()

    live(ann, items[-1:], begin=100)
    renew(ann)

    assert list(DriftEvent.objects.values()) == before
    versions = DetectorSnapshot.objects.values_list("detector_version", "num_events")
    assert set(versions) == {(detectors.VERSION, 86), (detectors.VERSION, 101)}


def test_a_threshold_counts_from_the_next_run_or_event_on(items, ann):
    live(ann, [items[n] for n in choices(("comedy", 60), ("war", 40))])
    track()
    DetectorChoice.objects.create(threshold=10_000.0, chosen_at=NOW - timedelta(days=2))
    DetectorChoice.objects.create(threshold=20_000.0, chosen_at=NOW - timedelta(days=1))
    assert len(counted(ann)) == 1

    run = track()

    assert counted(ann) == []
    assert run.results["detector_threshold"] == 20_000
    assert detecting.settings_in_force(at=NOW - timedelta(days=2)).threshold == 10_000
    assert detecting.settings_in_force(at=NOW - timedelta(days=3)) == detectors.DEFAULT


def test_a_run_counts_when_it_is_done_and_a_restart_begins_anew(items, ann, monkeypatch):
    live(ann, [items[n] for n in choices(("comedy", 60), ("war", 40))])
    first = track()
    run = running.request(TrackingRun, now=timezone.now(), tracker_version="mixture")
    copy = current_states.copy_newest

    def die(*_):
        raise OSError("The machine is gone.")

    monkeypatch.setattr(current_states, "copy_newest", die)
    with pytest.raises(OSError, match="gone"):
        tracking.track_everybody(run_id=run.pk)

    assert DriftEvent.objects.filter(tracking_run=run).count() == 1
    assert [row.tracking_run for row in drift_counts.that_count(first)] == [first]
    assert set(DetectorSnapshot.objects.values_list("tracking_run", flat=True)) == {
        first.pk,
        run.pk,
    }

    monkeypatch.setattr(current_states, "copy_newest", copy)
    TrackingRun.objects.filter(pk=run.pk).update(state=RunState.WAITING, finished_at=None)
    tracking.track_everybody(run_id=run.pk)

    assert DriftEvent.objects.filter(tracking_run=run).count() == 1
    assert set(DetectorSnapshot.objects.values_list("tracking_run", flat=True)) == {run.pk}
    assert [row.tracking_run_id for row in drift_counts.that_count(run)] == [run.pk]


def test_somebody_whose_events_are_gone_has_not_changed(items, ann):
    live(ann, [items[n] for n in choices(("comedy", 60), ("war", 40))])
    track()
    Interaction.objects.all().delete()

    renew(ann)

    ann.refresh_from_db()
    assert (ann.drifted_at, counted(ann), DetectorSnapshot.objects.count()) == (None, [], 0)
