"""Used items beside slates, for placements that show them again."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from interests.learning import scoring
from interests.models import ChangeMark, EndUser, EventKind, Item
from interests.selectors import events
from interests.services import training as training_service
from recommender.models import Placement, PlacementVersion, Slate
from recommender.selectors import plans
from recommender.services import refreshing
from tests import factories
from tests.factories import NOW
from tests.recommender.services.test_publishing import published

LATER = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    monkeypatch.setattr(refreshing, "memory", refreshing.Memory())


def go_live(**rules):
    placement = Placement.objects.get(name="default")
    placement.live_version = PlacementVersion.objects.create(
        placement=placement, number=7, rules=rules, created_at=NOW
    )
    placement.save()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rules", "expected"),
    [({}, False), ({"seen": "never"}, False), ({"seen": "always"}, True),
     ({"seen": "after_days", "seen_days": 3}, True)],
)  # fmt: skip
def test_used_items_are_wanted_where_a_live_version_shows_them(rules, expected):
    go_live(**rules)
    placement = Placement.objects.get()
    PlacementVersion.objects.create(  # saved, but not live
        placement=placement, number=8, rules={"seen": "always"}, created_at=NOW
    )

    assert plans.are_used_items_shown() is expected


@pytest.mark.django_db
def test_nothing_is_stored_where_no_placement_shows_used_items(training):
    published(training)

    assert set(map(tuple, Slate.objects.values_list("seen_items", flat=True))) == {()}


@pytest.mark.django_db
def test_a_publication_stores_the_used_items_best_first_with_the_last_use(training):
    go_live(seen="always")

    published(training)

    person = EndUser.objects.get(user_id="user 3")
    slate = Slate.objects.get(end_user=person)
    log = events.interaction_log(end_users=[person.pk])
    network = training_service.load(training)
    scores = scoring.scores(network, log.log, users=np.array([0]))[0]
    used = [f"item {(3 + 2 * step) % 20}" for step in range(6)]
    by_score = sorted(used, key=lambda one: -scores[log.log.catalogue.item_ids.tolist().index(one)])
    assert slate.seen_item_ids == by_score
    keys = dict(Item.objects.values_list("item_id", "pk"))
    assert slate.seen_items == [keys[one] for one in by_score]
    assert slate.seen_scores == sorted(slate.seen_scores, reverse=True)
    assert slate.seen_at == [NOW - timedelta(days=6 - used.index(one)) for one in by_score]
    assert set(slate.seen_items).isdisjoint(slate.items)


@pytest.mark.django_db
def test_a_live_event_renews_used_items_and_a_negative_one_takes_its_item_out(training):
    go_live(seen="always")
    published(training)
    EventKind.objects.filter(name="dislike").update(weight=-1)
    person = EndUser.objects.get(user_id="user 3")
    for item_id, kind in (("item 3", "view"), ("item 5", "dislike")):
        thing = Item.objects.get(item_id=item_id)
        factories.event(person, thing, kind=kind, occurred_at=LATER, received_at=LATER)
    Item.objects.filter(item_id="item 7").update(is_hidden=True)
    ChangeMark.objects.create(end_user=person, marked_at=LATER)

    refreshing.refresh_marked(limit=10, now=LATER)

    slate = Slate.objects.get(end_user=person)
    assert sorted(slate.seen_item_ids) == ["item 11", "item 13", "item 3", "item 9"]
    assert slate.seen_at[slate.seen_item_ids.index("item 3")] == LATER


@pytest.mark.django_db
def test_used_items_go_with_the_next_slate_where_nobody_shows_them_any_more(training):
    go_live(seen="always")
    published(training)
    go_live_again = Placement.objects.get()
    go_live_again.live_version = None
    go_live_again.save()
    person = EndUser.objects.get(user_id="user 3")
    ChangeMark.objects.create(end_user=person, marked_at=LATER)

    refreshing.refresh_marked(limit=10, now=LATER)

    slate = Slate.objects.get(end_user=person)
    assert (slate.generated_at, slate.seen_items, slate.seen_at) == (LATER, [], [])
