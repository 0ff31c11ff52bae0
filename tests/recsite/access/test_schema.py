"""The schema is whole, and its docs live with the Content-Security-Policy."""

import re

import pytest
from django.core.management import call_command
from django.test import Client


def test_schema_validates_without_a_warning(tmp_path):
    call_command(
        "spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml")
    )

    assert (tmp_path / "schema.yml").stat().st_size > 10_000


def test_schema_names_every_endpoint_and_its_problems():
    schema = Client().get("/api/schema").json()

    operations = {
        (path.removeprefix("/api/v1"), method): operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }
    assert sorted(operations) == [
        ("/drift", "get"),
        ("/evaluations", "get"),
        ("/events", "post"),
        ("/experiments", "get"),
        ("/items", "post"),
        ("/items/{item_id}", "delete"),
        ("/items/{item_id}", "get"),
        ("/items/{item_id}", "patch"),
        ("/items/{item_id}", "put"),
        ("/items/{item_id}/similar", "get"),
        ("/outcomes", "get"),
        ("/placements", "get"),
        ("/popular", "get"),
        ("/recommendations", "post"),
        ("/runs", "get"),
        ("/sessions/recommendations", "post"),
        ("/trending", "get"),
        ("/users/{user_id}", "delete"),
        ("/users/{user_id}/controls", "get"),
        ("/users/{user_id}/controls", "put"),
        ("/users/{user_id}/drift", "get"),
        ("/users/{user_id}/export", "get"),
        ("/users/{user_id}/interests", "get"),
        ("/users/{user_id}/interests/history", "get"),
        ("/users/{user_id}/merge", "post"),
        ("/users/{user_id}/ranking", "get"),
        ("/users/{user_id}/recommendations", "get"),
        ("/users/{user_id}/similar", "get"),
    ]
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    assert [operation["responses"]["default"]["content"] for operation in operations.values()] == [
        {"application/problem+json": problem}
    ] * len(operations)
    assert [operation["security"] for operation in operations.values()] == [[{"ApiKey": []}]] * len(
        operations
    )


@pytest.mark.parametrize("address", ["/api/docs", "/api/docs?script="])
def test_docs_hold_no_script_and_no_style_of_their_own(address):
    response = Client().get(address)

    text = response.content.decode()
    assert response.status_code == 200
    assert "'unsafe-inline'" not in response["Content-Security-Policy"]
    assert re.findall(r"<style|<script(?! src=)|style=", text) == []
    assert ("SwaggerUIBundle" in text) is ("script" in address)
