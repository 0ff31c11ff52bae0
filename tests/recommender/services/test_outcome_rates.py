from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from interests.models import EndUser
from recommender.models import OutcomeOfPerson, OutcomeRate
from recommender.services import outcome_rates
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def outcome(person: EndUser, *, at=NOW, **fields: Any) -> OutcomeOfPerson:
    counts = dict.fromkeys(
        ("clicks", "conversions", "revenue", "dwell_seconds", "num_dwells", "likes", "feedbacks",
         "rating_sum", "num_ratings"), 0,
    )  # fmt: skip
    origin = {"placement": 1, "version": 2, "run": 0, "source": "s", "variants": []}
    seen = {"answers": 1, "impressions": 10, "counted_at": NOW}
    fields = {**counts, **origin, **seen, "day": at.date(), "hour": at.hour, **fields}
    return OutcomeOfPerson.objects.create(end_user=person, **fields)


def value(span: str, metric: str = "click_through", **fields: Any) -> dict[Any, float]:
    rates = OutcomeRate.objects.filter(span=span, metric=metric, **fields)
    return {(rate.begins_at, rate.part): rate.value for rate in rates}


def test_rates_are_written_for_hours_days_and_windows():
    person = factories.end_user()
    outcome(person, clicks=1)
    outcome(person, clicks=4, at=NOW - HOUR)
    outcome(person, clicks=5, at=NOW - timedelta(days=2))

    outcome_rates.report(now=NOW)

    day = NOW.replace(hour=0)
    assert value("hour", dimension="all") == {
        (NOW, ""): 0.1,
        (NOW - HOUR, ""): 0.4,
        (NOW - timedelta(days=2), ""): 0.5,
    }
    assert value("day", dimension="all") == {
        (day, ""): 0.25,
        (day - timedelta(days=2), ""): 0.5,
    }
    assert list(value("last-day", dimension="all").values()) == [0.25]
    assert value("day-before", dimension="all") == {}
    assert list(value("last-7-days", dimension="all").values()) == [pytest.approx(1 / 3)]


def test_a_window_ends_with_the_hour_that_runs_and_the_one_before_begins_where_it_began():
    person = factories.end_user()
    outcome(person, clicks=1, at=NOW - 23 * HOUR)
    outcome(person, clicks=2, at=NOW - 24 * HOUR)
    outcome(person, clicks=3, at=NOW - 47 * HOUR)
    outcome(person, clicks=9, at=NOW - 48 * HOUR)

    outcome_rates.report(now=NOW + timedelta(minutes=59))

    assert value("last-day", dimension="all") == {(NOW - 23 * HOUR, ""): 0.1}
    assert value("day-before", dimension="all") == {(NOW - 47 * HOUR, ""): 0.25}


def test_rates_are_split_by_where_answers_came_from_and_who_got_them():
    run = factories.publication(algorithm="interest_network")
    new = factories.end_user(drift_score=9.0, num_events=90)
    known = factories.end_user(num_events=3, created_at=NOW - timedelta(days=100))
    middling = factories.end_user(drift_score=0.0, num_events=30)
    outcome(new, clicks=1, run=run.pk)
    outcome(known, clicks=2, source="f")
    outcome(middling, clicks=3, run=run.pk, placement=5)

    outcome_rates.report(now=NOW)

    def parts(dimension: str) -> dict[tuple[int, str], float]:
        rates = OutcomeRate.objects.filter(
            span="last-day", metric="click_through", dimension=dimension
        )
        return {(rate.placement, rate.part): rate.value for rate in rates}

    assert parts("source") == {(1, "slate"): 0.1, (1, "fallback"): 0.2, (5, "slate"): 0.3}
    assert parts("algorithm") == {
        (1, "interest_network"): 0.1,
        (1, "none"): 0.2,
        (5, "interest_network"): 0.3,
    }
    assert parts("run") == {(1, str(run.pk)): 0.1, (1, "0"): 0.2, (5, str(run.pk)): 0.3}
    assert parts("drift") == {(1, "drifting"): 0.1, (1, "too few events"): 0.2, (5, "steady"): 0.3}
    assert parts("activity") == {
        (1, "many events"): 0.1,
        (1, "few events"): 0.2,
        (5, "some events"): 0.3,
    }
    assert parts("met") == {(1, "new"): 0.1, (1, "known"): 0.2, (5, "new"): 0.3}


def test_attributes_that_make_segments_split_windows():
    for number in range(40):
        person = factories.end_user(attributes={"country": "fr" if number % 2 else "de"})
        outcome(person, clicks=number % 2)

    outcome_rates.report(now=NOW)

    found = OutcomeRate.objects.filter(
        span="last-7-days", metric="click_through", dimension="attribute country"
    )
    assert {rate.part: (rate.value, rate.num_people) for rate in found} == {
        "fr": (0.1, 20),
        "de": (0.0, 20),
    }


def test_each_metric_is_the_ratio_of_its_sums_over_people():
    for number in range(30):
        outcome(
            factories.end_user(), clicks=number % 2, conversions=1, dwell_seconds=6.0 * (number + 1),
            num_dwells=2, likes=1, feedbacks=2, rating_sum=8.0, num_ratings=2,
        )  # fmt: skip

    outcome_rates.report(now=NOW)

    found = {
        rate.metric: rate for rate in OutcomeRate.objects.filter(span="last-day", dimension="all")
    }
    assert {name: rate.value for name, rate in found.items()} == {
        "click_through": 0.05,
        "conversion": 0.1,
        "dwell": pytest.approx(46.5),
        "satisfaction": 0.5,
        "rating": 4.0,
    }
    assert found["dwell"].median == pytest.approx(46.5)
    clicks = found["click_through"]
    assert (clicks.numerator, clicks.denominator, clicks.num_people) == (15.0, 300.0, 30)
    # Half of 30 people have 1 of 10: a variance of 0.25 * 30 / 29 over 30 people and 10 squared.
    half = 1.959964 * (0.25 / 29) ** 0.5 / 10
    assert (clicks.low, clicks.high) == pytest.approx((0.05 - half, 0.05 + half))


def test_only_hours_that_have_changed_are_written_again():
    person = factories.end_user()
    first = outcome(person, clicks=1, at=NOW - HOUR, counted_at=NOW - HOUR)
    outcome_rates.report(now=NOW)
    OutcomeOfPerson.objects.filter(pk=first.pk).update(clicks=5)  # without its count
    outcome(person, clicks=2, counted_at=NOW + HOUR)

    outcome_rates.report(now=NOW + HOUR)

    assert value("hour", dimension="all") == {(NOW - HOUR, ""): 0.1, (NOW, ""): 0.2}
    assert value("day", dimension="all") == {(NOW.replace(hour=0), ""): 0.35}


def test_old_hours_and_days_are_let_go():
    outcome(factories.end_user(), clicks=1)
    outcome_rates.report(now=NOW)

    outcome_rates.report(now=NOW + timedelta(days=15))
    days = value("day", dimension="all")
    outcome_rates.report(now=NOW + timedelta(days=402))

    assert value("hour", dimension="all") == {}
    assert days == {(NOW.replace(hour=0), ""): 0.1}
    assert value("day", dimension="all") == {}


def test_without_outcomes_nothing_is_written():
    assert outcome_rates.report(now=NOW) == 0
    assert not OutcomeRate.objects.exists()
