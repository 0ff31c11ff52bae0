"""The editor of a placement without a script: every button sends all that was typed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.http import HttpResponse
from django.test import Client

from interests.models import Item
from recommender.models import Placement
from recommender.ranking.rules import Boost, Fallback, Pin, Rules, SeenPolicy, Window
from recommender.services import placing
from tests import factories
from tests.recommender.views import pages

pytestmark = pytest.mark.django_db
NOW = factories.NOW
ADDRESS = "/placements/home/edit"
# What the form holds for the rules that a placement starts with.
START: dict[str, Any] = {
    "based_on": "0", "number": "0", "length": "10", "where": "", "max_per_category": "", "seen": "never",
    "seen_days": "30", "hides_negative": "on", "diversity": "0", "calibration": "0", "novelty": "0",
    "exploration": "0", "fallback": ["popular_30d", "popular", "catalogue"], "note": "",
}  # fmt: skip


@pytest.fixture
def curator() -> Client:
    account = User.objects.create_user("cora", "cora@example.org", "a long password")
    account.groups.add(Group.objects.get(name="curator"))
    client = Client()
    client.force_login(account)
    return client


@pytest.fixture
def home() -> Placement:
    return placing.make(name="home", description="", now=NOW)


@pytest.fixture
def things() -> list[Item]:
    drama = factories.category("Drama")
    factories.category("Comedy")
    titles = ("Heat", "Alien", "Jaws")
    return [
        factories.item(f"i{n}", title=title, categories=(drama,), attributes={"price": n})
        for n, title in enumerate(titles)
    ]


def send(client: Client, do: str = "", **typed: Any) -> HttpResponse:
    response: HttpResponse = client.post(ADDRESS, {**START, "do": do, **typed})  # type: ignore[assignment]
    return response


def values(response: HttpResponse, name: str) -> list[str]:
    """Return what the inputs of one name hold, in order."""
    page = response.content.decode()
    inputs = re.findall(rf'<input[^>]*name="{name}"[^>]*>', page)
    return [re.findall(r'value="([^"]*)"', one)[0] for one in inputs]


def saved(placement: Placement) -> Rules:
    return Rules.from_plain(placement.versions.get().rules)


def test_editor_opens_with_what_the_start_form_sends(curator: Client, home: Placement) -> None:
    response = curator.get(ADDRESS)

    for name in ("based_on", "number", "length", "max_per_category", "seen_days", "fallback"):
        wanted = START[name]
        assert values(response, name) == (wanted if isinstance(wanted, list) else [wanted])
    assert "You begin with the starting rules." in pages.text(response)


def test_nothing_is_saved_by_looking(curator: Client, home: Placement, things: list[Item]) -> None:
    response = send(curator, "", length="5", pin_q="hea", category_q="com")

    said = pages.text(response)
    assert "Heat Drama Pin Heat" in said
    assert "Comedy Only these Leave out" in said
    assert values(response, "length") == ["5"]
    assert not home.versions.exists()


def test_pins_are_found_placed_moved_and_removed(
    curator: Client, home: Placement, things: list[Item]
) -> None:
    response = send(curator, "pin:i0", pin_q="heat")
    assert (values(response, "pin_item"), values(response, "pin_rank")) == (["i0"], ["1"])
    assert values(response, "pin_q") == [""]

    rows = {"pin_item": ["i0", "i1", "i2"], "pin_rank": ["1", "2", "5"], "pin_begin": ["", "", ""]}
    added = send(curator, "pin:i0", pin_item=["i1"], pin_rank=["1"])
    up = send(curator, "pin_up:1", **rows)
    down = send(curator, "pin_down:2", **rows)
    removed = send(curator, "unpin:0", **rows)
    no_row = send(curator, "unpin:9", **rows)

    assert [
        list(zip(values(one, "pin_item"), values(one, "pin_rank"), strict=True))
        for one in (added, up, down, removed, no_row)
    ] == [
        [("i1", "1"), ("i0", "2")],
        [("i1", "1"), ("i0", "2"), ("i2", "5")],
        [("i0", "1"), ("i1", "2"), ("i2", "6")],
        [("i1", "2"), ("i2", "5")],
        [("i0", "1"), ("i1", "2"), ("i2", "5")],
    ]


def test_categories_boosts_and_fallbacks_by_their_buttons(
    curator: Client, home: Placement, things: list[Item]
) -> None:
    shown = send(curator, "in_on:Drama", category_in=["Comedy"])
    off = send(curator, "in_off:0", category_in=["Comedy", "Drama"])
    left_out = send(curator, "out_on:Drama")
    boosts = [
        send(curator, f"boost_{kind}:{what}")
        for kind, what in (("item", "i1"), ("category", "Drama"), ("where", "price > 1"))
    ]
    later = send(curator, "fallback_up:2")
    fewer = send(curator, "fallback_off:0")
    more = send(curator, "fallback_on:trending")

    assert values(shown, "category_in") == ["Comedy", "Drama"]
    assert values(off, "category_in") == ["Drama"]
    assert values(left_out, "category_out") == ["Drama"]
    assert [
        (*values(one, "boost_kind"), *values(one, "boost_what")) for one in boosts
    ] == [("item_id", "i1"), ("category", "Drama"), ("where", "price &gt; 1")]  # fmt: skip
    assert '<option value="2" selected>twice as much</option>' in boosts[0].content.decode()
    assert values(later, "fallback") == ["popular_30d", "catalogue", "popular"]
    assert values(fewer, "fallback") == ["popular", "catalogue"]
    assert values(more, "fallback") == ["popular_30d", "popular", "catalogue", "trending"]


def test_boost_search_finds_items_categories_and_expressions(
    curator: Client, home: Placement, things: list[Item]
) -> None:
    assert "Alien Drama Choose Alien" in pages.text(send(curator, boost_q="ali"))
    assert "Drama category Choose the category Drama" in pages.text(send(curator, boost_q="dram"))
    said = pages.text(send(curator, boost_q="price < 2"))
    assert "price < 2 items for which this is true Choose the expression" in said
    said = pages.text(send(curator, boost_q="price <"))
    assert "No item or category holds “price <”, and it is no expression." in said


def test_all_rules_are_saved_as_they_were_typed(
    curator: Client, home: Placement, things: list[Item]
) -> None:
    response = send(
        curator, "save", length="7", where=' price < 9\nand category = "Drama" ', max_per_category="3",
        category_in=["Drama"], category_out=["Comedy"], pin_item=["i1", "i0"], pin_rank=["4", "2"],
        pin_begin=["2026-03-04T12:00", ""], pin_end=["2026-03-05T12:00", ""],
        boost_kind=["category", "item_id", "where"], boost_what=["Drama", "i2", "price > 3"],
        boost_factor=["0.5", "10", "2.5"], boost_begin=["", "", ""], boost_end=["", "", "2027-01-01T00:00"],
        seen="after_days", seen_days="14", hides_negative=[], diversity="0.2", calibration="0.8",
        novelty="0.1", exploration="0.2", fallback=["trending"], note="spring",
    )  # fmt: skip

    assert response["Location"] == "/placements/home/versions/1"
    version = home.versions.get()
    assert (version.note, version.created_by.username) == ("spring", "cora")  # type: ignore[union-attr]
    noon = NOW
    assert saved(home) == Rules(
        length=7, where='price < 9\nand category = "Drama"', max_per_category=3, categories_in=("Drama",),
        categories_out=("Comedy",),
        pins=(Pin("i1", 4, Window(noon, noon.replace(day=5))), Pin("i0", 2)),
        boosts=(
            Boost(0.5, category="Drama"),
            Boost(10.0, item_id="i2"),
            Boost(2.5, where="price > 3", window=Window(None, noon.replace(2027, 1, 1, 0))),
        ),
        seen=SeenPolicy.AFTER_DAYS, seen_days=14, hides_negative=False, diversity=0.2,
        calibration=0.8, novelty=0.1, exploration=0.2, fallbacks=(Fallback.TRENDING,),
    )  # fmt: skip
    # What was saved opens again as it was typed.
    opened = curator.get(ADDRESS)
    assert "You begin with version 1." in pages.text(opened)
    assert values(opened, "pin_rank") == ["2", "4"]
    assert values(opened, "pin_begin") == ["", "2026-03-04T12:00"]
    assert '<option value="2.5" selected>2.5 times as much</option>' in opened.content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"length": "0"}, "This must be a whole number from 1 to 200."),
        ({"length": "many"}, "This must be a whole number from 1 to 200."),
        ({"where": "price <"}, "At character 8: a name, a text in quotes or a number must stand here"),
        ({"max_per_category": "-1"}, "This must be a whole number from 1 to 200."),
        ({"seen": "after_days", "seen_days": "x"}, "This must be a whole number from 1 to 3,650."),
        ({"diversity": "2"}, "This must be a number from 0 to 1."),
        ({"category_out": "Nope"}, 'There is no category "Nope". Take it out, or search for another.'),
        ({"pin_item": ["i0"], "pin_rank": ["x"]}, "The place must be a whole number from 1 to 200."),
        ({"pin_item": ["gone"], "pin_rank": ["1"]}, 'There is no item "gone". Remove it'),
        (
            {"pin_item": ["i0", "i1"], "pin_rank": ["1", "1"]},
            "This place has another pin at the same time. Change one of them, or their times.",
        ),
        (
            {"pin_item": ["i0", "i0"], "pin_rank": ["1", "2"]},
            "This item has another pin at the same time. Change one of them, or their times.",
        ),
        (
            {"pin_item": ["i0"], "pin_rank": ["1"], "pin_begin": ["2026-03-05T12:00"], "pin_end": ["2026-03-04T12:00"]},
            "The time must end after it begins.",
        ),
        (
            {"pin_item": ["i0"], "pin_rank": ["1"], "pin_begin": ["soon"]},
            'The time cannot be read: "soon". Write 2026-03-04T12:00.',
        ),
        (
            {"boost_kind": ["category"], "boost_what": ["Drama"], "boost_factor": ["0"]},
            "How much it counts must be a number from 0.01 to 100.",
        ),
        (
            {"boost_kind": ["where"], "boost_what": ["price <"], "boost_factor": ["2"]},
            "At character 8: a name, a text in quotes or a number must stand here",
        ),
        ({"fallback": ["nothing"]}, "This must be one of trending, popular_7d"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_and_never_saved(
    curator: Client, home: Placement, things: list[Item], typed: dict[str, Any], said: str
) -> None:
    response = send(curator, "save", note="kept", **typed)

    assert response.status_code == 422
    text = pages.text(response)
    assert "Not saved: what is wrong stands at the field below." in text
    assert text.count(said) == 2  # at its field, and where the preview would be
    assert values(response, "note") == ["kept"]
    assert not home.versions.exists()


def test_expression_shows_where_it_cannot_be_read_and_what_items_have(
    curator: Client, home: Placement, things: list[Item]
) -> None:
    page = send(curator, where="price ! 3").content.decode()
    said = pages.text(send(curator, where="prize > 3"))

    assert '<code class="marked">price <mark>!</mark> 3</code>' in page
    assert "No item that was looked at has prize . Is it written as below?" in said
    assert "Items here also have: price such as 0, 1, 2" in said
    assert "No item that was looked at has" not in pages.text(send(curator, where="price > 3"))


def test_a_part_of_the_page_saves_nothing(curator: Client, home: Placement) -> None:
    typed = {**START, "do": "save", "length": "7"}

    response = curator.post(ADDRESS, typed, headers={"HX-Request": "true"})

    assert response.status_code == 200
    assert values(response, "length") == ["7"]  # type: ignore[arg-type]
    assert not home.versions.exists()


def test_second_curator_is_told_and_both_versions_stay(
    curator: Client, home: Placement, things: list[Item]
) -> None:
    other = User.objects.create_user("otto")
    theirs = placing.save_version(
        placement_id=home.pk, rules=Rules(length=4), note="four", based_on=0, by=other, now=NOW
    )

    told = send(curator, "save", length="8", pin_item=["i0"], pin_rank=["1"])

    assert told.status_code == 409
    text = pages.text(told)
    assert "otto saved version 1 while you were editing." in text
    assert "How many Gone: 10 items New: 4 items" in text
    assert values(told, "length") == ["8"]
    assert values(told, "based_on") == [str(theirs.pk)]
    assert home.versions.count() == 1

    send(curator, "save", based_on=str(theirs.pk), length="8", pin_item=["i0"], pin_rank=["1"])
    found = [Rules.from_plain(one.rules) for one in home.versions.order_by("number")]
    assert found == [Rules(length=4), Rules(length=8, pins=(Pin("i0", 1),))]


def test_editing_starts_where_the_address_says(curator: Client, home: Placement) -> None:
    for length in (5, 6):
        newest = home.versions.last()
        placing.save_version(
            placement_id=home.pk, rules=Rules(length=length), note="", by=None, now=NOW,
            based_on=newest.pk if newest else 0,
        )  # fmt: skip
    placing.go_live(placement_id=home.pk, number=1, instead_of=0, reason="", by=None, now=NOW)

    assert values(curator.get(ADDRESS), "length") == ["6"]  # the draft that waits
    assert values(curator.get(f"{ADDRESS}?from=1"), "length") == ["5"]
    assert values(curator.get(f"{ADDRESS}?from=0"), "length") == ["10"]
    assert curator.get(f"{ADDRESS}?from=9").status_code == 404
    placing.go_live(placement_id=home.pk, number=2, instead_of=1, reason="", by=None, now=NOW)
    placing.go_live(placement_id=home.pk, number=1, instead_of=2, reason="", by=None, now=NOW)
    assert values(curator.get(ADDRESS), "length") == ["5"]  # what is live


def test_people_are_found_for_the_preview(curator: Client, home: Placement) -> None:
    assert "There are no end users yet: it is what a stranger gets." in pages.text(send(curator))
    for user_id, num in (("ann", 3), ("anna", 9)):
        factories.end_user(user_id, num_events=num)

    assert "anna , with 9 events" in pages.text(send(curator))
    assert "ann , with 3 events" in pages.text(send(curator, person="ann"))
    assert "ann , with 3 events" in pages.text(send(curator, "person:ann", person="an"))
    assert "anna , with 9 events" in pages.text(send(curator, person="an"))
    nobody = pages.text(send(curator, person="zoe"))
    assert "Nobody has the id “zoe”: it is what a stranger gets." in nobody
