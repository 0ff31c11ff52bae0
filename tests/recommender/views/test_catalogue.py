from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from recommender.models import SimilarItems
from tests import factories
from tests.recommender.views import pages


@pytest.mark.parametrize("number", [1, 3])
def test_list_asks_as_much_for_three_as_for_one(
    analyst: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    drama = factories.category("Drama")
    for _ in range(number):
        factories.item(categories=(drama,))

    with django_assert_num_queries(12):
        response = analyst.get("/catalogue")

    assert len(pages.table(response)) == 1 + number


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", ["Alpha", "Beta hidden", "Gamma only events name it"]),
        ("q=bet", ["Beta hidden"]),
        ("q=id-3", ["Gamma only events name it"]),
        ("flag=hidden", ["Beta hidden"]),
        ("flag=undescribed", ["Gamma only events name it"]),
        ("flag=uncategorised", ["Beta hidden", "Gamma only events name it"]),
        ("flag=nonsense", ["Alpha", "Beta hidden", "Gamma only events name it"]),
        ("category=0", ["Alpha", "Beta hidden", "Gamma only events name it"]),
    ],
)
def test_list_is_narrowed(analyst: Client, query: str, titles: list[str]) -> None:
    drama = factories.category("Drama")
    factories.item("id-1", title="Alpha", categories=(drama,))
    factories.item("id-2", title="Beta", is_hidden=True)
    factories.item("id-3", title="Gamma", is_described=False)

    rows = pages.table(analyst.get(f"/catalogue?{query}"))

    assert [row[0] for row in rows[1:]] == titles


def test_list_of_one_category(analyst: Client) -> None:
    drama = factories.category("Drama")
    thing = factories.item("id-1", title="Alpha", categories=(drama,))
    factories.item()
    factories.event(factories.end_user(), thing)

    rows = pages.table(analyst.get(f"/catalogue?category={drama.pk}"))

    assert rows == [["Item", "Categories", "Id", "Events"], ["Alpha", "Drama", "id-1", "1"]]


def test_empty_lists_say_why(analyst: Client) -> None:
    assert "python manage.py import_data FOLDER" in pages.text(analyst.get("/catalogue"))
    assert "No item fits all of these filters" in pages.text(analyst.get("/catalogue?q=zz"))


def test_item_shows_its_use_and_what_is_near(analyst: Client) -> None:
    drama = factories.category("Drama")
    thing, near = (
        factories.item("a", attributes={"year": 1973}),
        factories.item("b", categories=(drama,)),
    )
    for person in (factories.end_user(), factories.end_user()):
        factories.event(person, thing)
    SimilarItems.objects.create(
        publication=factories.publication(),
        item=thing,
        items=[near.pk],
        item_ids=["b"],
        scores=[0.75],
    )

    response = analyst.get(f"/catalogue/{thing.pk}")

    assert pages.table(response) == [
        ["Item", "Categories", "Cosine"],
        ["Title of b", "Drama", "0.75"],
    ]
    said = pages.text(response)
    assert "Id a Events 2 End users 2" in said
    assert "Year 1973" in said


def test_item_without_neighbours_says_when_they_come(analyst: Client) -> None:
    thing = factories.item()

    assert "python manage.py publish" in pages.text(analyst.get(f"/catalogue/{thing.pk}"))


def test_item_that_is_not_there_is_404(analyst: Client) -> None:
    assert analyst.get("/catalogue/999").status_code == 404
