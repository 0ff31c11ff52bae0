"""The page about outcomes and the lag on the first page, in both sizes, looked over by axe-core."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from recommender.models import LagSample, OutcomeRate, Placement
from tests.browser import site
from tests.browser.conftest import Complaints
from tests.browser.test_more_pages import SIZES, fits, prepared
from tests.browser.test_walk import accessible, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def fill() -> None:
    now = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    home, _ = Placement.objects.get_or_create(name="default", defaults={"created_at": now})
    parts = [("all", ""), ("source", "slate"), ("source", "fallback"), ("drift", "steady")]
    days = [("day", now.replace(hour=0) - timedelta(days=day)) for day in range(5)]
    for dimension, part in parts:
        for span, begins_at in [("last-7-days", now), ("7-days-before", now), *days]:
            OutcomeRate.objects.create(
                span=span, begins_at=begins_at, ends_at=now, placement=home.pk, dimension=dimension,
                part=part, metric="click_through", value=0.04, low=0.03, high=0.05, numerator=40,
                denominator=1_000, num_people=90,
            )  # fmt: skip
    for minutes in range(30):
        LagSample.objects.create(
            at=now - timedelta(minutes=minutes), lag_seconds=minutes, num_waiting=minutes,
            num_set_aside=0, num_refreshed=9,
        )  # fmt: skip


@SIZES
def test_outcomes_are_split_and_drawn(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    site.fill()
    fill()
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)

    page.goto(f"{live_server.url}/outcomes")
    accessible(page)
    assert fits(page)
    page.get_by_label("Split by").select_option("drift")
    page.wait_for_url("**split=drift**")
    expect(page.get_by_role("row", name="Steady 4.0 % ± 1.0 1,000 90")).to_be_visible()
    expect(page.locator("[data-figure='over-time'] .main-svg").first).to_be_visible()
    page.goto(f"{live_server.url}/")
    expect(page.locator("[data-figure='lag'] .main-svg").first).to_be_visible()
    accessible(page)
    assert fits(page)


@SIZES
def test_outcomes_that_are_not_there_are_asked_for(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    site.fill()
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)

    page.goto(f"{live_server.url}/outcomes")

    expect(page.get_by_text('"kind": "impression"')).to_be_visible()
    accessible(page)
    assert fits(page)
