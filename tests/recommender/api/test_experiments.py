from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from recommender.services import answer_counts, looking
from recommender.services.answer_counts import Counts
from tests import factories
from tests.factories import NOW
from tests.recommender.experiments import crowd, draft, started, variants

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _counts(monkeypatch) -> None:
    monkeypatch.setattr(answer_counts, "read", lambda keys: {key: Counts() for key in keys})


def get(client: Client, query: str = "", *scopes: str):
    key = factories.api_key(*(scopes or ("runs:read",)))
    return client.get(f"/api/v1/experiments{query}", headers={"Authorization": f"Bearer {key}"})


def test_experiments_say_what_they_found(client: Client) -> None:
    draft()
    made = started(name="Popular")
    for variant, clicking in zip(variants(made), (100, 200), strict=True):
        crowd(variant, num=400, clicking=clicking, name=variant.name)
    looking.look(experiment_id=made.pk, now=NOW + timedelta(days=1))

    answer = get(client).json()

    [found] = answer["experiments"]
    a, b = found.pop("variants")
    assert answer["next"] is None
    assert found.pop("sentence").startswith("B brings 100.0 % more clicks per item seen than A (")
    assert found == {
        "id": made.pk, "name": "Popular", "placement": "home", "kind": "compare",
        "metric": "clicks_per_impression", "state": "running", "verdict": "better", "chosen": None,
        "sample_ratio_p_value": 1.0, "started_at": NOW.isoformat(), "ended_at": None, "end_reason": "",
        "looked_at": (NOW + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    assert (a["name"], a["people"], a["value"], a["effect"]) == ("A", 400, 0.05, None)
    assert (b["items_from"], b["share"], b["value"]) == ("popular_30d", 0.5, 0.1)
    assert b["effect"] == pytest.approx(1.0)
    assert 0 < b["low"] < 1 < b["high"] and b["p_value"] < 0.001


@pytest.mark.parametrize("num", [1, 3])
def test_a_page_costs_the_same_for_one_and_three(
    client: Client, num: int, django_assert_num_queries
) -> None:
    for _ in range(num):
        started(num_buckets=100, open_buckets=100)
    key = factories.api_key("runs:read")
    header = {"Authorization": f"Bearer {key}"}
    client.get("/api/v1/experiments", headers=header)

    with django_assert_num_queries(3):
        answer = client.get("/api/v1/experiments", headers=header)

    assert len(answer.json()["experiments"]) == num


def test_pages_follow_one_another(client: Client) -> None:
    made = [started(num_buckets=100, open_buckets=100).pk for _ in range(3)]

    first = get(client, "?limit=2").json()
    second = get(client, f"?limit=2&cursor={first['next']}").json()

    keys = [[one["id"] for one in page["experiments"]] for page in (first, second)]
    assert keys == [[made[2], made[1]], [made[0]]]
    assert second["next"] is None


def test_it_needs_the_scope_of_runs(client: Client) -> None:
    answer = get(client, "", "events:write")

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
