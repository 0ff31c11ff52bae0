"""EASE against its formula written down plainly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from recommender.algorithms import linear, matrices
from recommender.algorithms.linear import Ease, EaseSettings, ItemSide, RecentEase, UserSide
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import drawn_log, log_of


@pytest.mark.parametrize(("num_users", "side"), [(100, ItemSide), (12, UserSide)])
def test_scores_are_those_of_the_closed_form(num_users, side):
    log = drawn_log(num_users=num_users, num_items=40, num_events=600)
    users = np.array([2, 5, 11], np.int32)

    fitted = Ease().fit(log, settings=EaseSettings(7.0), seed=0)

    assert isinstance(fitted.side, side)
    chosen = matrices.choices(log).toarray().astype(float)
    gram = chosen.T @ chosen + 7.0 * np.eye(log.num_items)
    inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    expected = chosen[users] @ weights
    expected[:, chosen.sum(axis=0) == 0] = -np.inf
    np.testing.assert_allclose(fitted.scores(log, users=users), expected, rtol=2e-3, atol=2e-5)


def test_the_inverse_is_whole():
    rows = sparse.random_array(
        (1100, 50), density=0.1, rng=np.random.default_rng(0), format="csr", dtype=np.float32
    )

    inverse = linear._ridge_inverse(rows, 20.0)

    gram = (rows @ rows.T).toarray() + 20.0 * np.eye(1100)
    np.testing.assert_allclose(inverse @ gram, np.eye(1100), atol=1e-4)


def test_a_catalogue_too_large_for_a_full_matrix_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(linear, "MAX_ITEMS", 10)

    with pytest.raises(CannotFit, match="10 items fit. Leave it out"):
        Ease().fit(drawn_log(), settings=EaseSettings(), seed=0)


def test_a_single_item_has_no_other_to_be_predicted_from():
    log = log_of([("ann", "a", 1), ("bob", "a", 2)])

    fitted = Ease().fit(log, settings=EaseSettings(1.0), seed=0)

    np.testing.assert_allclose(fitted.scores(log, users=np.array([0], np.int32)), [[0]], atol=1e-6)


@pytest.mark.parametrize("num_users", [100, 12])
def test_recent_choices_count_most_with_a_half_life(num_users):
    log = drawn_log(num_users=num_users, num_items=40, num_events=600)
    users = np.array([2, 5, 11], np.int32)

    fitted = RecentEase().fit(log, settings=EaseSettings(7.0, half_life=2.0), seed=0)

    history = matrices.choices_of(log, users=users, half_life=2.0).toarray()
    chosen = matrices.choices(log).toarray().astype(float)
    inverse = np.linalg.inv(chosen.T @ chosen + 7.0 * np.eye(log.num_items))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    expected = history @ weights
    expected[:, chosen.sum(axis=0) == 0] = -np.inf
    np.testing.assert_allclose(fitted.scores(log, users=users), expected, rtol=2e-3, atol=2e-5)


def test_fits_that_differ_in_the_half_life_alone_share_one_matrix(monkeypatch):
    solved = []
    inverse = linear._ridge_inverse
    monkeypatch.setattr(
        linear, "_ridge_inverse", lambda rows, value: solved.append(value) or inverse(rows, value)
    )
    algorithm, log = RecentEase(), drawn_log()

    for settings in algorithm.grid():
        fitted = algorithm.fit(log, settings=settings, seed=0)
        assert fitted.half_life == settings.half_life
        # The time of a fit is what it takes alone: the first of each λ shared nothing.
        assert (fitted.shared_seconds > 0) == (settings.half_life != 2.0)
    other = algorithm.fit(drawn_log(seed=1), settings=settings, seed=0)

    assert solved == [200.0, 500.0, 50.0, 50.0]
    assert other.side is not fitted.side
