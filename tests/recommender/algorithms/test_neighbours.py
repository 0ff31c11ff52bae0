"""Similar items by hand and against a dense calculation."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.algorithms import matrices
from recommender.algorithms.neighbours import ItemKNN, ItemKNNSettings
from tests.recommender.logs import drawn_log, log_of


def test_cosine_of_two_items_by_hand():
    log = log_of(
        [("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1), ("cem", "b", 1), ("dan", "b", 1)]
    )

    fitted = ItemKNN().fit(log, settings=ItemKNNSettings(10, 0.0), seed=0)

    # One end user of two and three has both: 1 / sqrt(2 * 3). Bob has a: b gets that, a itself nothing.
    scores = fitted.scores(log, users=np.array([1], np.int32))
    assert scores.tolist() == [[0.0, pytest.approx(6**-0.5)]]


@pytest.mark.parametrize(("num_neighbours", "shrinkage"), [(5, 0.0), (5, 10.0), (1000, 0.0)])
def test_scores_are_those_of_a_dense_calculation(num_neighbours, shrinkage, monkeypatch):
    monkeypatch.setattr("recommender.algorithms.neighbours.BLOCK_CELLS", 200)  # several blocks
    log = drawn_log()
    users = np.array([3, 7, 59], np.int32)

    fitted = ItemKNN().fit(log, settings=ItemKNNSettings(num_neighbours, shrinkage), seed=0)

    chosen = matrices.choices(log).toarray().astype(float)
    norms = np.sqrt(chosen.sum(axis=0))
    similar = chosen.T @ chosen / (np.outer(norms, norms) + shrinkage + 1e-12)
    np.fill_diagonal(similar, 0)
    if num_neighbours < log.num_items:
        lowest = np.sort(similar, axis=1)[:, -num_neighbours, None]
        similar[similar < lowest - 1e-9] = 0
    expected = chosen[users] @ similar
    expected[:, norms == 0] = -np.inf
    np.testing.assert_allclose(fitted.scores(log, users=users), expected, rtol=1e-4, atol=1e-6)
