"""Ratings told from ratings of like items, against a dense calculation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.algorithms.knn_regression import KNNRegression, KNNRegressionSettings
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import drawn_log, log_of


def rated_log():
    """Draw ratings of end users who each chose an item once."""
    log = drawn_log(num_users=20, num_items=16, num_events=200)
    _, first = np.unique(log.users.astype(np.int64) * 16 + log.items, return_index=True)
    log = log.take(first).sorted()
    values = np.random.default_rng(2).integers(1, 6, log.num_events)
    return replace(log, values=values.astype(np.float32), kinds=np.zeros_like(log.kinds))


def test_ratings_are_those_of_a_dense_calculation():
    log = rated_log()
    settings = KNNRegressionSettings(100, 1.0, shrinkage=0.5, mean_shrinkage=2.0)

    fitted = KNNRegression().fit(log, settings=settings, seed=0)

    given = np.full((20, 16), np.nan)
    given[log.users, log.items] = log.values
    above = np.nan_to_num(given - np.nanmean(given, axis=1, keepdims=True))
    lengths = np.linalg.norm(above, axis=0)
    alike = np.maximum(above.T @ above / (np.outer(lengths, lengths) + 1), 0)
    np.fill_diagonal(alike, 0)
    is_told = ~np.isnan(given)
    sums = np.nansum(given, axis=0)
    means = (sums + 2 * log.values.mean()) / (is_told.sum(axis=0) + 2)
    rest = np.where(is_told, given - means, 0)
    expected = means + rest @ alike / (is_told @ alike + 0.5)
    users = np.arange(20, dtype=np.int32)
    np.testing.assert_allclose(fitted.ratings(log, users=users), expected, rtol=1e-4)
    assert fitted.is_rated
    known = is_told.any(axis=0)
    np.testing.assert_allclose(
        fitted.scores(log, users=users)[:, known], expected[:, known], rtol=1e-4
    )


def test_half_of_the_ratings_taken_out_are_told_better_than_by_the_mean():
    # Two tastes: who likes the one half of the items does not like the other.
    random = np.random.default_rng(0)
    users, items = np.divmod(np.arange(40 * 20), 20)
    values = np.where((users % 2) == (items % 2), 5.0, 1.0).astype(np.float32)
    shown = random.random(800) < 0.5
    log = replace(
        rated_log(), users=users.astype(np.int32), items=(items % 16).astype(np.int32), values=values,
        kinds=np.zeros(800, np.int16), times=np.arange(800), positions=np.arange(800),
        user_ids=np.array([str(number) for number in range(40)], object),
    ).take(shown)  # fmt: skip

    fitted = KNNRegression().fit(log.sorted(), settings=KNNRegressionSettings(), seed=0)

    told = fitted.ratings(log.sorted(), users=np.arange(40, dtype=np.int32))
    hidden = ~shown & (items < 16)
    errors = np.abs(told[users[hidden], items[hidden]] - values[hidden])
    assert errors.mean() < 1  # 2 by the mean of all


def test_without_ratings_the_weights_of_kinds_are_taken():
    log = log_of([("ann", "a", 1), ("ann", "b", 2, "dislike"), ("bob", "a", 1), ("bob", "b", 2)])
    settings = KNNRegressionSettings(mean_shrinkage=0.0)

    fitted = KNNRegression().fit(log, settings=settings, seed=0)

    assert not fitted.is_rated
    assert fitted.means.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("settings", "rows", "words"),
    [
        (KNNRegressionSettings(), [("ann", "a", 1, "dislike")], "needs at least one"),
        (KNNRegressionSettings(shrinkage=-1.0), [("ann", "a", 1)], "shrinkages of 0 or more"),
        (KNNRegressionSettings(0), [("ann", "a", 1)], "at least 1 neighbour"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(settings, rows, words):
    with pytest.raises(CannotFit, match=words):
        KNNRegression().fit(log_of(rows), settings=settings, seed=0)
