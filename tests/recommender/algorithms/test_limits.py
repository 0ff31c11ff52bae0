"""Settings out of bounds are refused in words, at the fit, by every algorithm that would stumble over them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import pytest

from recommender import algorithms
from recommender.algorithms import limits
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import drawn_log, log_of


@dataclass(frozen=True)
class Settings:
    half_life: float | None = 1.0
    depth: int = 1
    share: float = 0.5
    is_on: bool = False


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"half_life": 0.0}, "it needs a half life above 0, not 0."),
        ({"half_life": float("nan")}, "it needs a number as its half life, not nan."),
        ({"half_life": float("inf")}, "it needs a number as its half life, not inf."),
        ({"half_life": "long"}, "it needs a half life above 0, not 'long'."),
        ({"depth": 0}, "it needs a depth of 1 or more, not 0."),
        ({"share": 1.5}, "it needs a share from 0 to 1, not 1.5."),
    ],
)
def test_a_number_out_of_bounds_is_named_with_what_it_may_be(changes, words):
    bounds = {"half_life": limits.ABOVE_0, "depth": limits.FROM_1, "share": limits.SHARE}

    with pytest.raises(CannotFit) as raised:
        limits.insist("it", Settings(**changes), **bounds)

    assert str(raised.value) == words


def test_bounds_themselves_and_what_is_none_are_let_through():
    bounds = {"half_life": limits.ABOVE_0, "depth": limits.FROM_1, "share": limits.SHARE}

    limits.insist("it", Settings(half_life=None, depth=1, share=0.0), **bounds)
    limits.insist("it", Settings(half_life=1e-9, share=1.0), **bounds)


HALF_LIVES = [
    name
    for name in algorithms.names()
    if "half_life" in {field.name for field in fields(algorithms.make(name).grid()[0])}
]


@pytest.mark.parametrize("half_life", [0.0, -1.0, float("nan")])
@pytest.mark.parametrize("name", HALF_LIVES)
def test_a_half_life_that_is_none_is_refused(name, half_life):
    log = log_of([("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1)])
    algorithm = algorithms.make(name)

    with pytest.raises(CannotFit, match="half.life"):
        algorithm.fit(log, settings=replace(algorithm.grid()[0], half_life=half_life), seed=0)


MEMBERS = {"members": ("most_popular", "item_knn")}


@pytest.mark.parametrize(
    ("name", "options", "changes", "words"),
    [
        ("fusion", MEMBERS, {"depth": 0}, "fusion needs a depth of 1 or more, not 0."),
        ("stacking", MEMBERS, {"depth": -1}, "stacking needs a depth of 1 or more, not -1."),
        ("decision_tree", {}, {"min_leaf": 0}, "decision_tree needs a min leaf of 1 or more, not 0."),
        ("random_forest", {}, {"min_leaf": 0}, "random_forest needs a min leaf of 1 or more, not 0."),
        ("gradient_boosting", {}, {"num_trees": 0}, "gradient_boosting needs a num trees of 1 or more, not 0."),
        ("svm", {}, {"regularisation": 0.0}, "svm needs a regularisation above 0, not 0."),
        ("mlp", {}, {"batch": 0}, "mlp needs a batch of 1 or more, not 0."),
        ("lstm_classifier", {}, {"window": 0}, "lstm_classifier needs a window of 1 or more, not 0."),
    ],
)  # fmt: skip
def test_what_a_library_would_stumble_over_is_refused(name, options, changes, words):
    algorithm = algorithms.make(name, **options)

    with pytest.raises(CannotFit) as raised:
        algorithm.fit(
            drawn_log(num_events=60), settings=replace(algorithm.grid()[0], **changes), seed=0
        )

    assert str(raised.value) == words
