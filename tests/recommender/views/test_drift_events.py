"""One drift event of one person: its page, its neighbours, where it is listed."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from interests.models import Category, DriftEvent, DriftMark, EndUser, TrackingRun
from tests import factories
from tests.factories import NOW
from tests.recommender.views import pages


@pytest.fixture
def categories(db: None) -> tuple[Category, Category]:
    return factories.category("Horror", colour_rank=0), factories.category("War", colour_rank=3)


@pytest.fixture
def person(db: None) -> EndUser:
    return factories.end_user("ann", num_events=140)


def change(
    person: EndUser, categories: tuple[Category, Category], days: int = 0, **fields: Any
) -> DriftEvent:
    """Make "less War, more Horror", raised so many days after now."""
    rising, falling = categories
    at = fields.pop("detected_at", NOW + timedelta(days=days))
    return factories.drift_event(person, rising=rising, falling=falling, detected_at=at, **fields)


def address(event: DriftEvent) -> str:
    return f"/end-users/{event.end_user_id}/drift/{event.pk}"


def test_the_page_says_what_changed_since_when_and_how_sure_that_is(
    analyst: Client, person: EndUser, categories: tuple[Category, Category]
) -> None:
    response = analyst.get(address(change(person, categories)))

    said = pages.text(response)
    assert "Less War, more Horror" in said
    assert (
        "Since 3 March 2026: less War, more Horror; sure (98 %). Shares of 100 events before and 20 since"
        in said
    )
    assert "Began, estimated 3 Mar 2026 , after 100 events" in said
    assert "Raised 4 Mar 2026 , after 120 events" in said
    assert pages.table(response)[1:] == [
        ["Horror", "20.0 %", "70.0 %", "+50.0 pp", "rising"],
        ["War", "80.0 %", "30.0 %", "−50.0 pp", "falling"],
    ]


def test_each_event_of_the_evidence_tells_which_interest(
    analyst: Client, person: EndUser, categories: tuple[Category, Category]
) -> None:
    horror, war = categories
    both = factories.item("both", categories=(horror, war))
    scary = factories.item("scary", categories=(horror,))
    tank = factories.item("tank", categories=(war,))
    other = factories.item("other")
    since, before = NOW - timedelta(hours=1), NOW - timedelta(days=5)
    rows = [
        factories.event(person, both, occurred_at=since),
        factories.event(person, tank, occurred_at=before),
        factories.event(person, tank, occurred_at=since, kind="dislike"),
        factories.event(person, scary, occurred_at=before),
        factories.event(person, other, occurred_at=since),
    ]
    erased = rows[-1].pk + 1000
    event = change(person, categories, evidence=[row.pk for row in rows] + [erased])

    response = analyst.get(address(event))

    assert [row[:2] for row in pages.table(response, 1)[1:]] == [
        ["Title of both", "more Horror"],
        ["Title of tank", "still War"],
        ["Title of tank", "less War"],
        ["Title of scary", "neither"],
        ["Title of other", "neither"],
    ]
    assert "5 events, the most telling first; 1 more was erased since." in pages.text(response)


def test_neighbours_in_time_are_one_click_away(
    analyst: Client, person: EndUser, categories: tuple[Category, Category]
) -> None:
    first, second, third = (
        change(person, categories, days, num_events=120 + days) for days in (0, 10, 20)
    )
    change(factories.end_user(), categories, 15)

    page = analyst.get(address(second)).content.decode()
    last = analyst.get(address(third)).content.decode()

    assert f'rel="prev" href="{address(first)}"' in page
    assert f'rel="next" href="{address(third)}"' in page
    assert f'rel="prev" href="{address(second)}"' in last
    assert 'rel="next"' not in last


def test_an_event_of_somebody_else_or_nobody_is_404(
    analyst: Client, person: EndUser, categories: tuple[Category, Category]
) -> None:
    event = change(person, categories)
    other = factories.end_user()

    assert analyst.get(f"/end-users/{other.pk}/drift/{event.pk}").status_code == 404
    assert analyst.get(f"/end-users/{person.pk}/drift/{event.pk + 1}").status_code == 404
    assert analyst.get(f"/end-users/999999/drift/{event.pk}").status_code == 404


def test_an_address_goes_on_working_after_changes_were_worked_out_anew(
    analyst: Client, person: EndUser, categories: tuple[Category, Category]
) -> None:
    runs = [
        TrackingRun.objects.create(
            **factories.done(tracker_version="t", finished_at=NOW + timedelta(days=day))
        )
        for day in range(2)
    ]
    old, new = (change(person, categories, tracking_run=run) for run in runs)
    late = change(
        person,
        categories,
        -9,
        tracking_run=runs[1],
        num_events=90,
        begin_event=60,
        withdrawn_at=NOW,
    )

    replaced = analyst.get(address(old))
    withdrawn = analyst.get(address(late))

    assert "worked out anew since, and this row no longer counts" in pages.text(replaced)
    assert f'href="{address(new)}">The same change as it stands now' in replaced.content.decode()
    assert "an event that came late unmade it" in pages.text(withdrawn)
    assert "no longer counts" not in pages.text(analyst.get(address(new)))


def test_the_page_of_the_person_lists_changes_newest_first_with_what_was_said_of_them(
    analyst: Client, person: EndUser, categories: tuple[Category, Category]
) -> None:
    change(person, categories, confidence=0.85)
    newer = change(person, categories[::-1], 10, num_events=130, is_return=True)
    DriftMark.objects.create(
        end_user=person, detected_at=newer.detected_at, begin_at=newer.begin_at,
        verdict="explained", note="a holiday", made_at=NOW,
        made_by=User.objects.get(username="analyst"),
    )  # fmt: skip

    response = analyst.get(f"/end-users/{person.pk}")

    assert pages.table(response)[1:] == [
        ["Back to what it was: less Horror, more War", "13 Mar 2026", "14 Mar 2026", "sure (98 %)", "130", "Explained"],
        ["Less War, more Horror", "3 Mar 2026", "4 Mar 2026", "likely (85 %)", "120", "no verdict"],
    ]  # fmt: skip
    assert f'href="{address(newer)}"' in response.content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_asks_as_much_for_three_changes_as_for_one(
    analyst: Client,
    person: EndUser,
    categories: tuple[Category, Category],
    django_assert_num_queries: DjangoAssertNumQueries,
    number: int,
) -> None:
    things = [factories.item(categories=categories) for _ in range(number)]
    keys = [factories.event(person, thing).pk for thing in things]
    for days in range(number):
        event = change(person, categories, days, num_events=120 + days, evidence=keys)

    with django_assert_num_queries(QUERIES):
        response = analyst.get(address(event))

    assert len(pages.table(response, 1)) == 1 + number


# The frame's four, the person, the event, those that count in five, the evidence with its items'
# categories, names, and what the account may do in two.
QUERIES = 16


def test_the_figure_of_a_person_with_changes_links_to_their_pages(
    analyst: Client, person: EndUser, categories: tuple[Category, Category]
) -> None:
    from tests.recommender.views.test_end_users import state

    for week in range(3):
        state(person, *categories, at=NOW - timedelta(weeks=3 - week), active_days=week + 1)
    event = change(person, categories)

    page = analyst.get(f"/end-users/{person.pk}")

    figures = re.findall(r'<script id="interests-plot"[^>]*>(.*?)</script>', page.content.decode())
    [head] = [t for t in json.loads(figures[0])["data"] if t["name"] == "drift event"]
    assert head["customdata"] == [address(event)]
    assert (
        "Since 3 March 2026: less War, more Horror; sure (98 %). From 40 events on 3 days."
        in pages.text(page)
    )


@pytest.mark.parametrize(
    ("show", "shares"),
    [
        ("", [0.6] * 3),
        ("?show=short", [0.7] * 3),
        ("?show=long", [0.5] * 3),
        ("?show=x", [0.6] * 3),
    ],
)
def test_long_term_and_short_term_are_seen_separately(
    analyst: Client, person: EndUser, categories: tuple[Category, Category], show: str, shares: list
) -> None:
    from tests.recommender.views.test_end_users import state

    for week in range(3):
        state(person, *categories, at=NOW - timedelta(weeks=3 - week))

    page = analyst.get(f"/end-users/{person.pk}{show}").content.decode()

    figures = re.findall(r'<script id="interests-plot"[^>]*>(.*?)</script>', page)
    first = json.loads(figures[0])["data"][0]
    assert (first["name"], first["y"]) == ("Horror", shares)
    assert page.count('aria-current="true"') == 1


def told(client: Client, event: DriftEvent, what: str, **values: str) -> str:
    """Return what the page says after a form was sent."""
    response = client.post(f"{address(event)}/{what}", values, follow=True)
    assert response.redirect_chain == [(address(event), 302)]
    return pages.text(response)


def test_an_analyst_marks_a_change_and_takes_it_back(
    analyst: Client, person: EndUser, categories: tuple[Category, Category]
) -> None:
    event = change(person, categories)
    assert "Nobody has said yet." in pages.text(analyst.get(address(event)))

    said = told(analyst, event, "mark", verdict="explained", note="a <b>holiday</b>")

    kept = DriftMark.objects.get()
    assert (kept.verdict, kept.note, kept.made_by.get_username()) == (
        "explained", "a <b>holiday</b>", "analyst",
    )  # fmt: skip
    assert "Marked explained." in said
    assert "Explained said analyst" in said
    assert "sure (98 %); marked explained: a <b>holiday</b>." in said
    assert "The verdict is taken back." in told(analyst, event, "unmark")
    assert not DriftMark.objects.exists()


def test_a_mark_that_makes_no_sense_is_refused_with_its_reason(
    analyst: Client, person: EndUser, categories: tuple[Category, Category]
) -> None:
    event = change(person, categories)

    assert "Say one of right, wrong, explained" in told(analyst, event, "mark", verdict="maybe")
    assert "Say in the note what explains the change" in told(
        analyst, event, "mark", verdict="explained", note=" "
    )
    assert not DriftMark.objects.exists()


def test_marking_needs_the_right_and_a_post(
    client: Client, analyst: Client, person: EndUser, categories: tuple[Category, Category]
) -> None:
    event = change(person, categories)
    client.force_login(User.objects.create_user("guest"))

    assert client.post(f"{address(event)}/mark", {"verdict": "right"}).status_code == 403
    assert client.post(f"{address(event)}/unmark").status_code == 403
    assert "Mark it" not in pages.text(client.get(address(event)))
    assert analyst.get(f"{address(event)}/mark").status_code == 405
    other = factories.end_user()
    elsewhere = f"/end-users/{other.pk}/drift/{event.pk}"
    assert analyst.post(f"{elsewhere}/mark", {"verdict": "right"}).status_code == 404
    assert analyst.post(f"{elsewhere}/unmark").status_code == 404
    assert not DriftMark.objects.exists()
