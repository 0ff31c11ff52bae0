"""Recommendations for somebody unknown, from what they did just now."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.signing import Signer
from django.test import Client

from interests.models import EndUser, Interaction, Item
from recommender import tasks
from recommender.models import Placement, PlacementVersion, SimilarItems
from recommender.ranking.answer_ids import AnswerId
from recommender.services.asking import Asked, Question, State
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """Items "a" to "f", each similar to the two after it; "d" is the most popular."""
    run = factories.publication()
    items = [factories.item(name) for name in "abcdef"]
    for place, item in enumerate(items[:4]):
        near = items[place + 1 : place + 3]
        SimilarItems.objects.create(
            publication=run, item=item, items=[one.pk for one in near],
            item_ids=[one.item_id for one in near], scores=[0.9, 0.5],
        )  # fmt: skip
    factories.popular([items[3], items[5]])
    return run


def worker(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any] | None) -> list[Any]:
    asked: list[Any] = []

    def ask_soon(question: Question, *, depends_on: Any, **arguments: Any) -> Asked:
        asked.append((question, arguments))
        if answer is None:
            return Asked("k", State.WAITING)
        return Asked("k", State.ANSWERED, answer=answer)

    monkeypatch.setattr(tasks, "ask_soon", ask_soon)
    return asked


def post(*item_ids: str, **body: Any):
    events = [
        {"item_id": item_id, "occurred_at": f"2026-03-04T12:00:{n:02}Z"}
        for n, item_id in enumerate(item_ids)
    ]
    return Client().post(
        "/api/v1/sessions/recommendations",
        {"events": events, **body},
        content_type="application/json",
        headers={"Authorization": f"Bearer {factories.api_key('recommendations:read')}"},
    )


def ids(answer: dict[str, Any]) -> list[tuple[int, str]]:
    return [(one["rank"], one["item_id"]) for one in answer["items"]]


def test_a_live_worker_answers_from_the_events_in_the_request(shop, monkeypatch):
    keys = dict(Item.objects.values_list("item_id", "pk"))
    found = {
        "publication_id": shop.pk, "item_ids": ["f", "b", "c"],
        "items": [keys["f"], keys["b"], keys["c"]], "scores": [2.0, 1.5, None],
    }  # fmt: skip
    asked = worker(monkeypatch, found)

    answer = post("e", "a", n=2).json()

    assert ids(answer) == [(1, "f"), (2, "b")]
    assert (answer["source"], answer["run"], answer["fallback"]) == ("network", shop.pk, False)
    assert asked == [
        (
            Question.SESSION,
            {
                "done": [
                    ["e", "view", None, int(NOW.timestamp() * 1e6)],
                    ["a", "view", None, int(NOW.timestamp() * 1e6) + 1_000_000],
                ]
            },
        )
    ]
    said = AnswerId.from_text(Signer(salt="recommendation").unsign(answer["recommendation_id"]))
    assert (said.run, said.end_user, said.source) == (shop.pk, 0, "x")


def test_without_a_worker_stored_similarities_answer(shop, monkeypatch):
    worker(monkeypatch, None)

    answer = post("a", "b", n=3).json()

    # "c" is near to both, "d" to the last; "b" itself was used. What is popular fills up.
    assert ids(answer) == [(1, "c"), (2, "d"), (3, "f")]
    assert (answer["source"], answer["run"]) == ("similar_items", shop.pk)


def test_for_items_that_nobody_knows_popular_ones_answer(shop, monkeypatch):
    worker(monkeypatch, None)

    answer = post("nobody's", n=2).json()

    assert ids(answer) == [(1, "d"), (2, "f")]
    assert (answer["source"], answer["run"], answer["fallback"]) == ("fallback", None, True)


def test_no_events_at_all_ask_no_worker(shop, monkeypatch):
    asked = worker(monkeypatch, None)

    assert ids(post(n=1).json()) == [(1, "d")]
    assert asked == []


def test_the_placements_rules_and_what_is_excluded_hold(shop, monkeypatch):
    placement = Placement.objects.create(name="basket", created_at=NOW)
    placement.live_version = PlacementVersion.objects.create(
        placement=placement, number=1, created_at=NOW,
        rules={"pins": [{"item_id": "e", "rank": 1}], "length": 3},
    )  # fmt: skip
    placement.save(update_fields=["live_version"])
    worker(monkeypatch, None)

    answer = post("a", placement="basket", exclude=["c"]).json()

    assert ids(answer) == [(1, "e"), (2, "b"), (3, "d")]
    assert answer["placement"] == "basket"


def test_nothing_of_a_session_is_stored(shop, monkeypatch):
    worker(monkeypatch, None)

    post("a", "never heard of")

    assert not EndUser.objects.exists()
    assert not Interaction.objects.exists()
    assert not Item.objects.filter(item_id="never heard of").exists()


def test_an_unknown_placement_is_told(shop, monkeypatch):
    worker(monkeypatch, None)

    problem = post("a", placement="nowhere").json()

    assert (problem["status"], problem["code"]) == (404, "placement_unknown")


def test_bad_events_are_told_by_their_place(shop):
    answer = post(events=[{"item_id": "a"}, {"item_id": ""}, {"item_id": "b", "value": "much"}])

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [
        "events.1.item_id", "events.2.value"
    ]  # fmt: skip
