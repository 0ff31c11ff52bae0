"""Why somebody is shown what they are shown: told on their page, with the events behind it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from interests.models import Interaction, Item
from recommender.models import Slate
from recommender.ranking.reasons import Evidence, StoredReason
from tests.browser import site
from tests.browser.conftest import Complaints
from tests.browser.test_more_pages import SIZES, fits, prepared
from tests.browser.test_walk import accessible, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def explain(slate: Slate) -> None:
    """Give the first item of a slate three events, the second two that stand in for each other."""
    person = slate.end_user
    events = list(Interaction.objects.filter(end_user=person).order_by("-occurred_at")[:3])
    titles = ("The Lighthouse Keeper, or what the sea gave back in the winter of 1911", "Storm", "")
    for event, title in zip(events, titles, strict=True):
        Item.objects.filter(pk=event.item_id).update(title=title)
    found = [Evidence(event.pk, event.item_id, 1.5 / n) for n, event in enumerate(events, start=1)]
    first, second = Item.objects.filter(pk__in=slate.items[:2]).order_by("pk")
    (category,) = first.categories.all()
    reasons = [
        StoredReason(first.pk, category.pk, 0.31, tuple(found)),
        StoredReason(second.pk, events=tuple(found[:2]), together=9),
    ]
    slate.reasons = [reason.to_plain() for reason in reasons]
    slate.save(update_fields=["reasons"])


@SIZES
def test_each_item_tells_why_and_leads_to_the_events_behind_it(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    person = site.fill()
    explain(Slate.objects.get(end_user=person))
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)

    page.goto(f"{live_server.url}/end-users/{person.pk}")

    row = page.locator("tbody tr", has=page.locator(".reason-events")).first
    expect(row.locator(".reason")).to_contain_text("Because you looked at “The Lighthouse Keeper")
    row.locator("summary").click()
    lines = row.locator(".reason-events li")
    expect(lines).to_have_count(3)
    expect(lines.first).to_contain_text("+1.50")
    assert fits(page)
    accessible(page)
    if "PICTURES" in os.environ:
        row.scroll_into_view_if_needed()
        page.screenshot(path=Path(os.environ["PICTURES"]) / f"reasons-{size['width']}.png")
    lines.first.locator("a").click()
    expect(page.locator("h1")).to_contain_text("The Lighthouse Keeper")
