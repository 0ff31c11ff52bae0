"""Pages that a live worker answers, on a small site with a network that was really trained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from interests.models import EndUser, Item, TrackingRun, TrainingRun
from interests.services import running, tracking
from recommender import tasks
from recommender.services import refreshing
from tests import factories
from tests.browser import site
from tests.browser.conftest import Complaints
from tests.browser.test_more_pages import SIZES, fits, prepared
from tests.browser.test_walk import accessible, drawn, sign_in
from tests.recommender.services.changing import drift_event
from tests.recommender.services.conftest import train
from tests.recommender.services.test_publishing import published

NUM_FILMS, NUM_PEOPLE, NUM_EVENTS = 60, 20, 40
CATEGORIES = ("Horror", "Documentary", "Comedy")

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def live_worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Answer each question as soon as it is asked, as an idle live worker does."""
    cache.clear()
    monkeypatch.setattr(refreshing, "memory", refreshing.Memory())
    monkeypatch.setattr(
        tasks.answer, "apply_async", lambda **options: tasks.answer(**options["kwargs"])
    )
    yield
    cache.clear()


def filled() -> EndUser:
    """Make people who stay with a category each, and ann, who goes from the first to the second."""
    account = User.objects.create_user("ada", "ada@example.org", site.PASSWORD)
    account.groups.add(Group.objects.get_or_create(name="engineer")[0])
    categories = [factories.category(name, colour_rank=n) for n, name in enumerate(CATEGORIES)]
    films = [
        factories.item(f"f{n}", title=f"{CATEGORIES[n % 3]} film {n}", categories=(categories[n % 3],))
        for n in range(NUM_FILMS)
    ]  # fmt: skip
    now = timezone.now()
    people = [factories.end_user("ann" if n == 0 else f"person {n}") for n in range(NUM_PEOPLE)]
    for n, person in enumerate(people):
        for step in range(NUM_EVENTS):
            of = (step >= NUM_EVENTS // 2) if n == 0 else n % 3
            film = films[(3 * (step * (n + 3) % (NUM_FILMS // 3)) + of) % NUM_FILMS]
            at = now - timedelta(days=2 * (NUM_EVENTS - step))
            factories.event(person, film, occurred_at=at, received_at=at)
    _publish(now - timedelta(days=1))
    horror, documentary = (category.pk for category in categories[:2])
    drift_event(
        people[0], begin=20, raised=26, begin_at=now - timedelta(days=40), detected_at=now - timedelta(days=28),
        category_ids=[horror, documentary], before=[0.7, 0.3], after=[0.2, 0.8],
        falling=[horror], rising=[documentary],
    )  # fmt: skip
    return people[0]


def _publish(until: datetime) -> None:
    training = train()
    TrainingRun.objects.filter(pk=training.pk).update(window_to=until)
    run = running.request(
        TrackingRun, now=timezone.now(), training_run=training, tracker_version="mixture"
    )
    tracking.track_everybody(run_id=run.pk)
    published(training)


def addresses(person: EndUser) -> dict[str, Any]:
    change = person.drift_events.latest("pk").pk
    film = Item.objects.get(item_id="f2").pk
    newest = person.interactions.latest("occurred_at").pk
    at = timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    own = f"/end-users/{person.pk}"
    return {
        "before": f"{own}/drift/{change}/recommendations",
        "as-of": f"{own}/as-of/recommendations?at={at}",
        "what-if": f"{own}/what-if?remove={newest}&add={film}:view&q=Comedy",
        "map": f"{own}/map",
        "everybody": "/map",
    }


@SIZES
def test_answers_come_by_themselves_and_fit_any_screen(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    found = addresses(filled())
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)

    page.goto(f"{live_server.url}{found['before']}")
    expect(page.get_by_text("less Horror, more Documentary")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("columnheader", name="Before the change")).to_be_visible()
    accessible(page)
    assert fits(page)

    page.goto(f"{live_server.url}{found['as-of']}")
    expect(page.get_by_text("until then, by the network of")).to_be_visible(timeout=20_000)
    accessible(page)
    assert fits(page)

    page.goto(f"{live_server.url}{found['what-if']}")
    expect(page.get_by_text(re.compile("Comedy rises from"))).to_be_visible(timeout=20_000)
    accessible(page)
    assert fits(page)

    for name in ("everybody", "map"):
        page.goto(f"{live_server.url}{found[name]}")
        # Items, people, categories; the way of the person and its change.
        assert drawn(page, "map") == (5 if name == "map" else 3)
        accessible(page)
        assert fits(page)
    expect(
        page.get_by_text(re.compile("moved towards Documentary, away from Horror"))
    ).to_be_visible()


def test_what_is_supposed_is_put_together_on_the_page(
    page: Page, live_server: LiveServer, complaints: Complaints
) -> None:
    person = filled()
    sign_in(page, live_server)

    page.goto(f"{live_server.url}/end-users/{person.pk}/what-if")
    expect(page.get_by_role("heading", name="Nothing is supposed yet")).to_be_visible()
    page.get_by_label("Put in an item").fill("Comedy film 2")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("button", name="Put in Comedy film 2", exact=True).click()
    expect(page.get_by_label("Keep Comedy film 2")).to_be_checked()
    expect(page.get_by_text(re.compile("recommendations would be others|recommendations stay"))).to_be_visible(timeout=20_000)  # fmt: skip
    page.get_by_label(re.compile("^Leave out")).first.check()
    page.get_by_role("button", name="See what changes").click()

    expect(page.get_by_text("From 40 events as it is, 40 what if")).to_be_visible(timeout=20_000)
    expect(page).to_have_url(re.compile(r"remove=\d+"))


def test_without_a_script_a_link_leads_to_the_answer(
    browser: object, live_server: LiveServer
) -> None:
    found = addresses(filled())
    page = browser.new_page(java_script_enabled=False)  # type: ignore[attr-defined]
    sign_in(page, live_server)

    page.goto(f"{live_server.url}{found['before']}")
    page.get_by_role("link", name="Look whether it is done").click()

    expect(page.get_by_role("columnheader", name="Before the change")).to_be_visible()
    page.close()
