"""All items of a category ranked for a person, by API."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from redis.exceptions import ConnectionError as RedisIsAway

from interests.models import EndUser, Item
from recommender import tasks
from recommender.models import PopularItems, Slate
from recommender.services.asking import Asked, Question, State
from recsite import caching
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    cache.clear()


@pytest.fixture
def headers():
    return {"Authorization": f"Bearer {factories.api_key('recommendations:read')}"}


@pytest.fixture
def sea():
    """A category of five items; "d" is hidden."""
    made = factories.category("Sea")
    for name in "abcde":
        factories.item(name, categories=(made,), is_hidden=name == "d")
    factories.item("elsewhere")
    return made


@pytest.fixture
def ada(sea):
    return factories.end_user("ada", num_events=3)


def worker(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any] | None) -> list[dict]:
    """Let a live worker give this answer, or none in time; return what it is asked."""
    asked: list[dict] = []

    def ask_soon(question: Question, **arguments: Any) -> Asked:
        asked.append({"question": question, **arguments})
        if answer is None:
            return Asked("k", State.WAITING)
        return Asked("k", State.ANSWERED, answer=answer)

    monkeypatch.setattr(tasks, "ask_soon", ask_soon)
    return asked


def answer_of(run: int, *item_ids: str) -> dict[str, Any]:
    scores = [float(-n) for n in range(len(item_ids) - 1)] + [None]
    return {"publication_id": run, "item_ids": item_ids, "scores": scores, "num_items": 4}


def ask(headers, **query):
    return (
        Client()
        .get("/api/v1/users/ada/ranking", {"category": "Sea", **query}, headers=headers)
        .json()
    )


def ids(page: dict) -> list[tuple[int, str]]:
    return [(one["rank"], one["item_id"]) for one in page["items"]]


def test_a_live_workers_order_is_shown_page_by_page(headers, ada, monkeypatch):
    run = factories.publication().pk
    asked = worker(monkeypatch, answer_of(run, "e", "a", "c", "b"))

    first = ask(headers, n=3)
    second = ask(headers, n=3, cursor=first["next"])

    assert ids(first) == [(1, "e"), (2, "a"), (3, "c")]
    assert ids(second) == [(4, "b")]
    assert [one["score"] for one in first["items"] + second["items"]] == [0.0, -1.0, -2.0, None]
    assert (first["source"], first["run"], first["num_items"]) == ("network", run, 4)
    assert second["next"] is None
    assert [one["question"] for one in asked] == [Question.CATEGORY_FOR]  # once for both pages


def test_pages_stay_of_one_list_when_the_order_has_changed_meanwhile(headers, ada, monkeypatch):
    run = factories.publication().pk
    worker(monkeypatch, answer_of(run, "e", "a", "c", "b"))
    first = ask(headers, n=2)
    worker(monkeypatch, answer_of(run, "c", "b", "e", "a"))

    second = ask(headers, n=2, cursor=first["next"])

    assert ids(first) + ids(second) == [(1, "e"), (2, "a"), (3, "c"), (4, "b")]


def test_an_item_hidden_meanwhile_is_left_out_of_the_next_page(headers, ada, monkeypatch):
    run = factories.publication().pk
    worker(monkeypatch, answer_of(run, "e", "a", "c", "b"))
    first = ask(headers, n=2)
    Item.objects.filter(item_id="c").update(is_hidden=True)

    assert ids(ask(headers, n=2, cursor=first["next"])) == [(4, "b")]


def test_without_a_worker_the_slate_comes_first_then_what_is_chosen_most(
    headers, sea, ada, monkeypatch
):
    publication = factories.publication()
    items = {item.item_id: item for item in Item.objects.all()}
    slate = [items["elsewhere"], items["c"], items["d"]]
    Slate.objects.create(
        publication=publication, end_user=ada, items=[item.pk for item in slate],
        item_ids=[item.item_id for item in slate], scores=[3.0, 2.0, 1.0], generated_at=NOW,
    )  # fmt: skip
    PopularItems.objects.create(
        window="all", category_id=sea.pk, items=[items["e"].pk, items["c"].pk],
        item_ids=["e", "c"], scores=[9, 8], counted_at=NOW,
    )  # fmt: skip
    worker(monkeypatch, None)

    found = ask(headers)

    assert ids(found) == [(1, "c"), (2, "e"), (3, "a"), (4, "b")]
    assert [one["score"] for one in found["items"]] == [2.0, None, None, None]
    assert (found["source"], found["run"], found["num_items"]) == ("stored", publication.pk, 4)


def test_for_somebody_unknown_no_worker_is_asked(headers, sea, monkeypatch):
    factories.publication()
    asked = worker(monkeypatch, None)

    assert ids(ask(headers)) == [(1, "a"), (2, "b"), (3, "c"), (4, "e")]
    assert asked == []
    assert not EndUser.objects.exists()


def test_a_cursor_of_somebody_elses_list_leads_nowhere(headers, ada, sea, monkeypatch):
    worker(monkeypatch, None)
    cursor = ask(headers, n=2)["next"]

    other = Client().get(
        "/api/v1/users/bob/ranking", {"category": "Sea", "cursor": cursor}, headers=headers
    )

    assert (other.status_code, other.json()["code"]) == (410, "list_gone")


def test_an_unknown_category_is_told(headers):
    problem = ask(headers)

    assert (problem["status"], problem["code"]) == (404, "category_not_found")


def test_without_redis_there_is_one_page(headers, ada, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise RedisIsAway("gone")

    worker(monkeypatch, None)
    monkeypatch.setattr(cache, "set", away)

    found = ask(headers, n=2)

    assert ids(found) == [(1, "a"), (2, "b")]
    assert found["next"] is None


def test_the_list_goes_with_the_person(headers, ada, monkeypatch):
    factories.slate(factories.publication(), ada, list(Item.objects.filter(item_id__in="ab")))
    worker(monkeypatch, answer_of(1, "a", "b", "c"))
    first = ask(headers, n=1)

    caching.forget_person(ada.pk)

    assert ask(headers, n=1, cursor=first["next"])["code"] == "list_gone"


def test_nobody_reads_on_in_the_list_of_somebody_erased(headers, ada, monkeypatch):
    factories.slate(factories.publication(), ada, list(Item.objects.filter(item_id__in="ab")))
    worker(monkeypatch, answer_of(1, "a", "b", "c"))
    first = ask(headers, n=1)
    assert ask(headers, n=1, cursor=first["next"])["items"][0]["item_id"] == "b"

    ada.delete()

    assert ask(headers, n=1, cursor=first["next"])["code"] == "list_gone"
