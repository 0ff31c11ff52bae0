"""Drift by API: of one person, and of everybody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from interests.models import Drifter, PopulationRun
from tests import factories
from tests.factories import NOW
from tests.interests import changes

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def headers():
    return {"Authorization": f"Bearer {factories.api_key('interests:read')}"}


@pytest.fixture
def horror():
    return factories.category("Horror")


@pytest.fixture
def crime():
    return factories.category("Crime")


def ask(headers, path, **query):
    return Client().get(f"/api/v1/{path}", query, headers=headers)


def test_drift_of_a_person_is_score_significance_sides_and_events(headers, horror, crime):
    ada = factories.end_user("a/da")
    played = factories.event(ada, factories.item("film"))
    changes.state(
        ada, {horror: 0.25, crime: 0.75}, drift_score=3.0, rising=[crime.pk], falling=[horror.pk],
        new=[],
    )  # fmt: skip
    event = changes.drift_event(ada, horror, crime, evidence=(played,))

    answer = ask(headers, "users/a%2Fda/drift").json()

    assert answer.pop("p_value") == pytest.approx(0.00135, abs=1e-5)
    assert answer == {
        "user_id": "a/da",
        "at": "2026-03-04T12:00:00+00:00",
        "too_little": False,
        "events": 60,
        "events_needed": 30,
        "drift_score": 3.0,
        "rising": ["Crime"],
        "falling": ["Horror"],
        "new": [],
        "steady": [],
        "events_through": "2026-03-04T12:00:00+00:00",
        "drift_events": [
            {
                "id": event.pk,
                "user_id": "a/da",
                "detected_at": "2026-03-04T12:00:00+00:00",
                "began_at": "2026-03-02T12:00:00+00:00",
                "events": 60,
                "confidence": 0.9,
                "score": 7.5,
                "rising": ["Crime"],
                "falling": ["Horror"],
                "is_return": False,
                "shares": [
                    {"category": "Horror", "before": 0.75, "after": 0.25},
                    {"category": "Crime", "before": 0.25, "after": 0.75},
                ],
                "evidence": [
                    {
                        "item_id": "film",
                        "title": "Title of film",
                        "kind": "view",
                        "occurred_at": "2026-03-04T12:00:00+00:00",
                    }
                ],
                "mark": None,
            }
        ],
    }


def test_too_little_is_said_in_place_of_a_guess(headers):
    factories.end_user("new")

    answer = ask(headers, "users/new/drift").json()

    assert (answer["too_little"], answer["events"], answer["events_needed"]) == (True, 0, 30)
    assert (answer["drift_score"], answer["p_value"], answer["drift_events"]) == (None, None, [])


def test_drift_events_of_a_person_can_be_asked_for_a_while(headers, horror, crime):
    ada = factories.end_user("ada")
    events = [changes.drift_event(ada, horror, crime, at=NOW + n * HOUR) for n in range(3)]

    answer = ask(
        headers, "users/ada/drift", **{"from": "2026-03-04T13:00:00", "to": "2026-03-04T13:30:00"}
    ).json()

    assert [event["id"] for event in answer["drift_events"]] == [events[1].pk]


def test_unknown_end_user_is_not_found(headers):
    response = ask(headers, "users/nobody/drift")

    assert (response.status_code, response.json()["code"]) == (404, "end_user_not_found")


def test_drift_of_everybody_pages_from_the_newest_on(headers, horror, crime):
    people = [factories.end_user(name) for name in ("ada", "bob", "cem")]
    for number, person in enumerate(people):
        changes.drift_event(person, horror, crime, at=NOW + (number // 2) * HOUR)

    first = ask(headers, "drift", limit=2).json()
    second = ask(headers, "drift", limit=2, cursor=first["next"]).json()

    assert [event["user_id"] for event in first["drift_events"]] == ["cem", "bob"]
    assert [event["user_id"] for event in second["drift_events"]] == ["ada"]
    assert (second["next"], first["drifters"], first["drifters_at"]) == (None, None, None)


def test_drift_of_everybody_is_filtered(headers, horror, crime):
    ada, bob = factories.end_user("ada"), factories.end_user("bob")
    changes.drift_event(ada, horror, crime, confidence=0.6)
    changes.drift_event(bob, crime, horror, at=NOW + HOUR)

    def who(**query):
        return [row["user_id"] for row in ask(headers, "drift", **query).json()["drift_events"]]

    assert who() == ["bob", "ada"]
    assert who(since="2026-03-04T13:00:00Z") == ["bob"]
    assert who(min_confidence="0.7") == ["bob"]
    assert who(category="Crime") == ["bob", "ada"]
    assert who(category="Crime", direction="rising") == ["ada"]
    assert who(category="Crime", direction="falling") == ["bob"]


def test_the_first_page_names_the_drifters_of_the_newest_report(headers, horror, crime):
    ada = factories.end_user("ada", num_events=90)
    run = PopulationRun.objects.create(
        **factories.done(
            results={"period": "month", "num_end_users": 3, "num_events": 90, "num_tested": 2}
        )
    )
    for rank, q_value in ((1, 0.05), (2, 0.15)):
        Drifter.objects.create(
            run=run, rank=rank, end_user=ada, drift_score=4.5, p_value=0.001, q_value=q_value,
            rising=[crime.pk], falling=[horror.pk],
        )  # fmt: skip

    answer = ask(headers, "drift").json()

    assert answer["drifters"] == [
        {
            "rank": 1,
            "user_id": "ada",
            "drift_score": 4.5,
            "p_value": 0.001,
            "q_value": 0.05,
            "rising": ["Crime"],
            "falling": ["Horror"],
        }
    ]
    assert answer["drifters_at"] == "2026-03-04T12:00:00+00:00"


@pytest.mark.parametrize(
    ("query", "code", "detail"),
    [
        ({"min_confidence": "2"}, "invalid_parameter", 'min_confidence must be a number from 0 to 1, not "2".'),
        ({"min_confidence": "nan"}, "invalid_parameter", 'min_confidence must be a number from 0 to 1, not "nan".'),
        ({"category": "Jazz"}, "invalid_parameter", 'category must be the name of one that there is, not "Jazz".'),
        ({"direction": "rising"}, "invalid_parameter", "direction speaks of a category: name one with category=."),
        ({"cursor": "WzEsIDJd"}, "invalid_cursor", 'cursor must be what "next" of the page before said.'),
        ({"cursor": "WyJzb29uIiwgMV0"}, "invalid_cursor", 'cursor must be what "next" of the page before said.'),
    ],
)  # fmt: skip
def test_bad_parameter_is_told_what_would_be_right(headers, query, code, detail):
    problem = ask(headers, "drift", **query).json()

    assert (problem["status"], problem["code"], problem["detail"]) == (400, code, detail)


@pytest.mark.parametrize("path", ["users/ada/drift", "drift"])
@pytest.mark.parametrize("num", [1, 3])
def test_one_drift_event_and_three_cost_the_same(
    headers, horror, crime, path, num, django_assert_num_queries
):
    ada = factories.end_user("ada")
    changes.state(ada, {horror: 1.0})
    for number in range(num):
        played = factories.event(ada, factories.item())
        changes.drift_event(ada, horror, crime, at=NOW + number * HOUR, evidence=(played,))
    ask(headers, "users/x/drift")  # the key is known for two seconds

    with django_assert_num_queries(8 if path == "users/ada/drift" else 6):
        assert len(ask(headers, path).json()["drift_events"]) == num
