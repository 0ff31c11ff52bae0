"""The page about drift on a population of which one segment moves: figures, filters, files."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from interests.models import Category
from tests import factories, population
from tests.browser import site
from tests.browser.conftest import Complaints
from tests.browser.test_more_pages import SIZES, fits, prepared
from tests.browser.test_walk import accessible, drawn, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def moved() -> None:
    """Make the population, a drift event of one of it, and somebody who looks at them."""
    account = User.objects.create_user("ada", "ada@example.org", site.PASSWORD)
    account.groups.add(Group.objects.get_or_create(name="engineer")[0])
    population.fill()
    drama, _, documentary = Category.objects.order_by("colour_rank")
    person = population.movers()[0]
    factories.drift_event(person, rising=documentary, falling=drama, detected_at=timezone.now())


@SIZES
def test_drift_is_shown_and_narrowed(
    page: Page, live_server: LiveServer, complaints: Complaints, moved: None, size: dict[str, int], theme: str
) -> None:  # fmt: skip
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/drift")

    # A band and a line for each of three categories, marks where two of them moved.
    assert drawn(page, "turns-to") == 2 * 3 + 2
    assert drawn(page, "segments") == drawn(page, "flows") == 1
    expect(page.locator('[data-figure="segments"] .heatmaplayer image')).to_have_count(1)
    expect(page.locator('[data-figure="flows"] .sankey-link')).to_have_count(2)
    expect(page.get_by_role("link", name="person 00").first).to_be_visible()
    accessible(page)
    assert fits(page)

    page.get_by_label("Category").select_option("Comedy")
    expect(page).to_have_url(re.compile(r"/drift\?category=\d+"))
    expect(page.get_by_role("heading", name="Which segments move in Comedy?")).to_be_visible()
    page.get_by_role("link", name="Share", exact=True).click()
    expect(page).to_have_url(re.compile("show=share"))
    page.get_by_role("link", name="5 %", exact=True).click()
    expect(page).to_have_url(re.compile(r"category=\d+.*show=share.*level=5"))
    assert drawn(page, "turns-to") == 2
    accessible(page)


def test_heat_map_and_flows_are_saved_as_pictures(
    page: Page, live_server: LiveServer, complaints: Complaints, moved: None
) -> None:
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/drift")
    saved = {}
    for name in ("segments", "flows"):
        drawn(page, name)
        card = page.locator(f'[data-figure="{name}"]')
        for kind in ("PNG", "CSV"):
            with page.expect_download() as found:
                card.get_by_role("button", name=kind).click()
            saved[name, kind] = found.value

    assert {file.suggested_filename for file in saved.values()} == {
        "segments-plan-documentary.png", "segments-plan-documentary.csv",
        "population-flows.png", "population-flows.csv",
    }  # fmt: skip
    for name in ("segments", "flows"):
        assert saved[name, "PNG"].path().read_bytes().startswith(b"\x89PNG")
    assert saved["flows", "CSV"].path().read_text().splitlines() == [
        '"From",To,"On balance, end users",There,And back'.replace('"From"', "From"),
        "Drama,Documentary,9.60,9.60,0.00",
        "Comedy,Documentary,2.40,2.40,0.00",
    ]
