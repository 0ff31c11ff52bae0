"""A curator sees to one person in a browser: controls, the audit, a merge, erasure; long names, small screens."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from interests.models import Alias, Controls, EndUser
from interests.services import controlling
from interests.services.controlling import Wishes
from tests import factories
from tests.browser import site
from tests.browser.conftest import Complaints
from tests.browser.test_more_pages import LONG, SIZES, fits, prepared
from tests.browser.test_walk import accessible, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person() -> EndUser:
    """Make a site whose "ada" is a curator, and return a person of it."""
    found = site.fill()
    ada, group = User.objects.get(), Group.objects.get_or_create(name="curator")[0]
    ada.is_staff = ada.is_superuser = True
    ada.save()
    ada.groups.set([group])
    return found


def test_curator_sets_controls_merges_and_erases(
    page: Page, live_server: LiveServer, complaints: Complaints, person: EndUser
) -> None:
    guest = factories.end_user("guest")
    factories.event(guest, factories.item())
    sign_in(page, live_server)

    page.goto(f"{live_server.url}/end-users/{person.pk}")
    page.get_by_role("link", name="Change controls").click()
    page.get_by_label("Never show").select_option("Comedy")
    page.get_by_label("Show more or less").fill("Drama = 2")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Controls of ann hold from the next answer on.")).to_be_visible()
    page.goto(f"{live_server.url}/admin/access/auditentry/?table=interests.controls")
    expect(page.locator(".field-who")).to_have_text("ada")

    page.goto(f"{live_server.url}/admin/interests/enduser/{guest.pk}/change/")
    page.get_by_role("link", name="Merge into a member…").click()
    page.get_by_label("User id of the member").fill("ann")
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_text("guest is ann now: 1 events")).to_be_visible()

    page.get_by_role("link", name="Erase…").click()
    page.get_by_role("button", name="Erase 1 end user").click()
    expect(page.get_by_text("1 end user erased")).to_be_visible()
    assert EndUser.objects.count() == 0


@SIZES
def test_pages_of_a_person_with_much_to_say(
    page: Page,
    live_server: LiveServer,
    complaints: Complaints,
    person: EndUser,
    size: dict[str, int],
    theme: str,
) -> None:
    names = [f"Category {rank} of many" for rank in range(3, 30)]
    for rank, name in enumerate(names, start=3):
        factories.category(name, colour_rank=rank)
    now = timezone.now()
    Alias.objects.create(user_id=LONG, end_user=person, created_at=now)
    controlling.put(
        user_id="ann",
        wishes=Wishes(muted=names[:15], boosts=dict.fromkeys(names[15:], 2.5), forget_before=now),
        now=now,
    )
    Controls.objects.update(is_opted_out=True)
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)

    page.goto(f"{live_server.url}/end-users/{person.pk}")
    expect(page.get_by_role("heading", name="What has this person asked for?")).to_be_visible()
    assert fits(page)
    accessible(page)
    for name in ("controls", "merge", "erase"):
        page.goto(f"{live_server.url}/admin/interests/enduser/{person.pk}/{name}/")
        expect(page.locator("#content form input[type=submit]")).to_be_visible()
        assert fits(page)
    page.goto(f"{live_server.url}/admin/access/auditentry/")
    expect(page.locator(".field-who").first).to_be_visible()
