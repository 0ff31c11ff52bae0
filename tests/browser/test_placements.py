"""Placements in a browser: a curator pins an item without being told how, and takes it back."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from interests.models import EndUser
from recommender.models import Placement
from recommender.ranking.rules import Boost, Pin, Rules, Window
from recommender.services import placing
from tests import factories
from tests.browser import site
from tests.browser.conftest import Complaints
from tests.browser.test_more_pages import LONG, SIZES, fits, prepared
from tests.browser.test_walk import accessible, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
# A web process learns of other rules within about a second; a loaded machine may take longer.
DEADLINE_SECONDS = 20


def only_curator() -> None:
    """Let "ada", who signs in, be a curator and nothing else."""
    account = User.objects.get(username="ada")
    account.groups.set([Group.objects.get_or_create(name="curator")[0]])
    _give_rights("curator")


def _give_rights(name: str) -> None:
    """Give a group its rights: a transactional test before may have emptied the tables."""
    from django.contrib.auth.models import Permission

    from recsite.access import groups

    group = Group.objects.get(name=name)
    for model, actions in groups.rights_of(name).items():
        app, model_name = model.split(".")
        wanted = [f"{action}_{model_name}" for action in actions]
        group.permissions.add(
            *Permission.objects.filter(content_type__app_label=app, codename__in=wanted)
        )


def answered(page: Page, live_server: LiveServer, key: str, *, first: str) -> list[str]:
    """Ask the API for ann's list until an item stands first, and return what it says last."""
    found: list[str] = []
    end = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        response = page.request.get(
            f"{live_server.url}/api/v1/users/ann/recommendations",
            headers={"Authorization": f"Bearer {key}"},
        )
        found = [entry["item_id"] for entry in response.json()["items"]]
        if found[:1] == [first]:
            break
        time.sleep(0.2)
    return found


def test_a_curator_pins_an_item_and_takes_it_back(
    page: Page, live_server: LiveServer, complaints: Complaints
) -> None:
    site.fill()
    only_curator()
    Placement.objects.get_or_create(name="default", defaults={"created_at": timezone.now()})
    key = factories.api_key()
    sign_in(page, live_server)
    as_it_was = answered(page, live_server, key, first="i6")
    assert as_it_was[:3] == ["i6", "i7", "i8"]

    page.get_by_role("navigation", name="Places").get_by_role("link", name="Placements").click()
    accessible(page)
    page.get_by_role("link", name="Edit default").click()
    accessible(page)
    page.get_by_label("Pin an item").fill("film 9")
    page.get_by_role("button", name="Pin Film 9").click()
    expect(page.get_by_label("Place of Film 9")).to_have_value("1")
    beside = page.locator("#preview-page table")
    expect(beside.nth(1).get_by_role("row").nth(1)).to_contain_text("Film 9")
    expect(beside.nth(1).get_by_role("row").nth(1)).to_contain_text("pinned")
    expect(beside.nth(0).get_by_role("row").nth(1)).to_contain_text("Film 6")
    accessible(page)
    page.get_by_role("button", name="Try on 20 people at once").click()
    expect(page.get_by_text("People whose page changes")).to_be_visible()
    accessible(page)
    page.get_by_label("Why, for whoever comes after you").fill("Film of the week")
    page.get_by_role("button", name="Save and look at what changes").first.click()

    expect(page.get_by_role("heading", name="Version 1 of default")).to_be_visible()
    expect(page.get_by_text("Film 9 at place 1").first).to_be_visible()
    accessible(page)
    assert answered(page, live_server, key, first="i6") == as_it_was
    page.get_by_role("button", name="Put version 1 live").click()
    expect(page.get_by_text("Version 1 is live.")).to_be_visible()
    accessible(page)
    assert answered(page, live_server, key, first="i9")[:3] == ["i9", "i6", "i7"]

    versions = page.get_by_role("region", name="Versions")
    versions.get_by_role("row", name=re.compile("^Start")).get_by_role("link").last.click()
    page.get_by_label("Why, for whoever comes after you").fill("The week is over")
    page.get_by_role("button", name="Put the starting rules live").click()
    expect(page.get_by_text("The rules that it started with are live.")).to_be_visible()
    assert answered(page, live_server, key, first="i6") == as_it_was


