"""People who want the same, by API."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import factories
from tests.interests import changes

pytestmark = pytest.mark.django_db


@pytest.fixture
def headers():
    return {"Authorization": f"Bearer {factories.api_key('interests:read')}"}


def person(name: str, vector: list[float] | None, **fields):
    made = factories.end_user(name)
    changes.state(made, {}, vector=vector, **fields)
    return made


def ask(headers, name: str, **query):
    return Client().get(f"/api/v1/users/{name}/similar", query, headers=headers)


def test_the_nearest_come_first_by_the_cosine_of_their_vectors(headers):
    run = factories.training_run()
    for name, vector in {
        "ada": [1.0, 0.0], "same": [2.0, 0.0], "near": [3.0, 4.0], "across": [0.0, 1.0],
        "against": [-1.0, 0.0],
    }.items():  # fmt: skip
        person(name, vector, training_run=run)

    found = ask(headers, "ada").json()

    assert found["user_id"] == "ada"
    assert [(one["user_id"], one["rank"]) for one in found["users"]] == [
        ("same", 1), ("near", 2), ("across", 3), ("against", 4)
    ]  # fmt: skip
    assert [one["cosine"] for one in found["users"]] == pytest.approx([1, 0.6, 0, -1])
    assert ask(headers, "ada", n=1).json()["users"] == found["users"][:1]


def test_other_networks_vectors_and_hardly_known_people_are_left_out(headers):
    run, other = factories.training_run(), factories.training_run()
    person("ada", [1.0, 0.0], training_run=run)
    person("of another network", [1.0, 0.0, 0.0], training_run=other)
    person("four events", [1.0, 0.0], training_run=run, num_events=4)
    person("five events", [1.0, 1.0], training_run=run, num_events=5)

    users = ask(headers, "ada").json()["users"]

    assert [(one["user_id"], one["events"]) for one in users] == [("five events", 5)]


def test_without_a_vector_nobody_is_alike(headers):
    run = factories.training_run()
    person("ada", None)
    person("bob", [1.0, 0.0], training_run=run)

    assert ask(headers, "ada").json() == {"user_id": "ada", "users": []}


def test_a_stranger_is_told_so(headers):
    answer = ask(headers, "nobody")

    assert (answer.status_code, answer.json()["code"]) == (404, "end_user_not_found")


def test_as_many_queries_for_three_as_for_one(headers, django_assert_num_queries):
    run = factories.training_run()
    person("ada", [1.0, 0.0], training_run=run)
    person("one", [1.0, 0.5], training_run=run)
    ask(headers, "ada")  # the key is remembered
    for name in ("two", "three"):
        person(name, [1.0, 0.2], training_run=run)

    with django_assert_num_queries(2):
        assert len(ask(headers, "ada").json()["users"]) == 3
