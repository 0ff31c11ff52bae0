"""What is tried next, what is hopeless, what matters: on functions whose best settings are known."""

from __future__ import annotations

import math

import pytest

from recommender.algorithms.spaces import Choice, Real, Whole
from recommender.evaluation import searching
from recommender.evaluation.searching import Tried
from recommender.evaluation.trials import FIRST_SAMPLE

SPACE = {"rate": Real(0.001, 1000.0, is_log=True), "kind": Choice((None, "a", ("b", 1)))}


def worth(params) -> float:
    """Return how good values are: best at a rate of 100 with kind "a", which matters little."""
    return -abs(math.log10(params["rate"] / 100)) + (0.1 if params["kind"] == "a" else 0.0)


def searched(sampler: str, *, num: int = 30, seed: int = 0) -> list[Tried]:
    tried: list[Tried] = []
    for number in range(1, num + 1):
        params = searching.suggest(
            SPACE, tried, sampler=sampler, seed=seed, number=number, num_trials=num + 1
        )
        tried.append(Tried(params, worth(params)))
    return tried


@pytest.mark.parametrize("sampler", searching.SAMPLERS)
def test_the_same_seed_searches_the_same_and_stays_within_the_space(sampler):
    first = searched(sampler, num=12)

    assert searched(sampler, num=12) == first
    assert searched(sampler, num=12, seed=1) != first
    assert {SPACE["rate"].holds(one.params["rate"]) for one in first} == {True}
    assert {one.params["kind"] for one in first} <= {None, "a", ("b", 1)}
    assert len({one.params["rate"] for one in first}) > 1


def test_the_bayesian_search_ends_nearer_to_the_best_than_it_began():
    values = [one.value or 0.0 for one in searched("tpe")]

    assert max(values[-15:]) > max(values[: searching.RANDOM_TRIALS])
    assert max(values) > -0.5  # of six orders of magnitude it is off by less than half of one


def test_a_grid_tries_every_point_once():
    points = [tuple(one.params.values()) for one in searched("grid", num=12)]

    assert len(set(points)) == 12
    assert searching.num_possible(SPACE, sampler="grid", num_trials=13) == 13
    assert searching.num_possible({"n": Whole(1, 3)}, sampler="grid", num_trials=30) == 4
    assert searching.num_possible({"n": Whole(1, 3)}, sampler="tpe", num_trials=30) == 30


def test_a_trial_at_work_elsewhere_is_not_tried_a_second_time_by_chance():
    tried = [*searched("tpe", num=12), Tried({"rate": 90.0, "kind": "a"}, is_running=True)]

    asked = searching.suggest(SPACE, tried, sampler="tpe", seed=0, number=13, num_trials=30)

    assert asked != {"rate": 90.0, "kind": "a"}


def test_where_trials_were_ended_early_is_not_looked_again():
    tried = searched("tpe", num=20)
    params = searching.suggest(SPACE, tried, sampler="tpe", seed=0, number=21, num_trials=30)
    early = [Tried(params, is_pruned=True, reached=[(FIRST_SAMPLE, -9.0)])] * 5

    again = searching.suggest(
        SPACE, [*tried, *early], sampler="tpe", seed=0, number=21, num_trials=30
    )

    assert again != params


def test_a_trial_is_hopeless_below_the_median_of_those_that_were_as_far():
    others = [
        Tried({}, value, reached=[(1, 0.9), (3, value), (FIRST_SAMPLE, value)])
        for value in (0.1, 0.2, 0.3, 0.4, 0.5)
    ]

    assert searching.is_hopeless(others, [(FIRST_SAMPLE, 0.29)])
    assert not searching.is_hopeless(others, [(FIRST_SAMPLE, 0.31)])
    # What a fit says of itself is another measure: it is not held against samples of validation.
    assert searching.is_hopeless(others, [(3, 0.99), (FIRST_SAMPLE, 0.29)])
    # The first passes say little.
    assert not searching.is_hopeless(others, [(1, 0.0)])
    assert not searching.is_hopeless(others[:4], [(FIRST_SAMPLE, 0.0)])


def test_the_setting_that_decides_is_the_important_one():
    found = searching.importances(SPACE, searched("random"), seed=0)

    assert sum(found.values()) == pytest.approx(1)
    assert found["rate"] > 0.6
    assert list(found) == ["rate", "kind"]


def test_too_few_trials_or_all_alike_say_nothing_of_importance():
    few = searched("random", num=searching.TRIALS_FOR_IMPORTANCE - 1)
    alike = [Tried(one.params, 0.5) for one in searched("random")]

    assert searching.importances(SPACE, few, seed=0) == {}
    assert searching.importances(SPACE, alike, seed=0) == {}
    # The start may lie outside of the space: it has no place in the forest.
    assert searching.importances(SPACE, [*few, Tried({"rate": 1.0}, 0.3)], seed=0) == {}
