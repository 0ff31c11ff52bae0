from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections

from interests.models import Alert, AlertDelivery, AlertRule, TrackingRun
from interests.services import alerting
from tests import factories
from tests.factories import NOW

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def drama():
    return factories.category("Drama")


@pytest.fixture
def horror():
    return factories.category("Horror")


def tracking_run(at: datetime) -> TrackingRun:
    return TrackingRun.objects.create(**factories.done(tracker_version="t", finished_at=at))


def change(person, rising, falling, at: datetime, **fields):
    return factories.drift_event(person, rising=rising, falling=falling, detected_at=at, **fields)


def silences() -> list[str]:
    return list(Alert.objects.order_by("pk").values_list("silence", flat=True))


def test_a_change_is_raised_with_its_deliveries_and_said_in_words(drama, horror, settings):
    settings.SITE_ADDRESS = "https://recsite.example.org"
    person = factories.end_user("ann")
    rule = factories.alert_rule(
        name="Everybody", webhook_url="https://example.org/hook",
        emails=["a@example.org", "b@example.org", "a@example.org"],
    )  # fmt: skip
    change(person, drama, horror, NOW + MINUTE)

    num = alerting.look(now=NOW + 2 * MINUTE)

    alert = Alert.objects.get()
    assert num == 1
    assert alert.text == "ann: since 3 March 2026 more Drama, less Horror (98 % sure, 120 events)"
    assert (alert.rule, alert.end_user, alert.raised_at) == (rule, person, NOW + 2 * MINUTE)
    deliveries = AlertDelivery.objects.order_by("pk").values_list("channel", "target", "state")
    assert list(deliveries) == [
        ("webhook", "https://example.org/hook", "waiting"),
        ("email", "a@example.org", "waiting"),
        ("email", "b@example.org", "waiting"),
    ]
    assert alert.payload.pop("id") == alerting._idempotency_key(rule, alert.key)
    assert alert.payload == {
        "version": 1,
        "kind": "drift_event",
        "text": alert.text,
        "subject": f"end user {person.pk}",
        "happened_at": "2026-03-04T12:01:00+00:00",
        "raised_at": "2026-03-04T12:02:00+00:00",
        "rule": {
            "id": rule.pk,
            "name": "Everybody",
            "url": f"https://recsite.example.org/alerts/rules/{rule.pk}",
        },
        "url": f"https://recsite.example.org/end-users/{person.pk}",
        "end_user": {"user_id": "ann"},
        "change": {
            "begin_at": "2026-03-03T12:01:00+00:00",
            "detected_at": "2026-03-04T12:01:00+00:00",
            "rising": ["Drama"],
            "falling": ["Horror"],
            "confidence": 0.98,
            "is_return": False,
            "num_events": 120,
        },
    }


def test_looking_again_raises_nothing_again(drama, horror):
    factories.alert_rule()
    change(factories.end_user(), drama, horror, NOW + MINUTE)

    assert [alerting.look(now=NOW + n * MINUTE) for n in (2, 3, 20)] == [1, 0, 0]
    assert (Alert.objects.count(), AlertDelivery.objects.count()) == (1, 1)


def test_the_same_change_found_anew_by_a_run_is_not_raised_again(drama, horror):
    factories.alert_rule(cool_down_hours=0)
    person = factories.end_user()
    change(person, drama, horror, NOW + HOUR)
    alerting.look(now=NOW + HOUR)
    run = tracking_run(NOW + 3 * HOUR)
    change(
        person, drama, horror, NOW + 2 * HOUR, begin_at=NOW - 3 * HOUR, tracking_run=run,
        num_events=121,
    )  # fmt: skip

    assert alerting.look(now=NOW + 3 * HOUR) == 0


def test_a_change_back_is_another_one(drama, horror):
    factories.alert_rule(cool_down_hours=0)
    person = factories.end_user()
    change(person, drama, horror, NOW + HOUR)
    change(person, horror, drama, NOW + 2 * HOUR, begin_at=NOW + MINUTE, is_return=True)

    assert alerting.look(now=NOW + 3 * HOUR) == 2
    assert [alert.text.split(": ")[1] for alert in Alert.objects.order_by("pk")] == [
        "since 3 March 2026 more Drama, less Horror (98 % sure, 120 events)",
        "since 4 March 2026 more Horror, less Drama, as it was before (98 % sure, 120 events)",
    ]


