"""The catalogue by API."""

import json

import pytest
from django.test import Client

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
