"""Lists of single end users and tests of pairs, as an evaluation keeps them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from interests.models import Item
from interests.services import running
from recommender.models import EvaluationList, EvaluationQuestion, EvaluationRun, PairedTest
from recommender.services import evaluating, evaluation_lists
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)
NUM_USERS, NUM_ITEMS, NUM_EVENTS = 12, 16, 6
ALGORITHMS = ("most_popular", "recently_popular", "item_knn")


@pytest.fixture
def population():
    """Let even end users walk through even items and odd ones through odd items."""
    items = [factories.item(f"item {number:02}") for number in range(NUM_ITEMS)]
    for number in range(NUM_USERS):
        person = factories.end_user(f"user {number:02}")
        for step in range(NUM_EVENTS):
            at = NOW + timedelta(days=step, minutes=number)
            thing = items[(number + 2 * step) % NUM_ITEMS]
            factories.event(person, thing, occurred_at=at, received_at=at)


def evaluated(**fields):
    run = running.request(
        EvaluationRun, now=timezone.now(), settings={"algorithms": ["item_knn"]},
        **{"split": "leave-one-out", "k": 5, **fields},
    )  # fmt: skip
    evaluating.evaluate(run_id=run.pk)
    run.refresh_from_db()
    return run


def test_lists_stand_beside_what_was_seen_and_held_out(population):
    run = evaluated()

    ids = dict(Item.objects.values_list("pk", "item_id"))
    question = run.questions.get(end_user__user_id="user 03")
    assert [ids[key] for key in question.targets] == ["item 13"]
    assert question.num_events == NUM_EVENTS - 1
    assert [ids[key] for key in question.seen] == [f"item {n:02}" for n in (11, 9, 7, 5, 3)]
    assert question.seen_at == [NOW + timedelta(days=day, minutes=3) for day in (4, 3, 2, 1, 0)]
    assert sorted(question.lists.values_list("algorithm", flat=True)) == sorted(ALGORITHMS)
    for found in question.lists.all():
        assert len(found.items) == 5
        assert not set(found.items) & set(question.seen)


def test_ndcg_of_lists_is_what_the_table_averages(population):
    run = evaluated()

    for algorithm in ALGORITHMS:
        lists = EvaluationList.objects.filter(question__evaluation_run=run, algorithm=algorithm)
        values = list(lists.values_list("ndcg", flat=True))
        stored = run.metric_values.get(algorithm=algorithm, metric="ndcg@5", segment="all")
        assert len(values) == NUM_USERS
        assert sum(values) / len(values) == pytest.approx(stored.value)


def test_every_pair_is_tested_and_the_baselines_p_values_are_the_tables(population):
    run = evaluated()

    tests = {(one.first, one.second): one for one in run.paired_tests.all()}
    assert sorted(tuple(sorted(pair)) for pair in tests) == [
        ("item_knn", "most_popular"),
        ("item_knn", "recently_popular"),
        ("most_popular", "recently_popular"),
    ]
    value = {row.algorithm: row for row in run.metric_values.filter(metric="ndcg@5", segment="all")}
    baseline = run.results["baseline"]
    for (first, second), test in tests.items():
        assert test.difference == pytest.approx(value[first].value - value[second].value)
        if baseline in (first, second):
            other = second if first == baseline else first
            assert test.p_value == value[other].p_value


def test_only_some_end_users_are_kept_the_same_for_the_same_seed(population, monkeypatch):
    monkeypatch.setattr(evaluation_lists, "NUM_QUESTIONS", 5)

    first, second, third = evaluated(), evaluated(), evaluated(seed=1)

    drawn = [
        list(run.questions.order_by("pk").values_list("end_user__user_id", flat=True))
        for run in (first, second, third)
    ]
    assert drawn[0] == drawn[1] == sorted(drawn[0])
    assert [len(one) for one in drawn] == [5, 5, 5]
    assert drawn[2] != drawn[0]


def test_lists_of_old_evaluations_go_and_their_numbers_stay(population, monkeypatch):
    monkeypatch.setattr(evaluation_lists, "NUM_KEPT_RUNS", 1)
    other = evaluated(split="time")

    first, second = evaluated(), evaluated()

    kept = set(EvaluationQuestion.objects.values_list("evaluation_run", flat=True))
    assert kept == {other.pk, second.pk}
    assert first.metric_values.exists()
    assert PairedTest.objects.filter(evaluation_run=first).count() == 3


def test_a_restart_removes_what_a_half_run_left(population):
    run = running.request(
        EvaluationRun, now=timezone.now(), settings={"algorithms": ["item_knn"]}, k=5,
        split="leave-one-out",
    )  # fmt: skip
    PairedTest.objects.create(
        evaluation_run=run, first="most_popular", second="item_knn", difference=0, low=0, high=0,
        p_value=1,
    )  # fmt: skip
    EvaluationQuestion.objects.create(
        evaluation_run=run, end_user=factories.end_user("ghost"), num_events=0, seen=[], seen_at=[],
        targets=[],
    )  # fmt: skip

    evaluating.evaluate(run_id=run.pk)

    assert run.paired_tests.count() == 3
    assert not run.questions.filter(end_user__user_id="ghost").exists()
