from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from interests.services import running
from recommender.models import EvaluationRun, MetricValue, PairedTest
from recommender.services import evaluating
from recommender.templatetags import words
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
        ["Algorithm", "NDCG@10 ↓", "Recall@10", "NDCG@10 − baseline", "p", "Fit", "Answers", "Memory", "End users"],
        ["Network order", "0.1100 ± 0.0500", "0.2100 ± 0.0500", "+0.0100", "< 0.001", "–", "–", "not measured", "1,610"],
        ["EASE baseline factors and linear", "0.1000 ± 0.0500", "0.2000 ± 0.0500", "–", "–", "–", "–", "not measured", "1,610"],
    ]  # fmt: skip
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

    # Session, account, freshness in two, past runs, the run, its parts, its values, its tests, what is under way.
    with django_assert_num_queries(10):
        response = analyst.get("/evaluation")

    assert len(pages.table(response)) == 1 + number


def test_splits_are_tabs_in_the_address(analyst: Client) -> None:
    evaluation("time")

    assert "No evaluation on this split yet" in pages.text(analyst.get("/evaluation"))
    assert "No evaluation on this split yet" in pages.text(
        analyst.get("/evaluation?split=nonsense")
    )
    assert pages.table(analyst.get("/evaluation?split=time"))[1][0] == "Network order"
    assert "--split leave-one-out --algorithms all" in pages.text(analyst.get("/evaluation"))


def test_csv_has_a_line_for_each_number(analyst: Client) -> None:
    evaluation(algorithms=1)

    response = analyst.get("/evaluation?format=csv")

    content = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert list(csv.reader(io.StringIO(content))) == [
        ["algorithm", "metric", "value", "low", "high", "p_value", "end_users", "family", "segment",
         "fit_seconds", "score_seconds", "memory_bytes"],
        ["ease", "ndcg@10", "0.1", "0.05", "0.15000000000000002", "", "1610", "factors and linear", "all", "", "", ""],
        ["ease", "recall@10", "0.2", "0.15000000000000002", "0.25", "", "1610", "factors and linear", "all", "", "", ""],
    ]  # fmt: skip


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


def test_what_the_order_is_worth_is_said_of_each_algorithm_by_its_name(analyst: Client) -> None:
    effect = {"num_users": 40, "ndcg": 0.12, "shuffled_ndcg": 0.04, "p_value": 0.002}
    run = evaluation()
    run.results = {
        "baseline": "ease",
        "algorithms": {name: {"order": {"all": effect}} for name in ("item_knn", "markov")},
    }
    run.save()

    response = analyst.get("/evaluation")

    assert response.context["order_sentence"] == (
        "The network is not in this evaluation: the table says it of each algorithm that reads the order."
    )
    count = response.content.count(b"<table")
    tables = [pages.table(response, number) for number in range(count)]
    [found] = [rows for rows in tables if rows[0][:2] == ["Algorithm", "End users"]]
    assert sorted(row[:3] for row in found[1:]) == [
        ["Item-KNN", "All end users", "0.1200"],
        ["Markov", "All end users", "0.1200"],
    ]


def timed(run: EvaluationRun) -> None:
    """Give the three algorithms of an evaluation what they took, and a part of the end users."""
    costs = {"ease": (2.0, 0.5, 4_000_000), "interest_network": (300.0, 9.0, 12_300), "most_popular": (0.01, 0.1, None)}  # fmt: skip
    run.results |= {
        "algorithms": {
            name: {"fit_seconds": fit, "score_seconds": score, "memory_bytes": memory}
            for name, (fit, score, memory) in costs.items()
        },
        "unfitted": {"svm": "Too few end users: 20 are needed."},
    }
    run.save()
    for name, value in (("ease", 0.3), ("interest_network", 0.1), ("most_popular", 0.2)):
        MetricValue.objects.create(
            evaluation_run=run, algorithm=name, metric="ndcg@10", segment="stable end users", value=value,
            low=value, high=value, num_users=40,
        )  # fmt: skip


