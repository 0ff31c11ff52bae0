"""Rates page by cursor in the order of time, and cost the same for one row and for three."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from recommender.models import OutcomeRate, Placement
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {factories.api_key('runs:read')}"}


def ask(headers: dict[str, str], **query: Any) -> Any:
    return Client().get("/api/v1/outcomes", query, headers=headers).json()


def rate(placement: Placement, **fields: Any) -> OutcomeRate:
    known: dict[str, Any] = {
        "span": "last-7-days", "begins_at": NOW, "ends_at": NOW + timedelta(days=7),
        "dimension": "all", "part": "", "metric": "click_through", "value": 0.04, "numerator": 4.0,
        "denominator": 100.0, "num_people": 40,
    }  # fmt: skip
    return OutcomeRate.objects.create(placement=placement.pk, **{**known, **fields})


@pytest.fixture
def home() -> Placement:
    return Placement.objects.create(name="home", created_at=NOW)


def test_a_rate_is_told_whole(headers, home):
    rate(home, metric="dwell", value=12.5, low=11.0, high=14.0, median=9.0)

    assert ask(headers) == {
        "rates": [
            {
                "placement": "home", "begins_at": "2026-03-04T12:00:00+00:00",
                "ends_at": "2026-03-11T12:00:00+00:00", "span": "last-7-days", "dimension": "all",
                "part": "", "metric": "dwell", "value": 12.5, "low": 11.0, "high": 14.0,
                "median": 9.0, "numerator": 4.0, "denominator": 100.0, "num_people": 40,
            }
        ],
        "next": None,
    }  # fmt: skip


def test_rates_are_narrowed_by_what_is_asked(headers, home):
    other = Placement.objects.create(name="cart", created_at=NOW)
    rate(home)
    rate(other, value=0.1)
    rate(home, metric="conversion", value=0.2)
    rate(home, dimension="source", part="slate", value=0.3)
    rate(home, span="day", value=0.4)

    def values(**query: str) -> list[float]:
        return [row["value"] for row in ask(headers, **query)["rates"]]

    assert values(placement="cart") == [0.1]
    assert values(metric="conversion") == [0.2]
    assert values(dimension="source") == [0.3]
    assert values(span="day") == [0.4]
    assert values(placement="nowhere") == []


def test_pages_follow_one_another_without_gap_or_repeat(headers, home):
    expected = []
    for day in range(3):
        for part in ("fallback", "slate"):
            value = day + (part == "slate") / 2
            expected.append(value)
            rate(home, span="day", begins_at=NOW + timedelta(days=day), dimension="source", part=part, value=value)  # fmt: skip

    found, cursor = [], ""
    for _ in range(3):
        page = ask(headers, span="day", limit=2, cursor=cursor)
        found += [row["value"] for row in page["rates"]]
        cursor = page["next"]

    assert found == expected
    assert cursor is None


@pytest.mark.parametrize(
    "position",
    [
        ["2026", 1, "", "", ""],
        ["2026-03-04T12:00:00", 1, "", "", ""],
        ["2026-03-04T12:00:00+00:00", 1, "a\0", "", ""],
        ["2026-03-04T12:00:00+00:00", 1, "", ""],
    ],
)
def test_cursors_that_nobody_gave_are_refused(headers, position):
    cursor = base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")

    answer = Client().get("/api/v1/outcomes", {"cursor": cursor}, headers=headers)

    assert answer.status_code == 400


@pytest.mark.parametrize("number", [1, 3])
def test_three_rates_cost_as_much_as_one(headers, home, number, django_assert_num_queries):
    for part in ("fallback", "session", "slate")[:number]:
        rate(home, dimension="source", part=part)
    Client().get("/api/v1/outcomes", headers=headers)  # the key is looked up once in two seconds

    with django_assert_num_queries(2):
        Client().get("/api/v1/outcomes", headers=headers)
