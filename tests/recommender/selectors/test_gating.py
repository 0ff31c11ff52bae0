from __future__ import annotations

from datetime import timedelta

import pytest

from recommender.evaluation.gates import Accuracy, Standing
from recommender.models import EvaluationRun, MetricValue, PairedTest
from recommender.selectors import gating
from recommender.selectors.gating import Gate
from tests import factories

pytestmark = pytest.mark.django_db


def evaluation(training, *, days=0, split="leave-one-out", **ndcg):
    run = EvaluationRun.objects.create(
        **factories.done(
            split=split, k=10, training_run=training, finished_at=factories.NOW + timedelta(days=days)
        )
    )  # fmt: skip
    for name, value in ndcg.items():
        MetricValue.objects.create(
            evaluation_run=run, algorithm=name, metric="ndcg@10", value=value, low=value - 0.03,
            high=value + 0.03, num_users=100,
        )  # fmt: skip
    return run


def of(training, algorithm="interest_network"):
    return factories.publication(is_serving=False, training_run=training, algorithm=algorithm)


def test_two_algorithms_are_told_apart_by_the_newest_evaluation_of_both():
    training = factories.training_run()
    for days, low in ((0, 0.5), (1, -0.01)):
        run = evaluation(training, days=days, ease=0.05, fusion=0.07)
        PairedTest.objects.create(
            evaluation_run=run, first="ease", second="fusion", difference=-0.02, low=-0.03 - abs(low),
            high=-low if low < 0 else 0.9, p_value=0.02,
        )  # fmt: skip

    found = gating.accuracy(of(training, "fusion"), of(training, "ease"))

    source = f"evaluation {run.pk}, leave-one-out, the same end users"
    assert found == Accuracy(0.07, 0.05, pytest.approx(-0.01), pytest.approx(0.04), source)
    assert gating.accuracy(of(training, "fusion"), of(training, "als")) is None


def test_two_trainings_are_told_apart_by_their_own_evaluations_of_one_split():
    older, newer = factories.training_run(), factories.training_run()
    first = evaluation(older, interest_network=0.10)
    evaluation(older, split="time", interest_network=0.30)
    second = evaluation(newer, interest_network=0.08)

    found = gating.accuracy(of(newer), of(older))

    assert found is not None
    half = (0.03**2 + 0.03**2) ** 0.5
    assert (found.candidate, found.serving) == (0.08, 0.10)
    assert (found.low, found.high) == pytest.approx((-0.02 - half, -0.02 + half))
    assert found.source == f"evaluations {second.pk} and {first.pk}, leave-one-out"


def test_before_an_evaluation_the_trainings_own_validation_tells():
    results = {"validation": {"ndcg@10": 0.10}, "validation_users": 400}
    older = factories.training_run(results=results)
    newer = factories.training_run(
        results={"validation": {"ndcg@10": 0.01}, "validation_users": 400}
    )

    found = gating.accuracy(of(newer), of(older))

    assert found is not None
    assert (found.candidate, found.serving) == (0.01, 0.10)
    assert found.high < 0
    assert found.source == f"validation of trainings {newer.pk} and {older.pk}"
    assert gating.accuracy(of(newer, "ease"), of(older, "ease")) is None
    assert gating.accuracy(of(newer), of(factories.training_run())) is None
    assert gating.accuracy(of(older), of(older)) is None


def test_standing_counts_who_gets_nothing_and_different_items():
    serving, candidate = factories.publication(), factories.publication(is_serving=False)
    a, b, c = (factories.item(name) for name in "abc")
    both, emptied, left, came = (factories.end_user() for _ in range(4))
    factories.slate(serving, both, [a, b])
    factories.slate(candidate, both, [a, c])
    factories.slate(serving, emptied, [b])
    factories.slate(candidate, emptied, [])
    factories.slate(serving, left, [c])
    factories.slate(candidate, came, [b])

    found = gating.standing_of(candidate, serving)

    # Of those with a list of what serves: it shows a, b and c, the candidate a and c.
    assert found == Standing(
        4, num_losing=2, num_empty=2, num_empty_serving=1, num_items=2, num_items_serving=3, num_sampled=3
    )  # fmt: skip


def test_who_gains_a_list_makes_up_for_nobody_who_loses_theirs():
    serving, candidate = factories.publication(), factories.publication(is_serving=False)
    thing = factories.item()
    for number in range(4):
        factories.slate((serving, candidate)[number % 2], factories.end_user(), [thing])

    found = gating.judge(candidate).checks[2]

    assert (found.is_met, found.said) == (
        False,
        (
            "More than 1 % of people would lose theirs: 2 of 4 people would lose all recommendations of their own; "
            "2 would get none, now 2 get none."
        ),
    )


def test_standing_looks_at_top_tens_only():
    serving, candidate = factories.publication(), factories.publication(is_serving=False)
    items = [factories.item() for _ in range(12)]
    person = factories.end_user()
    factories.slate(serving, person, items)
    factories.slate(candidate, person, items[:10])

    found = gating.standing_of(candidate, serving)

    assert (found.num_items, found.num_items_serving) == (10, 10)


def test_where_nothing_else_serves_the_gate_is_open():
    candidate = factories.publication(is_serving=False)

    assert gating.judge(candidate) == Gate(None, ())
    assert gating.judge(candidate).is_open


def test_what_was_kept_is_read_again():
    factories.slate(factories.publication(), factories.end_user(), [factories.item()])
    candidate = factories.publication(is_serving=False)

    gate = gating.judge(candidate)

    assert [check.is_met for check in gate.checks] == [True, False, False]
    assert gate.reasons == [check.said for check in gate.checks[1:]]
    assert Gate.from_results({"gate": gate.to_results()}) == gate
    assert Gate.from_results({}) is None
