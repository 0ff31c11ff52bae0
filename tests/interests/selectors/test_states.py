"""States as plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from interests.models import InterestState, TrackingRun
from interests.selectors import states
from interests.services import running
from tests import factories

START = datetime(2026, 1, 5, 12, tzinfo=UTC)  # a Monday
pytestmark = pytest.mark.django_db


def state(person, *, run=None, at=START, weights=(0.7, 0.3), **fields):
    return InterestState.objects.create(
        end_user=person, tracking_run=run, tracker_version="1", at=at,
        weights=list(weights), long_term=list(weights), short_term=list(weights),
        event_shares=list(weights),
        **{"num_events": 1, "active_days": 1, "events_through": at, "created_at": at, **fields},
    )  # fmt: skip


def tracking_run(**fields):
    return TrackingRun.objects.create(**factories.done(tracker_version="1", **fields))


@pytest.fixture
def people():
    comedy, drama = factories.category("comedy"), factories.category("drama")
    return factories.end_user("ann"), [comedy.pk, 0], comedy, drama


def test_the_current_state_names_its_categories_largest_first(people):
    ann, keys, comedy, _ = people
    ann.current_state = state(ann, category_ids=keys, weights=(0.25, 0.75), drift_score=1.5)
    ann.save()

    found = states.current_state(ann.pk)

    assert [(row.category.name, row.weight) for row in found.categories] == [
        ("uncategorised", 0.75),
        ("comedy", 0.25),
    ]
    assert found.categories[1].category.colour_rank == comedy.colour_rank
    assert found.categories[0].category.colour_rank is None
    assert (found.drift_score, found.num_events, found.at) == (1.5, 1, START)


def test_somebody_without_a_state_has_none(people):
    assert states.current_state(people[0].pk) is None
    assert states.current_state(987654) is None
    assert states.history(people[0].pk).points == []


def test_history_is_the_newest_run_and_the_live_states_after_it(people):
    ann, keys, _, drama = people
    old, new = tracking_run(), tracking_run()
    half = running.request(TrackingRun, now=timezone.now(), tracker_version="1")
    state(ann, run=old, category_ids=keys, at=START)
    state(ann, category_ids=keys, at=START, events_through=START - timedelta(days=1))
    state(ann, run=new, category_ids=keys, at=START, weights=(0.6, 0.4))
    state(ann, run=half, category_ids=keys, at=START + timedelta(days=1))
    later = START + timedelta(days=2)
    state(ann, category_ids=[keys[0], drama.pk, 0], at=later, weights=(0.1, 0.2, 0.7))
    state(factories.end_user("bob"), run=new, category_ids=keys)

    found = states.history(ann.pk)

    assert [category.name for category in found.categories] == ["comedy", "drama", "uncategorised"]
    assert [(point.at, point.weights) for point in found.points] == [
        (START, [0.6, 0.0, 0.4]),
        (later, [0.1, 0.2, 0.7]),
    ]
    assert found.step == "event"


def test_history_keeps_the_last_state_of_each_step_and_the_window(people):
    ann, keys, _, _ = people
    for hours in (0, 1, 24, 24 * 7, 24 * 40):
        state(ann, category_ids=keys, at=START + timedelta(hours=hours), num_events=hours + 1)

    def numbers(**arguments):
        return [point.num_events for point in states.history(ann.pk, **arguments).points]

    assert numbers(step="event") == [1, 2, 25, 169, 961]
    assert numbers(step="day") == [2, 25, 169, 961]
    assert numbers(step="week") == [25, 169, 961]
    assert numbers(step="month") == [169, 961]
    assert numbers(since=START + timedelta(hours=1), until=START + timedelta(days=7)) == [
        2,
        25,
        169,
    ]
    with pytest.raises(states.UnknownStep, match="not 'year'"):
        states.history(ann.pk, step="year")


def test_history_of_many_states_takes_a_coarser_step_by_itself(people):
    ann, keys, _, _ = people
    for hours in range(states.MAX_AUTO_POINTS + 1):
        state(ann, category_ids=keys, at=START + timedelta(hours=hours))

    found = states.history(ann.pk)

    assert (found.step, len(found.points)) == ("day", 6)


@pytest.mark.parametrize("number", [1, 3])
def test_history_takes_the_same_queries_for_one_state_and_three(
    people, number, django_assert_num_queries
):
    ann, keys, _, _ = people
    for day in range(number):
        state(ann, category_ids=keys, at=START + timedelta(days=day))

    with django_assert_num_queries(6):
        found = states.history(ann.pk)

    assert len(found.points) == number


def test_event_shares_count_each_event_once_and_leave_negative_ones_out(people):
    ann, _, comedy, drama = people
    both, plain, bare = (
        factories.item(categories=(comedy, drama)),
        factories.item(categories=(comedy,)),
        factories.item(),
    )
    for thing, day in ((both, 0), (plain, 1), (bare, 1), (both, 8)):
        factories.event(ann, thing, occurred_at=START + timedelta(days=day))
    factories.event(ann, plain, kind="dislike", occurred_at=START)

    found = states.event_shares_over_time(ann.pk, step="week")

    assert [category.name for category in found.categories] == ["comedy", "drama", "uncategorised"]
    week = datetime(2026, 1, 5, tzinfo=UTC)
    assert [(point.at, point.num_events) for point in found.points] == [
        (week, 3),
        (week + timedelta(weeks=1), 1),
    ]
    assert found.points[0].shares == pytest.approx([0.5, 1 / 6, 1 / 3])
    assert found.points[1].shares == pytest.approx([0.5, 0.5, 0.0])
    later = states.event_shares_over_time(ann.pk, since=START + timedelta(days=2))
    assert [(point.at, point.num_events) for point in later.points] == [
        (START + timedelta(days=8), 1)
    ]


def test_doubtful_times_do_not_stretch_a_history_unless_there_is_nothing_else(people):
    ann, keys, comedy, _ = people
    thing = factories.item(categories=(comedy,))
    first, last = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
    for at in (first, START, last):
        state(ann, category_ids=keys, at=at)
        factories.event(ann, thing, occurred_at=at, is_time_doubtful=at != START)

    assert [point.at for point in states.history(ann.pk).points] == [START]
    assert [point.at for point in states.event_shares_over_time(ann.pk).points] == [START]
    asked = states.history(ann.pk, since=first).points
    assert [point.at for point in asked] == [first, START, last]
    InterestState.objects.filter(at=START).delete()
    ann.interactions.filter(occurred_at=START).delete()
    assert [point.at for point in states.history(ann.pk).points] == [first, last]
    shares = states.event_shares_over_time(ann.pk, step="event").points
    assert [point.at for point in shares] == [first, last]
