"""Placements with their live rules."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from recommender.models import Placement
from recommender.ranking.rules import Boost, Pin, Rules, Window
from recommender.services import placing
from recsite.access import pagination
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
START = {
    "length": 10, "where": "", "categories_in": [], "categories_out": [], "max_per_category": None,
    "pins": [], "boosts": [], "seen": "never", "seen_days": 30, "hides_negative": True,
    "diversity": 0.0, "calibration": 0.0, "novelty": 0.0, "exploration": 0.0,
    "fallbacks": ["popular_30d", "popular", "catalogue"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def nothing() -> None:
    Placement.objects.all().delete()


@pytest.fixture
def headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {factories.api_key('recommendations:read')}"}


def ask(headers: dict[str, str], **query: Any) -> Any:
    return Client().get("/api/v1/placements", query, headers=headers)


def live(name: str, rules: Rules) -> None:
    made = placing.make(name=name, description=f"About {name}", now=NOW)
    made.live_version = made.versions.create(number=1, rules=rules.to_plain(), created_at=NOW)
    made.save()


def test_all_rules_are_told_those_at_their_default_too(headers: dict[str, str]) -> None:
    window = Window(NOW, None)
    placing.make(name="after", description="", now=NOW)
    live(
        "home",
        Rules(length=5, pins=(Pin("i1", 2, window),), boosts=(Boost(0.5, category="Drama"),)),
    )

    answer = ask(headers).json()

    at = "2026-03-04T12:00:00+00:00"
    never = {"begin": None, "end": None}
    changed = {
        "length": 5,
        "pins": [{"item_id": "i1", "rank": 2, "window": {"begin": at, "end": None}}],
        "boosts": [
            {"factor": 0.5, "item_id": "", "category": "Drama", "where": "", "window": never}
        ],
    }
    assert answer == {
        "placements": [
            {"name": "after", "description": "", "version": 0, "since": at, "rules": START},
            {
                "name": "home",
                "description": "About home",
                "version": 1,
                "since": at,
                "rules": START | changed,
            },
        ],
        "next": None,
    }


def test_pages_neither_repeat_nor_skip(headers: dict[str, str]) -> None:
    for name in ("c", "a", "b"):
        live(name, Rules())

    first = ask(headers, limit=2).json()
    second = ask(headers, limit=2, cursor=first["next"]).json()

    assert [one["name"] for one in first["placements"]] == ["a", "b"]
    assert [one["name"] for one in second["placements"]] == ["c"]
    assert second["next"] is None


@pytest.mark.parametrize("cursor", ["nonsense", pagination.encode(3), pagination.encode("\0")])
def test_cursor_that_no_page_gave_is_refused(headers: dict[str, str], cursor: str) -> None:
    assert ask(headers, cursor=cursor).status_code == 400


def test_key_without_the_scope_is_refused() -> None:
    headers = {"Authorization": f"Bearer {factories.api_key('events:write')}"}

    assert ask(headers).json()["code"] == "scope_missing"


@pytest.mark.parametrize("number", [1, 3])
def test_asks_as_much_for_three_as_for_one(
    headers: dict[str, str], django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for place in range(number):
        live(f"p{place}", Rules())
    ask(headers)

    with django_assert_num_queries(2):  # switches and placements; the key is known
        answer = ask(headers).json()

    assert len(answer["placements"]) == number