def names(response: Any) -> list[str]:
    return [row[0] for row in pages.table(response)[1:]]


def test_costs_stand_beside_numbers_and_what_could_not_be_fitted_says_why(analyst: Client) -> None:
    timed(evaluation(algorithms=3))

    table = pages.table(analyst.get("/evaluation?metric=ndcg@10"))

    assert [row[0] for row in table] == [
        "Algorithm", "Most popular without a person", "Network order", "EASE baseline factors and linear",
        "Could not be fitted", "SVM",
    ]  # fmt: skip
    assert [row[4:7] for row in table[1:4]] == [
        ["0.0 s", "0.1 s", "not measured"],
        ["300 s", "9.0 s", "12.3 kB"],
        ["2.0 s", "0.5 s", "4.0 MB"],
    ]
    assert table[5][1] == "Too few end users: 20 are needed."


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("family=order", ["Network order"]),
        ("q=POP", ["Most popular without a person"]),
        ("q=net&family=order", ["Network order"]),
        ("sort=fit", ["Most popular without a person", "EASE baseline factors and linear", "Network order"]),
        ("sort=-memory", ["EASE baseline factors and linear", "Network order", "Most popular without a person"]),
        ("sort=algorithm", ["EASE baseline factors and linear", "Network order", "Most popular without a person"]),
        ("sort=nonsense", ["Most popular without a person", "Network order", "EASE baseline factors and linear"]),
        ("sort=family", ["Without a person", "Most popular", "Factors and linear", "EASE baseline", "Order", "Network"]),
        ("segment=stable end users", ["EASE baseline factors and linear", "Most popular without a person", "Network order"]),
    ],
)  # fmt: skip
def test_filters_and_order_stand_in_the_address(
    analyst: Client, query: str, shown: list[str]
) -> None:
    run = evaluation(algorithms=3)
    timed(run)
    run.results["unfitted"] = {}
    run.save()

    assert names(analyst.get(f"/evaluation?{query}")) == shown


def test_a_filter_that_leaves_nothing_says_so(analyst: Client) -> None:
    evaluation()

    said = pages.text(analyst.get("/evaluation?q=nobody"))

    assert "No algorithm matches None of the 2 compared has this name in this family." in said


def test_parts_of_end_users_stand_beside_each_other(analyst: Client) -> None:
    timed(evaluation(algorithms=3))

    table = pages.table(analyst.get("/evaluation?segment=each&sort=-stable end users"))

    assert table[0][:3] == ["Algorithm", "All end users", "Stable end users ↓"]
    assert table[1][:3] == ["EASE baseline factors and linear", "0.1000 ± 0.0500", "0.3000 ± 0.0000"]  # fmt: skip


def test_any_baseline_can_be_chosen_and_its_paired_tests_are_shown(analyst: Client) -> None:
    run = evaluation(algorithms=3)
    PairedTest.objects.create(
        evaluation_run=run, first="ease", second="interest_network", difference=-0.01, low=-0.03,
        high=0.02, p_value=0.2,
    )  # fmt: skip
    PairedTest.objects.create(
        evaluation_run=run, first="interest_network", second="most_popular", difference=-0.01,
        low=-0.02, high=-0.005, p_value=0.004,
    )  # fmt: skip

    table = pages.table(analyst.get("/evaluation?baseline=interest_network"))

    assert [[row[0], *row[3:5]] for row in table[1:]] == [
        ["Most popular without a person", "+0.0100 ± 0.0075", "0.004"],
        ["Network baseline order", "–", "–"],
        ["EASE factors and linear", "-0.0100 ± 0.0250".replace("-", "−"), "0.200"],
    ]
    said = pages.text(analyst.get("/evaluation?baseline=interest_network"))
    assert "p is that of a paired test of NDCG@10 over all end users against Network." in said


