from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from interests.models import Category, ChangeMark, EndUser, InterestState
from recommender.ranking.reasons import Evidence, StoredReason
from tests import factories
from tests.factories import NOW
from tests.recommender.views import pages

HEADING = [
    "End user", "Drift score ↓", "Drift score as a bar", "Wants most", "Events", "Last seen",
]  # fmt: skip
SERVES_DRAMA = "It belongs to Drama, which makes up 60 % of what you want now."
QUERIES_OF_FRAME = 4  # session, account, freshness in two


def state(person: EndUser, first: Category, second: Category, **fields: Any) -> InterestState:
    made = InterestState.objects.create(
        **{
            "end_user": person, "tracker_version": "mixture-1", "at": NOW,
            "category_ids": [first.pk, second.pk, 0], "weights": [0.6, 0.3, 0.1],
            "long_term": [0.5, 0.4, 0.1], "short_term": [0.7, 0.2, 0.1],
            "event_shares": [1.0, 0.0, 0.0], "drift_score": 3.25, "num_events": 40,
            "active_days": 9, "events_through": NOW, "created_at": NOW, **fields,
        }
    )  # fmt: skip
    EndUser.objects.filter(pk=person.pk).update(
        current_state=made, num_events=made.num_events, drift_score=made.drift_score,
        last_event_at=made.at,
    )  # fmt: skip
    return made


@pytest.fixture
def categories(db: None) -> tuple[Category, Category]:
    return factories.category("Drama", colour_rank=0), factories.category("War", colour_rank=13)


@pytest.mark.parametrize("number", [1, 3])
def test_list_asks_as_much_for_three_as_for_one(
    analyst: Client,
    categories: tuple[Category, Category],
    django_assert_num_queries: DjangoAssertNumQueries,
    number: int,
) -> None:
    for _ in range(number):
        state(factories.end_user(), *categories)

    # Rows, categories, how many, the largest score.
    with django_assert_num_queries(QUERIES_OF_FRAME + 4):
        response = analyst.get("/end-users")

    assert len(pages.table(response)) == 1 + number


def test_list_shows_the_largest_drift_first(
    analyst: Client, categories: tuple[Category, Category]
) -> None:
    state(factories.end_user("ann"), *categories, drift_score=1.0, num_events=1234)
    state(factories.end_user("bob"), *categories, drift_score=4.56)
    factories.end_user("cem")

    rows = pages.table(analyst.get("/end-users"))

    assert rows[0] == HEADING
    assert [row[:5] for row in rows[1:]] == [
        ["bob", "4.6", "", "Drama 60 % War 30 %", "40"],
        ["ann", "1.0", "", "Drama 60 % War 30 %", "1,234"],
        ["cem", "too few", "", "–", "0"],
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("sort=name", ["ann", "bob", "cem"]),
        ("sort=-name", ["cem", "bob", "ann"]),
        ("sort=-events", ["ann", "bob", "cem"]),
        ("sort=nonsense", ["bob", "ann", "cem"]),
        ("segment=drifting", ["bob"]),
        ("segment=steady", ["ann"]),
        ("segment=too-few", ["cem"]),
        ("segment=nonsense", ["bob", "ann", "cem"]),
        ("min_events=100", ["ann"]),
        ("min_events=-1", ["bob", "ann", "cem"]),
        ("q=B", ["bob"]),
        ("page=0", ["bob", "ann", "cem"]),
        ("page=x", ["bob", "ann", "cem"]),
    ],
)
def test_list_is_sorted_and_narrowed(
    analyst: Client, categories: tuple[Category, Category], query: str, names: list[str]
) -> None:
    state(factories.end_user("ann"), *categories, drift_score=1.0, num_events=1234)
    state(factories.end_user("bob"), *categories, drift_score=4.56)
    factories.end_user("cem")

    rows = pages.table(analyst.get(f"/end-users?{query}"))

    assert [row[0] for row in rows[1:]] == names


def test_list_beyond_the_last_page_is_no_error(analyst: Client) -> None:
    response = analyst.get(f"/end-users?page={10**30}&q=%00")

    assert response.status_code == 200
    assert "No end users yet" in pages.text(response)


def test_empty_lists_say_why_and_what_to_do(analyst: Client) -> None:
    assert "python manage.py import_data FOLDER" in pages.text(analyst.get("/end-users"))
    assert "No end user fits all of these filters" in pages.text(analyst.get("/end-users?q=zz"))


def test_csv_holds_everybody_and_no_formula(
    analyst: Client, categories: tuple[Category, Category]
) -> None:
    state(factories.end_user("=ann()"), *categories)
    factories.end_user("bob")

    response = analyst.get("/end-users?format=csv")

    content = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert list(csv.reader(io.StringIO(content))) == [
        ["user_id", "drift_score", "events", "last_event_at", "wants_most", "share"],
        ["'=ann()", "3.25", "40", NOW.isoformat(), "Drama", "0.6"],
        ["bob", "", "0", "", "", ""],
    ]