def test_a_first_run_over_years_raises_only_what_is_recent(drama, horror):
    factories.alert_rule(budget_per_week=1000)
    run = tracking_run(NOW + HOUR)
    for days in (0, 13, 15, 400, 4000):
        change(factories.end_user(), drama, horror, NOW - days * DAY, tracking_run=run)

    assert alerting.look(now=NOW + HOUR) == 2


def test_what_came_to_light_before_the_rule_is_not_new(drama, horror):
    change(factories.end_user(), drama, horror, NOW - MINUTE)
    run = tracking_run(NOW - MINUTE)
    change(factories.end_user(), drama, horror, NOW - HOUR, tracking_run=run)
    factories.alert_rule()

    assert alerting.look(now=NOW + MINUTE) == 0


def test_only_drift_events_that_count_are_raised(drama, horror):
    factories.alert_rule()
    older, newer = tracking_run(NOW + MINUTE), tracking_run(NOW + 2 * MINUTE)
    started = TrackingRun.objects.create(
        state="started", requested_at=NOW, started_at=NOW, tracker_version="t"
    )
    people = [factories.end_user(f"u{n}") for n in range(5)]
    at = NOW + MINUTE
    change(people[0], drama, horror, at)
    change(people[1], drama, horror, at, withdrawn_at=at)
    change(people[2], drama, horror, at, tracking_run=older)
    change(people[3], drama, horror, at, tracking_run=newer)
    change(people[4], drama, horror, at, tracking_run=started)

    alerting.look(now=NOW + 3 * MINUTE)

    assert sorted(Alert.objects.values_list("end_user__user_id", flat=True)) == ["u0", "u3"]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, ["a", "b"]),
        ({"scope": "segment", "segment_kind": "plan", "segment": "1"}, ["b"]),
        ({"threshold": 0.95}, ["a"]),
        ({"threshold": 0.98}, ["a"]),
        ({"is_active": False}, []),
    ],
)
def test_rules_are_narrowed(drama, horror, fields, found):
    factories.alert_rule(**fields)
    change(factories.end_user("a"), drama, horror, NOW)
    change(factories.end_user("b", attributes={"plan": 1}), drama, horror, NOW, confidence=0.9)

    alerting.look(now=NOW + MINUTE)

    assert sorted(Alert.objects.values_list("end_user__user_id", flat=True)) == found


def test_rules_on_one_person_and_on_one_category(drama, horror):
    ann, ben = factories.end_user("ann"), factories.end_user("ben")
    of_ann = factories.alert_rule(scope="end_user", end_user=ann)
    comedy = factories.category("Comedy")
    of_drama = factories.alert_rule(category=drama)
    change(ann, comedy, horror, NOW)
    change(ben, horror, drama, NOW)

    alerting.look(now=NOW + MINUTE)

    raised = Alert.objects.order_by("rule").values_list("rule", "end_user")
    assert list(raised) == [(of_ann.pk, ann.pk), (of_drama.pk, ben.pk)]


def test_cool_down_is_of_each_subject(drama, horror):
    factories.alert_rule(cool_down_hours=24)
    ann, ben = factories.end_user(), factories.end_user()
    change(ann, drama, horror, NOW)
    alerting.look(now=NOW)
    change(ann, horror, drama, NOW + 2 * HOUR)
    change(ben, drama, horror, NOW + 2 * HOUR)
    alerting.look(now=NOW + 23 * HOUR)
    change(ann, drama, horror, NOW + 30 * HOUR, begin_at=NOW + 29 * HOUR)
    alerting.look(now=NOW + 30 * HOUR)

    assert silences() == ["", "cool_down", "", ""]
    assert AlertDelivery.objects.count() == 3


def test_budget_counts_seven_days(drama, horror):
    rule = factories.alert_rule(budget_per_week=2)
    for _ in range(3):
        change(factories.end_user(), drama, horror, NOW)
    alerting.look(now=NOW)
    # A test does not count.
    alerting.send_test(rule=rule, now=NOW + DAY)
    for days in (6, 8):
        change(factories.end_user(), drama, horror, NOW + days * DAY)
        alerting.look(now=NOW + days * DAY)

    assert silences() == ["", "", "budget", "", "budget", ""]


