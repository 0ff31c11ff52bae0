from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from interests.models import Category, EndUser, EventKind, Interaction, Item
from interests.selectors import copying, events

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def end_user(user_id: str) -> EndUser:
    return EndUser.objects.create(user_id=user_id, created_at=NOON)


def item(item_id: str, *categories: Category) -> Item:
    made = Item.objects.create(item_id=item_id, title=item_id.upper(), created_at=NOON)
    made.categories.set(categories)
    return made


def event(person: EndUser, thing: Item, *, minutes: int, value: float | None = None) -> Interaction:
    return Interaction.objects.create(
        event_id=f"{person}-{thing}-{minutes}",
        end_user=person,
        item=thing,
        kind=EventKind.objects.get(name="view"),
        value=value,
        occurred_at=NOON + timedelta(minutes=minutes),
        received_at=NOON + timedelta(minutes=minutes, hours=1),
    )


def category(name: str) -> Category:
    return Category.objects.create(name=name, colour_rank=Category.objects.count())


def test_interaction_log_of_everybody_is_sorted_and_keeps_keys():
    west, east = category("west"), category("east")
    both, none = item("both", west, east), item("none")
    unused = item("unused", east)
    ann, bob = end_user("ann"), end_user("bob")
    event(bob, none, minutes=5)
    event(ann, none, minutes=9, value=4.5)
    event(ann, both, minutes=2)
    end_user("silent")

    found = events.interaction_log()

    log = found.log
    assert log.user_ids.tolist() == ["ann", "bob"]
    assert found.user_keys.tolist() == [ann.pk, bob.pk]
    assert found.item_keys.tolist() == [both.pk, none.pk, unused.pk]
    assert found.category_keys.tolist() == [west.pk, east.pk, 0]
    assert log.catalogue.category_names == ("west", "east", "uncategorised")
    assert log.catalogue.shares.tolist() == [[0.5, 0.5, 0], [0, 0, 1], [0, 1, 0]]
    assert log.catalogue.titles.tolist() == ["BOTH", "NONE", "UNUSED"]
    assert log.users.tolist() == [0, 0, 1]
    assert log.items.tolist() == [0, 1, 1]
    assert [log.kind_names[kind] for kind in log.kinds] == ["view"] * 3
    assert np.array_equal(log.values, np.array([np.nan, 4.5, np.nan], np.float32), equal_nan=True)
    noon = int(NOON.timestamp()) * 1_000_000
    assert log.times.tolist() == [noon + minutes * 60_000_000 for minutes in (2, 9, 5)]
    assert found.events_through.tolist() == [
        datetime(2026, 3, 1, 13, 9),  # noqa: DTZ001  numpy's times carry no zone
        datetime(2026, 3, 1, 13, 5),  # noqa: DTZ001
    ]


def test_interaction_log_reads_words_about_items_where_asked():
    thing, bare = item("thing"), item("bare")
    thing.description = "A fine thing"
    thing.attributes = {
        "maker": "Acme",
        "price": 12.5,
        "page": "https://example.com",
        "year": "1995",
    }
    thing.save()
    event(end_user("ann"), bare, minutes=1)

    asked = events.interaction_log(with_descriptions=True).log.catalogue
    usual = events.interaction_log().log.catalogue

    assert asked.texts.tolist() == ["THING A fine thing 1995 Acme", "BARE "]
    assert usual.descriptions is None
    assert usual.texts.tolist() == ["THING", "BARE"]


def test_interaction_log_weighs_kinds_as_curators_set_them():
    EventKind.objects.filter(name="view").update(weight=-2)
    event(end_user("ann"), item("a"), minutes=0)

    found = events.interaction_log()

    assert found.log.is_negative.tolist() == [True]


def test_interaction_log_of_some_end_users_until_a_time():
    thing = item("a")
    ann, bob, eve = end_user("ann"), end_user("bob"), end_user("eve")
    for person in (ann, bob, eve):
        for minutes in (1, 2, 3):
            event(person, thing, minutes=minutes)

    found = events.interaction_log(
        end_users=[eve.pk, ann.pk], until=NOON + timedelta(minutes=2), ties="file"
    )

    assert found.user_keys.tolist() == [ann.pk, eve.pk]
    assert found.log.users.tolist() == [0, 0, 1, 1]


def test_interaction_log_up_to_a_stored_event_leaves_out_whom_only_later_ones_know():
    thing = item("a")
    ann, bob = end_user("ann"), end_user("bob")
    last = event(ann, thing, minutes=3)
    event(bob, thing, minutes=1)

    found = events.interaction_log(last_key=last.pk)

    assert (found.user_keys.tolist(), found.log.num_events) == ([ann.pk], 1)


def test_interaction_log_with_a_catalogue_that_lacks_the_item_loads_it_afresh():
    old = item("old")
    loaded = events.load_catalogue()
    ann = end_user("ann")
    event(ann, old, minutes=0)
    same = events.interaction_log(end_users=[ann.pk], catalogue=loaded)
    event(ann, item("new"), minutes=1)

    renewed = events.interaction_log(end_users=[ann.pk], catalogue=loaded)

    assert same.loaded is loaded
    assert renewed.log.catalogue.item_ids.tolist() == ["old", "new"]
    assert renewed.log.items.tolist() == [0, 1]


def test_interaction_log_of_some_end_users_needs_two_queries(django_assert_num_queries):
    ann = end_user("ann")
    event(ann, item("a"), minutes=0)
    loaded = events.load_catalogue()

    with django_assert_num_queries(1):  # COPY is the other, past Django's counter
        events.interaction_log(end_users=[ann.pk], catalogue=loaded)


def test_interaction_log_without_events_is_empty():
    found = events.interaction_log()

    assert found.log.num_events == found.log.num_users == found.log.num_items == 0
    assert found.log.catalogue.category_names == ("uncategorised",)


def test_interaction_log_keeps_times_at_both_ends_of_the_calendar():
    ann, thing = end_user("ann"), item("a")
    for number, year in enumerate((1, 1970, 9999)):
        made = event(ann, thing, minutes=number)
        Interaction.objects.filter(pk=made.pk).update(occurred_at=datetime(year, 1, 2, tzinfo=UTC))

    found = events.interaction_log()

    years = found.log.times.astype("datetime64[us]").astype("datetime64[Y]").astype(str).tolist()
    assert years == ["0001", "1970", "9999"]


def test_columns_of_more_than_one_chunk(monkeypatch):
    monkeypatch.setattr(copying, "CHUNK_BYTES", 100)

    found = copying.columns(
        query="SELECT n, n / 2.0::float8 FROM generate_series(1::bigint, %s) AS n",
        parameters=[1000],
        types={"whole": "i8", "half": "f8"},
    )

    assert found["whole"].tolist() == list(range(1, 1001))
    assert found["half"].tolist() == [n / 2 for n in range(1, 1001)]


def test_interaction_log_in_lasting_order_stays_when_the_catalogue_grows():
    things = [item(name) for name in "abcdef"]
    ann = end_user("ann")
    for thing in things:
        event(ann, thing, minutes=0)
    before = events.interaction_log(ties="lasting").log

    for name in "uvwxyz":
        item(name)
    after = events.interaction_log(ties="lasting").log

    assert after.items.tolist() == before.items.tolist()
    assert sorted(after.items.tolist()) == list(range(6))
    assert after.items.tolist() != list(range(6))  # nor is it the order of arrival
