"""Linear models of interest against their equations, and what all classifiers do with their answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from recommender import algorithms
from recommender.algorithms import examples, interest
from recommender.algorithms.classifiers import (
    SVM,
    LinearRegression,
    LogisticRegression,
    RegressionSettings,
    Standard,
    SVMSettings,
)
from recommender.algorithms.interest import Asked
from recommender.algorithms.protocol import CannotFit
from tests.recommender.algorithms.test_contract import OPTIONS
from tests.recommender.logs import DAY, drawn_log, log_of

NAMES = [name for name, entry in algorithms.REGISTRY.items() if entry.family == algorithms.INTEREST]


def liked_log(*, num_users=40, num_events=500):
    """Return a log in which items with high numbers get high values, from everybody."""
    log = drawn_log(num_users=num_users, num_items=30, num_events=num_events)
    noise = np.random.default_rng(5).normal(0, 0.5, log.num_events)
    return replace(log, values=np.round(1 + log.items / 8 + noise).astype(np.float32))


def learned(algorithm, settings):
    log = liked_log()
    known, _ = examples.prepare(log, task=algorithm.task, seed=3)
    model = algorithm.learn(log, known, settings=settings, seed=3, budget_seconds=None, report=None)
    return model, known.examples


def raw(model, known):
    return model.raw(Asked(None, known.moments, known.rows, known.items, known.features))


def columns(known):
    x = Standard.of(known.features).of_pairs(known.features).astype(float)
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def test_logistic_regression_ends_where_the_loss_has_no_slope():
    model, known = learned(LogisticRegression(), RegressionSettings(5.0))

    answers = model.answers(raw(model, known))

    assert answers == pytest.approx(expit(columns(known) @ np.append(model.weights, model.bias)))
    slope = columns(known)[:, :-1].T @ (answers - known.labels) + 5.0 * model.weights
    assert np.abs(slope).max() < 0.5
    assert np.abs(columns(known)[:, :-1].T @ (answers.mean() - known.labels)).max() > 50


def test_ratings_by_logistic_regression_stay_within_their_scale():
    model, known = learned(LogisticRegression(task="rating"), RegressionSettings(1.0))

    answers = model.answers(raw(model, known))

    low, high = known.labels.min(), known.labels.max()
    assert low < answers.min() < answers.max() < high
    shares, expected = (answers - low) / (high - low), (known.labels - low) / (high - low)
    slope = columns(known)[:, :-1].T @ (shares - expected) + 1.0 * model.weights
    assert np.abs(slope).max() < 0.5


@pytest.mark.parametrize("task", ["choice", "rating"])
def test_linear_regression_is_the_closed_form(task):
    model, known = learned(LinearRegression(task=task), RegressionSettings(7.0))

    x = columns(known)
    held_back = np.diag(np.append(np.full(x.shape[1] - 1, 7.0), 0))
    expected = x @ np.linalg.solve(x.T @ x + held_back, x.T @ known.labels)
    np.testing.assert_allclose(model.answers(raw(model, known)), expected, atol=1e-4)


def test_svm_ends_where_the_squared_hinge_has_no_slope():
    model, known = learned(SVM(), SVMSettings(10.0))

    signs = 2 * known.labels - 1
    short = np.maximum(1 - signs * raw(model, known), 0)
    slope = -2 * columns(known)[:, :-1].T @ (signs * short) + 10.0 * model.weights
    start = -2 * columns(known)[:, :-1].T @ signs

    assert np.abs(slope).max() < 0.01 * np.abs(start).max()


def test_distances_from_the_plane_become_probabilities():
    model, known = learned(SVM(), SVMSettings(10.0))

    answers = model.answers(raw(model, known))

    assert answers.mean() == pytest.approx(known.labels.mean(), abs=0.01)
    assert np.array_equal(np.argsort(answers), np.argsort(raw(model, known)))


def test_what_never_differs_says_nothing():
    standard = Standard.of(np.array([[1, 5], [3, 5]], np.float32))

    found = standard.of_pairs(np.array([[2, 9], [4, 5], [1000, 5]], np.float32))

    assert found.tolist() == [[0, 0], [2, 0], [10, 0]]


@pytest.mark.parametrize("name", NAMES)
def test_ratings_are_told_better_than_by_their_mean_and_within_their_bounds(name):
    log = liked_log(num_events=1500)
    algorithm = algorithms.make(name, task="rating", **OPTIONS.get(name, {}))
    fitted = algorithm.fit(log, settings=algorithm.grid()[0], seed=0)
    events = np.flatnonzero(log.times >= np.quantile(log.times, 0.8))

    found = fitted.predict(
        log, users=log.users[events], items=log.items[events], times=log.times[events]
    )

    values = log.values[events]
    assert (np.abs(found - values)).mean() < 0.8 * np.abs(values - log.values.mean()).mean()
    assert (found.min() >= log.values.min()) and (found.max() <= log.values.max())


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_probabilities_that_tell_own_items_from_others(name):
    log = drawn_log(num_events=2000)
    algorithm = algorithms.make(name, **OPTIONS.get(name, {}))
    fitted = algorithm.fit(log, settings=algorithm.grid()[0], seed=0)
    users = np.repeat(np.arange(60, dtype=np.int32), 2)
    items = np.tile(np.array([3, 23], np.int32), 60)

    found = fitted.predict(log, users=users, items=items, times=np.full(120, 400 * DAY))

    assert (found >= 0.001).all() and (found <= 0.999).all()
    is_own = (items >= 20) == (users % 2 == 1)
    assert found[is_own].mean() > found[~is_own].mean() + 0.05


def test_what_happens_later_does_not_change_an_answer():
    log = drawn_log()
    early = log.take(log.times < 200 * DAY)
    algorithm = LogisticRegression()
    fitted = algorithm.fit(early, settings=RegressionSettings(), seed=0)
    users = np.arange(20, dtype=np.int32)
    asked = {"users": users, "items": np.full(20, 3, np.int32), "times": np.full(20, 150 * DAY)}

    np.testing.assert_array_equal(fitted.predict(log, **asked), fitted.predict(early, **asked))


def test_request_times_say_what_was_known_of_items():
    log = drawn_log()
    fitted = LogisticRegression().fit(log, settings=RegressionSettings(), seed=0)
    users = np.arange(5, dtype=np.int32)

    at_the_end = fitted.scores(log, users=users, request_times=np.full(5, 301 * DAY))
    long_ago = fitted.scores(log, users=users, request_times=np.full(5, 20 * DAY))

    assert not np.array_equal(at_the_end, long_ago)
    assert np.isfinite(at_the_end[:, np.isfinite(fitted.record.popularity)]).all()


def test_what_is_not_scored_by_the_model_follows_in_order_of_company(monkeypatch):
    log = drawn_log()
    users = np.arange(10, dtype=np.int32)
    fitted = LogisticRegression().fit(log, settings=RegressionSettings(), seed=0)
    whole = fitted.scores(log, users=users)

    monkeypatch.setattr(interest, "CANDIDATES", 3)
    monkeypatch.setattr(interest, "HAD", 2)
    few = fitted.scores(log, users=users)

    for row, own in enumerate(few):
        best = np.argsort(-own)[:3]
        rest = np.setdiff1d(np.flatnonzero(np.isfinite(own)), best)
        assert own[best].min() > own[rest].max() or len(best) > 3
        assert whole[row, best] == pytest.approx(own[best], abs=1e-5)


def test_a_classifier_of_one_kind_of_answers_ranks_by_company():
    log = log_of([("ann", "a", 1), ("bob", "a", 2), ("bob", "b", 3), ("ann", "c", 4)])

    fitted = LogisticRegression().fit(log, settings=RegressionSettings(), seed=0)
    scores = fitted.scores(log, users=np.array([0], np.int32))[0]

    assert isinstance(fitted.model, interest.Constant)
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) == 3


@pytest.mark.parametrize("name", NAMES)
def test_a_log_without_choices_is_refused_in_words(name):
    algorithm = algorithms.make(name)

    with pytest.raises(CannotFit, match=f"no choices to learn from: {name} needs at least one"):
        algorithm.fit(log_of([("ann", "a", 1, "dislike")]), settings=algorithm.grid()[0], seed=0)


def test_the_time_of_shared_examples_is_told():
    log = drawn_log(seed=7)
    first = LogisticRegression().fit(log, settings=RegressionSettings(), seed=0)
    second = LinearRegression().fit(log, settings=RegressionSettings(), seed=0)

    assert first.shared_seconds == 0
    assert second.shared_seconds > 0
    assert second.record is first.record
