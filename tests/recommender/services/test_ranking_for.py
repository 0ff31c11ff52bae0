from __future__ import annotations

import numpy as np
import pytest

from interests.models import EndUser, Item, TrainingRun
from interests.selectors import events
from recommender.models import SimilarItems
from recommender.services import nearest, previewing, ranking_for, refreshing
from recommender.services.nearest import SessionEvent
from recommender.services.previewing import CannotPreview
from tests import factories
from tests.factories import NOW

MICROSECONDS = int(NOW.timestamp() * 1_000_000)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refreshing, "memory", refreshing.Memory())


@pytest.fixture
def serving(training: TrainingRun) -> TrainingRun:
    factories.publication(training_run=training)
    return training


def done(*item_ids: str, kind: str = "view") -> list[tuple[str, str, None, int]]:
    return [(item_id, kind, None, MICROSECONDS + n) for n, item_id in enumerate(item_ids)]


def test_a_session_gets_what_a_person_with_the_same_history_gets(serving):
    person = factories.end_user("somebody new")
    for n in (2, 4):
        factories.event(person, Item.objects.get(item_id=f"item {n}"), occurred_at=NOW)

    found = ranking_for.session(done=done("item 2", "item 4"))

    network = previewing.serving().network
    own = events.interaction_log(end_users=[person.pk], ties="file")
    expected = previewing.rank(network, own.log, exclude_seen=True)[0]
    assert found["item_ids"][: len(expected)] == own.log.catalogue.item_ids[expected].tolist()
    assert set(found["item_ids"]) == {f"item {n}" for n in range(20)} - {"item 2", "item 4"}
    assert found["scores"] == sorted(found["scores"], reverse=True)


def test_a_session_goes_without_hidden_items(serving):
    Item.objects.filter(item_id="item 7").update(is_hidden=True)

    found = ranking_for.session(done=done("item 2"))

    assert len(found["items"]) == 18
    assert "item 7" not in found["item_ids"]


def test_unknown_items_and_kinds_of_a_session_are_passed_over(serving):
    alone = ranking_for.session(done=done("item 2"))

    with_others = ranking_for.session(
        done=[*done("nobody's"), *done("item 9", kind="no kind"), *done("item 2")]
    )

    assert with_others == alone


def test_a_session_of_nothing_known_says_so(serving):
    with pytest.raises(CannotPreview, match="No event names an item of the catalogue"):
        ranking_for.session(done=done("nobody's"))


def test_a_category_is_ranked_whole_for_a_person(serving):
    person = EndUser.objects.get(user_id="user 0")
    category = Item.objects.get(item_id="item 0").categories.get()
    Item.objects.filter(item_id="item 4").update(is_hidden=True)

    found = ranking_for.category_for(end_user_id=person.pk, category_id=category.pk)

    assert set(found["item_ids"]) == {f"item {n}" for n in range(0, 20, 2)} - {"item 4"}
    assert found["num_items"] == 9
    network = previewing.serving().network
    own = events.interaction_log(end_users=[person.pk])
    from interests.learning import scoring

    scores = scoring.scores(network, own.log, users=np.zeros(1, np.int64))[0]
    score_of = dict(zip(own.log.catalogue.item_ids.tolist(), scores.tolist(), strict=True))
    assert found["item_ids"] == sorted(found["item_ids"], key=lambda one: -score_of[one])


def test_items_that_the_network_lacks_come_last_and_have_no_score(serving):
    category = Item.objects.get(item_id="item 0").categories.get()
    factories.item("fresh from the press", title="Unheard of")
    Item.objects.get(item_id="fresh from the press").categories.set(
        [factories.category("Never seen in training"), category]
    )
    new = factories.item("unlike anything", title="Qwzx")
    other = factories.category("Another never seen")
    new.categories.set([other])

    found = ranking_for.category_for(
        end_user_id=EndUser.objects.get(user_id="user 0").pk, category_id=other.pk
    )

    assert (found["item_ids"], found["scores"]) == (["unlike anything"], [None])


def similar(item: Item, *near: tuple[Item, float]) -> None:
    SimilarItems.objects.create(
        publication=previewing.Serving.objects.get().publication,
        item=item,
        items=[one.pk for one, _ in near],
        item_ids=[one.item_id for one, _ in near],
        scores=[cosine for _, cosine in near],
    )


def test_nearest_items_add_up_and_older_events_count_less():
    factories.publication()
    a, b, x, y, z = (factories.item(name) for name in "abxyz")
    similar(a, (x, 0.8), (y, 0.8), (b, 0.9))
    similar(b, (y, 0.4), (z, 0.6))

    found = nearest.nearest_to(
        [SessionEvent("a", "view", None, 0), SessionEvent("b", "like", None, 1)],
        weights={"view": 1.0, "like": 2.0},
    )

    older = 0.5**0.25
    assert [item_id for _, item_id, _ in found] == ["y", "z", "x"]
    assert [score for _, _, score in found] == pytest.approx(
        [0.8 * older + 2 * 0.4, 2 * 0.6, 0.8 * older]
    )


def test_what_was_disliked_draws_nothing_near():
    factories.publication()
    a, b, x = (factories.item(name) for name in "abx")
    similar(a, (x, 0.5))
    similar(b, (x, 0.6))
    events_of = [SessionEvent("a", "view", None, 0), SessionEvent("b", "dislike", None, 1)]

    assert nearest.nearest_to(events_of, weights={"dislike": -1.0}) == []
