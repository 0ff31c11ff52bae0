"""What the population turns to: numbers by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interests.selectors import movements
from tests import factories

NOW = factories.NOW
pytestmark = pytest.mark.django_db


@pytest.fixture
def things():
    names = ("comedy", "drama", "horror")
    return [factories.item(categories=(factories.category(name),)) for name in names]


def act(person, thing, *, days_ago, number=1):
    for hour in range(number):
        at = NOW - timedelta(days=days_ago, hours=hour)
        factories.event(person, thing, occurred_at=at, received_at=NOW)


def test_a_rise_shared_by_many_people_is_sure(things):
    comedy, drama, horror = things
    for number in range(40):
        person = factories.end_user(f"person {number}")
        act(person, comedy, days_ago=50, number=3)
        act(person, drama, days_ago=50)
        act(person, drama, days_ago=5, number=3)
        act(person, comedy if number % 2 else horror, days_ago=5)

    found = movements.rising_and_falling(limit=5, now=NOW)

    drama_row, horror_row = found.rising
    assert drama_row.category.name == "drama"
    assert (drama_row.before, drama_row.now, drama_row.change) == (0.25, 0.75, 0.5)
    assert drama_row.is_sure
    assert (horror_row.before, horror_row.now) == (0.0, 0.125)
    assert [(row.category.name, row.now) for row in found.falling] == [("comedy", 0.125)]
    assert (found.num_events_now, found.num_events_before, found.num_end_users) == (160, 160, 40)


def test_one_person_alone_moves_nobody_surely(things):
    comedy, drama, _ = things
    for number in range(30):
        person = factories.end_user(f"person {number}")
        act(person, comedy, days_ago=50)
        act(person, comedy, days_ago=5)
    act(factories.end_user("zealot"), drama, days_ago=5, number=20)

    (row,) = movements.rising_and_falling(limit=5, now=NOW).rising

    assert row.category.name == "drama"
    assert row.now == pytest.approx(0.4)
    assert not row.is_sure


def test_too_few_people_say_nothing(things):
    act(factories.end_user("ann"), things[0], days_ago=50, number=30)
    act(factories.end_user("bob"), things[1], days_ago=5, number=30)

    found = movements.rising_and_falling(limit=5, now=NOW)

    assert (found.rising, found.falling, found.num_end_users) == ([], [], 2)


def test_without_a_time_the_newest_sound_event_ends_the_window(things):
    ann = factories.end_user("ann")
    assert movements.rising_and_falling(limit=5).until is None
    act(ann, things[0], days_ago=100)
    factories.event(ann, things[0], occurred_at=NOW + timedelta(days=9999), is_time_doubtful=True)

    assert movements.rising_and_falling(limit=5).until == NOW - timedelta(days=100)


@pytest.mark.parametrize("number", [1, 3])
def test_the_queries_do_not_grow(things, number, django_assert_num_queries):
    for place in range(25):
        person = factories.end_user(f"person {place}")
        act(person, things[place % number], days_ago=50)
        act(person, things[place % number], days_ago=5)

    with django_assert_num_queries(1):
        movements.rising_and_falling(limit=number, now=NOW)