def test_muted_rules_count_and_send_nothing(drama, horror):
    factories.alert_rule(muted_until=NOW + HOUR)
    change(factories.end_user(), drama, horror, NOW)
    alerting.look(now=NOW)
    change(factories.end_user(), drama, horror, NOW + HOUR)
    alerting.look(now=NOW + HOUR)

    assert silences() == ["muted", ""]
    assert AlertDelivery.objects.get().alert.silence == ""


# --- preview, test, acknowledge -------------------------------------------------------------------


def test_preview_tells_what_a_rule_would_have_raised_and_sent(drama, horror):
    person = factories.end_user("ann")
    change(person, drama, horror, NOW - 40 * DAY)
    change(person, drama, horror, NOW - 20 * DAY)
    change(person, horror, drama, NOW - 19.9 * DAY, begin_at=NOW - 20 * DAY)
    run = tracking_run(NOW)
    change(person, drama, horror, NOW - 20 * DAY + HOUR, tracking_run=run)
    for n in range(3):
        change(factories.end_user(f"u{n}"), drama, horror, NOW - (3 - n) * DAY)
    rule = AlertRule(
        scope="population", condition="drift_event", cool_down_hours=24, budget_per_week=2,
        created_at=NOW,
    )  # fmt: skip

    told = alerting.preview(rule, now=NOW)

    assert (told.num_raised, told.num_sent, told.is_cut) == (5, 3, False)
    assert [text.split(":")[0] for text in told.newest] == ["u2", "u1", "u0"]
    assert not Alert.objects.exists()


def test_a_test_goes_to_all_receivers_even_of_a_muted_rule():
    rule = factories.alert_rule(name="Mine", muted_until=NOW + DAY)

    alert = alerting.send_test(rule=rule, now=NOW)

    assert alert.text == 'A test of the rule "Mine": nothing has happened'
    assert (alert.payload["kind"], alert.deliveries.get().target) == ("test", "ada@example.org")


def test_a_test_to_nobody_says_what_to_do():
    rule = factories.alert_rule(emails=[])

    with pytest.raises(alerting.NowhereToSend, match="Enter a webhook or an e-mail address"):
        alerting.send_test(rule=rule, now=NOW)


def test_who_acknowledged_first_stays(drama, horror):
    factories.alert_rule()
    for _ in range(2):
        change(factories.end_user(), drama, horror, NOW)
    alerting.look(now=NOW)
    ada, ben = (User.objects.create_user(name) for name in ("ada", "ben"))
    first, second = Alert.objects.order_by("pk")

    assert alerting.acknowledge(alert_ids=[first.pk], by=ada, now=NOW) == 1
    assert alerting.acknowledge(alert_ids=[first.pk, second.pk], by=ben, now=NOW + HOUR) == 1

    rows = Alert.objects.order_by("pk").values_list("acknowledged_by__username", "acknowledged_at")
    assert list(rows) == [("ada", NOW), ("ben", NOW + HOUR)]


@pytest.mark.django_db(transaction=True)
def test_a_rule_at_which_another_worker_looks_is_left_alone(drama, horror):
    rule = factories.alert_rule()
    change(factories.end_user(), drama, horror, NOW)
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM interests_alertrule WHERE id = %s FOR UPDATE", [rule.pk])
        assert alerting.look(now=NOW) == 0
    finally:
        other.close()

    assert alerting.look(now=NOW) == 1


def test_a_rule_that_fails_leaves_nothing_half_and_holds_up_no_other(drama, horror, monkeypatch):
    bad, good = factories.alert_rule(name="bad"), factories.alert_rule(name="good")
    change(factories.end_user(), drama, horror, NOW)
    real = alerting.receivers
    # Asked after the alerts are written.
    monkeypatch.setattr(
        alerting, "receivers", lambda rule: 1 / 0 if rule.name == "bad" else real(rule)
    )

    assert alerting.look(now=NOW + MINUTE) == 1

    assert Alert.objects.get().rule == good
    assert AlertRule.objects.get(pk=bad.pk).looked_at == NOW
    monkeypatch.undo()
    assert alerting.look(now=NOW + 2 * MINUTE) == 1