def test_end_user_shows_wishes_and_slate_and_events(
    analyst: Client, categories: tuple[Category, Category]
) -> None:
    person = factories.end_user("ann")
    things = [factories.item(f"i{n}", categories=categories[:n]) for n in range(3)]
    state(person, *categories)
    factories.event(person, things[0], occurred_at=NOW - timedelta(days=1))
    factories.event(person, things[1], kind="dislike", value=2.5)
    factories.slate(factories.publication(), person, things[1:])

    response = analyst.get(f"/end-users/{person.pk}")

    tables = {tuple(rows[0]): rows[1:] for rows in (pages.table(response, n) for n in range(3))}
    assert tables["Category", "Now", "Lately", "Long run"] == [
        ["Drama", "60.0 %", "70.0 %", "50.0 %"],
        ["War", "30.0 %", "20.0 %", "40.0 %"],
        ["Uncategorised", "10.0 %", "10.0 %", "10.0 %"],
    ]
    assert tables["#", "Item", "Score"] == [
        ["1", f"Title of i1 Drama {SERVES_DRAMA}", "1.50"],
        ["2", f"Title of i2 Drama War {SERVES_DRAMA}", "1.00"],
    ]
    events = tables["Item", "Categories", "Kind", "When"]
    assert [row[:3] for row in events] == [
        ["Title of i1", "Drama", "Dislike 2.5 negative"],
        ["Title of i0", "uncategorised", "View"],
    ]


def test_end_user_is_shown_with_what_they_are_told_and_the_events_behind_it(
    analyst: Client, categories: tuple[Category, Category]
) -> None:
    drama, _ = categories
    person = factories.end_user("ann")
    state(person, *categories)
    liked, shown = (factories.item(name, categories=(drama,)) for name in ("i0", "i1"))
    event = factories.event(person, liked, kind="like")
    reason = StoredReason(
        shown.pk, drama.pk, 0.6, (Evidence(event=event.pk, item=liked.pk, gain=1.254),)
    )
    factories.slate(factories.publication(), person, [shown], reasons=[reason.to_plain()])

    response = analyst.get(f"/end-users/{person.pk}")

    said = pages.text(response)
    assert (
        "Because you liked “Title of i0” in Drama, which makes up 60 % of what you want now. "
        "1 event behind it +1.25 Like Title of i0 ,"
    ) in said
    assert "have not been worked out yet" not in said
    assert f'href="/catalogue/{liked.pk}"' in response.content.decode()


def test_events_that_lift_an_item_only_together_are_said_to(
    analyst: Client, categories: tuple[Category, Category]
) -> None:
    person = factories.end_user("ann")
    liked, shown = (factories.item(name, categories=categories[:1]) for name in ("i0", "i1"))
    event = factories.event(person, liked, kind="like")
    evidence = (Evidence(event=event.pk, item=liked.pk, gain=0.1),)
    reason = StoredReason(shown.pk, categories[0].pk, 0.6, evidence, together=9)
    factories.slate(factories.publication(), person, [shown], reasons=[reason.to_plain()])

    said = pages.text(analyst.get(f"/end-users/{person.pk}"))

    assert "Because you liked “Title of i0” and 8 others in Drama, which" in said
    assert "The newest of 9 events that lift it only together +0.10 Like Title of i0 ," in said


def test_end_user_whose_list_is_not_explained_is_told_so(
    analyst: Client, categories: tuple[Category, Category]
) -> None:
    person = factories.end_user("ann")
    state(person, *categories)
    factories.slate(factories.publication(), person, [factories.item(categories=categories[:1])])

    said = pages.text(analyst.get(f"/end-users/{person.pk}"))

    assert "the events behind it have not been worked out yet" in said
    assert SERVES_DRAMA in said


@pytest.mark.parametrize("number", [1, 3])
def test_end_user_asks_as_much_for_three_events_as_for_one(
    analyst: Client,
    categories: tuple[Category, Category],
    django_assert_num_queries: DjangoAssertNumQueries,
    number: int,
) -> None:
    person = factories.end_user("ann")
    state(person, *categories)
    things = [factories.item(categories=categories) for _ in range(number)]
    for thing in things:
        factories.event(person, thing)
    factories.slate(factories.publication(), person, things)

    # Beside what is shown: who asks, and what they may do.
    with django_assert_num_queries(25):
        analyst.get(f"/end-users/{person.pk}")


def test_end_user_with_few_events_is_told_so(
    analyst: Client, categories: tuple[Category, Category]
) -> None:
    person = factories.end_user()
    state(person, *categories, num_events=12, drift_score=None)

    said = pages.text(analyst.get(f"/end-users/{person.pk}"))

    assert "12 events: too little to say" in said
    assert "30 are needed" in said


def test_end_user_whose_events_wait_says_so(analyst: Client) -> None:
    person = factories.end_user()
    ChangeMark.objects.create(end_user=person, marked_at=NOW)

    said = pages.text(analyst.get(f"/end-users/{person.pk}"))

    assert "new events, being worked in" in said
    assert "answered with popular items" in said


def test_end_user_who_is_not_there_is_404(analyst: Client) -> None:
    assert analyst.get("/end-users/999").status_code == 404


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([0.0, 0.9, 0.1], "The list is all Drama, the tracker says 0 %; The list has no War"),
        ([0.9, 0.0, 0.1], "The first 12 places are spread over categories as the tracker expects"),
    ],
)
def test_end_user_is_told_where_list_and_tracker_disagree(
    analyst: Client, categories: tuple[Category, Category], weights: list[float], words: str
) -> None:
    person = factories.end_user()
    state(person, *categories, weights=weights)
    things = [factories.item(categories=categories[:1]) for _ in range(12)]
    factories.slate(factories.publication(), person, things)

    said = pages.text(analyst.get(f"/end-users/{person.pk}"))

    assert words in said


def test_nothing_is_said_of_list_and_tracker_from_too_few_events(
    analyst: Client, categories: tuple[Category, Category]
) -> None:
    person = factories.end_user()
    state(person, *categories, weights=[0.0, 0.9, 0.1], num_events=29)
    things = [factories.item(categories=categories[:1]) for _ in range(12)]
    factories.slate(factories.publication(), person, things)

    said = pages.text(analyst.get(f"/end-users/{person.pk}"))

    assert "the tracker says" not in said
    assert "29 events: too little to say whether interests move; 30 are needed" in said
