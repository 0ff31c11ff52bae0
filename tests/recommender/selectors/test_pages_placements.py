"""What the pages of placements read."""

from __future__ import annotations

import pytest

from recommender.models import Placement, PlacementVersion
from recommender.ranking.rules import Rules, SeenPolicy
from recommender.selectors import pages_placements
from recommender.selectors.pages_placements import Attribute
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW


def test_attributes_are_those_that_items_have_the_commonest_first() -> None:
    assert pages_placements.attributes() == []
    factories.item(attributes={"price": 5, "brand": "Acme"})
    factories.item(attributes={"price": 7, "release year": 1990})
    factories.item(attributes={"price": 7})

    found = pages_placements.attributes()

    assert found == [
        Attribute("price", "5, 7"),
        Attribute("brand", '"Acme"'),
        Attribute("release year", "1990"),
    ]
    assert [one.written for one in found] == ["price", "brand", "`release year`"]


def test_sampled_people_are_from_all_over_and_always_the_same() -> None:
    assert pages_placements.sampled_people(5) == []
    people = [factories.end_user(f"p{n:02}").user_id for n in range(20)]

    found = pages_placements.sampled_people(5)

    assert found == ["p00", "p04", "p08", "p12", "p16"]
    assert pages_placements.sampled_people(5) == found
    assert pages_placements.sampled_people(100) == people


def test_found_people_are_the_very_id_then_the_busiest() -> None:
    for user_id, num in (("ann", 1), ("anna", 9), ("joann", 5), ("bob", 99)):
        factories.end_user(user_id, num_events=num)

    assert pages_placements.found_people("ann") == [("ann", 1), ("anna", 9), ("joann", 5)]
    assert pages_placements.found_people("")[0] == ("bob", 99)
    assert pages_placements.found_people("zoe") == []


def test_found_items_leave_hidden_ones_out() -> None:
    factories.item("i1", title="Heat")
    factories.item("i2", title="Heat 2", is_hidden=True)

    assert [line.item_id for line in pages_placements.found_items("heat")] == ["i1"]
    assert pages_placements.found_items("") == []


def test_drafts_wait_until_a_later_version_went_live() -> None:
    home = Placement.objects.create(name="home", created_at=NOW)

    def version(number: int, *, was_live: bool) -> PlacementVersion:
        return home.versions.create(
            number=number, rules={}, created_at=NOW, went_live_at=NOW if was_live else None
        )

    version(1, was_live=False)
    home.live_version = version(2, was_live=True)
    home.save()
    version(3, was_live=False)
    version(4, was_live=False)

    [row] = [row for row in pages_placements.rows() if row.name == "home"]
    assert (row.number, row.num_drafts, row.newest_draft) == (2, 2, 4)
    found = [(row.number, row.is_live, row.is_waiting) for row in pages_placements.history(home)]
    assert found == [
        (4, False, True),
        (3, False, True),
        (2, True, False),
        (1, False, False),
        (0, False, False),
    ]


def test_left_out_are_items_that_an_expression_is_not_true_of() -> None:
    drama = factories.category("Drama")
    factories.item("i1", categories=(drama,), attributes={"price": 3})
    factories.item("i2", attributes={"price": 30})

    def left_out(where: str) -> set[str]:
        return pages_placements.left_out(["i1", "i2", "gone"], where=where, now=NOW)

    assert left_out('category = "Drama" and price < 10') == {"i2"}
    assert left_out("price > 100") == {"i1", "i2"}
    assert left_out("") == set()
    assert left_out("price <") == set()


def test_used_items_are_ranked_where_live_rules_show_them() -> None:
    home = Placement.objects.create(name="home", created_at=NOW)
    rules = Rules(seen=SeenPolicy.ALWAYS).to_plain()
    version = home.versions.create(number=1, rules=rules, created_at=NOW)
    assert not pages_placements.used_items_are_ranked()

    home.live_version = version
    home.save()

    assert pages_placements.used_items_are_ranked()
