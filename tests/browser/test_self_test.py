"""The self-test of the detector: what each threshold reaches, one of them chosen."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from interests.drift import detectors
from interests.models import DetectorChoice, SelfTestRun
from tests import factories
from tests.browser import site
from tests.browser.conftest import Complaints
from tests.browser.test_more_pages import SIZES, fits, prepared
from tests.browser.test_walk import accessible, drawn, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tested() -> None:
    """Make a finished self-test of two thresholds, and an engineer who looks at it."""
    account = User.objects.create_user("ada", "ada@example.org", site.PASSWORD)
    account.groups.add(Group.objects.get_or_create(name="engineer")[0])
    rows = [
        {
            "threshold": detectors.DEFAULT.threshold * factor, "false_alarms_per_1000": false,
            "found_share": found, "low": found - 0.1, "high": found + 0.1, "median_delay": 17.0,
            "late_delay": 34.0,
        }
        for factor, false, found in ((1.0, 4.54, 0.63), (1.35, 2.62, 0.5))
    ]  # fmt: skip
    SelfTestRun.objects.create(
        **factories.done(
            settings={"threshold": detectors.DEFAULT.threshold},
            results={
                "num_end_users": 268, "num_events": 40_130, "num_changes": 138, "reached": rows,
            },
        )
    )  # fmt: skip


@SIZES
def test_a_threshold_is_compared_and_chosen(
    page: Page, live_server: LiveServer, complaints: Complaints, tested: None, size: dict[str, int], theme: str
) -> None:  # fmt: skip
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/drift/self-test")

    assert drawn(page, "detection") == 2
    assert fits(page)
    accessible(page)

    page.get_by_role("button", name="Use the threshold 8.78").click()
    expect(page.get_by_text("raises a drift event from 8.78 nats on")).to_be_visible()
    assert DetectorChoice.objects.get().false_alarms_per_1000 == 2.62
    page.get_by_role("button", name="Use the product's own again").click()
    expect(page.get_by_text("raises a drift event from 6.50 nats on")).to_be_visible()
    assert fits(page)
