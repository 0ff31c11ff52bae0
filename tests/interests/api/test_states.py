"""Interests by API: now, at a time, and over time."""

from datetime import timedelta

import pytest
from django.test import Client

from interests.models import InterestState, TrackingRun
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def headers():
    return {"Authorization": f"Bearer {factories.api_key('interests:read')}"}


def ask(headers, path, **query):
    return Client().get(f"/api/v1/users/{path}", query, headers=headers)


def state(person, category, *, days=0, weight=0.75, **fields):
    made = InterestState.objects.create(
        end_user=person,
        tracker_version="1",
        at=NOW + timedelta(days=days),
        category_ids=[category.pk, 0],
        weights=[weight, 1 - weight],
        long_term=[0.5, 0.5],
        short_term=[1.0, 0.0],
        event_shares=[1.0, 0.0],
        num_events=12 + days,
        active_days=3,
        events_through=NOW + timedelta(days=days, minutes=1),
        created_at=NOW,
        **fields,
    )
    type(person).objects.filter(pk=person.pk).update(current_state=made)
    return made


@pytest.fixture
def ada():
    """Ada turns from drama to what has no category, a little every day for three days."""
    person, drama = factories.end_user("a/da 🦉"), factories.category("Drama")
    run = TrackingRun.objects.create(tracker_version="1", **factories.done())
    for days, weight in enumerate([0.75, 0.5, 0.25]):
        state(person, drama, days=days, weight=weight, tracking_run=run)
    return person


def test_interests_now_are_the_newest_state(headers, ada):
    assert ask(headers, "a%2Fda%20%F0%9F%A6%89/interests").json() == {
        "user_id": "a/da 🦉",
        "at": "2026-03-06T12:00:00+00:00",
        "weights": {"uncategorised": 0.75, "Drama": 0.25},
        "long_term": {"uncategorised": 0.5, "Drama": 0.5},
        "short_term": {"uncategorised": 0.0, "Drama": 1.0},
        "drift_score": None,
        "events": 14,
        "active_days": 3,
        "events_through": "2026-03-06T12:01:00+00:00",
        "knowledge_is_newer": False,
    }


@pytest.mark.parametrize(
    ("at", "weight"),
    [
        ("2026-03-05T11:59:59Z", 0.75),
        ("2026-03-05T12:00:00Z", 0.5),
        ("2026-03-05T14:00:00+02:00", 0.5),
        ("2026-03-05T12:00:00", 0.5),
        ("9999-12-31", 0.25),
    ],
)
def test_interests_at_a_time_are_those_known_then(headers, ada, at, weight):
    answer = ask(headers, "a%2Fda%20%F0%9F%A6%89/interests", at=at).json()

    assert answer["weights"]["Drama"] == weight
    # The run was done on 4 March at noon.
    assert answer["knowledge_is_newer"] is False


def test_interests_at_a_time_before_any_run_say_that_their_knowledge_is_newer(headers, ada):
    TrackingRun.objects.update(finished_at=NOW + timedelta(days=100))

    answer = ask(headers, "a%2Fda%20%F0%9F%A6%89/interests", at="2026-03-05").json()

    assert (answer["weights"]["Drama"], answer["knowledge_is_newer"]) == (0.75, True)


def test_interests_at_a_time_are_of_the_run_that_was_done_by_then(headers, ada):
    drama = ada.states.first().category_ids[0]
    newer = TrackingRun.objects.create(
        tracker_version="2", **factories.done(finished_at=NOW + timedelta(days=50))
    )
    category = type("Known", (), {"pk": drama})
    state(ada, category, days=1, weight=0.125, tracking_run=newer)
    state(ada, category, days=1, weight=0.375, tracking_run=None)
    InterestState.objects.filter(weights__0=0.375).update(created_at=NOW + timedelta(days=60))

    then = ask(headers, "a%2Fda%20%F0%9F%A6%89/interests", at="2026-03-05T13:00:00").json()
    later = ask(headers, "a%2Fda%20%F0%9F%A6%89/interests", at="2026-06-01").json()

    assert (then["weights"]["Drama"], then["knowledge_is_newer"]) == (0.5, False)
    assert (later["weights"]["Drama"], later["knowledge_is_newer"]) == (0.375, False)


def test_before_the_first_state_there_are_no_weights(headers, ada):
    factories.end_user("new")
    nothing = {"at": None, "weights": {}, "events": 0, "events_through": None}

    now = ask(headers, "new/interests").json()
    then = ask(headers, "a%2Fda%20%F0%9F%A6%89/interests", at="2020-01-01").json()

    assert {name: now[name] for name in nothing} == nothing
    assert {name: then[name] for name in nothing} == nothing


def test_history_is_every_state_in_its_order(headers, ada):
    path = "a%2Fda%20%F0%9F%A6%89/interests/history"

    whole = ask(headers, path).json()
    part = ask(headers, path, **{"from": "2026-03-05", "to": "2026-03-06", "step": "day"}).json()

    assert whole["step"] == "event"
    assert [entry["weights"] for entry in whole["states"]] == [
        {"Drama": 0.75, "uncategorised": 0.25},
        {"Drama": 0.5, "uncategorised": 0.5},
        {"Drama": 0.25, "uncategorised": 0.75},
    ]
    assert part["step"] == "day"
    assert [entry["at"] for entry in part["states"]] == ["2026-03-05T12:00:00+00:00"]


@pytest.mark.parametrize("path", ["nobody/interests", "nobody/interests/history"])
def test_unknown_end_user_is_not_found(headers, path):
    response = ask(headers, path)

    assert (response.status_code, response.json()["code"]) == (404, "end_user_not_found")


@pytest.mark.parametrize(
    ("path", "query", "detail"),
    [
        ("interests", {"at": "soon"}, "at must be a time such as 2026-03-04T12:00:00Z"),
        ("interests", {"at": "2026-02-30"}, "at must be a time such as 2026-03-04T12:00:00Z"),
        ("interests", {"at": "0001-01-01T00:00:00+10:00"}, "at must be a time such as"),
        ("interests/history", {"from": "\0"}, "from must be a time such as"),
        (
            "interests/history",
            {"step": "year"},
            "step must be one of auto, event, minute, hour, day",
        ),
    ],
)
def test_bad_parameter_is_told_what_would_be_right(headers, ada, path, query, detail):
    problem = ask(headers, f"ada/{path}", **query).json()

    assert (problem["status"], problem["code"]) == (400, "invalid_parameter")
    assert problem["detail"].startswith(detail)


@pytest.mark.parametrize("path", ["interests", "interests/history"])
def test_one_state_and_three_cost_the_same(headers, path, django_assert_num_queries):
    ask(headers, f"x/{path}")  # the key is known for two seconds
    drama = factories.category()
    run = TrackingRun.objects.create(tracker_version="1", **factories.done())
    for num_states in (1, 3):
        person = factories.end_user(f"with {num_states}")
        for days in range(num_states):
            state(person, drama, days=days, tracking_run=run)

        with django_assert_num_queries(3 if path == "interests" else 7):
            ask(headers, f"with {num_states}/{path}")
