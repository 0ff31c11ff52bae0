from __future__ import annotations

from datetime import timedelta

import pytest

from interests.models import Controls, EventKind
from recommender.models import PopularItems
from recommender.services import counting
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def lists() -> dict[tuple[str, int], dict[str, float]]:
    rows = PopularItems.objects.filter(window__in=counting.WINDOWS)
    return {
        (row.window, row.category_id): dict(zip(row.item_ids, row.scores, strict=True))
        for row in rows
    }


def test_items_are_counted_by_window_and_category():
    poetry = factories.category("Poetry")
    person, other = factories.end_user(), factories.end_user()
    old = factories.item("old", categories=(poetry,))
    new = factories.item("new")
    for days in (20, 40, 400):
        factories.event(person, old, occurred_at=NOW - timedelta(days=days))
    factories.event(person, new, occurred_at=NOW - timedelta(days=1))
    factories.event(other, new, occurred_at=NOW - timedelta(days=2))

    counting.count_popular_items(now=NOW)

    assert lists() == {
        ("all", 0): {"old": 3.0, "new": 2.0},
        ("all", poetry.pk): {"old": 3.0},
        ("30d", 0): {"new": 2.0, "old": 1.0},
        ("30d", poetry.pk): {"old": 1.0},
        ("7d", 0): {"new": 2.0},
    }
    assert PopularItems.objects.get(window="30d", category_id=0).item_ids == ["new", "old"]


def test_windows_of_old_data_end_with_its_newest_event():
    person, item = factories.end_user(), factories.item("book")
    last_year = NOW - timedelta(days=365)
    factories.event(person, item, occurred_at=last_year)
    factories.event(person, item, occurred_at=last_year - timedelta(days=8))
    factories.event(person, item, occurred_at=NOW + timedelta(days=9_000), is_time_doubtful=True)

    counting.count_popular_items(now=NOW)

    assert lists() == {
        ("all", 0): {"book": 3.0},
        ("30d", 0): {"book": 2.0},
        ("7d", 0): {"book": 1.0},
    }


def test_hidden_items_and_negative_events_do_not_count():
    person = factories.end_user()
    EventKind.objects.update_or_create(name="dislike", defaults={"weight": -1.0})
    factories.event(person, factories.item("hidden", is_hidden=True))
    factories.event(person, factories.item("disliked"), kind="dislike")
    factories.event(person, factories.item("shown"))

    counting.count_popular_items(now=NOW)

    assert lists()["all", 0] == {"shown": 1.0}


def test_counting_again_replaces_and_forgets():
    poetry = factories.category("Poetry")
    person, item = factories.end_user(), factories.item("book", categories=(poetry,))
    factories.event(person, item)
    counting.count_popular_items(now=NOW)
    item.categories.clear()
    factories.event(person, item)

    counting.count_popular_items(now=NOW + timedelta(minutes=10))

    assert lists() == {
        ("all", 0): {"book": 2.0},
        ("30d", 0): {"book": 2.0},
        ("7d", 0): {"book": 2.0},
    }


def test_no_events_give_no_lists():
    counting.count_popular_items(now=NOW)

    assert lists() == {}


def test_lists_end_at_two_hundred_items(monkeypatch):
    monkeypatch.setattr(counting, "NUM_ITEMS", 2)
    person = factories.end_user()
    first, second, third = (factories.item(name) for name in ("first", "second", "third"))
    for item, num in ((first, 3), (second, 2), (third, 1)):
        for _ in range(num):
            factories.event(person, item)

    counting.count_popular_items(now=NOW)

    assert lists()["all", 0] == {"first": 3.0, "second": 2.0}


def test_trending_items_are_those_chosen_more_than_usual():
    poetry = factories.category("Poetry")
    person = factories.end_user()
    steady, rising = factories.item("steady"), factories.item("rising", categories=(poetry,))
    for days in range(28):
        factories.event(person, steady, occurred_at=NOW - timedelta(days=days))
    for _ in range(3):
        factories.event(person, rising, occurred_at=NOW)

    counting.count_popular_items(now=NOW)

    trending = PopularItems.objects.get(window="trending", category_id=0)
    # Three events now decay to 3 and to 3 / 14: (3 - 3/14) / sqrt(3/14 + 1) = 2.528.
    assert trending.item_ids[0] == "rising"
    assert trending.scores[0] == pytest.approx(2.5280, abs=1e-4)
    # One event a day: 2 - 2^-27 decayed by a day; by 14 days 0.7614 of 20.71 in 28 days, over 14: 1.1091.
    assert trending.scores[1] == pytest.approx((2 - 1.1091) / (1 + 1.1091) ** 0.5, abs=1e-3)
    assert PopularItems.objects.get(window="trending", category_id=poetry.pk).item_ids == ["rising"]


def test_common_items_make_up_four_fifths_of_what_people_use():
    people = [factories.end_user() for _ in range(8)]
    often, seldom, once = (factories.item(name) for name in ("often", "seldom", "once"))
    for person in people:
        factories.event(person, often)
        factories.event(person, often)  # the same person counts once
    factories.event(people[0], seldom)
    factories.event(people[1], seldom)
    factories.event(people[2], once)

    counting.count_popular_items(now=NOW)

    # 8 of 11 uses are less than four fifths, so the next one is common too.
    assert PopularItems.objects.get(window="head").items == [often.pk, seldom.pk]


def test_events_of_who_opted_out_count_for_nothing():
    person, item = factories.end_user(), factories.item("book")
    factories.event(person, item)
    Controls.objects.create(end_user=person, is_opted_out=True, updated_at=NOW)

    counting.count_popular_items(now=NOW)

    assert PopularItems.objects.count() == 0
