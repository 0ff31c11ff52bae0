"""Similar and popular items."""

import pytest
from django.test import Client

from recommender.models import SimilarItems
from tests import factories

pytestmark = pytest.mark.django_db


def ask(path, **query):
    headers = {"Authorization": f"Bearer {factories.api_key('recommendations:read')}"}
    return Client().get(f"/api/v1/{path}", query, headers=headers)


def similar(run, thing, items):
    SimilarItems.objects.create(
        publication=run,
        item=thing,
        items=[other.pk for other in items],
        item_ids=[other.item_id for other in items],
        scores=[0.75 - n / 4 for n in range(len(items))],
    )


def test_similar_items_are_those_of_the_publication_that_serves():
    emma, persuasion, hidden = (factories.item(name) for name in ("em/ma", "persuasion", "ulysses"))
    type(hidden).objects.filter(pk=hidden.pk).update(is_hidden=True)
    run = factories.publication()
    similar(run, emma, [hidden, persuasion])

    answer = ask("items/em%2Fma/similar", n=5).json()

    assert answer == {
        "items": [{"item_id": "persuasion", "rank": 1, "score": 0.5}],
        "run": run.pk,
    }


def test_item_that_no_publication_knows_has_no_similar_items_yet():
    factories.item("new")

    assert ask("items/new/similar").json() == {"items": [], "run": None}


def test_unknown_item_is_not_found():
    response = ask("items/nothing/similar")

    assert (response.status_code, response.json()["code"]) == (404, "item_not_found")


def test_popular_items_by_window_and_category():
    drama = factories.category("Drama")
    emma, persuasion = factories.item("emma"), factories.item("persuasion")
    factories.popular([emma, persuasion], window="all")
    factories.popular([persuasion], window="7d", category_id=drama.pk)

    everything = ask("popular").json()
    lately = ask("popular", window="7d", category="Drama").json()

    assert everything == {
        "items": [
            {"item_id": "emma", "rank": 1, "score": 2},
            {"item_id": "persuasion", "rank": 2, "score": 1},
        ],
        "window": "all",
        "counted_at": "2026-03-04T12:00:00+00:00",
    }
    assert [entry["item_id"] for entry in lately["items"]] == ["persuasion"]
    assert ask("popular", window="7d").json() == {"items": [], "window": "7d", "counted_at": None}


def test_unknown_window_is_told_which_there_are():
    problem = ask("popular", window="1y").json()

    assert problem["detail"] == 'window must be one of 30d, 7d, all, not "1y".'


def test_trending_items_by_category():
    drama = factories.category("Drama")
    emma, persuasion = factories.item("emma"), factories.item("persuasion")
    factories.popular([emma, persuasion], window="trending")
    factories.popular([persuasion], window="trending", category_id=drama.pk)

    assert ask("trending", n=1, offset=1).json() == {
        "items": [{"item_id": "persuasion", "rank": 2, "score": 1}],
        "counted_at": "2026-03-04T12:00:00+00:00",
    }
    assert [one["item_id"] for one in ask("trending", category="Drama").json()["items"]] == [
        "persuasion"
    ]
    assert ask("trending", category="No such").json() == {"items": [], "counted_at": None}
