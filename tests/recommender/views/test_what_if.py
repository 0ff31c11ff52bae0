from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from interests.models import EndUser, Interaction
from recommender import tasks
from recommender.selectors.pages_what_if import MAX_REMOVED
from recommender.services import asking
from tests import factories
from tests.factories import NOW
from tests.recommender.views import pages

HTMX = {"HX-Request": "true"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(
        tasks.answer, "apply_async", lambda **options: messages.append(options["kwargs"])
    )
    return messages


@pytest.fixture
def ann() -> EndUser:
    person = factories.end_user("ann")
    for n in range(3):
        factories.event(
            person, factories.item(f"i{n}", title=f"Film {n}"), occurred_at=NOW - timedelta(days=n)
        )
    return person


def keys(person: EndUser) -> list[int]:
    own = Interaction.objects.filter(end_user=person).order_by("-occurred_at")
    return list(own.values_list("pk", flat=True))


def test_the_page_shows_what_happened_last_and_asks_nothing(analyst, ann, sent):
    response = analyst.get(f"/end-users/{ann.pk}/what-if")

    assert [row[0] for row in pages.table(response)[1:]] == ["Film 0", "Film 1", "Film 2"]
    assert "Nothing is supposed yet" in pages.text(response)
    assert sent == []


def test_what_the_address_supposes_is_asked_of_a_live_worker(analyst, ann, sent):
    film = factories.item("new", title="New film")

    response = analyst.get(f"/end-users/{ann.pk}/what-if?remove={keys(ann)[0]}&add={film.pk}:view")

    assert [message["arguments"] for message in sent] == [
        {"end_user_id": ann.pk, "removed": [keys(ann)[0]], "added": [[film.pk, "view"]]}
    ]
    assert "A live worker is working it out." in pages.text(response)
    assert pages.table(response, 0)[1][0] == "New film View"
    boxes = response.content.decode().count(" checked")
    assert boxes == 2  # the event left out, and the one put in


def test_the_answer_shows_weights_and_list_side_by_side(analyst, ann, sent):
    drama = factories.category("Drama", colour_rank=0)
    things = [factories.item(f"n{n}", title=f"New {n}") for n in range(3)]
    address = f"/end-users/{ann.pk}/what-if?remove={keys(ann)[0]}"
    analyst.get(address)
    said = {
        "publication_id": 1, "training_run_id": 7, "category_ids": [drama.pk, 0],
        "weights_before": [0.4, 0.6], "weights_after": [0.55, 0.45],
        "before": [things[0].pk, things[1].pk], "after": [things[2].pk, things[0].pk],
        "num_before": 3, "num_after": 2,
    }  # fmt: skip
    asking.keep_answer(sent[0]["key"], said, now=0)

    response = analyst.get(address, headers=HTMX)

    assert (
        "Drama rises from 40.0 % to 55.0 %, Uncategorised falls from 60.0 % to 45.0 %. 1 of 2 "
        "recommendations would be others."
    ) in pages.text(response)
    assert pages.table(response, 0) == [
        ["Category", "As it is", "What if", "Change"],
        ["Drama", "40.0 %", "55.0 %", "+15.0 pp"],
        ["Uncategorised", "60.0 %", "45.0 %", "−15.0 pp"],
    ]
    assert [row[2] for row in pages.table(response, 1)[1:]] == ["2", "gone"]
    assert [row[2] for row in pages.table(response, 2)[1:]] == ["new", "1"]


def test_an_item_is_found_and_put_in_with_all_else_kept(analyst, ann):
    film = factories.item("new", title="The new film")
    gone = keys(ann)[1]

    found = analyst.get(f"/end-users/{ann.pk}/what-if?q=new+film&remove={gone}")
    put_in = analyst.get(
        f"/end-users/{ann.pk}/what-if?q=new+film&kind=view&remove={gone}&new={film.pk}"
    )

    assert pages.table(found)[1] == ["The new film", "Put in"]
    assert parse_qsl(urlsplit(put_in.headers["Location"]).query) == [
        ("remove", str(gone)), ("add", f"{film.pk}:view"), ("kind", "view"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("remove=soon", "“soon” is no event of this person, so it cannot be left out."),
        ("remove=999999999", "“999999999” is no event of this person"),
        ("add=x:view", "There is no item “x”, so no event with it can be put in."),
        ("add=999999999:view", "There is no item “999999999”"),
        ("&".join(f"remove={n}" for n in range(MAX_REMOVED + 1)),
         "21 events are left out; at most 20 can be at once. Untick some."),
        ("&".join(f"add={n}:view" for n in range(21)),
         "21 events are put in; at most 20 can be at once. Untick some."),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_and_not_asked(analyst, ann, sent, query, said):
    response = analyst.get(f"/end-users/{ann.pk}/what-if?{query}")

    assert said in pages.text(response)
    assert sent == []


def test_an_unknown_kind_is_said(analyst, ann, sent):
    film = factories.item("new")

    response = analyst.get(f"/end-users/{ann.pk}/what-if?add={film.pk}:gaze")

    assert "There is no kind of event “gaze”." in pages.text(response)
    assert sent == []


def test_somebody_elses_event_cannot_be_left_out(analyst, ann, sent):
    other = factories.event(factories.end_user("bob"), factories.item())

    response = analyst.get(f"/end-users/{ann.pk}/what-if?remove={other.pk}")

    assert "is no event of this person" in pages.text(response)
    assert sent == []


def test_without_events_there_is_nothing_to_suppose(analyst):
    response = analyst.get(f"/end-users/{factories.end_user().pk}/what-if")

    assert "This person has done nothing yet" in pages.text(response)


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_asks_as_much_for_three_events_as_for_one(
    analyst: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    person = factories.end_user("ann")
    for _ in range(number):
        factories.event(person, factories.item())

    # The frame in four; the person, events with their categories, kinds.
    with django_assert_num_queries(4 + 4):
        analyst.get(f"/end-users/{person.pk}/what-if")
