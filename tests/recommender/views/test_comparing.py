"""Two end users side by side, and what is said to ids that are none."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from interests.models import Category, EndUser
from tests import factories
from tests.factories import NOW
from tests.recommender.views import pages
from tests.recommender.views.test_end_users import state


@pytest.fixture
def categories(db: None) -> tuple[Category, Category]:
    return factories.category("Drama", colour_rank=0), factories.category("War", colour_rank=1)


def people(categories: tuple[Category, Category], num_changes: int = 1) -> tuple[EndUser, EndUser]:
    """Make "ann & co" who turns from Drama to War and "bob" who wants War."""
    ann, bob = factories.end_user("ann & co"), factories.end_user("bob")
    for week, shares in enumerate(([0.8, 0.1, 0.1], [0.6, 0.3, 0.1])):
        state(ann, *categories, at=NOW + timedelta(weeks=week), weights=shares)
    state(bob, *categories, at=NOW, weights=[0.1, 0.9, 0.0], num_events=12)
    for number in range(num_changes):
        drama, war = categories
        factories.drift_event(ann, rising=war, falling=drama, num_events=120 + number)
    return ann, bob


def test_two_people_stand_side_by_side_with_what_they_have_in_common(
    analyst: Client, categories: tuple[Category, Category]
) -> None:
    ann, bob = people(categories)

    response = analyst.get("/end-users/compare", {"a": "ann & co", "b": "bob"})

    # min(.6, .1) + min(.3, .9) + min(.1, 0)
    said = pages.text(response)
    assert "40 % of their interests in common" in said
    assert "from 40 and 12 events; 20 % on 4 March 2026." in said
    assert "12 on 9 days: too little to say; 30 are needed" in said
    assert pages.table(response)[1:] == [
        ["War", "30.0 %", "90.0 %", "+60.0 pp"],
        ["Drama", "60.0 %", "10.0 %", "−50.0 pp"],
        ["uncategorised", "10.0 %", "0.0 %", "−10.0 pp"],
    ]
    page = response.content.decode()
    assert f'href="/end-users/{ann.pk}"' in page
    assert f'href="/end-users/{bob.pk}"' in page
    assert 'href="?a=bob&amp;b=ann%20%26%20co"' in page
    [figure] = re.findall(r'<script id="compared-plot"[^>]*>(.*?)</script>', page)
    traces = json.loads(figure)["data"]
    assert [trace["yaxis"] for trace in traces] == ["y"] * 3 + ["y2"] * 3 + ["y3", "y"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"a": "ann", "b": "nobody"}, "There is no end user with the id nobody."),
        ({"a": "x", "b": "y"}, "There are no end users with the id x or y."),
        ({"a": "ann", "b": " ann "}, "Both are the same person."),
        ({"a": "x" * 5000, "b": "ann"}, "Ids are compared letter for letter"),
    ],
)
def test_ids_that_are_none_are_told_so(analyst: Client, query: dict[str, str], words: str) -> None:
    factories.end_user("ann")

    response = analyst.get("/end-users/compare", query)

    assert response.status_code == 200
    assert words in pages.text(response)


def test_whoever_comes_from_one_person_is_asked_for_the_other(analyst: Client) -> None:
    person = factories.end_user("ann & co")
    own_page = analyst.get(f"/end-users/{person.pk}").content.decode()

    [link] = re.findall(r'href="(/end-users/compare\?[^"]*)"', own_page)
    said = pages.text(analyst.get(link))

    assert "Compare ann & co with whom?" in said
    assert "Two user ids are needed" not in said
    assert "Whom to compare?" in pages.text(analyst.get("/end-users/compare"))


def test_somebody_without_states_is_told_so(
    analyst: Client, categories: tuple[Category, Category]
) -> None:
    people(categories)
    factories.end_user("cem")

    said = pages.text(analyst.get("/end-users/compare?a=cem&b=bob"))

    assert "One of the two has no interest states: nothing to draw." in said


@pytest.mark.parametrize("number", [1, 3])
def test_comparing_asks_as_much_for_three_changes_as_for_one(
    analyst: Client,
    categories: tuple[Category, Category],
    django_assert_num_queries: DjangoAssertNumQueries,
    number: int,
) -> None:
    people(categories, number)

    # The frame's four, both people; of each: state, names, changes in up to four, history in five.
    with django_assert_num_queries(27):
        analyst.get("/end-users/compare", {"a": "ann & co", "b": "bob"})
