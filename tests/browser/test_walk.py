"""A walk through the dashboard as an engineer, in both themes and both sizes."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser import site
from tests.browser.conftest import Complaints

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
NUM_BANDS = 4  # three categories and "other"

pytestmark = pytest.mark.django_db(transaction=True)


def accessible(page: Page) -> None:
    """Assert that axe-core finds nothing wrong with the page as it stands."""
    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()


def sign_in(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(site.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_title("Overview · Recsite")


def drawn(page: Page, name: str) -> int:
    """Wait for a figure and return how many traces were drawn."""
    plot = page.locator(f'[data-figure="{name}"] [data-figure-plot]')
    expect(plot).to_have_attribute("data-drawn", re.compile(r"\d+"), timeout=30_000)
    expect(plot.locator(".main-svg").first).to_be_visible()
    return int(plot.get_attribute("data-drawn") or 0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_walk(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    site.fill()
    page.set_viewport_size(size)  # type: ignore[arg-type]  # a dict of these two
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.goto(f"{live_server.url}/accounts/login/")
    accessible(page)

    sign_in(page, live_server)
    expect(page.get_by_role("heading", name="What serves now?")).to_be_visible()
    accessible(page)

    places = page.get_by_role("navigation", name="Places")
    places.get_by_role("link", name="End users").click()
    accessible(page)
    page.get_by_role("link", name="ann").click()
    # Areas and bars of each band, the band of noise, the drift score.
    assert drawn(page, "interests") == 2 * NUM_BANDS + 2
    assert page.locator('[data-figure="interests"] .scatterlayer .trace').count() == NUM_BANDS + 2
    assert page.locator('[data-figure="interests"] .barlayer .trace').count() == NUM_BANDS
    expect(page.get_by_text(re.compile(r"^Documentary rose from 10.0 % to 73.0 %"))).to_be_visible()
    accessible(page)

    places.get_by_role("link", name="Leaderboard").click()
    assert drawn(page, "metric") == 2
    page.get_by_role("link", name="Time", exact=True).click()
    expect(page).to_have_url(re.compile(r"split=time$"))
    assert drawn(page, "metric") == 2
    accessible(page)

    places.get_by_role("link", name="Runs").click()
    expect(page.get_by_text("Pass 3 of 10").or_(page.get_by_text("pass 3 of 10"))).to_have_count(1)
    accessible(page)
    page.get_by_label("State").select_option("done")
    expect(page).to_have_url(re.compile(r"\?state=done$"))
    page.get_by_role("link", name=re.compile("^Training")).click()
    assert drawn(page, "curves") == 2
    accessible(page)


def test_slash_leads_to_search_from_any_page(
    page: Page, live_server: LiveServer, complaints: Complaints
) -> None:
    site.fill()
    sign_in(page, live_server)

    page.keyboard.press("/")
    page.keyboard.type("a/nn")
    expect(page.get_by_role("searchbox")).to_have_value("a/nn")
    page.get_by_role("searchbox").fill("ann")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/search\?q=ann$"))
    page.get_by_role("link", name="ann", exact=True).click()
    expect(page.get_by_role("heading", name="ann", exact=True)).to_be_visible()
    accessible(page)


def test_theme_is_chosen_kept_and_redraws_figures(
    page: Page, live_server: LiveServer, complaints: Complaints
) -> None:
    person = site.fill()
    page.emulate_media(color_scheme="light")
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/end-users/{person.pk}")
    drawn(page, "interests")
    label = page.locator('[data-figure="interests"] .annotation-text').first
    before = label.evaluate("node => getComputedStyle(node).fill")

    page.get_by_role("button", name="Switch between light and dark").click()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(label).not_to_have_css("fill", before)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_figure_gives_its_table_csv_and_png(
    page: Page, live_server: LiveServer, complaints: Complaints
) -> None:
    person = site.fill()
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/end-users/{person.pk}")
    drawn(page, "interests")
    card = page.locator('[data-figure="interests"]')
    table = card.get_by_role("region", name=re.compile("As a table"))

    expect(table).to_be_hidden()
    card.get_by_role("button", name="Table").click()
    expect(table).to_be_visible()
    with page.expect_download() as csv:
        card.get_by_role("button", name="CSV").click()
    with page.expect_download() as png:
        card.get_by_role("button", name="PNG").click()

    assert csv.value.suggested_filename == "interests-ann.csv"
    lines = csv.value.path().read_text().splitlines()
    assert lines[0].startswith("Until,Events,Active days,Drift score,")
    assert len(lines) == 1 + site.NUM_WEEKS
    assert png.value.suggested_filename == "interests-ann.png"
    assert png.value.path().read_bytes().startswith(b"\x89PNG")


def test_progress_is_renewed_until_the_run_has_ended(
    page: Page, live_server: LiveServer, complaints: Complaints
) -> None:
    from interests.models import TrainingRun

    site.fill()
    sign_in(page, live_server)
    run = TrainingRun.objects.get(state="started")
    page.goto(f"{live_server.url}/runs/training/{run.pk}")
    expect(page.get_by_text("30 % done")).to_be_visible()

    TrainingRun.objects.filter(pk=run.pk).update(share_done=0.6)
    expect(page.get_by_text("60 % done")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Stop this training").click()
    expect(page.get_by_text("Asked to stop; it ends")).to_be_visible()
    run.refresh_from_db()
    assert run.is_stop_requested
    TrainingRun.objects.filter(pk=run.pk).update(state="stopped", finished_at=run.started_at)
    expect(page.get_by_role("heading", name="How did it end?")).to_be_visible(timeout=20_000)


def test_without_script_figures_show_their_table(browser: object, live_server: LiveServer) -> None:
    person = site.fill()
    page = browser.new_page(java_script_enabled=False)  # type: ignore[attr-defined]
    sign_in(page, live_server)

    page.goto(f"{live_server.url}/end-users/{person.pk}")

    table = page.get_by_role("region", name=re.compile("As a table"))
    expect(table.get_by_role("row")).to_have_count(1 + site.NUM_WEEKS)
    page.close()
