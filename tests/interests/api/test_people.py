"""Merging, export and erasure by API."""

import json

import pytest
from django.test import Client

from interests import tasks
from interests.models import EndUser
from recsite.access.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def headers():
    return {"Authorization": f"Bearer {factories.api_key('users:read', 'users:write')}"}


@pytest.fixture
def woken(monkeypatch):
    calls = []
    monkeypatch.setattr(tasks, "ask_for_refresh", lambda: calls.append(EndUser.objects.count()))
    return calls


@pytest.fixture
def merge(headers, django_capture_on_commit_callbacks):
    def send(user_id, body):
        with django_capture_on_commit_callbacks(execute=True):
            response = Client().post(
                f"/api/v1/users/{user_id}/merge", json.dumps(body), "application/json",
                headers=headers,
            )  # fmt: skip
        return response.status_code, response.json()

    return send


def erase(headers, user_id):
    return Client().delete(f"/api/v1/users/{user_id}", headers=headers)


def test_guest_becomes_a_member_once(merge, woken):
    factories.event(factories.end_user("a/guest"), factories.item())

    assert merge("a%2Fguest", {"into": "ada"}) == (
        200, {"user_id": "ada", "events": 1, "impressions": 0},
    )  # fmt: skip
    assert merge("a%2Fguest", {"into": "ada"}) == (
        200, {"user_id": "ada", "events": 0, "impressions": 0},
    )  # fmt: skip
    assert woken == [1]
    assert AuditEntry.objects.filter(action="merge").values_list("actor", flat=True)[0] == "test"


@pytest.mark.parametrize(
    ("user_id", "body", "status", "code"),
    [
        ("nobody", {"into": "ada"}, 404, "end_user_not_found"),
        ("ada", {"into": "ada"}, 409, "same_end_user"),
        ("ada", {}, 400, "invalid_body"),
        ("ada", {"into": ""}, 400, "invalid_body"),
        ("ada", {"into": "a\0"}, 400, "invalid_body"),
        ("ada", {"into": "\ud83d"}, 400, "invalid_body"),
        ("ada", {"into": "x" * 513}, 400, "invalid_body"),
    ],
)
def test_what_cannot_be_merged_is_a_problem_with_a_code(merge, user_id, body, status, code):
    factories.end_user("ada")

    found = merge(user_id, body)

    assert (found[0], found[1]["code"]) == (status, code)


def test_every_read_by_the_guests_id_answers_for_the_member(merge, woken):
    factories.event(factories.end_user("guest"), factories.item())
    merge("guest", {"into": "ada"})
    key = {"Authorization": f"Bearer {factories.api_key()}"}

    paths = ("interests", "interests/history", "drift", "controls")
    answers = {path: Client().get(f"/api/v1/users/guest/{path}", headers=key) for path in paths}

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(
        paths, 200
    )


def test_export_is_a_file_of_json_by_any_id(headers, merge, woken):
    factories.event(factories.end_user("guest"), factories.item("emma"))
    merge("guest", {"into": "ada"})

    response = Client().get("/api/v1/users/guest/export", headers=headers)

    assert response.streaming is True
    assert response["Content-Type"] == "application/json"
    found = json.loads(response.getvalue())
    assert (found["user_id"], found["aliases"]) == ("ada", ["guest"])
    assert [row["item_id"] for row in found["events"]] == ["emma"]


def test_erased_is_gone_and_so_not_found_again(headers):
    factories.event(factories.end_user("ada"), factories.item())

    assert erase(headers, "ada").status_code == 204
    again = erase(headers, "ada")

    assert (again.status_code, again.json()["code"]) == (404, "end_user_not_found")
    assert EndUser.objects.count() == 0
    missing = Client().get("/api/v1/users/ada/export", headers=headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "end_user_not_found")
    assert AuditEntry.objects.filter(action="erase").values_list("actor", flat=True)[0] == "test"
