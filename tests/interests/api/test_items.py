"""The catalogue by API."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from interests.models import Category, Item
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def headers():
    return {"Authorization": f"Bearer {factories.api_key('items:read', 'items:write')}"}


def put(headers, path, body):
    return Client().put(
        f"/api/v1/items/{path}", json.dumps(body), "application/json", headers=headers
    )


def get(headers, path):
    return Client().get(f"/api/v1/items/{path}", headers=headers)


def test_new_item_is_made_with_its_categories(headers):
    factories.category("Drama", colour_rank=4)

    made = put(
        headers,
        "a%2Fb%20%F0%9F%A6%89",
        {"title": "Emma", "categories": ["Drama", "Comedy"], "attributes": {"year": 1815}},
    )

    answer = made.json()
    created_at = answer.pop("created_at")
    assert made.status_code == 201
    assert answer == {
        "item_id": "a/b 🦉",
        "title": "Emma",
        "description": "",
        "categories": ["Comedy", "Drama"],
        "attributes": {"year": 1815},
        "is_described": True,
        "is_hidden": False,
    }
    assert get(headers, "a%2Fb%20%F0%9F%A6%89").json() == answer | {"created_at": created_at}
    assert Category.objects.get(name="Comedy").colour_rank == 5


def test_item_that_events_named_is_described_and_stays_hidden(headers):
    factories.item("book", is_described=False, is_hidden=True, title="")

    changed = put(headers, "book", {"title": "Emma"})

    assert changed.status_code == 200
    assert Item.objects.values_list("title", "is_described", "is_hidden").get() == (
        "Emma", True, True,
    )  # fmt: skip


def test_put_replaces_what_was_known(headers):
    put(headers, "book", {"title": "Emma", "categories": ["Drama"], "description": "long"})

    put(headers, "book", {"title": "Emma 2", "is_hidden": True})

    answer = get(headers, "book").json()
    assert (answer["title"], answer["categories"], answer["description"], answer["is_hidden"]) == (
        "Emma 2", [], "", True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": "x" * 1001}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"title": "\ud83d"}, "title"),
        ({"title": "a", "categories": [""]}, "categories.0"),
        ({"title": "a", "categories": "Drama"}, "categories"),
        ({"title": "a", "categories": ["c"] * 101}, "categories"),
        ({"title": "a", "attributes": {"x": "\0"}}, "attributes"),
        ({"title": "a", "attributes": {"x": [{"y": 1e400}]}}, "attributes"),
        ({"title": "a", "attributes": {"x": json.loads("[" * 400 + "]" * 400)}}, "attributes"),
        ({"title": "a", "attributes": []}, "attributes"),
        ({"title": "a", "is_hidden": "perhaps"}, "is_hidden"),
    ],
)
def test_field_that_cannot_be_kept_is_named(headers, body, field):
    text = json.dumps(body).replace("Infinity", "1e400")
    response = Client().put("/api/v1/items/book", text, "application/json", headers=headers)

    problem = response.json()
    assert (response.status_code, problem["code"]) == (400, "invalid_body")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert Item.objects.count() == 0


def test_unknown_item_is_not_found(headers):
    response = get(headers, "nothing")

    assert (response.status_code, response.json()["code"]) == (404, "item_not_found")


def test_reading_an_item_takes_two_statements_however_many_categories(
    headers, django_assert_num_queries
):
    factories.item("one", categories=(factories.category(),))
    factories.item("three", categories=tuple(factories.category() for _ in range(3)))
    get(headers, "one")  # the key is known for two seconds

    for path in ("one", "three"):
        with django_assert_num_queries(2):
            get(headers, path)


def send(method, headers, path, body=None):
    response = Client().generic(
        method, f"/api/v1/{path}", json.dumps(body) if body is not None else "", "application/json",
        headers=headers,
    )  # fmt: skip
    return response.status_code, response.json()


def test_patch_changes_what_is_given_and_leaves_the_rest(headers):
    put(headers, "book", {"title": "Emma", "categories": ["Drama"], "attributes": {"year": 1815}})

    status, answer = send(
        "PATCH", headers, "items/book", {"description": "long", "is_hidden": True}
    )

    assert status == 200
    assert (answer["title"], answer["description"], answer["categories"], answer["attributes"]) == (
        "Emma", "long", ["Drama"], {"year": 1815},
    )  # fmt: skip
    assert answer["is_hidden"] is True
    assert send("PATCH", headers, "items/book", {"categories": []})[1]["categories"] == []


def test_hiding_alone_describes_nothing(headers):
    factories.item("book", title="", is_described=False)

    assert send("PATCH", headers, "items/book", {"is_hidden": True})[1]["is_described"] is False
    assert send("PATCH", headers, "items/book", {"title": "Emma"})[1]["is_described"] is True


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_item_that_nothing_has_named_cannot_be_changed(headers, method):
    status, answer = send(method, headers, "items/nothing", {})

    assert (status, answer["code"]) == (404, "item_not_found")


def test_item_that_nobody_used_is_deleted(headers):
    put(headers, "book", {"title": "Emma", "categories": ["Drama"]})

    assert send("DELETE", headers, "items/book") == (
        200, {"item_id": "book", "result": "deleted", "named_by": 0},
    )  # fmt: skip
    assert Item.objects.count() == 0


def test_item_with_events_is_hidden_and_stays_in_histories(headers):
    put(headers, "book", {"title": "Emma", "categories": ["Drama"], "description": "long", "attributes": {"a": 1}})  # fmt: skip
    factories.event(factories.end_user(), Item.objects.get())

    assert send("DELETE", headers, "items/book") == (
        200, {"item_id": "book", "result": "hidden", "named_by": 1},
    )  # fmt: skip
    answer = get(headers, "book").json()
    assert (answer["title"], answer["categories"], answer["description"], answer["attributes"]) == (
        "Emma", ["Drama"], "", {},
    )  # fmt: skip
    assert (answer["is_described"], answer["is_hidden"]) == (False, True)

    put(headers, "book", {"title": "Emma", "is_hidden": False})
    assert get(headers, "book").json()["is_hidden"] is False


def test_batch_stores_what_can_be_kept_and_lists_the_rest(headers):
    factories.item("known", title="Old", is_hidden=True)
    factories.category("Drama", colour_rank=4)
    batch = [
        {"item_id": "new", "title": "Emma", "categories": ["Drama", "Comedy"], "attributes": {"y": 1}},
        {"item_id": "known", "title": "New", "categories": ["Comedy"]},
        {"item_id": "untitled"},
        "no object",
        {"item_id": "new", "title": "Again"},
        {"item_id": "", "title": "x"},
        {"item_id": "c", "title": "x", "categories": ["ok", ""]},
        {"item_id": "d", "title": "x", "attributes": {"a": "\0"}},
        {"item_id": "hidden", "title": "x", "is_hidden": True},
    ]  # fmt: skip

    status, answer = send("POST", headers, "items", {"items": batch})

    assert (status, answer["created"], answer["replaced"]) == (200, 2, 1)
    assert [(row["index"], row["code"]) for row in answer["rejected"]] == [
        (2, "title_required"), (3, "not_an_object"), (4, "item_repeated"), (5, "item_id_blank"),
        (6, "categories_blank"), (7, "attributes_invalid"),
    ]  # fmt: skip
    assert list(Item.objects.order_by("item_id").values_list("item_id", "title", "is_hidden")) == [
        ("hidden", "x", True), ("known", "New", True), ("new", "Emma", False),
    ]  # fmt: skip
    assert get(headers, "new").json()["categories"] == ["Comedy", "Drama"]
    assert Category.objects.get(name="Comedy").colour_rank == 5


def test_batch_replaces_categories(headers):
    put(headers, "book", {"title": "Emma", "categories": ["Drama", "Comedy"]})

    send("POST", headers, "items", {"items": [{"item_id": "book", "title": "Emma", "categories": ["Comedy", "War"]}]})  # fmt: skip

    assert get(headers, "book").json()["categories"] == ["Comedy", "War"]


def test_batch_takes_the_same_statements_however_many_items(headers):
    def queries(*ids):
        with CaptureQueriesContext(connection) as captured:
            send("POST", headers, "items", {"items": [{"item_id": i, "title": i, "categories": [i]} for i in ids]})  # fmt: skip
        return len(captured)

    send("POST", headers, "items", {"items": []})
    assert queries("a") == queries("b", "c", "d")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "items_missing"),
        ({"items": {}}, "items_missing"),
        ({"items": [0] * 1001}, "too_many_items"),
    ],
)
def test_batch_that_is_none_is_a_problem(headers, body, code):
    status, answer = send("POST", headers, "items", body)

    assert (status, answer["code"]) == (400, code)
