"""The API goes past what only pages need."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError
from django.test import Client

from recsite.access.endpoints import Endpoint
from tests import factories

pytestmark = pytest.mark.django_db


def ask(path: str, **headers: str):
    key = factories.api_key("recommendations:read", "items:read")
    return Client().get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {key}", **headers})


def test_an_answer_says_how_long_it_is_and_whose_request_it_answers():
    answer = ask("popular", **{"X-Request-ID": "abc-1"})

    assert answer["Content-Length"] == str(len(answer.content))
    assert answer["X-Request-ID"] == "abc-1"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer.cookies == {}


def test_policies_of_pages_are_on_pages_and_not_on_answers():
    assert "Content-Security-Policy" not in ask("popular")
    assert "default-src 'none'" in Client().get("/accounts/login/")["Content-Security-Policy"]
    assert "default-src 'none'" in Client().get("/api/docs")["Content-Security-Policy"]


def test_a_host_that_is_not_ours_is_refused_as_a_problem():
    answer = ask("popular", Host="evil.example")

    problem = json.loads(answer.content)
    assert (answer.status_code, problem["code"]) == (400, "bad_host")
    assert problem["request_id"] == answer["X-Request-ID"]


def test_an_error_in_an_endpoint_is_a_problem(monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(Endpoint, "initial", fail)

    answer = ask("items/a")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "application/problem+json"


def test_a_key_with_a_nul_is_no_key():
    answer = Client().post("/api/v1/events?key=%00abc", "{}", "text/plain")

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_key")


@pytest.mark.parametrize(
    "address", ["/admin/interests/enduser/?user_id=%00", "/admin/interests/item/%00/change/"]
)
def test_an_address_of_the_admin_with_a_nul_is_a_bad_request(address, admin_client):
    answer = admin_client.get(address)

    assert answer.status_code == 400
    assert "That request made no sense" in answer.content.decode()
