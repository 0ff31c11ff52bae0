"""Explorations: what they draw, with which chances, and what these chances are good for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender import algorithms
from recommender.algorithms import linucb, matrices, pools
from recommender.algorithms.exploration import (
    EpsilonGreedySettings,
    LinUCBSettings,
    ThompsonSettings,
)
from recommender.algorithms.policies import Epsilon, Sampling
from recommender.algorithms.protocol import CannotFit
from recommender.evaluation import off_policy
from tests.recommender.logs import drawn_log, log_of

LAYERS = {
    "epsilon_greedy": EpsilonGreedySettings("most_popular", epsilon=0.3, pool=6),
    "thompson_sampling": ThompsonSettings("most_popular", spread=1.0, pool=6),
    "lin_ucb": LinUCBSettings("most_popular", epsilon=0.3, pool=6),
}
EACH = pytest.mark.parametrize("name", LAYERS)


def fitted(name, log, *, seed=0, **changes):
    settings = replace(LAYERS[name], **changes)
    return algorithms.make(name).fit(log, settings=settings, seed=seed)


def crowd(log, number):
    """Return the log with as many more end users without any event, and these."""
    ids = np.append(log.user_ids, [f"new {one}" for one in range(number)])
    users = np.arange(log.num_users, log.num_users + number, dtype=np.int32)
    return replace(log, user_ids=ids), users


@EACH
def test_items_are_shown_as_often_as_their_propensities_say(name):
    log, users = crowd(drawn_log(), 4000)
    explorer = fitted(name, log)

    slates = explorer.slates(log, users=users, k=2)

    own = explorer.first_place(log, users=users[:1])
    pool, first = own.items, own.propensities[0]
    for item, chance in zip(pool[0], first, strict=True):
        is_shown = slates.items[:, 0] == item
        assert is_shown.mean() == pytest.approx(chance, abs=4 * (chance / 4000) ** 0.5 + 1e-3)
        np.testing.assert_allclose(slates.propensities[is_shown, 0], chance, rtol=1e-6)
    # Of the second place: among those with the same first item.
    best = slates.items[:, 0] == pool[0][first.argmax()]
    for item in np.setdiff1d(pool[0], pool[0][first.argmax()]):
        is_second = slates.items[best, 1] == item
        chance = slates.propensities[best, 1][is_second].mean() if is_second.any() else 0
        assert is_second.mean() == pytest.approx(
            chance, abs=4 * (chance / best.sum()) ** 0.5 + 1e-2
        )


@EACH
def test_slates_hold_each_item_once_and_nothing_that_was_chosen(name):
    log = drawn_log()
    users = np.arange(log.num_users, dtype=np.int32)

    slates = fitted(name, log, pool=50).slates(log, users=users, k=8)

    chosen = matrices.choices(log).toarray() > 0
    for user, items in zip(users, slates.items, strict=True):
        shown = items[items >= 0]
        assert len(np.unique(shown)) == len(shown) == 8
        assert not chosen[user, shown].any()
    assert ((slates.propensities > 0) & (slates.propensities <= 1)).all()


@EACH
def test_places_that_nothing_is_left_for_stay_empty(name):
    log = log_of([("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1), ("bob", "c", 3)])

    slates = fitted(name, log).slates(log, users=np.array([0], np.int32), k=3)

    assert slates.items.tolist() == [[2, -1, -1]]
    np.testing.assert_allclose(slates.propensities, [[1, 0, 0]], rtol=1e-6)


@EACH
def test_draws_are_those_of_the_seed_and_scores_have_them_on_top(name):
    log = drawn_log()
    users = np.arange(20, dtype=np.int32)
    explorer = fitted(name, log, pool=30)

    slates = explorer.slates(log, users=users, k=5)

    again = explorer.slates(log, users=users[::-1], k=5)
    np.testing.assert_array_equal(again.items[::-1], slates.items)
    scores = explorer.scores(log, users=users)
    np.testing.assert_array_equal(np.argsort(-scores, axis=1)[:, :5], slates.items)
    other = fitted(name, log, seed=1, pool=30).slates(log, users=users, k=5)
    assert (other.items != slates.items).any()


def test_without_an_epsilon_the_algorithm_below_answers():
    log = drawn_log()
    users = np.arange(20, dtype=np.int32)

    slates = fitted("epsilon_greedy", log, epsilon=0.0, pool=30).slates(log, users=users, k=5)

    below = algorithms.make("most_popular")
    scores = below.fit(log, settings=below.grid()[0], seed=0).scores(log, users=users)
    pool, _, _ = pools.best_of(scores, log, users=users, size=5)
    np.testing.assert_array_equal(slates.items, pool)
    assert (slates.propensities == 1).all()


def test_epsilon_is_shared_by_all_that_are_left():
    is_left = np.array([[True, False, True, True]])

    chances = Epsilon(0.3).chances(np.array([[1.0, 9.0, 3.0, 2.0]]), np.arange(4)[None], is_left)

    np.testing.assert_allclose(chances, [[0.1, 0, 0.8, 0.1]])


def test_chances_of_scores_drawn_are_those_of_many_draws():
    values, spreads = np.array([[1.0, 0.5, 0.0, 3.0]]), np.array([0.2, 1.0, 2.0, 1.0])
    is_left = np.array([[True, True, True, False]])
    drawn = values[0, :3] + spreads[:3] * np.random.default_rng(0).normal(size=(200_000, 3))

    chances = Sampling(spreads).chances(values, np.arange(4)[None], is_left)

    often = np.bincount(drawn.argmax(axis=1), minlength=4) / 200_000
    np.testing.assert_allclose(chances[0], often, atol=0.005)


def test_items_with_fewer_events_are_drawn_further_around_their_score():
    log = log_of([("ann", "a", 1), ("bob", "a", 1), ("cem", "a", 1), ("ann", "b", 2)])

    spreads = fitted("thompson_sampling", log, spread=2.0).policy.spreads

    # The usual item has (3 + 1) / 2 events.
    np.testing.assert_allclose(spreads, [2 * np.sqrt(2 / 5), 2 * np.sqrt(2 / 3)])


def test_the_upper_value_is_that_of_ridge_regression():
    log = drawn_log()
    found = linucb.learned(log, over="most_popular", alpha=2.0, pool=6, seed=0)

    last = linucb._last_choices(log)
    before = log.take(np.setdiff1d(np.arange(log.num_events), last))
    users = log.users[last]
    scores = pools.fitted_below(before, over="most_popular", seed=0).scores(before, users=users)
    items, own, may = pools.best_of(scores, before, users=users, size=6)
    features = linucb._features(own, items, found.of_items)
    rewards = (items == log.items[last][:, None])[may]
    assert rewards.sum() > 3
    rows = features[may]
    inverse = np.linalg.inv(np.eye(rows.shape[1]) + rows.T @ rows)
    expected = features @ (inverse @ rows.T @ rewards) + 2 * np.sqrt(
        np.einsum("bmd,de,bme->bm", features, inverse, features)
    )
    np.testing.assert_allclose(found.upper(own, items), expected, rtol=1e-6)


def test_logs_of_an_exploration_tell_what_the_other_would_have_brought():
    log, users = crowd(drawn_log(), 4000)
    logging, other = (fitted(name, log) for name in ("epsilon_greedy", "thompson_sampling"))
    slates = logging.slates(log, users=users, k=1)
    shown, propensities = slates.items[:, 0], slates.propensities[:, 0]
    # Items are liked the more, the lower they stand in the catalogue.
    liked = np.linspace(0.1, 0.9, log.num_items)
    rewards = (np.random.default_rng(0).random(4000) < liked[shown]).astype(float)

    own = other.first_place(log, users=users[:1])
    chances = np.zeros(log.num_items)
    chances[own.items[0]] = own.propensities[0]
    estimate = off_policy.ips(rewards, propensities=propensities, wanted=chances[shown])

    assert estimate.low < chances @ liked < estimate.high
    assert estimate.mean_weight == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("epsilon_greedy", {"epsilon": 1.5}, "an epsilon from 0 to 1"),
        ("epsilon_greedy", {"pool": 0}, "a pool of at least 1"),
        ("thompson_sampling", {"spread": 0.0}, "a spread above 0"),
        ("lin_ucb", {"alpha": -1.0}, "an alpha of 0 or more"),
        ("lin_ucb", {"over": "lin_ucb"}, "another algorithm below it than 'lin_ucb'"),
        ("epsilon_greedy", {"over": "eaze"}, "another algorithm below it than 'eaze'"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(name, changes, words):
    with pytest.raises(CannotFit, match=words):
        fitted(name, drawn_log(), **changes)
