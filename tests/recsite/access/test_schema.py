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
        ("/items/{item_id}", "get"),
        ("/items/{item_id}", "put"),
        ("/items/{item_id}/similar", "get"),
        ("/popular", "get"),
        ("/runs", "get"),
        ("/users/{user_id}/drift", "get"),
        ("/users/{user_id}/interests", "get"),
        ("/users/{user_id}/interests/history", "get"),
        ("/users/{user_id}/recommendations", "get"),
    ]
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    assert [operation["responses"]["default"]["content"] for operation in operations.values()] == [
        {"application/problem+json": problem}
    ] * 12
    assert [operation["security"] for operation in operations.values()] == [[{"ApiKey": []}]] * 12


@pytest.mark.parametrize("address", ["/api/docs", "/api/docs?script="])
def test_docs_hold_no_script_and_no_style_of_their_own(address):
    response = Client().get(address)

    text = response.content.decode()
    assert response.status_code == 200
    assert "'unsafe-inline'" not in response["Content-Security-Policy"]
    assert re.findall(r"<style|<script(?! src=)|style=", text) == []
    assert ("SwaggerUIBundle" in text) is ("script" in address)
