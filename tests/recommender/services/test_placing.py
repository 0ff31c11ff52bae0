"""Versions of placements: saved, put live, put back, thrown away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from recommender.models import Placement, PlacementSwitch, PlacementVersion
from recommender.ranking.rules import Boost, Pin, Rules
from recommender.services import placing
from tests import factories

pytestmark = pytest.mark.django_db
NOW, DAY = factories.NOW, timedelta(days=1)


@pytest.fixture
def home() -> Placement:
    return placing.make(name="home", description="The first page", now=NOW)


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


def save(placement: Placement, rules: Rules | None = None, **more: Any) -> PlacementVersion:
    newest = placement.versions.order_by("number").last()
    fields: dict[str, Any] = {
        "based_on": newest.pk if newest else 0,
        "note": "",
        "by": None,
        "now": NOW,
    }
    return placing.save_version(
        placement_id=placement.pk, rules=rules or Rules(), **(fields | more)
    )


def go_live(placement: Placement, number: int, *, instead_of: int, **more: Any) -> None:
    fields: dict[str, Any] = {"reason": "", "by": None, "now": NOW}
    placing.go_live(
        placement_id=placement.pk, number=number, instead_of=instead_of, **(fields | more)
    )
    placement.refresh_from_db()


@pytest.mark.parametrize("name", ["", "two words", "new", "ümlaut", "x" * 51, "a/b"])
def test_make_refuses_what_is_no_name(name: str) -> None:
    with pytest.raises(placing.CannotPlace, match="cannot be a name: use 1 to 50 letters"):
        placing.make(name=name, description="", now=NOW)

    assert not Placement.objects.filter(name=name).exists()


def test_make_refuses_a_name_that_is_taken(home: Placement) -> None:
    with pytest.raises(placing.CannotPlace, match='There is a placement "home" already'):
        placing.make(name="home", description="Another", now=NOW)

    home.refresh_from_db()
    assert home.description == "The first page"


def test_versions_are_counted_and_keep_their_rules(home: Placement, ada: User) -> None:
    factories.item("i1")
    rules = Rules(length=5, pins=(Pin("i1", 2),))
    first = save(home, note="why", by=ada)
    second = save(home, rules)

    assert (first.number, second.number) == (1, 2)
    assert (first.note, first.created_by, first.went_live_at) == ("why", ada, None)
    assert Rules.from_plain(second.rules) == rules
    home.refresh_from_db()
    assert home.live_version is None


def test_second_editor_is_told_and_keeps_what_the_first_saved(home: Placement, ada: User) -> None:
    save(home, by=ada)

    with pytest.raises(
        placing.ChangedMeanwhile, match="ada saved version 1 while you were editing"
    ):
        save(home, Rules(length=3), based_on=0)

    [kept] = home.versions.all()
    assert kept.rules == {}


def test_go_live_and_back_is_written_down(home: Placement, ada: User) -> None:
    for length in (5, 6):
        save(home, Rules(length=length))
    go_live(home, 2, instead_of=0, by=ada, reason="more")
    go_live(home, 1, instead_of=2, by=ada, reason="oh no", now=NOW + DAY)
    assert home.live_version is not None and home.live_version.number == 1
    go_live(home, 2, instead_of=1, now=NOW + 2 * DAY)
    go_live(home, 0, instead_of=2, now=NOW + 3 * DAY)

    assert home.live_version is None
    switches = PlacementSwitch.objects.order_by("pk")
    assert list(
        switches.values_list("version__number", "switched_by", "reason", "switched_at")
    ) == [
        (2, ada.pk, "more", NOW),
        (1, ada.pk, "oh no", NOW + DAY),
        (2, None, "", NOW + 2 * DAY),
        (None, None, "", NOW + 3 * DAY),
    ]
    # The first time stays.
    assert home.versions.get(number=2).went_live_at == NOW


def test_go_live_tells_who_was_faster(home: Placement, ada: User) -> None:
    for length in (5, 6):
        save(home, Rules(length=length))
    go_live(home, 1, instead_of=0, by=ada)

    with pytest.raises(placing.ChangedMeanwhile, match="ada put version 1 live meanwhile"):
        go_live(home, 2, instead_of=0)

    home.refresh_from_db()
    assert home.live_version is not None and home.live_version.number == 1


def test_go_live_refuses_what_is_live_or_gone(home: Placement) -> None:
    with pytest.raises(
        placing.CannotPlace, match="The rules that a placement starts with are live"
    ):
        go_live(home, 0, instead_of=0)
    with pytest.raises(placing.CannotPlace, match='"home" has no version 7'):
        go_live(home, 7, instead_of=0)

    assert not PlacementSwitch.objects.exists()


def test_rules_that_cannot_be_followed_never_go_live(home: Placement) -> None:
    thing = factories.item("i1")
    save(home, Rules(pins=(Pin("i1", 1),)))
    thing.delete()

    with pytest.raises(placing.CannotKeep, match='There is no item "i1"'):
        go_live(home, 1, instead_of=0)

    home.versions.update(rules={"nonsense": 1})
    with pytest.raises(placing.CannotKeep, match="nonsense: is not a rule"):
        go_live(home, 1, instead_of=0)
    home.refresh_from_db()
    assert home.live_version is None


def test_problems_say_what_to_do_by_rule() -> None:
    factories.category("Drama")
    factories.item("shown")
    factories.item("hidden", is_hidden=True)
    rules = Rules(
        categories_in=("Drama", "Gone"),
        categories_out=("Drama",),
        pins=(Pin("shown", 1), Pin("hidden", 2), Pin("missing", 3)),
        boosts=(Boost(2.0, category="Nowhere"), Boost(2.0, item_id="shown"), Boost(2.0, where="x")),
    )

    assert placing.problems(rules) == {
        "categories_in": 'There is no category "Gone". Take it out, or search for another.',
        "categories_out": '"Drama" is both shown and left out. Take it out of one.',
        "pins.1": "This item is hidden from all lists. Remove it here, or show it in the catalogue.",
        "pins.2": 'There is no item "missing". Remove it, or search for another.',
        "boosts.0": 'There is no category "Nowhere". Remove it, or search for another.',
    }


def test_save_refuses_rules_with_problems(home: Placement) -> None:
    with pytest.raises(placing.CannotKeep) as refused:
        save(home, Rules(pins=(Pin("missing", 1),)))

    assert list(refused.value.problems) == ["pins.0"]
    assert not home.versions.exists()


def test_drafts_are_thrown_away_and_what_was_live_stays(home: Placement) -> None:
    for length in (5, 6):
        save(home, Rules(length=length))
    go_live(home, 1, instead_of=0)
    go_live(home, 0, instead_of=1)

    placing.throw_away(placement_id=home.pk, number=2)
    placing.throw_away(placement_id=home.pk, number=2)
    with pytest.raises(placing.CannotPlace, match="Version 1 was live; it stays"):
        placing.throw_away(placement_id=home.pk, number=1)

    assert list(home.versions.values_list("number", flat=True)) == [1]


def test_delete_takes_versions_and_switches_along(home: Placement) -> None:
    save(home)
    go_live(home, 1, instead_of=0)

    placing.delete(placement_id=home.pk)

    assert not Placement.objects.filter(name="home").exists()
    assert not PlacementVersion.objects.exists()
    assert not PlacementSwitch.objects.exists()


def test_default_cannot_be_deleted() -> None:
    default, _ = Placement.objects.get_or_create(name="default", defaults={"created_at": NOW})

    with pytest.raises(placing.CannotPlace, match='"default" answers requests that name no'):
        placing.delete(placement_id=default.pk)

    assert Placement.objects.filter(name="default").exists()


def test_a_placement_that_is_gone_is_said(home: Placement) -> None:
    home.delete()

    with pytest.raises(placing.CannotPlace, match="This placement is gone"):
        placing.throw_away(placement_id=home.pk or 0, number=1)
