"""Changes of interests in the browser: a click on a mark leads to its page; verdicts, comparing, looking back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from interests.models import Category, DriftEvent, EndUser, Interaction, TrackingRun
from tests import factories
from tests.browser import site
from tests.browser.conftest import Complaints
from tests.browser.test_more_pages import SIZES, fits, prepared
from tests.browser.test_walk import accessible, drawn, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

PLACE_OF_MARK = """plot => {
    const links = plot.data.find((trace) => trace.meta?.role === "links");
    const axis = plot._fullLayout.xaxis;
    return axis._offset + axis.d2p(links.x[0]);
}"""


def changed() -> tuple[EndUser, DriftEvent]:
    """Make the small site with a change "less Drama, more Documentary" in the middle of somebody's history."""
    person = site.fill()
    newest = Interaction.objects.filter(end_user=person).latest("occurred_at")
    event = factories.drift_event(
        person,
        rising=Category.objects.get(name="Documentary"),
        falling=Category.objects.get(name="Drama"),
        tracking_run=TrackingRun.objects.get(),
        detected_at=newest.occurred_at - timedelta(weeks=4),
        num_events=24,
        begin_event=16,
        evidence=[newest.pk],
    )
    return person, event


@SIZES
def test_a_click_on_a_mark_leads_to_its_page_where_it_is_judged(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    person, event = changed()
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/end-users/{person.pk}")
    drawn(page, "interests")
    expect(
        page.get_by_text(re.compile(r"less Drama, more Documentary; sure \(98 %\)"))
    ).to_be_visible()
    accessible(page)
    assert fits(page)

    plot = page.locator('[data-figure="interests"] [data-figure-plot]')
    plot.scroll_into_view_if_needed()
    across = plot.evaluate(PLACE_OF_MARK)
    plot.click(position={"x": across + 3, "y": 300})

    expect(page).to_have_url(f"{live_server.url}/end-users/{person.pk}/drift/{event.pk}")
    assert drawn(page, "change") == 2
    expect(page.get_by_text("more Documentary").last).to_be_visible()
    page.get_by_role("radio", name=re.compile("Explained")).check()
    page.get_by_role("textbox", name="Note").fill("a festival")
    page.get_by_role("button", name="Mark it").click()
    expect(page.get_by_text("Marked explained.")).to_be_visible()
    accessible(page)
    assert fits(page)
    page.get_by_role("button", name="Undo the verdict").click()
    expect(page.get_by_text("The verdict is taken back.")).to_be_visible()


@SIZES
def test_two_people_and_an_earlier_time_are_looked_at(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    person, _ = changed()
    other = factories.end_user("bob")
    state = person.states.latest("at")
    state.pk, state.end_user = None, other
    state.save()
    EndUser.objects.filter(pk=other.pk).update(current_state=state, num_events=40)
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/end-users/{person.pk}")

    page.get_by_role("link", name="Compare with …").click()
    page.get_by_label("Second user id").fill("nobody")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("There is no end user with the id nobody.")
    page.get_by_label("Second user id").fill("bob")
    page.get_by_role("button", name="Compare", exact=True).click()
    drawn(page, "compared")
    expect(page.get_by_text(re.compile("^100.% of their interests in common"))).to_be_visible()
    accessible(page)
    assert fits(page)

    page.goto(f"{live_server.url}/end-users/{person.pk}/as-of")
    page.get_by_role("listitem").filter(has_text="change raised").get_by_role("link").click()
    expect(page.get_by_role("heading", name="What did this person want then?")).to_be_visible()
    assert fits(page)
