"""Events by API: stored before the answer, and the live worker woken once they are."""

import json

import pytest
import redis
from django.test import Client

from interests import tasks
from interests.models import EventKind, Interaction
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds():
    for name in ("click", "view"):
        EventKind.objects.get_or_create(name=name)


@pytest.fixture
def post(django_capture_on_commit_callbacks):
    headers = {"Authorization": f"Bearer {factories.api_key('events:write')}"}

    def send(events):
        body = json.dumps({"events": events})
        with django_capture_on_commit_callbacks(execute=True):
            return Client().post("/api/v1/events", body, "application/json", headers=headers)

    return send


@pytest.fixture
def woken(monkeypatch):
    calls = []
    monkeypatch.setattr(tasks, "ask_for_refresh", lambda: calls.append(Interaction.objects.count()))
    return calls


def plain(event_id, **fields):
    return {"event_id": event_id, "user_id": "a/da 🦉", "item_id": "book", "kind": "view", **fields}


def test_answer_says_what_became_of_each_event(post, woken):
    first = post([plain("e1"), plain("e1"), plain("e2", kind="stare"), plain("e3", user_id="")])
    again = post([plain("e1")])

    names = {*EventKind.objects.values_list("name", flat=True), "impression", "dwell"}
    kinds = ", ".join(sorted(names))
    assert first.json() == {
        "accepted": 1,
        "duplicates": 1,
        "rejected": [
            {
                "index": 2,
                "code": "kind_unknown",
                "detail": f'There is no kind "stare". Kinds are: {kinds}.',
            },
            {"index": 3, "code": "user_id_missing", "detail": "user_id is missing."},
        ],
    }
    assert again.json() == {"accepted": 0, "duplicates": 1, "rejected": []}
    assert woken == [1]  # once, when the event was there; duplicates wake nobody


def test_a_thousand_and_one_events_are_refused_whole(post, woken):
    response = post([plain(f"e{n}") for n in range(1_001)])

    problem = response.json()
    assert (problem["status"], problem["code"]) == (400, "too_many_events")
    assert problem["detail"] == "1,001 events are too many for one request; send up to 1,000."
    assert (Interaction.objects.count(), woken) == (0, [])


def test_no_events_are_no_mistake(post, woken):
    assert post([]).json() == {"accepted": 0, "duplicates": 0, "rejected": []}


def test_event_is_stored_though_redis_is_away(post, monkeypatch):
    from django.core.cache import cache

    def fail(*args, **kwargs):
        raise redis.ConnectionError("Connection refused")

    monkeypatch.setattr(cache, "add", fail)

    response = post([plain("e1")])

    assert (response.status_code, response.json()["accepted"]) == (200, 1)
    assert Interaction.objects.get().end_user.user_id == "a/da 🦉"
