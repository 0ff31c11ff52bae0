"""Alerts in a browser: a rule is made, tested, muted and deleted, an alert acknowledged; with much, with nothing."""

from __future__ import annotations

import random
import re
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from interests import tasks
from interests.models import Alert, AlertDelivery, AlertRule, EndUser
from interests.services import alerting, delivering
from tests import factories
from tests.browser import site
from tests.browser.conftest import Complaints
from tests.browser.test_more_pages import LONG, SIZES, fits, prepared
from tests.browser.test_walk import accessible, sign_in
from tests.interests.services.receiver import receiving

pytestmark = pytest.mark.django_db(transaction=True)


def change(person: EndUser) -> None:
    now = timezone.now()
    factories.drift_event(
        person, rising=factories.category(), falling=factories.category(),
        detected_at=now - timedelta(hours=1), created_at=now,
    )  # fmt: skip


@SIZES
def test_pages_of_alerts(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    person = site.fill()
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)
    for address in ("/alerts", "/alerts/rules"):
        page.goto(f"{live_server.url}{address}")
        expect(page.locator(".empty")).to_be_visible()
        accessible(page)
    past = timezone.now() - timedelta(days=1)
    rule = factories.alert_rule(
        name=LONG[:200], webhook_url=f"https://example.org/{LONG}", created_at=past, looked_at=past
    )
    for somebody in (person, factories.end_user(LONG)):
        change(somebody)
    alerting.look(now=timezone.now())
    AlertDelivery.objects.update(
        state="dead", attempts=12, last_error=f"{LONG[:300]}\n{LONG[:300]}"
    )

    for address in (
        "/alerts", f"/alerts?rule={rule.pk}", "/alerts?seen=yes", "/alerts/rules", "/alerts/rules/new",
        f"/alerts/rules/{rule.pk}", f"/alerts/rules/{rule.pk}/edit", f"/alerts/rules/{rule.pk}/delete",
    ):  # fmt: skip
        page.goto(f"{live_server.url}{address}")
        accessible(page)
        assert fits(page), address


def test_a_rule_from_its_making_to_its_end(
    page: Page,
    live_server: LiveServer,
    complaints: Complaints,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    monkeypatch.setattr(tasks, "ask_for_delivery", lambda: None)
    person = site.fill()
    change(person)
    sign_in(page, live_server)

    with receiving() as receiver:
        page.get_by_role("navigation", name="Places").get_by_role("link", name="Alerts").click()
        page.get_by_role("link", name="New rule").click()
        page.get_by_label("Name").fill("Ann")
        page.get_by_label("Of", exact=True).select_option("one end user")
        page.get_by_role("button", name="Make the rule").click()
        expect(page.get_by_text("Enter the id of the end user to watch.")).to_be_visible()
        # The browser notes the answer to a form that is not right, 422, as a failure.
        assert [heard for heard in complaints.heard if "422" not in heard] == []
        complaints.heard.clear()
        accessible(page)
        page.get_by_label("End user, where it is about one").fill("ann")
        page.get_by_label("Webhook").fill(receiver.url)
        page.get_by_role("button", name="Preview the last 30 days").click()
        expect(page.get_by_text("It would have raised 1 alert in the last 30 days")).to_be_visible()
        accessible(page)
        page.get_by_role("button", name="Make the rule").click()
        secret = page.locator("code.command").inner_text()
        accessible(page)
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_text("A test is on its way to 1 receiver.")).to_be_visible()
        expect(page.get_by_text(secret)).to_have_count(0)
        delivering.deliver_due(now=timezone.now(), rng=random.Random(0))

    [request] = receiver.received
    assert request.is_signed(secret)
    assert request.json["kind"] == "test"

    page.get_by_role("button", name="Mute 1 h").click()
    expect(page.get_by_text(re.compile("Muted, speaks again in"))).to_be_visible()
    change(person)
    alerting.look(now=timezone.now())
    page.get_by_role("link", name="All its alerts").click()
    expect(page.get_by_role("cell", name="Not sent: while muted")).to_be_visible()
    page.get_by_role("button", name="Let it speak again").click()
    page.get_by_role("button", name="Acknowledge all 2 shown").click()
    expect(page.get_by_text("2 alerts acknowledged.")).to_be_visible()
    assert not Alert.objects.filter(acknowledged_at=None).exists()

    page.get_by_role("row", name=re.compile("^ann: since")).get_by_role(
        "link", name="Ann", exact=True
    ).click()
    page.get_by_role("link", name="Delete the rule").click()
    page.get_by_role("button", name="Delete the rule and 2 alerts").click()
    expect(page.get_by_text('The rule "Ann" is deleted.')).to_be_visible()
    assert not AlertRule.objects.exists()
