"""Placements as curators and analysts see them: the list, one, its versions, live and back."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from recommender.models import Placement, PlacementVersion
from recommender.ranking.rules import Boost, Pin, Rules
from recommender.services import placing
from tests import factories
from tests.recommender.views import pages

pytestmark = pytest.mark.django_db
NOW = factories.NOW


@pytest.fixture
def curator() -> Client:
    account = User.objects.create_user("cora", "cora@example.org", "a long password")
    account.groups.add(Group.objects.get(name="curator"))
    client = Client()
    client.force_login(account)
    return client


@pytest.fixture
def home() -> Placement:
    Placement.objects.all().delete()
    return placing.make(name="home", description="The first page", now=NOW)


def version(placement: Placement, rules: Rules, **fields: str) -> PlacementVersion:
    number = placement.versions.count() + 1
    return placement.versions.create(
        number=number, rules=rules.to_plain(), created_at=NOW, **fields
    )


@pytest.mark.parametrize("number", [1, 3])
def test_list_asks_as_much_for_three_as_for_one(
    analyst: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    Placement.objects.all().delete()
    for place in range(number):
        made = placing.make(name=f"p{place}", description="", now=NOW)
        version(made, Rules())
        version(made, Rules(length=5))
        placing.go_live(placement_id=made.pk, number=1, instead_of=0, reason="", by=None, now=NOW)

    # Session, account, freshness in two, placements, switches, drafts, rights in two.
    with django_assert_num_queries(9):
        response = analyst.get("/placements")

    assert len(pages.table(response)) == 1 + number


def test_list_tells_rules_who_put_them_live_and_drafts(curator: Client, home: Placement) -> None:
    factories.item("i1")
    version(home, Rules(length=5, pins=(Pin("i1", 1),)))
    curator.post("/placements/home/versions/1/live", {"instead_of": "0", "reason": "spring"})
    version(home, Rules(length=6))
    placing.make(name="after", description="", now=NOW)

    [_, after, first] = pages.table(curator.get("/placements"))

    assert after[0] == "after 10 items; nothing else is set"
    assert after[2:] == ["none", "Edit after"]
    assert first == [
        "home The first page 5 items; 1 pin · 1 draft waiting",
        "Version 1 just now by cora",
        "1 waiting",
        "Edit home",
    ]


def test_list_without_placements_says_what_one_is(curator: Client, analyst: Client) -> None:
    Placement.objects.all().delete()

    assert "No placement yet A placement is a spot" in pages.text(curator.get("/placements"))
    assert "Curators and engineers can make one." in pages.text(analyst.get("/placements"))


def test_new_placement_leads_to_its_editor(curator: Client) -> None:
    response = curator.post("/placements/new", {"name": "home", "description": "First page"})

    assert response["Location"] == "/placements/home/edit"
    made = Placement.objects.get(name="home")
    assert (made.description, made.live_version) == ("First page", None)


def test_name_that_is_none_is_said_and_what_was_typed_stays(curator: Client) -> None:
    response = curator.post("/placements/new", {"name": "my home", "description": "First page"})

    assert response.status_code == 422
    assert '"my home" cannot be a name' in pages.text(response)
    page = response.content.decode()
    assert 'value="my home"' in page
    assert 'value="First page"' in page


def test_version_beside_what_is_live(curator: Client, home: Placement) -> None:
    factories.item("i1", title="Heat")
    version(home, Rules(length=5, pins=(Pin("i1", 2),)), note="spring")

    said = pages.text(curator.get("/placements/home/versions/1"))

    assert "Version 1 of home Saved" in said
    assert "“spring”" in said
    assert "How many Gone: 10 items New: 5 items Pins New: Heat at place 2" in said
    assert "gets these rules within about a second, instead of the starting rules" in said
    assert "Put version 1 live" in said


def test_go_live_and_back_again(curator: Client, home: Placement) -> None:
    version(home, Rules(length=5))
    version(home, Rules(length=6))
    said = []
    for number, instead_of in ((1, 0), (2, 1), (1, 2), (0, 1)):
        response = curator.post(
            f"/placements/home/versions/{number}/live",
            {"instead_of": str(instead_of), "reason": f"why {number}"},
            follow=True,
        )
        said.append(pages.text(response))

    assert "Version 1 is live. Answers for home follow within about a second." in said[0]
    assert "The rules that it started with are live." in said[3]
    switches = pages.table(response, 0)
    assert [row[:2] for row in switches[1:]] == [
        ["Starting rules", "why 0"],
        ["Version 1", "why 1"],
        ["Version 2", "why 2"],
        ["Version 1", "why 1"],
    ]
    versions = pages.table(response, 1)
    assert [row[0] for row in versions[1:]] == ["2", "1", "Start Live"]
    assert "Put version 2 live again" in pages.text(curator.get("/placements/home/versions/2"))


def test_who_is_slower_is_told_and_nothing_happens(curator: Client, home: Placement) -> None:
    version(home, Rules(length=5))
    version(home, Rules(length=6))
    curator.post("/placements/home/versions/1/live", {"instead_of": "0"})

    response = curator.post(
        "/placements/home/versions/2/live", {"instead_of": "0", "reason": "mine"}
    )

    assert response.status_code == 409
    assert "Not put live cora put version 1 live meanwhile." in pages.text(response)
    page = response.content.decode()
    assert 'value="mine"' in page
    assert '<input type="hidden" name="instead_of" value="1">' in page
    home.refresh_from_db()
    assert home.live_version is not None and home.live_version.number == 1


def test_draft_is_thrown_away(curator: Client, home: Placement) -> None:
    version(home, Rules(length=5))

    response = curator.post("/placements/home/versions/1/throw-away", follow=True)

    assert "Version 1 is thrown away." in pages.text(response)
    assert not home.versions.exists()


def test_delete_asks_once_and_names_what_goes(curator: Client, home: Placement) -> None:
    version(home, Rules())
    said = pages.text(curator.get("/placements/home/delete"))
    assert "1 version of its rules goes with it." in said
    assert "Delete the placement and 1 version" in said

    response = curator.post("/placements/home/delete", follow=True)

    assert 'The placement "home" is deleted.' in pages.text(response)
    assert not Placement.objects.exists()


def test_what_it_is_for_can_be_said(curator: Client, home: Placement) -> None:
    curator.post("/placements/home/about", {"description": "The top"})

    assert "home The top Edit the rules" in pages.text(curator.get("/placements/home"))


def test_analyst_looks_and_changes_nothing(analyst: Client, home: Placement) -> None:
    version(home, Rules(length=5))
    said = "".join(
        pages.text(analyst.get(address))
        for address in ("/placements", "/placements/home", "/placements/home/versions/1")
    )
    buttons = ("Edit", "New placement", "Delete", "Put version", "Throw", "Save what")
    assert [word for word in buttons if word in said] == []

    for address in (
        "new", "home/edit", "home/about", "home/delete", "home/versions/1/live",
        "home/versions/1/throw-away",
    ):  # fmt: skip
        assert analyst.post(f"/placements/{address}").status_code == 403
    home.refresh_from_db()
    assert (home.live_version, home.versions.count()) == (None, 1)


@pytest.mark.parametrize(
    "address", ["nowhere", "home/versions/9", "nowhere/edit", "home/versions/9/live"]
)
def test_what_is_not_there_is_404(curator: Client, home: Placement, address: str) -> None:
    ask = curator.post if address.endswith("live") else curator.get

    response = ask(f"/placements/{address}", {"instead_of": "0"})

    assert response.status_code == 404
    assert "There is nothing here" in pages.text(response)


@pytest.mark.parametrize("number", [1, 3])
def test_placement_page_asks_as_much_for_three_as_for_one(
    analyst: Client, home: Placement, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for length in range(1, number + 1):
        version(home, Rules(length=length))
        placing.go_live(
            placement_id=home.pk, number=length, instead_of=length - 1, reason="", by=None, now=NOW
        )

    # Session, account, freshness in two, placement, switches, versions, rights in two; no item to name.
    with django_assert_num_queries(9):
        response = analyst.get("/placements/home")

    assert [len(pages.table(response, place)) for place in (0, 1)] == [1 + number, 2 + number]


def test_live_rules_that_name_what_is_not_there_are_said(
    curator: Client, analyst: Client, home: Placement
) -> None:
    drama = factories.category("Drama")
    rules = Rules(categories_out=("Drama",), boosts=(Boost(2.0, category="Drama"),))
    version(home, rules)
    curator.post("/placements/home/versions/1/live", {"instead_of": "0"})
    before = pages.text(analyst.get("/placements/home"))

    drama.delete()

    assert "not work" not in before
    assert (
        "Of the rules that are live, 2 do not work as they say "
        'Without these categories: There is no category "Drama". Take it out, or search for another. '
        'Boosts and burials: There is no category "Drama". Remove it, or search for another.'
    ) in pages.text(analyst.get("/placements/home"))
