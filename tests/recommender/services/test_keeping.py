"""What a web process keeps follows every change of the catalogue, of what is popular and of placements."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction

from interests.models import Category, Item
from recommender.models import Placement, PlacementVersion, PopularItems, ShelfChange
from recommender.services import keeping
from recommender.services.shelf import Shelf
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
CHEAP = "price < 10"


def where(text):
    """Return the ids of the items for which an expression is true, of those that the shelf knows."""
    shelf = keeping.current().shelf
    holds = shelf.where(text, now=NOW)
    return sorted(item_id for key, item_id in shelf.item_ids.items() if holds(key, item_id))


def everything(*names):
    shelf = keeping.current().shelf
    keys = [shelf.category_ids[name] for name in names]
    return [item_id for _, item_id in shelf.everything(keys)(None)]


def test_items_that_come_change_and_go_are_followed():
    drama = factories.category("Drama")
    cheap = factories.item("cheap", attributes={"price": 5})
    dear = factories.item("dear", attributes={"price": 50})
    assert (where(CHEAP), everything(), everything("Drama")) == (["cheap"], ["dear", "cheap"], [])

    factories.item("new", attributes={"price": 1}, categories=(drama,))
    Item.objects.filter(pk=dear.pk).update(attributes={"price": 2})
    cheap.delete()

    assert (where(CHEAP), everything(), everything("Drama")) == (
        ["dear", "new"], ["new", "dear"], ["new"],
    )  # fmt: skip


def test_hidden_items_and_moved_categories_are_followed():
    drama, crime = factories.category("Drama"), factories.category("Crime")
    item = factories.item("x", categories=(drama,))
    shelf = keeping.current().shelf
    assert (shelf.hidden, shelf.categories) == (set(), {item.pk: (drama.pk,)})

    Item.objects.update(is_hidden=True)
    item.categories.set([crime])
    shelf = keeping.current().shelf
    assert (shelf.hidden, shelf.categories) == ({item.pk}, {item.pk: (crime.pk,)})

    item.categories.clear()
    Item.objects.update(is_hidden=False)
    shelf = keeping.current().shelf
    assert (shelf.hidden, shelf.categories, everything("Crime")) == (set(), {}, [])


def test_renamed_and_unused_categories_are_followed():
    drama, crime = factories.category("Drama"), factories.category("Crime")
    item = factories.item("x", categories=(drama, crime))
    assert where('category = "Stage"') == []

    Category.objects.filter(pk=drama.pk).update(name="Stage")
    Category.objects.filter(pk=crime.pk).update(is_used=False)

    shelf = keeping.current().shelf
    assert where('category = "Stage"') == ["x"]
    assert shelf.categories == {item.pk: (drama.pk, crime.pk)}
    assert shelf.used_categories == {item.pk: (drama.pk,)}


def test_items_that_only_events_have_named_are_not_kept_and_have_no_attributes():
    keeping.current()
    ghost = factories.item("ghost", is_described=False, title="")

    shelf = keeping.current().shelf
    assert (shelf.item_ids, ShelfChange.objects.count()) == ({}, 0)
    assert [shelf.where(text, now=NOW)(ghost.pk, "ghost") for text in ("price < 5", 'item_id = "ghost"')] == [
        False, True,
    ]  # fmt: skip


def test_what_is_popular_is_followed():
    item = factories.item("x")
    assert keeping.current().shelf.popular("30d") is None

    factories.popular([item])
    PopularItems.objects.create(
        window="head", items=[item.pk], item_ids=[], scores=[1.0], counted_at=NOW
    )

    shelf = keeping.current().shelf
    found = shelf.popular("30d")
    assert (found.items, found.item_ids, found.rule) == ([item.pk], ["x"], "fallback:popular_30d")
    assert shelf.common == {item.pk}


def test_placements_are_followed_with_their_expressions_ready(django_assert_num_queries):
    factories.item("x", attributes={"price": 5})
    keeping.current()

    home = Placement.objects.create(name="home", created_at=NOW)
    home.live_version = PlacementVersion.objects.create(
        placement=home, number=1, rules={"where": CHEAP}, created_at=NOW
    )
    home.save()

    kept = keeping.current()
    assert kept.plans.placements["home"].rules.where == CHEAP
    with django_assert_num_queries(0):
        kept.shelf.where(CHEAP, now=NOW)


def test_time_alone_changes_what_an_expression_says():
    factories.item("x", created_at=NOW)
    text = "created_at > now - 30d"
    shelf = Shelf.load([text], now=NOW)
    key = shelf.key_of("x")
    assert shelf.where(text, now=NOW)(key, "x") is True

    later = NOW + timedelta(days=30, seconds=1)
    shelf.look_at_due(now=later)

    assert shelf.where(text, now=later)(key, "x") is False


def test_a_large_import_is_told_in_one_row_and_read_whole():
    keeping.current()

    Item.objects.bulk_create(
        [Item(item_id=f"i{n}", created_at=NOW) for n in range(2_001)], batch_size=5_000
    )

    assert list(ShelfChange.objects.values_list("kind", "items")) == [("items", None)]
    assert len(keeping.current().shelf.item_ids) == 2_001


def test_changes_are_pruned_from_when_they_were_first_seen():
    factories.item("x")

    counts = [keeping.prune(now=NOW + timedelta(minutes=minute)) for minute in (0, 10, 11)]

    assert (counts, ShelfChange.objects.count()) == ([0, 0, 1], 0)


def test_who_has_not_looked_for_long_reads_everything_again(monkeypatch):
    keeping.current()
    factories.item("x")
    ShelfChange.objects.all().delete()  # pruned meanwhile
    assert keeping.current().shelf.item_ids == {}

    now = time.monotonic()
    monkeypatch.setattr(keeping.time, "monotonic", lambda: now + 301)

    assert list(keeping.current().shelf.item_ids.values()) == ["x"]


@pytest.mark.django_db(transaction=True)
def test_changes_that_commit_out_of_order_are_all_seen():
    keeping.current()
    late_began, may_commit = threading.Event(), threading.Event()

    def late():
        with transaction.atomic():
            factories.item("late")  # its change has the lower id
            late_began.set()
            may_commit.wait(20)
        connection.close()

    thread = threading.Thread(target=late)
    thread.start()
    late_began.wait(20)
    factories.item("early")
    assert sorted(keeping.current().shelf.item_ids.values()) == ["early"]

    may_commit.set()
    thread.join()

    assert sorted(keeping.current().shelf.item_ids.values()) == ["early", "late"]


@pytest.mark.django_db(transaction=True)
def test_a_thread_follows_changes_while_answers_never_wait(monkeypatch):
    monkeypatch.setattr(keeping, "REFRESH_SECONDS", 0.05)
    keeping.keeper.looks_itself = False
    try:
        assert keeping.current().shelf.item_ids == {}
        factories.item("x")

        deadline = time.monotonic() + 20
        while not keeping.current().shelf.item_ids and time.monotonic() < deadline:
            time.sleep(0.02)

        assert list(keeping.current().shelf.item_ids.values()) == ["x"]
    finally:
        keeping.keeper.forget()
        for thread in threading.enumerate():
            if thread.name == "shelf":
                thread.join(20)
