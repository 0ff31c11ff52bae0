from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from interests import tasks
from interests.models import Alert, AlertDelivery, AlertRule
from interests.services import alerting
from tests import factories
from tests.recommender.views import pages

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def rule(**fields: object) -> AlertRule:
    now = timezone.now()
    return factories.alert_rule(**{"created_at": now - 30 * DAY, "looked_at": now - DAY, **fields})


def change(user_id: str) -> None:
    names = ("Drama", "Horror")
    drama, horror = (
        factories.category(name) for name in (f"{name} of {user_id}" for name in names)
    )
    factories.drift_event(
        factories.end_user(user_id), rising=drama, falling=horror,
        detected_at=timezone.now() - HOUR, created_at=timezone.now(),
    )  # fmt: skip


def look() -> int:
    return alerting.look(now=timezone.now())


def shown(client: Client, query: str = "") -> list[str]:
    """Return the end users of the alerts on the page."""
    response = client.get(f"/alerts?{query}")
    has_table = b"<table" in response.content
    return [row[1] for row in pages.table(response)[1:]] if has_table else []


def test_list_tells_what_happened_and_what_became_of_it(analyst: Client) -> None:
    rule(name="Everybody", emails=["a@example.org", "b@example.org"])
    change("ann")
    look()
    first, second = AlertDelivery.objects.order_by("pk")
    AlertDelivery.objects.filter(pk=first.pk).update(state="delivered", delivered_at=timezone.now())
    AlertDelivery.objects.filter(pk=second.pk).update(state="dead")
    Alert.objects.update(raised_at=timezone.now() - 2 * HOUR)

    response = analyst.get("/alerts")

    begun = timezone.now() - HOUR - DAY
    text = f"ann: since {begun:%-d %B %Y} more Drama of ann, less Horror of ann (98 % sure, 120 events)"
    said = "1 delivered, 1 given up"
    assert pages.table(response) == [
        ["Alert", "End user", "Raised", "Delivery", "Seen"],
        [
            f"{text} Everybody · 2 h ago · {said}",
            "ann",
            "2 h ago",
            said,
            f"Acknowledge : {text[:79]}…",
        ],
    ]
    assert "1 not acknowledged yet." in pages.text(response)


