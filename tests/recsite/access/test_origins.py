"""Keys for browsers: of certain sites, good for posting events and for nothing else."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from interests.models import Interaction
from recsite.access import authentication, origins, services
from recsite.access.models import ApiKey, Scope
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

SHOP = "https://shop.example"
EVENT = {"event_id": "e1", "user_id": "ada", "item_id": "book", "kind": "view"}
BODY = json.dumps({"events": [EVENT]})


@pytest.fixture(autouse=True)
def afresh():
    authentication.forget_remembered()
    origins.forget_remembered()


@pytest.fixture
def key():
    _, text = services.make_key(
        name="pages", scopes=["events:write"], origins=[SHOP], created_by=None, now=NOW
    )
    return text


def post(address="/api/v1/events", *, kind="application/json", **headers):
    return Client().post(
        address, BODY, kind, headers={name.replace("_", "-"): v for name, v in headers.items()}
    )


def preflight(origin, path="/api/v1/events"):
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return Client().options(path, headers=headers)


def cors_of(response):
    return {n: v for n, v in response.headers.items() if n.startswith("Access-Control-Allow")}


def test_page_of_its_site_posts_with_the_key_in_a_header(key):
    response = post(Authorization=f"Bearer {key}", Origin=SHOP)

    assert (response.status_code, response.json()["accepted"]) == (200, 1)
    assert cors_of(response) == {"Access-Control-Allow-Origin": SHOP}
    assert response["Vary"] == "Origin"


def test_beacon_posts_text_with_the_key_in_the_address(key):
    response = post(f"/api/v1/events?key={key}", kind="text/plain;charset=UTF-8", Origin=SHOP)

    assert (response.status_code, response.json()["accepted"]) == (200, 1)
    assert cors_of(response) == {"Access-Control-Allow-Origin": SHOP}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://other.example"},
        {"Origin": "http://shop.example"},
        {"Origin": "https://shop.example.evil.example"},
        {"Origin": "null"},
        {},
    ],
)
def test_anybody_else_is_refused_and_may_not_read_why(key, headers):
    response = post(f"/api/v1/events?key={key}", **headers)

    assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
    assert (cors_of(response), response["Vary"]) == ({}, "Origin")
    assert Interaction.objects.count() == 0


def test_page_may_read_why_its_events_were_refused(key):
    response = Client().post(
        f"/api/v1/events?key={key}", "{", "application/json", headers={"Origin": SHOP}
    )

    assert (response.status_code, response.json()["code"]) == (400, "parse_error")
    assert cors_of(response) == {"Access-Control-Allow-Origin": SHOP}


def test_key_of_a_server_may_not_stand_in_an_address():
    secret = factories.api_key("events:write")

    response = post(f"/api/v1/events?key={secret}", Origin=SHOP)

    assert (response.status_code, response.json()["code"]) == (401, "key_in_address")
    assert Interaction.objects.count() == 0


def test_text_is_no_json_from_a_server():
    response = post(kind="text/plain", Authorization=f"Bearer {factories.api_key('events:write')}")

    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_answer_to_a_server_names_no_origin():
    secret = factories.api_key("events:write")

    response = post(Authorization=f"Bearer {secret}", Origin=SHOP)

    assert (response.status_code, cors_of(response), response["Vary"]) == (200, {}, "Origin")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/users/ada/recommendations",
        "/api/v1/users/ada/interests",
        "/api/v1/items/book",
        "/api/v1/popular",
        "/api/v1/runs",
    ],
)
def test_key_for_browsers_reads_nothing(key, path):
    in_header = Client().get(path, headers={"Authorization": f"Bearer {key}", "Origin": SHOP})
    in_address = Client().get(f"{path}?key={key}", headers={"Origin": SHOP})

    assert (in_header.status_code, in_header.json()["code"]) == (403, "scope_missing")
    assert (in_address.status_code, in_address.json()["code"]) == (401, "key_missing")
    assert cors_of(in_header) == {}


def test_preflight_is_answered_for_origins_of_working_keys_alone(key):
    asked = preflight(SHOP)
    other = preflight("https://other.example")
    elsewhere = preflight(SHOP, "/api/v1/popular")
    services.revoke(key=ApiKey.objects.get(), now=NOW)
    origins.forget_remembered()
    afterwards = preflight(SHOP)

    assert (asked.status_code, asked.content, asked["Vary"]) == (204, b"", "Origin")
    assert cors_of(asked) == {
        "Access-Control-Allow-Origin": SHOP,
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding, X-Request-ID",
    }
    assert [(r.status_code, cors_of(r)) for r in (other, elsewhere, afterwards)] == [
        (403, {}),
        (401, {}),
        (403, {}),
    ]


def test_preflights_of_one_origin_ask_the_database_once(key, django_assert_num_queries):
    with django_assert_num_queries(1):
        preflight(SHOP)
        preflight(SHOP)
    with django_assert_num_queries(0):
        preflight("https://no origin")
        preflight("x" * 300)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["https://Shop.Example/"], ["https://shop.example"]),
        (["http://localhost:3000", " "], ["http://localhost:3000"]),
        (["https://a.example:443", "http://a.example:80"], ["http://a.example", "https://a.example"]),
        (["https://[2001:db8::1]:8443"], ["https://[2001:db8::1]:8443"]),
        ([], []),
    ],
)  # fmt: skip
def test_origins_are_kept_as_browsers_write_them(given, kept):
    assert origins.origins_of(given, ["events:write"]) == kept


@pytest.mark.parametrize(
    "given",
    ["*", "null", "shop.example", "https://*.shop.example", "https://shop.example/cart",
     "https://a@shop.example", "ftp://shop.example", "https://shop.example:99999", "https://läden.example"],
)  # fmt: skip
def test_what_is_no_origin_is_refused_with_an_example(given):
    with pytest.raises(origins.BadOrigin, match="One reads like https://shop.example"):
        origins.origins_of([given], ["events:write"])


@pytest.mark.parametrize("scopes", [["events:write", "items:read"], Scope.values])
def test_key_with_origins_may_only_post_events(scopes):
    with pytest.raises(origins.BadOrigin, match="its only scope must be events:write"):
        services.make_key(name="x", scopes=scopes, origins=[SHOP], created_by=None, now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.create(
            name="x", prefix="p", digest=b"d", scopes=scopes, origins=[SHOP], created_at=NOW
        )
    with pytest.raises(CommandError, match="its only scope must be events:write"):
        call_command("create_api_key", "x", "--scopes", ",".join(scopes), "--origins", SHOP)

    assert ApiKey.objects.count() == 0


def test_command_makes_a_key_for_browsers(capsys):
    call_command(
        "create_api_key", "x", "--scopes", "events:write", "--origins", f"{SHOP},http://localhost:3000"
    )  # fmt: skip

    assert ApiKey.objects.get().origins == ["http://localhost:3000", SHOP]
    assert post(f"/api/v1/events?key={capsys.readouterr().out.strip()}", Origin=SHOP).json() == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": [],
    }
