"""Who gets in, and what a failure looks like, on every endpoint."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from recsite.access import services
from recsite.access.models import ApiKey, Scope
from tests import factories

pytestmark = pytest.mark.django_db

ENDPOINTS = [
    ("POST", "/api/v1/events", Scope.WRITE_EVENTS),
    ("GET", "/api/v1/users/ada/recommendations", Scope.READ_RECOMMENDATIONS),
    ("GET", "/api/v1/users/ada/interests", Scope.READ_INTERESTS),
    ("GET", "/api/v1/users/ada/interests/history", Scope.READ_INTERESTS),
    ("GET", "/api/v1/users/ada/drift", Scope.READ_INTERESTS),
    ("GET", "/api/v1/drift", Scope.READ_INTERESTS),
    ("GET", "/api/v1/items/book", Scope.READ_ITEMS),
    ("PUT", "/api/v1/items/book", Scope.WRITE_ITEMS),
    ("PATCH", "/api/v1/items/book", Scope.WRITE_ITEMS),
    ("DELETE", "/api/v1/items/book", Scope.WRITE_ITEMS),
    ("GET", "/api/v1/users/ada/controls", Scope.READ_USERS),
    ("PUT", "/api/v1/users/ada/controls", Scope.WRITE_USERS),
    ("GET", "/api/v1/users/ada/export", Scope.READ_USERS),
    ("GET", "/api/v1/items/book/similar", Scope.READ_RECOMMENDATIONS),
    ("GET", "/api/v1/popular", Scope.READ_RECOMMENDATIONS),
    ("GET", "/api/v1/runs", Scope.READ_RUNS),
    ("GET", "/api/v1/evaluations", Scope.READ_RUNS),
]
BODIES = {
    "POST": {"events": []},
    "PUT": {"title": "Emma"},
    "PATCH": {"title": "Emma"},
    "DELETE": None,
    "GET": None,
}
BODY_OF_CONTROLS = {"is_opted_out": False}
every_endpoint = pytest.mark.parametrize(("method", "path", "scope"), ENDPOINTS)


def send(method, path, key=None, **headers):
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    is_controls = method == "PUT" and path.endswith("/controls")
    body = BODY_OF_CONTROLS if is_controls else BODIES[method]
    return Client().generic(
        method, path, json.dumps(body) if body else "", "application/json", headers=headers
    )


def problem_of(response):
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:recsite:problem:{problem['code']}"
    assert problem["request_id"] == response["X-Request-ID"]
    return problem


@every_endpoint
def test_right_scope_gets_in(method, path, scope):
    factories.end_user("ada")
    factories.item("book")

    response = send(method, path, factories.api_key(scope))

    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


@every_endpoint
def test_wrong_scope_is_told_which_one_is_needed(method, path, scope):
    others = [other for other in Scope.values if other != scope]

    response = send(method, path, factories.api_key(*others))

    problem = problem_of(response)
    assert (problem["status"], problem["code"]) == (403, "scope_missing")
    assert problem["detail"] == f'This needs a key with the scope "{scope.value}".'


@every_endpoint
def test_no_key_is_told_how_to_send_one(method, path, scope):
    response = send(method, path)

    problem = problem_of(response)
    assert (problem["status"], problem["code"]) == (401, "key_missing")
    assert response["WWW-Authenticate"] == 'Bearer realm="Recsite API"'


@every_endpoint
@pytest.mark.parametrize("key", ["rs_nobody", "", "rs_ünïcode"])
def test_unknown_key_is_refused(method, path, scope, key):
    response = send(method, path, key)

    problem = problem_of(response)
    assert (problem["status"], problem["code"]) == (401, "invalid_key")
    assert response["WWW-Authenticate"] == 'Bearer realm="Recsite API"'


@every_endpoint
def test_revoked_key_is_refused(method, path, scope):
    text = factories.api_key()
    services.revoke(key=ApiKey.objects.get(prefix=text[:12]), now=timezone.now())

    problem = problem_of(send(method, path, text))

    assert (problem["status"], problem["code"]) == (401, "invalid_key")


@every_endpoint
def test_exhausted_key_is_told_when_to_come_back(method, path, scope):
    text = factories.api_key(rate_per_minute=1)
    factories.end_user("ada")
    factories.item("book")

    first, second = send(method, path, text), send(method, path, text)

    assert first.status_code == 200
    problem = problem_of(second)
    assert (problem["status"], problem["code"]) == (429, "rate_exceeded")
    assert 1 <= int(second["Retry-After"]) <= 60


@every_endpoint
def test_method_that_an_endpoint_does_not_know_is_405(method, path, scope):
    problem = problem_of(
        Client().trace(path, headers={"Authorization": f"Bearer {factories.api_key()}"})
    )

    # A key opens only what an endpoint names, so an unknown method is refused as such.
    assert (problem["status"], problem["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/events/"]
)
def test_address_that_leads_nowhere_is_a_problem(path):
    problem = problem_of(Client().get(path))

    assert (problem["status"], problem["code"]) == (404, "not_found")


def test_request_id_is_the_clients_where_it_is_harmless():
    key = factories.api_key()

    kept = send("GET", "/api/v1/popular", key, **{"X-Request-ID": "shop-17.b"})
    made = send("GET", "/api/v1/popular", key, **{"X-Request-ID": "two words"})

    assert kept["X-Request-ID"] == "shop-17.b"
    assert len(made["X-Request-ID"]) == 32


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ('{"events": [', "application/json", 400, "parse_error"),
        ("[" * 100_000, "application/json", 400, "parse_error"),
        ('{"events": NaN}', "application/json", 400, "parse_error"),
        (b'{"events": "\xff"}', "application/json", 400, "parse_error"),
        ("[]", "application/json", 400, "parse_error"),
        ("", "application/json", 400, "events_missing"),
        ('{"events": {}}', "application/json", 400, "events_missing"),
        ("events=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        ('{"events": "' + "x" * 10_000_000 + '"}', "application/json", 413, "body_too_large"),
    ],
    ids=["broken", "deep", "nan", "not utf-8", "list", "empty", "object", "form", "10 MB"],
)
def test_body_that_cannot_be_read_is_a_problem(body, content_type, status, code):
    response = Client().post(
        "/api/v1/events",
        body,
        content_type,
        headers={"Authorization": f"Bearer {factories.api_key()}"},
    )

    problem = problem_of(response)
    assert (problem["status"], problem["code"]) == (status, code)


def test_failure_of_our_own_says_nothing_but_the_request_id(monkeypatch):
    from recommender.selectors import slates

    def fail(*args, **kwargs):
        raise RuntimeError("secret")

    monkeypatch.setattr(slates, "popular_items", fail)

    problem = problem_of(send("GET", "/api/v1/popular", factories.api_key()))

    assert (problem["status"], problem["code"]) == (500, "internal_error")
    assert "secret" not in json.dumps(problem)


@pytest.mark.parametrize("path", ["/api/v1/popular", "/api/v1/users/ada/recommendations"])
def test_database_that_is_away_is_503_with_the_time_to_wait(monkeypatch, path):
    from django.db import OperationalError

    from recommender.selectors import reading, slates

    def fail(*args, **kwargs):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(slates, "popular_items", fail)
    monkeypatch.setattr(reading, "person", fail)

    response = send("GET", path, factories.api_key())

    problem = problem_of(response)
    assert (problem["status"], problem["code"]) == (503, "database_unavailable")
    assert response["Retry-After"] == "5"