def test_paired_tests_are_of_everybody_and_parts_say_so(analyst: Client) -> None:
    timed(evaluation(algorithms=3))

    response = analyst.get("/evaluation?segment=stable end users")

    assert [row[2:4] for row in pages.table(response)[2:4]] == [["−0.1000", "–"], ["−0.2000", "–"]]
    assert "Paired tests are kept for all end users together: choose these to see p." in pages.text(
        response
    )


def test_figure_joins_what_no_faster_one_equals(analyst: Client) -> None:
    timed(evaluation(algorithms=3))

    response = analyst.get("/evaluation")

    found = re.search(
        r'<script id="costs-plot" type="application/json">(.*?)</script>', response.content.decode()
    )
    assert found
    others, best = json.loads(found[1])["data"]
    # Most popular is both the fastest and, in this made-up evaluation, the best.
    assert (best["x"], best["y"]) == (pytest.approx([0.11]), pytest.approx([0.12]))
    assert others["x"] == [309.0, 2.5]
    assert "Most popular is both the best and the fastest." in pages.text(response)


@pytest.mark.django_db(transaction=True)
def test_numbers_on_the_page_are_those_of_the_command(analyst: Client, tmp_path: Path) -> None:
    lines = ["user_id,item_id,kind,occurred_at"]
    items = [factories.item(f"item {number:02}") for number in range(16)]
    for number in range(12):
        person = factories.end_user(f"user {number:02}")
        for step in range(6):
            at = factories.NOW + timedelta(days=step, minutes=number)
            thing = items[(number + (2 if number % 3 else 3) * step) % 16]
            factories.event(person, thing, occurred_at=at, received_at=at)
            lines.append(f"{person.user_id},{thing.item_id},view,{at.isoformat()}")
    (tmp_path / "interactions.csv").write_text("\n".join(lines))
    # The catalogue in the order of the database: what is equal but for rounding is else ranked otherwise.
    catalogue = ["item_id,title", *(f"{thing.item_id},{thing.title}" for thing in items)]
    (tmp_path / "items.csv").write_text("\n".join(catalogue))
    run = running.request(
        EvaluationRun, now=factories.NOW, settings={"algorithms": ["item_knn", "ease"]}, k=3,
        split="leave-one-out",
    )  # fmt: skip
    evaluating.evaluate(run_id=run.pk)
    out = tmp_path / "evaluation.json"
    call_command(
        "evaluate", "--data", str(tmp_path), "--algorithms", "item_knn,ease", "--k", "3", "--json", str(out),
        stdout=io.StringIO(),
    )  # fmt: skip
    told = json.loads(out.read_text())

    report = analyst.get("/evaluation").context["report"]
    table = pages.table(analyst.get("/evaluation?sort=algorithm"))

    assert len(told) == 4
    keys = ["ndcg@3", "recall@3", "precision@3", "map@3", "mrr@3", "coverage@3"]
    assert table[0][1:7] == [words.metric_name(key) for key in keys]
    for row, shown in zip(sorted(told, key=lambda row: row["algorithm"]), table[1:], strict=True):
        halves = {key: (high - low) / 2 for key, (low, high) in row["intervals"].items()}
        expected = [
            f"{row['metrics'][key]:.4f}" + (f" ± {halves[key]:.4f}" if key in halves else "")
            for key in keys
        ]
        assert shown[1:7] == expected
        assert shown[8] == ("–" if row["p_value"] is None else words.p_value(row["p_value"]).replace("\u2009", " "))  # fmt: skip
        assert shown[-1] == str(row["num_users"])
    assert report.best_baseline == told[0]["baseline"]
    parts = {row["algorithm"]: row["segments"] for row in told}
    for segment in report.segments[1:]:
        page = analyst.get("/evaluation", {"segment": segment}).context["report"]
        for line in page.lines:
            values = [cell.value if cell else None for cell in line.cells]
            stored = parts[line.algorithm][segment]
            assert line.num_users == stored["num_users"]
            assert values == [pytest.approx(stored["metrics"][key]) for key in page.columns]
    assert len(report.segments) > 3
