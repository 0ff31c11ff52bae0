"""Controls by API."""

import json

import pytest
from django.test import Client

from interests import tasks
from interests.models import Alias, Controls, EndUser
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def headers():
    return {"Authorization": f"Bearer {factories.api_key('users:read', 'users:write')}"}


@pytest.fixture
def woken(monkeypatch):
    calls = []
    monkeypatch.setattr(tasks, "ask_for_refresh", lambda: calls.append(Controls.objects.count()))
    return calls


@pytest.fixture
def put(headers, django_capture_on_commit_callbacks):
    def send(body, user_id="ada"):
        with django_capture_on_commit_callbacks(execute=True):
            return Client().put(
                f"/api/v1/users/{user_id}/controls", json.dumps(body), "application/json",
                headers=headers,
            )  # fmt: skip

    return send


def get(headers, user_id="ada"):
    return Client().get(f"/api/v1/users/{user_id}/controls", headers=headers)


def test_what_is_put_is_read_again_by_every_id_of_the_person(headers, put, woken):
    factories.category("Drama")
    factories.category("Comedy")
    body = {
        "muted_categories": ["Drama"],
        "boosts": {"Comedy": 2.5},
        "forget_before": "2026-03-04T12:00:00+02:00",
    }

    answer = put(body).json()

    updated_at = answer.pop("updated_at")
    assert answer == {
        "user_id": "ada",
        "muted_categories": ["Drama"],
        "boosts": {"Comedy": 2.5},
        "forget_before": "2026-03-04T10:00:00+00:00",
        "is_opted_out": False,
    }
    ada = EndUser.objects.get()
    Alias.objects.create(user_id="guest", end_user=ada, created_at=factories.NOW)
    for user_id in ("ada", "guest"):
        assert get(headers, user_id).json() == answer | {"updated_at": updated_at}
    assert put({}, "guest").json()["muted_categories"] == []
    assert EndUser.objects.count() == 1


def test_nothing_said_is_the_default_and_nobody_is_not_found(headers):
    factories.end_user("ada")

    assert get(headers).json() == {
        "user_id": "ada",
        "muted_categories": [],
        "boosts": {},
        "forget_before": None,
        "is_opted_out": False,
        "updated_at": None,
    }
    missing = get(headers, "nobody")
    assert (missing.status_code, missing.json()["code"]) == (404, "end_user_not_found")


def test_reset_forgets_up_to_now_and_wakes_a_live_worker(put, woken):
    answer = put({"reset": True, "forget_before": "2001-01-01T00:00:00Z"}).json()

    assert answer["forget_before"] == answer["updated_at"]
    assert woken == [1]


def test_muting_wakes_nobody(put, woken):
    factories.category("Drama")

    put({"muted_categories": ["Drama"]})

    assert woken == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"muted_categories": ["Nothing"]}, "category_unknown"),
        ({"muted_categories": "Drama"}, "invalid_body"),
        ({"boosts": {"Drama": "much"}}, "invalid_body"),
        ({"boosts": {"a\0b": 2}}, "category_unknown"),
        ({"boosts": {"\ud83d": 2}}, "category_unknown"),
        ({"boosts": {"Drama": 1e300}}, "boost_out_of_range"),
        ({"boosts": []}, "invalid_body"),
        ({"forget_before": "yesterday"}, "invalid_body"),
        ({"forget_before": "9999-12-31T23:59:59Z"}, "forget_before_in_the_future"),
        ({"forget_before": "0001-01-01T00:00:00+14:00"}, "invalid_body"),
        ({"is_opted_out": None}, "invalid_body"),
    ],
)
def test_what_cannot_be_meant_is_a_problem_with_a_code(put, body, code):
    factories.category("Drama")

    response = put(body)

    assert (response.status_code, response.json()["code"]) == (400, code)
    assert EndUser.objects.count() == 0


def test_a_misspelt_field_is_refused_and_takes_no_wish_back(headers, put, woken):
    put({"is_opted_out": True})

    answer = put({"muted_category": ["Drama"]})

    assert (answer.status_code, answer.json()["code"]) == (400, "field_unknown")
    assert answer.json()["detail"].startswith(
        "There is no field 'muted_category'. There are: muted_categories, "
    )
    assert get(headers).json()["is_opted_out"] is True
