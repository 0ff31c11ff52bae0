"""Where the tracker stands with people: kept by runs and live events, replayed where it does not fit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from interests.models import EndUser, EventKind, Interaction, TrackerSnapshot
from interests.services import recording, tracking
from interests.tracking import experts
from tests import factories
from tests.interests.services import changing
from tests.interests.services.changing import START, choices, live, track

NOW = factories.NOW
pytestmark = pytest.mark.django_db


@pytest.fixture
def items():
    return changing.catalogue()


@pytest.fixture
def steps(monkeypatch):
    """Count the events that the experts take in."""
    taken: list[int] = []
    add = experts.Experts.add
    monkeypatch.setattr(
        experts.Experts, "add", lambda self, batch, step: taken.append(1) or add(self, batch, step)
    )
    return taken


def renew(*people):
    return tracking.renew_states(end_user_ids=[person.pk for person in people], now=NOW)


def weights_of(person):
    return EndUser.objects.get(pk=person.pk).current_state.weights


def replayed(person):
    """Return the weights that a replay of all events gives, and leave everything as it was."""
    before = EndUser.objects.filter(pk=person.pk).values("current_state", "num_events").get()
    kept = list(TrackerSnapshot.objects.filter(end_user=person))
    TrackerSnapshot.objects.filter(end_user=person).delete()
    EndUser.objects.filter(pk=person.pk).update(current_state=None)
    renew(person)
    found = weights_of(person)
    TrackerSnapshot.objects.filter(end_user=person).delete()
    TrackerSnapshot.objects.bulk_create(kept)
    EndUser.objects.filter(pk=person.pk).update(**before)
    return found


def test_an_event_after_a_run_costs_one_step_and_gives_what_a_replay_gives(items, steps):
    ann, bob = factories.end_user("ann"), factories.end_user("bob")
    live(ann, [items[n] for n in choices(("comedy", 40), ("war", 20))])
    live(bob, [items[n] for n in choices(("drama", 50))])
    run = track()
    steps.clear()

    live(ann, [items[1]], begin=60)
    live(bob, [items[2]], begin=50)
    renew(ann, bob)
    num_steps = len(steps)

    assert num_steps == 1  # both at once
    for person in (ann, bob):
        np.testing.assert_allclose(weights_of(person), replayed(person), rtol=2e-6)
    rows = TrackerSnapshot.objects.order_by("end_user__user_id")
    assert list(rows.values_list("num_events", "tracking_run")) == [(61, run.pk), (51, run.pk)]


def test_an_event_that_comes_late_is_replayed_in_its_place(items, steps):
    ann = factories.end_user("ann")
    things = [items[n] for n in choices(("comedy", 30), ("war", 10))]
    live(ann, things)
    track()
    steps.clear()

    live(ann, [items[3]], begin=-7, received_at=NOW)
    renew(ann)

    assert len(steps) == 41
    np.testing.assert_allclose(weights_of(ann), replayed(ann), rtol=2e-6)


def test_events_from_far_off_are_kept_with_a_flag_and_tracked_as_if_sorted(items):
    """Out of order, from 1970 and 9999, 25 hours ahead; one request each, then all in order at once."""
    rng = np.random.default_rng(0)
    far = [datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]
    times = [START + timedelta(hours=hours) for hours in rng.permutation(40).tolist()]
    times = [*times[:20], far[0], NOW + timedelta(hours=25), *times[20:], far[1]]
    chosen = rng.integers(0, len(items), len(times))
    ann, bob = factories.end_user("ann"), factories.end_user("bob")

    def events(user_id, order):
        return [
            {"event_id": f"{user_id} {n}", "user_id": user_id, "kind": "view",
             "item_id": items[chosen[n]].item_id, "occurred_at": times[n].isoformat()}
            for n in order
        ]  # fmt: skip

    for number, event in enumerate(events("ann", range(len(times)))):
        recording.record_events(events=[event], now=NOW + timedelta(milliseconds=number))
        renew(ann)
    recording.record_events(events=events("bob", np.argsort(times).tolist()), now=NOW)
    renew(bob)

    doubtful = Interaction.objects.filter(end_user=ann, is_time_doubtful=True)
    assert sorted(doubtful.values_list("occurred_at", flat=True)) == [
        far[0], NOW + timedelta(hours=25), far[1],
    ]  # fmt: skip
    own, other = (EndUser.objects.get(pk=person.pk) for person in (ann, bob))
    assert (own.num_events, other.num_events) == (43, 43)
    np.testing.assert_allclose(weights_of(ann), weights_of(bob), rtol=2e-6)
    for name in ("long_term", "short_term"):
        mine, theirs = (getattr(one.current_state, name) for one in (own, other))
        np.testing.assert_allclose(mine, theirs, rtol=2e-6)
    assert own.current_state.active_days == other.current_state.active_days
    assert own.drift_score == pytest.approx(other.drift_score)


@pytest.mark.parametrize("reason", ["another run", "another version", "another category"])
def test_what_does_not_fit_is_replayed_and_replaced(items, steps, reason):
    ann = factories.end_user("ann")
    live(ann, [items[n] for n in choices(("comedy", 12))])
    track()
    if reason == "another run":
        TrackerSnapshot.objects.update(tracking_run=None)
    elif reason == "another version":
        TrackerSnapshot.objects.update(made_by="mixture-0/0")
    else:
        factories.category("brand new")
    steps.clear()

    live(ann, [items[2]], begin=12)
    renew(ann)
    num_first = len(steps)
    live(ann, [items[3]], begin=13)
    renew(ann)

    assert (num_first, len(steps)) == (13, 14)
    np.testing.assert_allclose(weights_of(ann), replayed(ann), rtol=2e-6)


def test_a_negative_event_goes_on_like_any_other(items):
    EventKind.objects.filter(name="dislike").update(weight=-1)
    ann = factories.end_user("ann")
    live(ann, [items[n] for n in choices(("comedy", 20))])
    track()

    factories.event(
        ann, items[0], kind="dislike", occurred_at=START + timedelta(days=9), received_at=NOW
    )
    renew(ann)

    np.testing.assert_allclose(weights_of(ann), replayed(ann), rtol=2e-6)


def test_a_newer_run_that_is_done_leaves_only_its_own(items):
    live(factories.end_user("ann"), items)
    track()

    second = track()

    assert list(TrackerSnapshot.objects.values_list("tracking_run", flat=True)) == [second.pk]


def test_nothing_is_kept_of_somebody_whose_events_are_gone(items):
    ann = factories.end_user("ann")
    live(ann, items)
    track()
    Interaction.objects.all().delete()

    renew(ann)

    assert TrackerSnapshot.objects.count() == 0


def test_a_standing_of_twenty_categories_is_under_ten_kilobytes(items):
    for number in range(len(items), 20):
        factories.category(f"category {number}")
    live(factories.end_user("ann"), items)

    track()

    assert len(TrackerSnapshot.objects.get().numbers) == 9_612
