from __future__ import annotations

import json
import re

import numpy as np
import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from interests.models import EndUser, InterestState
from recommender.models import InterestMap, PublicationRun
from tests import factories
from tests.factories import NOW
from tests.recommender.views import pages

pytestmark = pytest.mark.django_db


def drawn(publication: PublicationRun, *, num_items: int = 2) -> InterestMap:
    """Make a map whose axes are the first two directions of a space of three."""
    category = factories.category("Drama", colour_rank=0)
    things = [
        factories.item(f"i{n}", title=f"Film {n}", categories=(category,)) for n in range(num_items)
    ]
    return InterestMap.objects.create(
        publication=publication, x_axis=[1, 0, 0], y_axis=[0, 1, 0], x_middle=0.5, y_middle=0.0,
        category_ids=[category.pk], category_x=[2.0], category_y=[0.0],
        items=[thing.pk for thing in things], item_x=[1.0] * num_items, item_y=[1.0] * num_items,
        people_x=[0.5, -0.5], people_y=[0.0, 0.0], num_items=10, num_end_users=4,
        items_explained=0.25, people_explained=0.75, made_at=NOW,
    )  # fmt: skip


def state(person: EndUser, vector: list[float], publication: PublicationRun) -> InterestState:
    return InterestState.objects.create(
        end_user=person, training_run=publication.training_run, tracker_version="t", at=NOW,
        category_ids=[0], weights=[1.0], long_term=[1.0], short_term=[1.0], event_shares=[1.0],
        vector=np.array(vector), num_events=40, active_days=3, events_through=NOW, created_at=NOW,
    )  # fmt: skip


def traces(response: HttpResponse) -> dict[str, dict]:
    found = re.search(r'id="map-plot"[^>]*>(.*?)</script>', response.content.decode(), re.DOTALL)
    assert found is not None
    return {trace["name"]: trace for trace in json.loads(found[1])["data"]}


def test_the_map_of_everybody_says_what_it_holds(analyst):
    drawn(factories.publication())

    response = analyst.get("/map")

    said = pages.text(response)
    assert "The 2 most used of 10 items, and 2 of 4 end users" in said
    assert "The two axes hold 75 % of how people differ and 25 % of how items do" in said
    assert [row[:2] for row in pages.table(response)] == [
        ["What", "Which"], ["Category", "Drama"], ["Item", "Film 0"], ["Item", "Film 1"],
    ]  # fmt: skip


def test_a_person_stands_where_their_vector_does(analyst):
    publication = factories.publication()
    drawn(publication)
    person = factories.end_user("ann")
    state(person, [0.75, 0.125, 9.0], publication)

    response = analyst.get(f"/end-users/{person.pk}/map")

    way = traces(response)["the person"]
    assert (way["x"], way["y"]) == ([0.25], [0.125])
    assert pages.table(response)[1] == ["Person", "2026-03-04 12:00", "0.2500", "0.1250", "40"]


def test_a_person_without_a_state_in_this_space_is_said(analyst):
    drawn(factories.publication())
    person = factories.end_user("ann")
    state(person, [0.0, 0.0, 0.0], factories.publication(is_serving=False))

    response = analyst.get(f"/end-users/{person.pk}/map")

    assert "no interest state in the space of this network yet" in pages.text(response)
    assert "the person" not in traces(response)


def test_without_a_map_the_page_says_what_draws_one(analyst):
    nothing = pages.text(analyst.get("/map"))
    factories.publication()
    old = pages.text(analyst.get("/map"))

    assert "nothing serves yet" in nothing
    assert "The next one draws it. python manage.py publish" in old


@pytest.mark.parametrize("number", [1, 3])
def test_the_map_asks_as_much_for_three_items_as_for_one(
    analyst: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    drawn(factories.publication(), num_items=number)

    # The frame in four; the map, categories, items with theirs.
    with django_assert_num_queries(4 + 4):
        analyst.get("/map")
