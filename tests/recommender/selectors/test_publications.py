from __future__ import annotations

from datetime import timedelta

import pytest

from interests.models import ChangeMark
from recommender.models import Switch
from recommender.selectors import publications
from recommender.selectors.publications import Difference, Freshness, MostChanged, MovedItem
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def test_nothing_serves_at_first():
    assert publications.serving_now() is None
    assert publications.last_switches() == []
    assert publications.freshness(now=NOW) == Freshness(0, 0, None, 0.0, None, None)


def test_last_switches_come_newest_first():
    publication = factories.publication()
    for minutes in (1, 3, 2):
        Switch.objects.create(publication=publication, switched_at=NOW + timedelta(minutes=minutes))

    minutes = [
        (flip.switched_at - NOW).seconds // 60 for flip in publications.last_switches(limit=2)
    ]

    assert minutes == [3, 2]
    assert publications.serving_now().publication == publication


def test_freshness_counts_who_waits_and_who_is_set_aside():
    publication, person = factories.publication(), factories.end_user()
    factories.slate(publication, person, [factories.item()], events_through=NOW)
    factories.event(person, factories.item(), received_at=NOW + timedelta(seconds=1))
    ChangeMark.objects.create(end_user=person, marked_at=NOW)
    for failed_generation in (1, 2):  # the second has newer events than those that failed
        ChangeMark.objects.create(
            end_user=factories.end_user(), marked_at=NOW - timedelta(seconds=5 * failed_generation),
            generation=failed_generation, failures=3, failed_generation=1,
        )  # fmt: skip

    assert publications.freshness(now=NOW + timedelta(seconds=2)) == Freshness(
        num_marked=3,
        num_set_aside=1,
        oldest_mark_at=NOW - timedelta(seconds=10),
        lag_seconds=12.0,
        newest_event_at=NOW + timedelta(seconds=1),
        events_through=NOW,
    )


@pytest.mark.parametrize("at_once", [1, 2, 5000])
def test_difference_compares_the_top_tens_of_people_with_both(monkeypatch, at_once):
    monkeypatch.setattr(publications, "KEYS_AT_ONCE", at_once)
    older = factories.publication(is_serving=False)
    newer = factories.publication(is_serving=False)
    steady, changed, left, came = (factories.end_user() for _ in range(4))
    a, b, c, d = (factories.item(name) for name in "abcd")
    factories.slate(older, steady, [a, b])
    factories.slate(newer, steady, [a, b])
    factories.slate(older, changed, [a, b, c])
    factories.slate(newer, changed, [c, d])
    factories.slate(older, left, [a])
    factories.slate(newer, came, [a])

    assert publications.difference(older, newer) == Difference(
        older=older.pk,
        newer=newer.pk,
        num_end_users=2,
        num_only_in_older=1,
        num_only_in_newer=1,
        share_changed=0.5,
        mean_overlap=(1 + 1 / 3) / 2,
        entering=(MovedItem("d", "Title of d", 1),),
        leaving=(MovedItem("a", "Title of a", 1), MovedItem("b", "Title of b", 1)),
        num_by_new_items=(1, 1, *[0] * 9),
        most_changed=(MostChanged(changed.pk, 1),),
    )
    assert publications.difference(older, newer).mean_new_items == 0.5


def test_difference_of_some_people_leaves_out_the_others():
    older = factories.publication(is_serving=False)
    newer = factories.publication(is_serving=False)
    people = [factories.end_user() for _ in range(3)]
    old, new = factories.item("old"), factories.item("new")
    for number, person in enumerate(people):
        factories.slate(older, person, [old])
        factories.slate(newer, person, [old if number == 0 else new])

    found = publications.difference(older, newer, people=[people[0].pk, people[2].pk])

    assert (found.num_end_users, found.num_sampled, found.share_changed) == (2, 2, 0.5)
    assert found.most_changed == (MostChanged(people[2].pk, 1),)
    assert publications.kept_difference(older, newer) is None


def test_sample_holds_people_with_slates_the_same_for_the_same_seed():
    publication = factories.publication()
    people = [factories.end_user() for _ in range(9)]
    for person in people[::2]:
        factories.slate(publication, person, [])

    everybody = publications.sample_of(publication, size=100, seed=0)
    some = publications.sample_of(publication, size=3, seed=0)

    assert sorted(everybody) == [person.pk for person in people[::2]]
    assert len(some) == 3 and set(some) < set(everybody)
    assert publications.sample_of(publication, size=3, seed=0) == some
    assert publications.sample_of(factories.publication(), size=3, seed=0) == []


def test_difference_beyond_the_tenth_place_does_not_count():
    older = factories.publication(is_serving=False)
    newer = factories.publication(is_serving=False)
    person = factories.end_user()
    items = [factories.item() for _ in range(12)]
    factories.slate(older, person, items[:11])
    factories.slate(newer, person, [*items[:10], items[11]])

    difference = publications.difference(older, newer)

    assert (difference.share_changed, difference.mean_overlap) == (0.0, 1.0)
    assert difference.entering == difference.leaving == ()


def test_difference_of_publications_without_slates_is_empty():
    older, newer = factories.publication(), factories.publication()

    assert publications.difference(older, newer) == Difference(
        older.pk, newer.pk, 0, 0, 0, 0.0, 0.0, (), (), (0,) * 11
    )
