from __future__ import annotations

import csv
import io
import json
import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from recommender.models import EvaluationRun, MetricValue
from tests import factories
from tests.recommender.views import pages


def evaluation(split: str = "leave-one-out", *, algorithms: int = 2) -> EvaluationRun:
    run = EvaluationRun.objects.create(
        **factories.done(split=split, k=10, results={"baseline": "ease"})
    )
    for number, name in enumerate(["ease", "interest_network", "most_popular"][:algorithms]):
        for metric, value in (("recall@10", 0.2), ("ndcg@10", 0.1)):
            MetricValue.objects.create(
                evaluation_run=run, algorithm=name, metric=metric, value=value + number / 100,
                low=value - 0.05, high=value + 0.05, p_value=None if name == "ease" else 0.0004,
                num_users=1610,
            )  # fmt: skip
    return run


def test_table_shows_the_best_first_with_intervals(analyst: Client) -> None:
    evaluation()

    response = analyst.get("/evaluation")

    assert pages.table(response) == [
        ["Algorithm", "NDCG@10", "Recall@10", "p", "End users"],
        ["Network", "0.1100 ± 0.0500", "0.2100 ± 0.0500", "< 0.001", "1,610"],
        ["EASE", "0.1000 ± 0.0500", "0.2000 ± 0.0500", "–", "1,610"],
    ]
    assert "The network finds the next item in its first ten for 21.0 % ± 5.0" in pages.text(
        response
    )


def test_figure_holds_the_bars_of_the_first_metric(analyst: Client) -> None:
    evaluation()

    page = analyst.get("/evaluation").content.decode()

    found = re.search(r'<script id="metric-plot" type="application/json">(.*?)</script>', page)
    assert found
    traces = json.loads(found[1])["data"]
    assert {trace["y"][0]: trace["x"] for trace in traces} == {"Network": [0.11], "EASE": [0.1]}


@pytest.mark.parametrize("number", [1, 3])
def test_page_asks_as_much_for_three_algorithms_as_for_one(
    analyst: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    evaluation(algorithms=number)

    # Session, account, freshness in two, past runs, the run, its values, what is under way.
    with django_assert_num_queries(8):
        response = analyst.get("/evaluation")

    assert len(pages.table(response)) == 1 + number


def test_splits_are_tabs_in_the_address(analyst: Client) -> None:
    evaluation("time")

    assert "No evaluation on this split yet" in pages.text(analyst.get("/evaluation"))
    assert "No evaluation on this split yet" in pages.text(
        analyst.get("/evaluation?split=nonsense")
    )
    assert pages.table(analyst.get("/evaluation?split=time"))[1][0] == "Network"
    assert "--split leave-one-out --algorithms all" in pages.text(analyst.get("/evaluation"))


def test_csv_has_a_line_for_each_number(analyst: Client) -> None:
    evaluation(algorithms=1)

    response = analyst.get("/evaluation?format=csv")

    content = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert list(csv.reader(io.StringIO(content))) == [
        ["algorithm", "metric", "value", "low", "high", "p_value", "end_users"],
        ["ease", "ndcg@10", "0.1", "0.05", "0.15000000000000002", "", "1610"],
        ["ease", "recall@10", "0.2", "0.15000000000000002", "0.25", "", "1610"],
    ]


def test_evaluation_under_way_is_told_with_its_progress_until_it_has_ended(analyst: Client) -> None:
    run = EvaluationRun.objects.create(
        split="leave-one-out", state="started", requested_at=factories.NOW, share_done=0.4,
        step="interest_network: Pass 2 over the events",
    )  # fmt: skip
    EvaluationRun.objects.create(split="leave-one-out", requested_at=factories.NOW)

    said = pages.text(analyst.get("/evaluation"))

    assert f"Evaluation {run.pk} is under way Look at evaluation {run.pk} 40 % done" in said
    assert "Network: pass 2 over the events" in said
    assert f"The table stands here when evaluation {run.pk} is done." in said
    assert "under way" not in pages.text(analyst.get("/evaluation?split=time"))
    part = analyst.get("/evaluation", headers={"HX-Request": "true"})
    assert b"<html" not in part.content
    assert "HX-Refresh" not in part
    EvaluationRun.objects.all().delete()
    assert analyst.get("/evaluation", headers={"HX-Request": "true"})["HX-Refresh"] == "true"


def test_what_the_order_of_events_is_worth_stands_beside_the_table(analyst: Client) -> None:
    effect = {"num_users": 40, "ndcg": 0.12, "shuffled_ndcg": 0.04, "p_value": 0.002}
    run = evaluation()
    run.results = {
        "baseline": "ease",
        "algorithms": {"interest_network": {"order": {"drifting end users": effect}}, "ease": {}},
    }
    run.save()

    context = analyst.get("/evaluation").context

    [line] = context["report"].order
    assert (line.algorithm, line.segment, line.num_users) == (
        "interest_network",
        "drifting end users",
        40,
    )
    assert line.gain == pytest.approx(0.08)
    assert context["order_sentence"].startswith("Yes: for 40 end users it finds 3.0 times as much")
