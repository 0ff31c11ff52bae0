from __future__ import annotations

from benchmarks import fusion
from recommender import algorithms
from recommender.evaluation import runner, splits
from recommender.evaluation.answers import Request
from tests.recommender.logs import drawn_log


def test_a_fusion_is_held_against_the_single_one_that_is_best_on_validation():
    split = splits.split(drawn_log(), name=splits.LEAVE_ONE_OUT)
    names = ("svd", "recent_ease", "recently_popular")
    made = [algorithms.make(name) for name in names]
    made.append(algorithms.make("voting", members=names))
    results = runner.run(split, algorithms=made, request=Request())

    said = list(fusion.lines(results, fused="voting", seed=0))

    assert [line.split()[0] for line in said[1:-1]] == [*names, "voting"]
    best = max(results[:3], key=lambda one: one.validation_ndcg)
    values = [one.segments["all"].values["ndcg@10"] for one in (results[-1], best)]
    start = f"voting against {best.algorithm}, the best single one on validation: "
    assert said[-1].startswith(f"{start}{values[0] / values[1] - 1:+.1%}, p ")
