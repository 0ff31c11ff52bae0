"""Every other page in both sizes, looked over by axe-core: with much, with nothing, with names that are too long."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from interests.models import ImportRun, Item
from recommender.models import PublicationRun
from tests import factories
from tests.browser import site
from tests.browser.conftest import Complaints
from tests.browser.test_walk import NARROW, WIDE, accessible, sign_in

LONG = "x" * 500
NUM_CATEGORIES = 60

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = pytest.mark.parametrize(
    ("size", "theme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide", "narrow"]
)


def fits(page: Page) -> bool:
    """Tell whether the page is no wider than the screen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def prepared(page: Page, *, size: dict[str, int], theme: str) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]  # a dict of these two
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]


@SIZES
def test_pages_with_much_to_show(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    site.fill()
    User.objects.update(is_staff=True, is_superuser=True)
    older = PublicationRun.objects.get()
    newer = factories.publication()
    person, thing = factories.end_user(LONG), factories.item("long", title=LONG)
    for publication in (older, newer):
        factories.slate(publication, person, [thing])
        publication.switches.create(switched_at=factories.NOW)
    for rank in range(3, NUM_CATEGORIES):
        factories.category(f"Category {rank}", colour_rank=rank)
    counts = {"lines": 100, "good": 90, "duplicates": 4, "bad": 6}
    run = ImportRun.objects.create(
        **factories.done(source="folder", results={"files": {"interactions.csv": counts}})
    )
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)

    for address in (
        "/catalogue", f"/catalogue/{Item.objects.latest('pk').pk}", "/imports/", "/imports/new",
        f"/imports/{run.pk}", f"/runs/import/{run.pk}", f"/end-users/{person.pk}", "/end-users",
        "/runs/rollback", f"/runs/difference?older={older.pk}&newer={newer.pk}", "/search?q=x",
    ):  # fmt: skip
        page.goto(f"{live_server.url}{address}")
        accessible(page)
        assert fits(page), address
    page.goto(f"{live_server.url}/admin/")
    expect(page.get_by_role("link", name="Categories")).to_be_visible()
    accessible(page)


@SIZES
def test_pages_with_nothing_to_show(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    account = User.objects.create_user("ada", "ada@example.org", site.PASSWORD)
    account.groups.add(Group.objects.get_or_create(name="engineer")[0])
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)

    expect(page.get_by_role("heading", name="No events yet")).to_be_visible()
    accessible(page)
    assert fits(page)
    for address in ("/end-users", "/runs", "/evaluation", "/catalogue", "/imports/", "/runs/rollback"):  # fmt: skip
        page.goto(f"{live_server.url}{address}")
        expect(page.locator(".empty").first).to_be_visible()
        assert fits(page), address
