"""An export is one JSON document of everything that is held."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from interests.models import Alias, EndUser, Impression
from interests.selectors import belongings
from interests.services import exporting, tracking
from interests.services.controlling import Wishes, put
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def exported(person):
    return json.loads("".join(exporting.export(person, now=NOW)))


def test_somebody_of_whom_nothing_is_known_but_the_id():
    found = exported(factories.end_user("ada"))

    worked_out = found.pop("worked_out")
    assert found == {
        "user_id": "ada",
        "exported_at": "2026-03-04T12:00:00+00:00",
        "created_at": "2026-03-04T12:00:00+00:00",
        "attributes": {},
        "aliases": [],
        "controls": None,
        "awaits_refresh": False,
        "events": [],
        "impressions": [],
        "audit": [],
        "categories": {},
    }
    told = {"interests.interaction", "interests.impression", "interests.controls", "interests.alias", "interests.changemark"}  # fmt: skip
    assert set(worked_out) == {one.label for one in belongings.everything()} - told
    assert not any(worked_out.values())


def test_what_was_done_said_and_worked_out_is_all_there():
    drama = factories.category("Drama")
    thing = factories.item("emma", title="Emma", categories=(drama,))
    ada = factories.end_user("ada", attributes={"city": "Bath"})
    at = datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=UTC)
    factories.event(ada, thing, event_id="e", occurred_at=at, value=4.5, attributes={"x": "y"})
    Impression.objects.create(
        event_id="i", end_user=ada, item=thing, occurred_at=NOW, received_at=NOW
    )
    Alias.objects.create(user_id="guest", end_user=ada, created_at=NOW)
    put(user_id="ada", wishes=Wishes(muted=["Drama"], forget_before=at), now=NOW)
    tracking.renew_states(end_user_ids=[ada.pk], now=NOW)
    factories.slate(factories.publication(), ada, [thing])
    factories.event(factories.end_user("bob"), thing)

    found = exported(EndUser.objects.get(user_id="ada"))

    assert found["events"] == [
        {
            "event_id": "e", "item_id": "emma", "item_title": "Emma", "kind": "view", "value": 4.5,
            "occurred_at": "2026-03-01T08:30:00.123456+00:00",
            "received_at": "2026-03-04T12:00:00+00:00", "session_id": "", "recommendation_id": "",
            "attributes": {"x": "y"}, "is_time_doubtful": False, "occurred_at_sent": None,
        }
    ]  # fmt: skip
    assert (found["aliases"], found["awaits_refresh"]) == (["guest"], True)
    assert (found["controls"]["muted_categories"], found["controls"]["forget_before"]) == (
        ["Drama"], "2026-03-01T08:30:00.123456+00:00",
    )  # fmt: skip
    assert [row["event_id"] for row in found["impressions"]] == ["i"]
    assert found["categories"] == {str(drama.pk): "Drama"}
    assert [row["weights"] for row in found["worked_out"]["interests.intereststate"]] == [
        list(ada.states.get().weights)
    ]
    assert [row["item_ids"] for row in found["worked_out"]["recommender.slate"]] == [["emma"]]
    assert [(row["action"], row["after"]["is_opted_out"]) for row in found["audit"]] == [
        ("insert", False)
    ]


def test_forgotten_events_are_held_and_so_exported():
    ada = factories.end_user("ada")
    factories.event(ada, factories.item())
    put(user_id="ada", wishes=Wishes(is_opted_out=True), now=NOW)

    assert len(exported(ada)["events"]) == 1


def test_rows_are_read_a_few_at_a_time():
    ada, thing = factories.end_user("ada"), factories.item()
    pieces, queries = {}, {}
    for count in (1, 3):
        for _ in range(count):
            factories.event(ada, thing)
        with CaptureQueriesContext(connection) as captured:
            pieces[count] = list(exporting.export(ada, now=NOW))
        queries[count] = len(captured)

    # Each row is a piece of its own, so no list of rows is ever whole in memory.
    assert len(pieces[3]) == len(pieces[1]) + 3
    assert queries[3] == queries[1]