@pytest.mark.parametrize("number", [1, 3])
def test_list_asks_as_much_for_three_as_for_one(
    analyst: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    rule()
    for n in range(number):
        change(f"u{n}")
    look()
    Alert.objects.update(acknowledged_by=User.objects.get(), acknowledged_at=timezone.now())

    # Session, account, freshness in two, rows, how many, not acknowledged, rules.
    with django_assert_num_queries(8):
        response = analyst.get("/alerts")

    assert len(pages.table(response)) == 1 + number


@pytest.mark.parametrize(
    ("query", "people"),
    [
        ("", ["late", "silent", "dead", "sent"]),
        ("state=sent", ["late", "dead", "sent"]),
        ("state=silenced", ["silent"]),
        ("state=undelivered", ["dead"]),
        ("seen=no", ["late", "silent", "dead"]),
        ("seen=yes", ["sent"]),
        ("state=nonsense&seen=nonsense", ["late", "silent", "dead", "sent"]),
        ("state=sent&seen=no", ["late", "dead"]),
    ],
)
def test_list_is_narrowed(analyst: Client, query: str, people: list[str]) -> None:
    rule(cool_down_hours=0)
    for user_id in ("sent", "dead", "silent", "late"):
        AlertRule.objects.update(muted_until=timezone.now() + HOUR if user_id == "silent" else None)
        change(user_id)
        look()
    Alert.objects.filter(end_user__user_id="sent").update(acknowledged_at=timezone.now())
    AlertDelivery.objects.filter(alert__end_user__user_id="dead").update(state="dead")

    assert shown(analyst, query) == people


def test_list_of_one_rule_can_mute_it(engineer: Client, analyst: Client) -> None:
    mine = rule(name="mine")
    change("ann")
    look()
    rule(name="other", scope="end_user", end_user=factories.end_user())
    address = f"/alerts?rule={mine.pk}"

    assert shown(analyst, f"rule={mine.pk}") == ["ann"]
    assert "Mute 1 h" not in pages.text(analyst.get(address))
    assert "Mute 1 h" in pages.text(engineer.get(address))
    response = engineer.post(
        f"/alerts/rules/{mine.pk}/mute", {"for": "week", "next": address}, follow=True
    )
    assert response.redirect_chain == [(address, 302)]
    said = pages.text(response)
    assert 'The rule "mine" is muted for one week.' in said
    assert "Muted, speaks again in 6 days" in said
    engineer.post(f"/alerts/rules/{mine.pk}/mute", {"for": "", "next": address})
    mine.refresh_from_db()
    assert mine.muted_until is None


def test_silence_has_its_reason(analyst: Client) -> None:
    rule(budget_per_week=0, name="poor")
    rule(muted_until=timezone.now() + HOUR, name="muted")
    change("ann")
    look()

    said = {row[0].split(" · ")[2]: row[3] for row in pages.table(analyst.get("/alerts"))[1:]}
    assert list(said.values()) == list(said)
    assert sorted(said) == ["Not sent: beyond its budget", "Not sent: while muted"]


def test_empty_pages_say_why(analyst: Client, engineer: Client) -> None:
    assert "Curators and engineers can make one." in pages.text(analyst.get("/alerts"))
    assert "New rule" in pages.text(engineer.get("/alerts"))
    assert "No rule yet" in pages.text(analyst.get("/alerts/rules"))
    rule()
    assert "1 rule looks every minute at what is new." in pages.text(analyst.get("/alerts"))
    assert "No alert fits all of these filters." in pages.text(analyst.get("/alerts?seen=yes"))


def test_analyst_acknowledges_one_and_all_that_are_shown(analyst: Client) -> None:
    rule(cool_down_hours=0)
    for user_id in ("a", "b", "c"):
        change(user_id)
        look()
    keys = list(Alert.objects.order_by("pk").values_list("pk", flat=True))

    response = analyst.post(
        "/alerts/acknowledge", {"alert": keys[0], "next": "/alerts?seen=no"}, follow=True
    )
    assert response.redirect_chain == [("/alerts?seen=no", 302)]
    assert "1 alert acknowledged." in pages.text(response)
    assert "Acknowledge all 2 shown" in pages.text(response)

    response = analyst.post(
        "/alerts/acknowledge",
        {"alert": [*keys, "x", "9" * 30], "next": "https://elsewhere.example/"},
    )
    assert response["Location"] == "/alerts"
    names = Alert.objects.values_list("acknowledged_by__username", flat=True)
    assert list(names) == ["analyst"] * 3


def test_list_as_a_file(analyst: Client) -> None:
    rule(name="=mine")
    change("ann")
    look()
    alert = Alert.objects.get()

    response = analyst.get("/alerts?format=csv&state=sent")

    assert response["Content-Disposition"] == 'attachment; filename="alerts.csv"'
    lines = b"".join(response).decode().splitlines()  # type: ignore[arg-type]
    assert lines == [
        "raised_at,rule,user_id,text,silence,delivered,waiting,given_up,acknowledged_at,acknowledged_by",
        f'{alert.raised_at.isoformat(timespec="seconds")},\'=mine,ann,"{alert.text}",,0,1,0,,',
    ]


def test_what_was_given_up_is_tried_again_by_engineers(
    engineer: Client, analyst: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(tasks, "ask_for_delivery", lambda: asked.append(True))
    rule()
    change("ann")
    look()
    AlertDelivery.objects.update(state="dead", attempts=12)
    delivery = AlertDelivery.objects.get()
    address = f"/alerts/deliveries/{delivery.pk}/retry"

    assert analyst.post(address).status_code == 403
    assert engineer.get(address).status_code == 405
    assert "It goes out again" in pages.text(engineer.post(address, follow=True))
    assert "It is not among those given up." in pages.text(engineer.post(address, follow=True))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, asked) == ("waiting", 0, [True])
