from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from recsite.access import metrics
from tests import factories

COUNT_AND_PRINT = """
import sys
from recsite.access import metrics
metrics.count_events(accepted=int(sys.argv[1]), duplicates=0, rejected=1)
from prometheus_client import generate_latest
print(generate_latest(metrics.own_registry()).decode())
"""


def requests_seen() -> dict[tuple[str, str, str], float]:
    text = metrics.own_registry().collect()
    return {
        (sample.labels["endpoint"], sample.labels["method"], sample.labels["status"]): sample.value
        for family in text
        for sample in family.samples
        if sample.name == "recsite_request_seconds_count"
    }


def seen_since(before: dict[tuple[str, str, str], float]) -> dict[tuple[str, str, str], float]:
    return {
        key: num - before.get(key, 0.0)
        for key, num in requests_seen().items()
        if num != before.get(key, 0.0)
    }


def events_seen() -> dict[str, float]:
    return {
        sample.labels["result"]: sample.value
        for family in metrics.own_registry().collect()
        for sample in family.samples
        if sample.name == "recsite_events_total"
    }


@pytest.mark.django_db
def test_requests_are_counted_by_the_pattern_of_their_address():
    before = requests_seen()

    for _ in range(2):
        Client().get("/health/live")
    Client().get("/api/v1/users/somebody/interests")
    Client().get("/nowhere/at/all")
    Client().get("/end-users/7/map")

    assert seen_since(before) == {
        ("/health/live", "GET", "200"): 2.0,
        ("/api/v1/users/{user_id}/interests", "GET", "401"): 1.0,
        ("none", "GET", "404"): 1.0,
        ("/end-users/{pk}/map", "GET", "302"): 1.0,
    }


def test_words_that_are_no_method_share_one_label():
    handle = metrics.MetricsMiddleware(lambda request: HttpResponse(status=405))
    before = requests_seen()

    for word in ("BREW", "STEAL"):
        request = HttpRequest()
        request.method = word
        handle(request)

    assert seen_since(before) == {("none", "other", "405"): 2.0}


def test_processes_of_one_server_add_up(tmp_path):
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", COUNT_AND_PRINT]

    subprocess.run([*command, "3"], env=environment, check=True, capture_output=True)
    last = subprocess.run(
        [*command, "4"], env=environment, check=True, capture_output=True, text=True
    )

    found = {
        sample.labels["result"]: sample.value
        for family in text_string_to_metric_families(last.stdout)
        for sample in family.samples
        if sample.name == "recsite_events_total"
    }
    assert found == {"accepted": 7.0, "rejected": 2.0}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("scope", "status", "code"),
    [("", 401, "key_missing"), ("runs:read", 403, "scope_missing")],
)
def test_metrics_ask_for_a_key_with_their_scope(scope, status, code):
    headers = {"Authorization": f"Bearer {factories.api_key(scope)}"} if scope else {}

    answer = Client().get("/metrics", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.django_db
def test_events_are_counted_by_what_became_of_them():
    headers = {"Authorization": f"Bearer {factories.api_key('events:write')}"}
    event = {"event_id": "e1", "user_id": "u", "item_id": "i", "kind": "view"}
    before = events_seen()

    answer = Client().post(
        "/api/v1/events",
        {"events": [event, event, {**event, "event_id": "e2", "kind": "impression"}, {}]},
        content_type="application/json",
        headers=headers,
    )

    found = {result: num - before.get(result, 0.0) for result, num in events_seen().items()}
    assert found == {"accepted": 2.0, "duplicate": 1.0, "rejected": 1.0}, answer.content