def test_errors_stand_at_the_field_while_one_types(
    page: Page, live_server: LiveServer, complaints: Complaints
) -> None:
    site.fill()
    placing.make(name="home", description="", now=timezone.now())
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/placements/home/edit")

    page.get_by_label("Only items for which this is true").fill("title contains")
    page.get_by_label("Items on a page").focus()

    expect(page.locator("#where-error")).to_contain_text("At character 15")
    expect(page.get_by_text("These rules cannot be followed yet: Which items")).to_be_visible()
    accessible(page)
    page.get_by_label("Only items for which this is true").fill('title contains "film"')
    page.get_by_label("Items on a page").focus()
    expect(page.locator("#where-error")).to_have_count(0)
    expect(page.locator("#preview-page table")).to_have_count(2)


@SIZES
def test_pages_of_placements(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    person = site.fill()
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)
    Placement.objects.all().delete()
    page.goto(f"{live_server.url}/placements")
    expect(page.locator(".empty")).to_be_visible()
    accessible(page)
    _much(person)

    for address in (
        "/placements", "/placements/new", "/placements/home", "/placements/home/edit",
        "/placements/home/versions/2", "/placements/home/versions/0?beside=2", "/placements/home/delete",
    ):  # fmt: skip
        page.goto(f"{live_server.url}{address}")
        accessible(page)
        assert fits(page), address


def _much(person: EndUser) -> None:
    """Make a placement with all rules, long names, a live version and a draft."""
    now = timezone.now()
    long = factories.category(LONG[:200])
    factories.item("long", title=LONG, categories=(long,), attributes={"price": 3})
    EndUser.objects.filter(pk=person.pk).update(user_id=LONG)
    made = placing.make(name="home", description=LONG[:500], now=now)
    rules = Rules(
        where='price < 3 or title contains "film"',
        categories_out=(long.name,),
        max_per_category=2,
        pins=(Pin("long", 1, Window(now, None)), Pin("i3", 2)),
        boosts=(Boost(2.0, category=long.name), Boost(0.5, where="price < 10"), Boost(3, "i4")),
        diversity=0.5,
    )
    newest = 0
    for number, kept in ((1, rules), (2, Rules(length=5))):
        fields: dict[str, Any] = {"note": LONG[:500], "by": None, "based_on": newest, "now": now}
        newest = placing.save_version(placement_id=made.pk, rules=kept, **fields).pk
        if number == 1:
            placing.go_live(
                placement_id=made.pk, number=1, instead_of=0, reason=LONG[:500], by=None, now=now
            )


def test_without_script_all_of_it_works(browser: Any, live_server: LiveServer) -> None:
    site.fill()
    placing.make(name="home", description="", now=timezone.now())
    page = browser.new_page(java_script_enabled=False)
    sign_in(page, live_server)

    page.goto(f"{live_server.url}/placements/home/edit")
    page.get_by_label("Pin an item").fill("film 9")
    page.get_by_label("Pin an item").press("Enter")
    page.get_by_role("button", name="Pin Film 9").click()
    page.get_by_label("Place of Film 9").fill("2")
    page.get_by_role("button", name="Film 9 one place up").click()
    page.get_by_role("button", name="Save and look at what changes").first.click()
    page.get_by_role("button", name="Put version 1 live").click()

    expect(page.get_by_text("Version 1 is live.")).to_be_visible()
    live = Placement.objects.get(name="home").live_version
    assert live is not None and Rules.from_plain(live.rules) == Rules(pins=(Pin("i9", 1),))
    page.close()
