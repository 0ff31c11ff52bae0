"""Rules go on naming the same categories when somebody renames or merges them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from interests.models import Category
from interests.services import curating
from recommender.models import Placement, PlacementVersion, ShelfChange
from recommender.ranking.rules import Boost, Rules, Window
from recommender.services import keeping, placing, recommending
from recsite.access.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW
EVERYTHING = Rules(
    length=3,
    where='category = "Drama"',
    categories_in=("Crime", "Drama"),
    categories_out=("Drama", "War"),
    boosts=(
        Boost(2.0, item_id="Drama"),
        Boost(3.0, category="Drama", window=Window(begin=NOW)),
        Boost(0.5, category="War"),
    ),
)


@pytest.fixture
def home() -> Placement:
    Placement.objects.all().delete()
    return placing.make(name="home", description="", now=NOW)


@pytest.fixture
def crime() -> Category:
    return factories.category("Crime")


@pytest.fixture
def drama() -> Category:
    return factories.category("Drama")


@pytest.fixture
def war() -> Category:
    return factories.category("War")


def keep(placement: Placement, rules: Rules, *, is_live: bool = False) -> PlacementVersion:
    number = placement.versions.count() + 1
    version = placement.versions.create(number=number, rules=rules.to_plain(), created_at=NOW)
    if is_live:
        placement.live_version = version
        placement.save()
    return version


def rules_of(version: PlacementVersion) -> Rules:
    version.refresh_from_db()
    return Rules.from_plain(version.rules)


def merge(*categories: Category, into: Category) -> None:
    keys = [category.pk for category in categories]
    curating.merge_categories(category_keys=keys, into=into, now=NOW)


def answered() -> list[str]:
    answer = recommending.recommend(user_id="nobody", placement="home", now=NOW)
    return sorted(one.item_id for one in answer.items)


def test_live_rules_keep_their_meaning_when_an_admin_renames_a_category(
    admin_client: Client, home: Placement, drama: Category, crime: Category
) -> None:
    factories.item("play", categories=(drama,))
    factories.item("case", categories=(crime,))
    keep(home, Rules(categories_out=("Drama",)), is_live=True)
    assert answered() == ["case"]

    admin_client.post(
        f"/admin/interests/category/{drama.pk}/change/", {"name": "Stage", "is_used": "on"}
    )

    drama.refresh_from_db()
    assert (drama.name, answered()) == ("Stage", ["case"])
    keep(home, Rules(categories_in=("Stage",)), is_live=True)
    Category.objects.filter(pk=drama.pk).update(name="Theatre")
    assert answered() == ["play"]


def test_every_version_names_the_renamed_category_and_nothing_else_changes(
    home: Placement, drama: Category, crime: Category
) -> None:
    live, draft = keep(home, EVERYTHING, is_live=True), keep(home, EVERYTHING)
    other = keep(home, Rules(categories_out=("Dramatic",), boosts=(Boost(2.0, category="War"),)))
    before = dict(other.rules)

    Category.objects.filter(pk=drama.pk).update(name="Stage")

    expected = Rules(
        length=3,
        where='category = "Drama"',
        categories_in=("Crime", "Stage"),
        categories_out=("Stage", "War"),
        boosts=(
            Boost(2.0, item_id="Drama"),
            Boost(3.0, category="Stage", window=Window(begin=NOW)),
            Boost(0.5, category="War"),
        ),
    )
    assert rules_of(live) == rules_of(draft) == expected
    assert live.rules == expected.to_plain()
    other.refresh_from_db()
    assert other.rules == before


def test_categories_renamed_in_one_statement_are_not_taken_for_each_other(
    home: Placement, drama: Category, crime: Category
) -> None:
    version = keep(home, Rules(categories_out=("Drama", "Crime"), categories_in=("Crime",)))

    crime.name, drama.name = "Stage", "Noir"
    Category.objects.bulk_update([crime, drama], ["name"])

    assert rules_of(version) == Rules(categories_out=("Noir", "Stage"), categories_in=("Stage",))


def test_boosts_that_stood_twice_do_so_after_a_rename(home: Placement, drama: Category) -> None:
    boosts = (Boost(2.0, category="Drama"), Boost(3.0, category="Drama"))
    version = keep(home, Rules(boosts=boosts))

    Category.objects.filter(pk=drama.pk).update(name="Stage")

    assert rules_of(version).boosts == (Boost(2.0, category="Stage"), Boost(3.0, category="Stage"))


def test_rules_name_what_categories_were_merged_into_once(
    home: Placement, drama: Category, crime: Category, war: Category
) -> None:
    later = Window(begin=NOW + timedelta(days=1))
    version = keep(
        home,
        Rules(
            categories_in=("Crime", "Comedy", "Drama"),
            categories_out=("War",),
            boosts=(
                Boost(2.0, category="Crime"),
                Boost(4.0, category="Drama"),
                Boost(5.0, category="Drama", window=later),
                Boost(3.0, category="War"),
            ),
        ),
    )

    merge(crime, war, drama, into=drama)

    assert rules_of(version) == Rules(
        categories_in=("Drama", "Comedy"),
        categories_out=("Drama",),
        boosts=(Boost(4.0, category="Drama"), Boost(5.0, category="Drama", window=later)),
    )


def test_live_rules_keep_their_meaning_when_categories_are_merged(
    home: Placement, drama: Category, crime: Category, war: Category
) -> None:
    for name, category in (("play", drama), ("case", crime), ("front", war)):
        factories.item(name, categories=(category,))
    keep(home, Rules(categories_out=("Drama",)), is_live=True)
    assert answered() == ["case", "front"]

    merge(drama, crime, into=crime)

    assert answered() == ["front"]


def test_a_merge_that_fails_leaves_the_rules_alone(
    home: Placement, drama: Category, crime: Category
) -> None:
    version = keep(home, EVERYTHING)

    with pytest.raises(RuntimeError), transaction.atomic():
        merge(drama, crime, into=crime)
        raise RuntimeError

    assert rules_of(version) == EVERYTHING


def test_what_is_no_new_name_changes_no_rules(home: Placement, drama: Category) -> None:
    keep(home, EVERYTHING)
    ShelfChange.objects.all().delete()

    Category.objects.filter(pk=drama.pk).update(is_used=False)

    assert list(ShelfChange.objects.values_list("kind", flat=True)) == ["categories"]


def test_a_process_never_has_new_names_with_old_rules_while_it_reads_the_rest(
    home: Placement, drama: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.item("play", categories=(drama,))
    keep(home, Rules(categories_out=("Drama",)), is_live=True)
    shelf = keeping.current().shelf
    seen: list[tuple[Any, ...]] = []

    def look(**_: Any) -> None:
        kept = keeping.keeper._kept
        assert kept is not None
        seen.append((kept.plans.placements["home"].rules.categories_out, kept.shelf.category_ids))

    monkeypatch.setattr(shelf, "recompile", look)
    Category.objects.filter(pk=drama.pk).update(name="Stage")
    keeping.current()

    assert seen == [(("Stage",), {"Stage": drama.pk})]


def test_the_audit_keeps_what_rules_said_before(
    admin_client: Client, home: Placement, drama: Category
) -> None:
    version = keep(home, Rules(categories_out=("Drama",)))

    admin_client.post(
        f"/admin/interests/category/{drama.pk}/change/", {"name": "Stage", "is_used": "on"}
    )

    [entry] = AuditEntry.objects.filter(table="recommender.placementversion", action="update")
    assert (entry.actor, entry.object_key) == ("admin", str(version.pk))
    assert entry.before == {"rules": {"categories_out": ["Drama"]}}
    assert entry.after == {"rules": {"categories_out": ["Stage"]}}
