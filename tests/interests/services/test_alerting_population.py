"""What rules raise of the population: shares, moves, drifters."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from interests.models import Alert, AlertRule, Drifter, PopulationRun
from interests.services import alerting
from tests import factories
from tests.factories import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def drama():
    return factories.category("Drama")


def report(at: datetime) -> PopulationRun:
    return PopulationRun.objects.create(**factories.done(finished_at=at))


def shares(drama, *values: float, at: datetime = NOW + HOUR, **last) -> PopulationRun:
    """Write weekly shares of Drama, the last in the week of `NOW`."""
    run = report(at)
    for weeks, value in enumerate(reversed(values)):
        period = date(2026, 3, 2) - timedelta(weeks=weeks)
        factories.population_share(run, drama, period, value, **(last if weeks == 0 else {}))
    return run


def share_rule(drama, condition: str = "share_above", **fields) -> AlertRule:
    return factories.alert_rule(
        condition=condition, **{"category": drama, "threshold": 0.3} | fields
    )


@pytest.mark.parametrize(
    ("condition", "values", "num"),
    [
        ("share_above", (0.25, 0.33), 1),
        ("share_above", (0.25, 0.31), 0),  # 29 to 33 %: may be noise
        ("share_above", (0.33, 0.34), 0),  # it was so before
        ("share_above", (0.31, 0.34), 1),
        ("share_above", (0.34,), 1),  # the first we know
        ("share_below", (0.33, 0.27), 1),
        ("share_below", (0.33, 0.29), 0),
    ],
)
def test_a_share_must_surely_pass_its_limit(drama, condition, values, num):
    share_rule(drama, condition)
    shares(drama, *values)

    assert alerting.look(now=NOW + HOUR) == num


def test_a_share_is_said_in_words_and_once_a_period(drama):
    share_rule(drama)
    shares(drama, 0.25, 0.34)

    assert [alerting.look(now=NOW + n * HOUR) for n in (1, 2)] == [1, 0]
    shares(drama, 0.25, 0.35, at=NOW + 4 * HOUR)
    assert alerting.look(now=NOW + 4 * HOUR) == 0
    alert = Alert.objects.get()
    assert alert.text == (
        "Drama is above 30.0 %: 34.0 % of the events of everybody in the period from 2 March 2026 "
        "(between 32.0 % and 36.0 %; 1,200 events of 300 end users)"
    )
    assert alert.payload["share"] == {
        "category": "Drama", "period": "2026-03-02", "share": 0.34, "low": 0.32, "high": 0.36,
        "share_before": 0.25, "significance": 0.0, "num_events": 1200, "num_end_users": 300,
    }  # fmt: skip


def test_old_periods_and_reports_from_before_the_rule_raise_nothing(drama):
    shares(drama, 0.25, 0.34, at=NOW - HOUR)
    share_rule(drama)
    assert alerting.look(now=NOW + HOUR) == 0

    shares(drama, 0.25, 0.34, at=NOW + 70 * DAY)
    assert alerting.look(now=NOW + 70 * DAY) == 0


def test_moves_are_held_against_noise_and_the_number_of_categories(drama):
    # One category: 3 standard deviations. Of ten the sum of false alarms is the same at 3.64.
    others = [factories.category() for _ in range(9)]
    share_rule(drama, "share_moves", threshold=None, name="one")
    share_rule(None, "share_moves", threshold=None, name="all")
    share_rule(drama, "share_moves", threshold=0.1, name="large")
    run = report(NOW + HOUR)
    keys = [drama.pk, *(other.pk for other in others)]
    for weeks, share, deviations in ((1, 0.2, 0.0), (0, 0.25, 3.2)):
        factories.population_share(
            run, drama, date(2026, 3, 2) - timedelta(weeks=weeks), share, category_ids=keys,
            shares=[share] + [0.08] * 9, low=[0.1] * 10, high=[0.3] * 10,
            significances=[deviations, *[-3.7] * (weeks == 0), *[0.0] * (8 + weeks)],
        )  # fmt: skip

    alerting.look(now=NOW + HOUR)

    raised = Alert.objects.order_by("pk").values_list("rule__name", "payload__share__category")
    assert list(raised) == [("one", "Drama"), ("all", others[0].name)]
    assert Alert.objects.first().text == (
        "Drama rose from 20.0 % to 25.0 % of the events of everybody in the period from 2 March 2026 "
        "(between 10.0 % and 30.0 %; 1,200 events of 300 end users)"
    )


def test_a_segment_has_its_own_shares(drama):
    segment = {"segment_kind": "activity", "segment": "many events"}
    share_rule(drama, scope="segment", **segment)
    run = shares(drama, 0.34)
    assert alerting.look(now=NOW + HOUR) == 0

    run = report(NOW + 2 * HOUR)
    factories.population_share(run, drama, date(2026, 3, 2), 0.34, **segment)

    assert alerting.look(now=NOW + 2 * HOUR) == 1
    assert "of the events of activity many events in the period" in Alert.objects.get().text
    assert Alert.objects.get().payload["segment"] == {"kind": "activity", "name": "many events"}


def test_the_share_of_drifters_is_of_those_with_events_enough():
    run = report(NOW + HOUR)
    people = [factories.end_user(drift_score=1.0) for _ in range(10)]
    factories.end_user()
    for rank, q_value in enumerate((0.01, 0.1, 0.11), start=1):
        Drifter.objects.create(
            run=run, rank=rank, end_user=people[rank], drift_score=3, p_value=0.001, q_value=q_value,
            rising=[], falling=[],
        )  # fmt: skip
    at = factories.alert_rule(condition="drifters_above", threshold=0.2)
    below = factories.alert_rule(condition="drifters_above", threshold=0.19)

    assert [alerting.look(now=NOW + n * HOUR) for n in (1, 2)] == [1, 0]

    alert = Alert.objects.get()
    assert (alert.rule, at.alerts.count()) == (below, 0)
    assert alert.text == (
        "20.0 % of everybody drift, above 19.0 %: 2 of 10 end users with enough events to say"
    )


def test_preview_of_shares_looks_at_all_recent_periods(drama):
    shares(drama, 0.4, 0.2, 0.4, 0.4, 0.2, 0.4)
    rule = AlertRule(
        scope="population", condition="share_above", category=drama, threshold=0.3,
        cool_down_hours=24, budget_per_week=2, created_at=NOW,
    )  # fmt: skip

    # 2 March and 9 February; the first one began more than 30 days ago.
    assert alerting.preview(rule, now=NOW).num_raised == 2
