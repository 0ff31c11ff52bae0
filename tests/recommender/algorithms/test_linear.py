"""EASE against its formula written down plainly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from recommender.algorithms import linear, matrices
from recommender.algorithms.linear import Ease, EaseSettings, ItemSide, UserSide
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

    with pytest.raises(CannotFit, match="10 items fit. Leave ease out"):
        Ease().fit(drawn_log(), settings=EaseSettings(), seed=0)


def test_a_single_item_has_no_other_to_be_predicted_from():
    log = log_of([("ann", "a", 1), ("bob", "a", 2)])

    fitted = Ease().fit(log, settings=EaseSettings(1.0), seed=0)

    np.testing.assert_allclose(fitted.scores(log, users=np.array([0], np.int32)), [[0]], atol=1e-6)
