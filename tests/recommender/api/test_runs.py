"""Runs and evaluations page by cursor and cost the same for one row and for three."""

from datetime import timedelta

import pytest
from django.test import Client

from interests.models import ImportRun
from recommender.models import EvaluationRun, MetricValue
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def headers():
    return {"Authorization": f"Bearer {factories.api_key('runs:read')}"}


def ask(headers, path, **query):
    return Client().get(f"/api/v1/{path}", query, headers=headers)


def evaluation(**fields):
    run = EvaluationRun.objects.create(**factories.done(split="time", **fields))
    for algorithm in ("ease", "most_popular"):
        MetricValue.objects.create(
            evaluation_run=run, algorithm=algorithm, metric="ndcg@10", value=0.25, low=0.125,
            high=0.5, num_users=7,
        )  # fmt: skip
    return run


def test_only_runs_that_are_done_are_listed_beside_what_serves(headers):
    run = factories.publication(results={"slates": 5})
    ImportRun.objects.create(source="x", requested_at=NOW)

    answer = ask(headers, "runs", kind="publication").json()

    assert answer == {
        "serving": {
            "run": run.pk,
            "algorithm": "interest_network",
            "since": "2026-03-04T12:00:00+00:00",
        },
        "runs": [
            {
                "kind": "publication",
                "id": run.pk,
                "finished_at": "2026-03-04T12:00:00+00:00",
                "started_at": "2026-03-04T12:00:00+00:00",
                "window_from": None,
                "window_to": None,
                "seed": 0,
                "settings": {},
                "results": {"slates": 5},
            }
        ],
        "next": None,
    }
    assert ask(headers, "runs", kind="import").json()["runs"] == []


def test_before_the_first_publication_nothing_serves(headers):
    assert ask(headers, "runs").json() == {"serving": None, "runs": [], "next": None}


def test_pages_of_runs_hold_each_run_once_also_where_times_are_equal(headers):
    for n in range(4):
        ImportRun.objects.create(
            source="x", **factories.done(finished_at=NOW + timedelta(hours=n // 2))
        )
        factories.training_run()
        evaluation()

    seen, cursor, num_pages = [], "", 0
    while cursor is not None:
        answer = ask(headers, "runs", limit=5, cursor=cursor).json()
        seen += [(run["finished_at"], run["kind"], run["id"]) for run in answer["runs"]]
        cursor, num_pages = answer["next"], num_pages + 1

    assert (len(seen), len(set(seen)), num_pages) == (12, 12, 3)
    assert seen == sorted(seen, reverse=True)


def test_evaluations_page_with_their_values(headers):
    runs = [evaluation() for _ in range(3)]

    first = ask(headers, "evaluations", limit=2).json()
    second = ask(headers, "evaluations", limit=2, cursor=first["next"]).json()

    assert [run["id"] for run in first["evaluations"]] == [runs[2].pk, runs[1].pk]
    assert [run["id"] for run in second["evaluations"]] == [runs[0].pk]
    assert second["next"] is None
    assert second["evaluations"][0]["values"][0] == {
        "algorithm": "ease", "metric": "ndcg@10", "segment": "all", "value": 0.25, "low": 0.125,
        "high": 0.5, "p_value": None, "num_users": 7,
    }  # fmt: skip


@pytest.mark.parametrize("path", ["runs", "evaluations"])
@pytest.mark.parametrize(
    "cursor", ["x", "é", "W10", "WyJhIl0", "W251bGwsIDEsIDJd", "Wy0xXQ", "W1tbW1tb"]
)
def test_cursor_that_no_list_gave_out_is_refused(headers, path, cursor):
    response = ask(headers, path, cursor=cursor)

    assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(("path", "num_queries"), [("runs", 7), ("evaluations", 2)])
def test_one_row_and_three_cost_the_same(headers, path, num_queries, django_assert_num_queries):
    ask(headers, path)  # the key is known for two seconds
    for num_new in (1, 2):
        for _ in range(num_new):
            evaluation()

        with django_assert_num_queries(num_queries):
            ask(headers, path)
