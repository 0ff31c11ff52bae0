from __future__ import annotations

from datetime import timedelta

import pytest

from interests.models import EndUser, Item, TrainingRun
from recommender.models import PublicationRun
from recommender.selectors import changes
from recommender.services import explaining, refreshing
from recommender.services.previewing import CannotPreview
from tests import factories
from tests.factories import NOW
from tests.recommender.services.changing import drift_event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refreshing, "memory", refreshing.Memory())


@pytest.fixture
def serving(training: TrainingRun) -> PublicationRun:
    return factories.publication(training_run=training)


@pytest.fixture
def person(serving: PublicationRun) -> EndUser:
    """Somebody who used items 0, 2, 4, ... 26 and so on, one a day."""
    ann = factories.end_user("ann")
    items = {thing.item_id: thing for thing in Item.objects.all()}
    for n in range(14):
        at = NOW - timedelta(days=14 - n)
        factories.event(ann, items[f"item {n % 10}"], occurred_at=at, received_at=at)
    return ann


def keys(*numbers: int) -> set[int]:
    return set(
        Item.objects.filter(item_id__in=[f"item {n}" for n in numbers]).values_list("pk", flat=True)
    )


def test_both_lists_leave_out_what_was_seen_by_the_later_time(person):
    change = drift_event(person, begin=6, raised=8)

    found = explaining.before_and_after(drift_event_id=change.pk)

    unseen = keys(*range(8, 20))
    assert (set(found["before"]), set(found["after"])) == (unseen, unseen)
    assert (found["num_before"], found["num_after"]) == (6, 8)


def test_through_now_takes_every_event(person):
    change = drift_event(person, begin=6, raised=8)

    found = explaining.before_and_after(drift_event_id=change.pk, through=changes.NOW)

    assert set(found["after"]) == keys(*range(10, 20))
    assert (found["num_before"], found["num_after"]) == (6, 14)


def test_hidden_items_are_in_neither_list(person):
    Item.objects.filter(item_id="item 15").update(is_hidden=True)
    change = drift_event(person, begin=6, raised=8)

    found = explaining.before_and_after(drift_event_id=change.pk)

    assert keys(15) & {*found["before"], *found["after"]} == set()


def test_lists_are_those_of_the_network_that_serves(person, serving):
    change = drift_event(person, begin=6, raised=8)

    found = explaining.before_and_after(drift_event_id=change.pk)

    assert found["publication_id"] == serving.pk
    assert found["training_run_id"] == serving.training_run_id


def test_lists_change_without_a_change_of_interests_too_and_that_is_counted(person):
    change = drift_event(person, begin=11, raised=13)

    found = explaining.before_and_after(drift_event_id=change.pk)

    # Stretches of two events: 9 to 11, 7 to 9, 5 to 7. All lists hold all ten unseen items.
    assert found["usual"] == [0, 0, 0]


def test_other_changes_of_the_person_are_no_measure_of_the_usual(person):
    drift_event(person, begin=6, raised=9)
    change = drift_event(person, begin=11, raised=13)

    assert len(explaining.before_and_after(drift_event_id=change.pk)["usual"]) == 1


def test_the_mix_of_a_list_sums_to_one(person):
    change = drift_event(person, begin=6, raised=8)

    found = explaining.before_and_after(drift_event_id=change.pk)

    # Items 8 to 19, every other one of each of two categories.
    assert sorted(found["mix_before"].values()) == [0.5, 0.5]


def test_a_change_that_is_gone_or_withdrawn_is_said(person):
    change = drift_event(person, begin=6, raised=8, withdrawn_at=NOW)

    with pytest.raises(CannotPreview, match="withdrawn"):
        explaining.before_and_after(drift_event_id=change.pk)
    with pytest.raises(CannotPreview, match="gone"):
        explaining.before_and_after(drift_event_id=change.pk + 1)


def test_a_change_with_the_first_event_has_nothing_before_it(person):
    change = drift_event(person, begin=0, raised=8)

    with pytest.raises(CannotPreview, match="0 events before the change, 8 since"):
        explaining.before_and_after(drift_event_id=change.pk)


def test_while_nothing_serves_there_is_nothing_to_compare(population):
    change = drift_event(EndUser.objects.get(user_id="user 1"), begin=2, raised=4)

    with pytest.raises(CannotPreview, match="Nothing serves yet"):
        explaining.before_and_after(drift_event_id=change.pk)
