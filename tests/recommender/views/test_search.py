from __future__ import annotations

from django.test import Client

from tests import factories
from tests.recommender.views import pages


def test_search_finds_people_items_and_categories_the_closest_first(analyst: Client) -> None:
    for user_id in ("my drama", "drama queen", "drama"):
        factories.end_user(user_id)
    factories.item("i", title="Drama in the dark")
    factories.category("Drama")
    factories.category("War")

    response = analyst.get("/search?q=drama")

    assert [row[0] for row in pages.table(response, 0)[1:]] == ["drama", "drama queen", "my drama"]
    assert pages.table(response, 1)[1:] == [["Drama in the dark", "i"]]
    assert pages.table(response, 2)[1:] == [["Drama"]]


def test_search_finds_an_item_by_its_whole_id(analyst: Client) -> None:
    factories.item("4711", title="Cologne")
    factories.item("47112", title="Another")

    assert pages.table(analyst.get("/search?q=4711"))[1:] == [["Cologne", "4711"]]


def test_search_without_result_repeats_the_question_safely(analyst: Client) -> None:
    response = analyst.get("/search?q=<script>%00")

    assert "“<script>”" in pages.text(response)
    assert b"<script>\xe2\x80\x9d" not in response.content


def test_search_for_nothing_explains_itself(analyst: Client) -> None:
    assert "Whom or what are you looking for?" in pages.text(analyst.get("/search"))
