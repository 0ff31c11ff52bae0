"""Least squares of ratings against the loss written down cell by cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from recommender.algorithms import als_explicit, opinions
from recommender.algorithms.als_explicit import ALSExplicit, ALSExplicitSettings
from recommender.algorithms.biased_mf import BiasedMF, BiasedMFSettings
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import drawn_log, log_of


def rated_log(seed=0):
    """Return a log in which everybody rates: even users 5 the first half of the items and 1 the rest, odd ones the reverse."""
    random = np.random.default_rng(seed)
    rows = [
        (f"user {user:02}", f"item {item:02}", 1)
        for user in range(30)
        for item in random.permutation(20)[:12]
    ]
    log = log_of(rows)
    likes = (log.users % 2 == 0) == (log.items < 10)
    return replace(log, values=np.where(likes, 5, 1).astype(np.float32))


def loss_of_row(said, features, bases, unrated, weight, solution):
    """Return one row's loss: stored cells weigh 1, all others `weight`."""
    dense, stored = said.toarray()[0], np.zeros(said.shape[1])
    stored[said.indices] = 1
    targets = np.where(stored, dense, unrated) - bases
    return ((stored + weight * (1 - stored)) * (targets - features @ solution) ** 2).sum()


def test_ratings_are_read_less_their_mean_and_the_lowest_stands_for_what_is_not_rated():
    log = log_of([("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1), ("bob", "a", 3)])
    log = replace(log, values=np.array([4, 1, 3, 5], np.float32))

    read, said = opinions.read(log, name="x")

    # Of two ratings the last counts: 4, 1, 5, with mean 10 / 3.
    assert read.mean == pytest.approx(10 / 3)
    assert read.unrated == pytest.approx(1 - 10 / 3)
    assert not read.must_count_unrated
    np.testing.assert_allclose(said.toarray(), [[2 / 3, -7 / 3], [5 / 3, 0]], atol=1e-6)


def test_where_nobody_rates_kinds_count_and_what_was_not_chosen_is_0():
    log = log_of([("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1), ("bob", "b", 3, "dislike")])

    read, said = opinions.read(log, name="x")

    assert (read.mean, read.unrated, read.must_count_unrated) == (0.5, -0.5, True)
    assert said.toarray().tolist() == [[0.5, 0.5], [0.5, -1.5]]


@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_the_systems_have_their_solution_where_the_loss_is_least(weight):
    random = np.random.default_rng(0)
    said = sparse.csr_array(np.where(random.random((4, 9)) < 0.6, random.normal(size=(4, 9)), 0))
    said = said.astype(np.float32)
    features = random.normal(size=(9, 3)).astype(np.float32)
    bases = random.normal(size=9).astype(np.float32)

    grams, right = opinions.systems(
        said, features=features, bases=bases, unrated=-1.5, weights=np.full(4, weight, np.float32)
    )

    for row in range(4):
        best = np.linalg.solve(grams[row], right[row])
        one = said[[row]]
        least = loss_of_row(one, features, bases, -1.5, weight, best)
        for step in np.eye(3) * 0.05:
            for other in (best + step, best - step):
                assert loss_of_row(one, features, bases, -1.5, weight, other) > least


def test_each_pass_of_als_lowers_its_loss():
    log, losses = rated_log(), []
    for num_passes in (1, 2, 5):
        settings = ALSExplicitSettings(2, 0.1, 1.0, 0.05, num_passes)
        fitted = ALSExplicit().fit(log, settings=settings, seed=0)
        read, said = opinions.read(log, name="x")
        own, biases = als_explicit._solve(
            said, fitted.vectors, fitted.biases, opinions=read, settings=settings
        )
        predicted = own @ fitted.vectors.T + biases[:, None] + fitted.biases
        dense, stored = said.toarray(), np.zeros(said.shape)
        stored[np.repeat(np.arange(30), np.diff(said.indptr)), said.indices] = 1
        weights = stored + 0.05 * (1 - stored)
        cells = (weights * (np.where(stored, dense, read.unrated) - predicted) ** 2).sum()
        for counts, vectors, side in (
            (stored.sum(axis=1) + 1, own, biases),
            (stored.sum(axis=0) + 1.5, fitted.vectors, fitted.biases),
        ):
            cells += (0.1 * counts * ((vectors**2).sum(axis=1) + side**2)).sum()
        losses.append(cells)

    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [
        (ALSExplicit(), ALSExplicitSettings(2, 0.02, 1.0, 0.0)),
        (BiasedMF(), BiasedMFSettings(2, 0.02, unrated=0, learning_rate=0.1, num_passes=40)),
        (BiasedMF(), BiasedMFSettings(2, 0.02, 0.002, 0, learning_rate=0.1, num_passes=40)),
    ],
)
def test_ratings_not_seen_are_predicted(algorithm, settings):
    log = rated_log()
    newcomer = log_of(
        [("new", f"item {item:02}", item) for item in (1, 4, 12, 17)],
        item_ids=[f"item {item:02}" for item in range(20)],
    )
    newcomer = replace(newcomer, values=np.array([1, 1, 5, 5], np.float32))

    fitted = algorithm.fit(log, settings=settings, seed=0)

    [found] = fitted.scores(newcomer, users=np.array([0], np.int32))
    np.testing.assert_allclose(found, [1] * 10 + [5] * 10, atol=0.7)


def test_l1_leaves_numbers_of_people_at_0():
    log, users = rated_log(), np.arange(30, dtype=np.int32)
    zeros = []
    for l1 in (0.0, 0.2):
        settings = BiasedMFSettings(4, 0.02, l1, unrated=0, num_passes=5)
        fitted = BiasedMF().fit(log, settings=settings, seed=0)
        zeros.append((fitted._people(fitted.opinions.of(log, users=users)) == 0).mean())

    assert zeros[0] == 0
    assert zeros[1] > 0.3


@pytest.mark.parametrize("algorithm", [ALSExplicit(), BiasedMF()])
def test_a_budget_ends_the_passes(algorithm):
    told = []

    algorithm.fit(
        drawn_log(), settings=algorithm.grid()[0], seed=0, budget_seconds=1e-9,
        report=lambda step, share: told.append(step),
    )  # fmt: skip

    assert told == ["pass 1"]


@pytest.mark.parametrize(
    ("algorithm", "settings", "words"),
    [
        (ALSExplicit(), ALSExplicitSettings(0), "als_explicit needs a width"),
        (ALSExplicit(), ALSExplicitSettings(unrated_weight=2), "a weight from 0 to 1"),
        (BiasedMF(), BiasedMFSettings(0), "biased_mf needs a width"),
        (BiasedMF(), BiasedMFSettings(l2=0), "l2 and a learning rate above 0"),
        (BiasedMF(), BiasedMFSettings(unrated=-1), "cannot draw fewer than 0"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_words(algorithm, settings, words):
    with pytest.raises(CannotFit, match=words):
        algorithm.fit(rated_log(), settings=settings, seed=0)


@pytest.mark.parametrize("algorithm", [ALSExplicit(), BiasedMF()])
def test_without_choices_there_is_nothing_to_fit(algorithm):
    with pytest.raises(CannotFit, match=f"{algorithm.name} needs at least one"):
        algorithm.fit(log_of([("ann", "a", 1, "dislike")]), settings=algorithm.grid()[0], seed=0)
