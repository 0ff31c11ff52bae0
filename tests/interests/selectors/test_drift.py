from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from interests.models import DriftMark
from interests.selectors import drift
from interests.services import drift_marks
from tests import factories
from tests.factories import NOW
from tests.interests import changes

pytestmark = pytest.mark.django_db


@pytest.fixture
def horror():
    return factories.category("Horror")


@pytest.fixture
def crime():
    return factories.category("Crime")


@pytest.fixture
def ada():
    return factories.end_user("ada")


def raised(lines):
    return [line.pk for line in lines]


def test_what_counts_is_the_newest_run_and_live_events_that_saw_more(ada, horror, crime):
    before, run = changes.tracking_run(), changes.tracking_run(finished_at=NOW + timedelta(1))
    waiting = changes.tracking_run(state="waiting", finished_at=None)
    changes.state(ada, {horror: 1.0}, tracking_run=run, events_through=NOW)
    day = timedelta(days=1)
    for number, other in enumerate((before, waiting)):
        changes.drift_event(ada, horror, crime, tracking_run=other, num_events=60 + number)
    seen = changes.drift_event(ada, horror, crime, tracking_run=run)
    changes.drift_event(ada, horror, crime, at=NOW + 3 * day, events_through=NOW)
    live = changes.drift_event(ada, crime, horror, at=NOW + 4 * day)
    changes.drift_event(ada, crime, horror, at=NOW + 5 * day, withdrawn_at=NOW + 6 * day)

    assert raised(drift.drift_events_of(ada.pk)) == [seen.pk, live.pk]
    assert raised(drift.drift_events_of(ada.pk, since=NOW + day)) == [live.pk]
    assert raised(drift.drift_events_of(ada.pk, until=NOW)) == [seen.pk]
    assert [line.is_live for line in drift.drift_events_of(ada.pk)] == [False, True]


def test_a_line_has_names_shares_evidence_and_mark(ada, horror, crime):
    film = factories.item("film", categories=(crime,))
    played = factories.event(ada, film, occurred_at=NOW - timedelta(days=1))
    event = changes.drift_event(ada, horror, crime, evidence=(played,), before=[0.875, 0.125, 0.0])
    type(event).objects.update(evidence=[played.pk, played.pk + 1000])  # one was erased
    analyst = User.objects.create_user("eve")
    drift_marks.mark(
        drift_event_id=event.pk, verdict="explained", note="A film festival", made_by=analyst, now=NOW
    )  # fmt: skip

    (line,) = drift.drift_events_of(ada.pk)

    assert [category.name for category in line.rising] == ["Crime"]
    assert [category.name for category in line.falling] == ["Horror"]
    assert [(s.category.name, s.before, s.after) for s in line.sides] == [
        ("Horror", 0.875, 0.25),
        ("Crime", 0.125, 0.75),
    ]
    assert line.evidence == [
        drift.Evidence("film", "Title of film", "view", NOW - timedelta(days=1))
    ]
    assert line.mark == drift.Mark("explained", "A film festival", "eve", NOW)
    assert (line.user_id, line.confidence, line.is_return) == ("ada", 0.9, False)


def test_the_newest_of_everybody_page_and_filter(horror, crime):
    people = [factories.end_user() for _ in range(3)]
    day = timedelta(days=1)
    first = changes.drift_event(people[0], horror, crime, at=NOW - day, confidence=0.5)
    second = changes.drift_event(people[1], crime, horror)
    third = changes.drift_event(people[2], horror, crime)
    changes.drift_event(people[2], horror, crime, at=NOW + 2 * day)  # a clock gone wrong

    def found(**options):
        return raised(drift.newest(**{"limit": 10, "now": NOW, **options}))

    assert found() == [third.pk, second.pk, first.pk]
    assert found(limit=1) == [third.pk]
    assert found(before=(NOW, third.pk)) == [second.pk, first.pk]
    assert found(since=NOW) == [third.pk, second.pk]
    assert found(min_confidence=0.6) == [third.pk, second.pk]
    assert found(category_id=horror.pk) == [third.pk, second.pk, first.pk]
    assert found(category_id=horror.pk, direction="rising") == [second.pk]
    assert found(category_id=horror.pk, direction="falling") == [third.pk, first.pk]


@pytest.mark.parametrize("num", [1, 3])
def test_lines_take_the_same_queries_however_many(
    ada, horror, crime, num, django_assert_num_queries
):
    for number in range(num):
        played = factories.event(ada, factories.item())
        changes.drift_event(
            ada, horror, crime, at=NOW + timedelta(hours=number), evidence=(played,)
        )

    with django_assert_num_queries(5):
        assert len(drift.drift_events_of(ada.pk)) == num
    with django_assert_num_queries(5):
        assert len(drift.newest(limit=10, now=NOW)) == num


def test_current_drift_names_what_moves_and_what_is_steady(ada, horror, crime):
    war, western = factories.category("War"), factories.category("Western")
    changes.state(
        ada, {horror: 0.25, crime: 0.25, war: 0.375, western: 0.03125}, drift_score=1.96,
        rising=[crime.pk], falling=[horror.pk], new=[crime.pk],
    )  # fmt: skip

    found = drift.current(ada.pk)

    assert found.p_value == pytest.approx(0.025, abs=1e-5)
    assert [category.name for category in found.rising] == ["Crime"]
    assert [category.name for category in found.falling] == ["Horror"]
    assert [category.name for category in found.new] == ["Crime"]
    assert [category.name for category in found.steady] == ["War"]
    assert (found.is_too_little, found.num_events, found.num_needed) == (False, 60, 30)


def test_with_too_few_events_nothing_is_said(ada, horror):
    before = drift.current(ada.pk)
    changes.state(ada, {horror: 1.0}, num_events=12, drift_score=None)

    after = drift.current(ada.pk)

    assert (before.is_too_little, before.num_events, before.at) == (True, 0, None)
    assert (after.is_too_little, after.num_events, after.p_value) == (True, 12, None)
    assert (after.rising, after.falling, after.new, after.steady) == ([], [], [], [])


def test_precision_is_of_marked_events_that_count(ada, horror, crime):
    assert (drift.marked_precision().value, drift.marked_precision().interval) == (None, (0, 1))
    for number, verdict in enumerate(["right", "right", "wrong", "explained", "wrong"]):
        event = changes.drift_event(ada, horror, crime, at=NOW + timedelta(hours=number))
        drift_marks.mark(
            drift_event_id=event.pk, verdict=verdict, note="why", made_by=None, now=NOW
        )
    event.withdrawn_at = NOW
    event.save(update_fields=["withdrawn_at"])

    found = drift.marked_precision()

    assert (found.num_right, found.num_wrong, found.num_explained, found.num) == (2, 1, 1, 4)
    assert found.value == 0.75
    # Wilson's interval of 3 in 4, worked out by hand.
    assert found.interval == pytest.approx((0.3006, 0.9544), abs=1e-4)
    assert DriftMark.objects.count() == 5
