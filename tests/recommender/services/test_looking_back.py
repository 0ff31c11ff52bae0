from __future__ import annotations

from datetime import timedelta

import pytest

from interests.models import EndUser, Interaction, Item, TrainingRun
from recommender.services import looking_back, refreshing
from recommender.services.previewing import CannotPreview
from tests import factories
from tests.factories import NOW

AT = NOW - timedelta(days=2)  # all but the last of each person's six events

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each look read the catalogue anew."""
    monkeypatch.setattr(refreshing, "CATALOGUE_SECONDS", 0)
    monkeypatch.setattr(refreshing, "memory", refreshing.Memory())


@pytest.fixture
def past(training: TrainingRun) -> TrainingRun:
    """A network that has seen nothing after the time."""
    TrainingRun.objects.filter(pk=training.pk).update(window_to=AT)
    return training


def look(user_id: str = "user 3") -> dict:
    person = EndUser.objects.get(user_id=user_id)
    return looking_back.slate_at(end_user_id=person.pk, at=AT.isoformat())


def test_the_slate_is_from_what_was_known_then(past):
    found = look()

    seen = {f"item {(3 + 2 * step) % 20}" for step in range(5)}
    ids = dict(Item.objects.values_list("pk", "item_id"))
    # Everything unseen, and what is used on the last day only is unseen.
    assert {ids[key] for key in found["items"]} == set(ids.values()) - seen
    assert (found["training_run_id"], found["num_events"]) == (past.pk, 5)


def test_nothing_later_changes_it(past):
    """Change, add and delete everything after the time: the slate of the same run is the same."""
    before = look()
    person = EndUser.objects.get(user_id="user 3")
    later = Interaction.objects.filter(occurred_at__gt=AT)
    elsewhere = Item.objects.get(item_id="item 0")

    later.filter(end_user__user_id__in=["user 1", "user 2"]).delete()
    later.update(item=elsewhere, value=1.0, session_id="other")
    for n in range(30):
        thing = factories.item(f"new {n}", created_at=NOW)
        factories.event(person, thing, occurred_at=AT + timedelta(hours=n + 1))
        factories.event(
            factories.end_user(), elsewhere, kind="dislike", occurred_at=AT + timedelta(minutes=n + 1)
        )  # fmt: skip
    Item.objects.filter(pk=before["items"][0]).update(is_hidden=True)
    factories.training_run(window_to=AT + timedelta(seconds=1), weights_path=past.weights_path)

    assert look() == before


def test_events_of_one_moment_keep_their_order_when_items_come_later(past):
    Interaction.objects.filter(end_user__user_id="user 3", occurred_at__lt=AT).update(
        occurred_at=AT - timedelta(days=1)
    )
    before = look()

    for n in range(40):
        factories.item(f"new {n}", created_at=NOW)

    assert look() == before


def test_an_item_in_the_catalogue_by_then_counts_though_nobody_had_used_it(past):
    never_used = Item.objects.get(item_id="item 9")
    Interaction.objects.filter(item=never_used).delete()
    assert never_used.pk not in look()["items"]

    Item.objects.filter(pk=never_used.pk).update(created_at=AT)

    assert never_used.pk in look()["items"]


def test_a_person_without_events_by_then_has_no_slate(past):
    Interaction.objects.filter(end_user__user_id="user 3", occurred_at__lte=AT).delete()

    found = look()

    assert (found["items"], found["num_events"], found["mix"]) == ([], 0, {})


def test_the_newest_network_that_had_seen_nothing_later_is_taken(past):
    older = factories.training_run(window_to=AT - timedelta(days=1), weights_path=past.weights_path)
    gone = factories.training_run(window_to=AT, weights_path="networks/gone")

    assert looking_back.run_for(AT) == past
    assert looking_back.run_for(AT - timedelta(hours=1)) == older
    assert looking_back.run_for(AT - timedelta(days=2)) is None
    assert gone.pk > past.pk


def test_a_time_before_every_network_is_said(training):
    TrainingRun.objects.update(window_to=NOW)

    with pytest.raises(CannotPreview, match="Train one"):
        look()
