"""The Python client: what was generated is up to date, and it gets along with a running site."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client as Browser
from pytest_django.live_server_helper import LiveServer

from clients import generate
from interests.models import EventKind, Interaction
from tests import factories

FOLDER = Path(__file__).parents[2] / "clients/python"
sys.path.insert(0, str(FOLDER))

from recsite_client import Client, Problem

STRANGE = "a/da ?&#%2F {x} 🦉"


@pytest.mark.parametrize("name", ["types.py", "client.py"])
def test_generating_anew_changes_nothing(name):
    schema = json.loads(Browser().get("/api/schema").content)

    assert generate.files(schema)[name] == (FOLDER / "recsite_client" / name).read_text(), (
        "The API has changed: run `make clients` and commit what it writes."
    )


def test_client_has_a_call_for_every_operation():
    schema = Browser().get("/api/schema").json()
    operations = {o["operationId"] for verbs in schema["paths"].values() for o in verbs.values()}

    assert operations <= {name for name in dir(Client) if not name.startswith("_")}


def test_schema_becomes_types_and_calls():
    component = {
        "type": "object",
        "description": "A thing.",
        "required": ["id", "kind"],
        "properties": {
            "id": {"type": "integer", "nullable": True},
            "kind": {"enum": ["a", "b"], "type": "string"},
            "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
        },
    }
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
    operation = {
        "operationId": "thing",
        "description": "Return a thing.\n\nAnd more.",
        "parameters": [
            {"in": "path", "name": "id", "schema": {"type": "string"}},
            {"in": "query", "name": "from", "required": True, "schema": {"type": "number"}},
        ],
        "responses": {"200": {"content": answer}, "default": {}},
    }

    made = generate.files(
        {"components": {"schemas": {"Thing": component}}, "paths": {"/t/{id}": {"get": operation}}}
    )

    assert made["types.py"].split("TypedDict\n", 1)[1].strip() == (
        'class Thing(TypedDict):\n    """A thing."""\n\n    id: int | None\n'
        '    kind: Literal["a", "b"]\n    parts: NotRequired[list[Thing]]'
    )
    call = " ".join(made["client.py"].rsplit("\n\n    def ", 1)[1].split())
    assert call == (
        'thing(self, id: str, *, from_: float) -> types.Thing: """Return a thing.""" '
        'return cast( "types.Thing", self.request("GET", path("/t/{id}", id=id), '
        'query={"from": from_}) )'
    )


def test_client_is_typed_strictly():
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "recsite_client"],
        check=False, cwd=FOLDER, capture_output=True, text=True,
    )  # fmt: skip

    assert done.stdout.startswith("Success: no issues found"), done.stdout


@pytest.fixture
def site(live_server: LiveServer) -> str:
    EventKind.objects.get_or_create(name="view")
    return live_server.url


@pytest.mark.django_db(transaction=True)
def test_calls_reach_a_running_site(site):
    client = Client(site, factories.api_key())
    factories.popular([factories.item(f"i{n}") for n in range(3)])

    made = client.put_item(STRANGE, {"title": "The Lighthouse", "categories": ["Sea"]})
    events = client.record_events(
        {"events": [{"event_id": "e1", "user_id": STRANGE, "item_id": STRANGE, "kind": "view"}]}
    )
    shown = client.recommendations(STRANGE, n=2, exclude=["i0"])
    known = client.interests(STRANGE)

    assert (made["item_id"], made["categories"]) == (STRANGE, ["Sea"])
    assert events == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert (shown["user_id"], [item["item_id"] for item in shown["items"]]) == (STRANGE, ["i1", "i2"])  # fmt: skip
    assert known["user_id"] == STRANGE
    assert Interaction.objects.get().end_user.user_id == STRANGE


@pytest.mark.django_db(transaction=True)
def test_refusals_are_problems_with_their_code(site):
    client = Client(site, factories.api_key("events:write"))

    with pytest.raises(Problem) as refused:
        client.runs()
    with pytest.raises(Problem) as missing:
        Client(site + "/nowhere", "rs_x").runs()

    problem = refused.value
    assert (problem.status, problem.code) == (403, "scope_missing")
    assert problem.detail == 'This needs a key with the scope "runs:read".'
    assert len(problem.request_id) == 32
    assert (missing.value.status, missing.value.code) == (404, "no_problem")


@pytest.mark.django_db(transaction=True)
def test_who_is_asked_to_wait_waits_and_tries_again(site, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    client = Client(site, factories.api_key("runs:read", rate_per_minute=1))
    client.runs()

    with pytest.raises(Problem) as refused:
        client.runs()

    assert (refused.value.status, refused.value.code) == (429, "rate_exceeded")
    assert len(waits) <= 2  # none where the minute is longer than it would wait


def test_no_answer_is_a_problem_after_all_tries(monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)

    with pytest.raises(Problem) as refused:
        Client("http://127.0.0.1:1", "rs_x", tries=3).runs()

    assert (refused.value.status, refused.value.code, waits) == (0, "no_answer", [0.5, 0.5])


@contextlib.contextmanager
def hasty_site(answer: bytes) -> Iterator[str]:
    """A site that reads the first line of each request, answers and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):  # the end of the test
                while True:
                    with server.accept()[0] as asked:
                        asked.recv(100)
                        asked.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_body_refused_before_it_is_read_is_the_problem_that_the_site_tells():
    told = {"code": "body_too_large", "detail": "Send less at a time.", "request_id": "r-1"}
    body = json.dumps(told).encode()
    head = f"HTTP/1.1 413 Too Large\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    too_much = {"events": [{"item_id": "x" * 20_000_000}]}

    with hasty_site(head.encode() + body) as site, pytest.raises(Problem) as refused:
        Client(site, "rs_x").record_events(too_much)

    problem = refused.value
    assert (problem.status, problem.code, problem.detail, problem.request_id) == (
        413, "body_too_large", "Send less at a time.", "r-1",
    )  # fmt: skip


def test_refusal_that_breaks_off_is_a_problem_with_its_status():
    cut_off = b'HTTP/1.1 413 Too Large\r\nContent-Length: 500\r\n\r\n{"code": '

    with hasty_site(cut_off) as site, pytest.raises(Problem) as refused:
        Client(site, "rs_x").record_events({"events": []})

    problem = refused.value
    assert (problem.status, problem.code, problem.detail) == (413, "no_problem", "Too Large")
