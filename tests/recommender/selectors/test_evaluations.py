from __future__ import annotations

from datetime import timedelta

import pytest

from recommender.models import EvaluationRun, MetricValue
from recommender.selectors import evaluations
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def evaluation(split, *, age_days=0, state="done", **fields):
    columns = factories.done(results={"baseline": "ease", "left_out": {"end users": 2}}, **fields)
    if state != "done":
        columns |= {"state": state, "error": "why"}
    return EvaluationRun.objects.create(
        split=split, **{**columns, "finished_at": NOW - timedelta(days=age_days)}
    )


def value(run, algorithm, number, *, metric="ndcg@10", segment="all"):
    return MetricValue.objects.create(
        evaluation_run=run, algorithm=algorithm, metric=metric, segment=segment, value=number,
        low=number / 2, high=number * 2, p_value=0.25, num_users=7,
    )  # fmt: skip


def test_the_newest_finished_one_of_each_split_counts(django_assert_num_queries):
    evaluation("time", age_days=3)
    newest_by_time = evaluation("time", age_days=1)
    evaluation("time", state="failed")
    newest = evaluation("leave-one-out", age_days=9)
    for number in range(3):
        value(newest, f"algorithm {number}", 0.1)

    with django_assert_num_queries(2):
        found = evaluations.latest_evaluations()

    assert [each.run_id for each in found] == [newest.pk, newest_by_time.pk]
    assert (found[0].baseline, found[0].left_out) == ("ease", {"end users": 2})
    assert found[1].values == []


def test_values_of_a_metric_come_best_first():
    run = evaluation("time")
    value(run, "ease", 0.2)
    value(run, "interest_network", 0.3)
    value(run, "ease", 0.9, metric="recall@10")
    value(run, "ease", 0.1, segment="new items")

    [found] = evaluations.latest_evaluations()

    assert found.values_of("ndcg") == [
        evaluations.Value("interest_network", "ndcg@10", "all", 0.3, 0.15, 0.6, 0.25, 7),
        evaluations.Value("ease", "ndcg@10", "all", 0.2, 0.1, 0.4, 0.25, 7),
    ]
    assert [one.value for one in found.values_of("ndcg", segment="new items")] == [0.1]


def test_without_an_evaluation_there_is_none():
    assert evaluations.latest_evaluations() == []
