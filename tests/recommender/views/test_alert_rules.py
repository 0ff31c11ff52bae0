from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from interests import tasks
from interests.models import Alert, AlertDelivery, AlertRule, PopulationRun
from interests.services import alerting, webhooks
from tests import factories
from tests.recommender.views import pages

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FORM = {
    "name": "Everybody", "condition": "drift_event", "scope": "population", "percent": "90",
    "cool_down_hours": "24", "budget_per_week": "50", "is_active": "on",
    "webhook_url": "https://example.org/hook", "emails": "ada@example.org\nben@example.org",
}  # fmt: skip


@pytest.mark.parametrize("number", [1, 3])
def test_list_asks_as_much_for_three_as_for_one(
    analyst: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for _ in range(number):
        factories.alert_rule(
            scope="end_user", end_user=factories.end_user(), category=factories.category()
        )

    # Session, account, freshness in two, rules, rights in two.
    with django_assert_num_queries(7):
        response = analyst.get("/alerts/rules")

    assert len(pages.table(response)) == 1 + number


def test_list_tells_each_rule_in_words(analyst: Client) -> None:
    now = timezone.now()
    drama = factories.category("Drama")
    segment = {"scope": "segment", "segment_kind": "plan", "segment": "paid"}
    factories.alert_rule(name="a", emails=[], webhook_url="https://hook.example.org/x")
    factories.alert_rule(
        name="b", scope="end_user", end_user=factories.end_user("ann"), category=drama,
        threshold=0.9, is_active=False,
    )  # fmt: skip
    factories.alert_rule(
        name="c", condition="share_above", category=drama, threshold=0.3, emails=[],
        muted_until=now + 2 * HOUR + timedelta(minutes=1),
    )  # fmt: skip
    factories.alert_rule(
        name="d", condition="share_below", category=drama, threshold=0.3, **segment
    )
    factories.alert_rule(name="e", condition="share_moves", threshold=0.025)
    factories.alert_rule(name="f", condition="drifters_above", threshold=0.05, **segment)
    factories.alert_rule(name="g", **segment)

    rows = [row[:3] for row in pages.table(analyst.get("/alerts/rules"))[1:]]
    assert {row[0].partition(" · ")[2] for row in rows} == {"0 raised in 7 days"}
    rows = [[row[0].partition(" · ")[0], *row[1:]] for row in rows]

    mail, active = "ada@example.org", "Active"
    assert rows == [
        ["a The interests of anybody change", "hook.example.org", active],
        ["b The interests of ann change towards or away from Drama, at least 90 % sure", mail, "Off"],
        [
            "c Drama rises above 30 % of the events of everybody",
            "nobody: alerts are shown here only",
            "Muted, speaks in 2 h",
        ],
        ["d Drama falls below 30 % of the events of plan paid", mail, active],
        [
            "e Any category moves by more than noise and by at least 2.5 % of the events of everybody",
            mail,
            active,
        ],
        ["f More than 5 % of plan paid drift", mail, active],
        ["g The interests of anybody of plan paid change", mail, active],
    ]  # fmt: skip


def test_list_counts_seven_days_and_no_tests(analyst: Client) -> None:
    now = timezone.now()
    rule = factories.alert_rule(
        created_at=now - 30 * DAY, looked_at=now - 30 * DAY, budget_per_week=1
    )
    for days in (8, 2, 1):
        factories.drift_event(
            factories.end_user(), rising=factories.category(), falling=factories.category(),
            detected_at=now - days * DAY,
        )  # fmt: skip
        alerting.look(now=now - days * DAY)
    alerting.send_test(rule=rule, now=now)

    [row] = pages.table(analyst.get("/alerts/rules"))[1:]

    assert row[3:] == ["2 1 of at most 1 sent", "1 day ago"]
    assert "2 raised, 1 sent" in pages.text(analyst.get(f"/alerts/rules/{rule.pk}"))


def test_engineer_makes_a_rule_and_sees_its_secret_once(engineer: Client) -> None:
    response = engineer.post("/alerts/rules/new", FORM)

    rule = AlertRule.objects.get()
    assert response["Location"] == f"/alerts/rules/{rule.pk}"
    assert (rule.name, rule.threshold, rule.emails) == (
        "Everybody", 0.9, ["ada@example.org", "ben@example.org"],
    )  # fmt: skip
    assert rule.created_by is not None
    assert rule.created_by.get_username() == "engineer"
    secret = webhooks.secret(rule)
    assert secret in pages.text(engineer.get(response["Location"]))
    assert secret not in pages.text(engineer.get(response["Location"]))

    engineer.post(f"{response['Location']}/secret")
    rule.refresh_from_db()
    assert webhooks.secret(rule) != secret
    assert webhooks.secret(rule) in pages.text(engineer.get(response["Location"]))


def test_a_rule_is_edited_and_fields_of_another_scope_are_let_go(engineer: Client) -> None:
    person = factories.end_user("ann")
    rule = factories.alert_rule(name="Everybody", scope="end_user", end_user=person, threshold=0.29)
    page = engineer.get(f"/alerts/rules/{rule.pk}/edit").content.decode()
    assert 'name="percent" value="29.0"' in page
    assert 'name="end_user" value="ann"' in page

    engineer.post(f"/alerts/rules/{rule.pk}/edit", FORM | {"end_user": "ann"})

    rule.refresh_from_db()
    assert (rule.scope, rule.end_user, rule.threshold) == ("population", None, 0.9)
    assert AlertRule.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "Taken"}, "Another rule has this name."),
        ({"scope": "end_user", "end_user": "nobody"}, "There is no end user with this id."),
        ({"scope": "end_user"}, "Enter the id of the end user to watch."),
        ({"condition": "share_above"}, "Choose the category whose share is watched."),
        ({"percent": "101"}, "Ensure this value is less than or equal to 100."),
        ({"emails": "ada@example.org, nonsense"}, '"nonsense" is no e-mail address.'),
        ({"webhook_url": "http://example.org"}, "The address must begin with https://."),
        ({"webhook_url": "https://u:p@example.org"}, "Leave name and password out of the address"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(
    engineer: Client, changes: dict[str, str], said: str
) -> None:
    factories.alert_rule(name="Taken")

    response = engineer.post("/alerts/rules/new", FORM | changes)

    assert response.status_code == 422
    assert said in pages.text(response)
    assert AlertRule.objects.count() == 1


def test_segments_are_those_of_the_newest_report(engineer: Client) -> None:
    drama = factories.category()
    run = PopulationRun.objects.create(**factories.done())
    day = timezone.now().date()
    factories.population_share(run, drama, day, 0.5)
    factories.population_share(run, drama, day, 0.5, segment_kind="plan", segment="paid")
    assert "plan: paid" in pages.text(engineer.get("/alerts/rules/new"))

    engineer.post(
        "/alerts/rules/new", FORM | {"scope": "segment", "segment": "plan\x1fpaid", "end_user": ""}
    )

    rule = AlertRule.objects.get()
    assert (rule.segment_kind, rule.segment) == ("plan", "paid")
    page = engineer.get(f"/alerts/rules/{rule.pk}/edit").content.decode()
    assert '<option value="plan\x1fpaid" selected>plan: paid</option>' in page


def test_preview_keeps_nothing(engineer: Client) -> None:
    factories.drift_event(
        factories.end_user("ann"), rising=factories.category(), falling=factories.category(),
        detected_at=timezone.now() - DAY,
    )  # fmt: skip

    said = pages.text(engineer.post("/alerts/rules/new", FORM | {"preview": "1"}))
    none = pages.text(engineer.post("/alerts/rules/new", FORM | {"preview": "1", "percent": "99"}))

    assert "It would have raised 1 alert in the last 30 days" in said
    assert "The interests of anybody change, at least 90 % sure. 1 of them" in said
    assert "It would have raised 0 alerts in the last 30 days" in none
    assert not AlertRule.objects.exists()
    assert not Alert.objects.exists()


def test_rule_page_tests_deletes_and_shows_what_went_wrong(
    engineer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(tasks, "ask_for_delivery", lambda: asked.append(True))
    rule = factories.alert_rule(name="mine")
    address = f"/alerts/rules/{rule.pk}"
    assert "A test shows whether messages arrive." in pages.text(engineer.get(address))

    response = engineer.post(f"{address}/test", follow=True)
    assert "A test is on its way to 1 receiver." in pages.text(response)
    Alert.objects.update(raised_at=timezone.now() - 2 * HOUR)
    AlertDelivery.objects.update(state="dead", attempts=2, last_error="one\ntwo")
    [row] = pages.table(engineer.get(address))[1:]
    assert row == [
        'A test of the rule "mine": nothing has happened 2 h ago · to ada@example.org two one',
        "ada@example.org",
        "Given up Try again now : to ada@example.org",
        "2",
    ]
    assert asked == [True]

    said = pages.text(engineer.get(f"{address}/delete"))
    assert "1 alert that it raised goes with it" in said
    assert 'The rule "mine" is deleted.' in pages.text(
        engineer.post(f"{address}/delete", follow=True)
    )
    assert not AlertRule.objects.exists()


def test_a_test_to_nobody_says_what_to_do(engineer: Client) -> None:
    rule = factories.alert_rule(emails=[])

    response = engineer.post(f"/alerts/rules/{rule.pk}/test", follow=True)

    assert "The rule names no receiver. Enter a webhook" in pages.text(response)


@pytest.mark.parametrize("number", [1, 3])
def test_rule_page_asks_as_much_for_three_as_for_one(
    analyst: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    rule = factories.alert_rule()
    for n in range(number):
        alerting.send_test(rule=rule, now=factories.NOW + n * HOUR)

    # Session, account, freshness in two, rule, last days, deliveries, rights in two.
    with django_assert_num_queries(9):
        response = analyst.get(f"/alerts/rules/{rule.pk}")

    assert len(pages.table(response)) == 1 + number


def test_analyst_looks_and_edits_nothing(analyst: Client) -> None:
    rule = factories.alert_rule(webhook_url="https://example.org/hook")
    address = f"/alerts/rules/{rule.pk}"

    said = pages.text(analyst.get(address))

    assert [
        word for word in ("Mute", "Edit", "Send a test", "new secret", "Delete") if word in said
    ] == []
    assert webhooks.secret(rule) not in said
    for path in ("test", "mute", "secret", "edit", "delete"):
        assert analyst.post(f"{address}/{path}").status_code == 403
    assert analyst.post("/alerts/rules/new", FORM).status_code == 403
    rule.refresh_from_db()
    assert (AlertRule.objects.count(), rule.secret_version, rule.muted_until) == (1, 1, None)


def test_rule_that_is_not_there_is_404(analyst: Client) -> None:
    response = analyst.get("/alerts/rules/99")

    assert response.status_code == 404
    assert "There is nothing here" in pages.text(response)
