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


def test_recent_choices_count_most_with_a_half_life():
    # c goes with a, d with b, and eve chose a, then b, one event apart; then something else.
    rows = [("ann", "a", 1), ("ann", "c", 2), ("bob", "b", 1), ("bob", "d", 2)]
    rows += [("eve", "a", 1), ("eve", "b", 2), ("eve", "e", 3)]
    log = log_of(rows)
    eve = np.array([2], np.int32)

    fitted = ItemKNN().fit(log, settings=ItemKNNSettings(10, 0.0, half_life=1.0), seed=0)

    # c is like a by one of the end users of each, 1 / sqrt(2 * 1); a was two events ago, b one.
    [[_, _, c, d, _]] = fitted.scores(log, users=eve).tolist()
    assert c == pytest.approx(2**-0.5 / 4)
    assert d == pytest.approx(2**-0.5 / 2)


def test_settings_that_differ_in_the_half_life_alone_share_the_similarities():
    algorithm, log = ItemKNN(), drawn_log()

    first, second, third = (
        algorithm.fit(log, settings=ItemKNNSettings(*own), seed=0)
        for own in ((10, 0.0, None), (10, 0.0, 2.0), (10, 5.0, 2.0))
    )

    assert first.similarities is second.similarities
    assert third.similarities is not second.similarities
    assert (first.half_life, second.half_life) == (None, 2.0)
    # The time of a fit is what it takes alone.
    assert (first.shared_seconds, third.shared_seconds) == (0.0, 0.0)
    assert second.shared_seconds > 0


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
