"""Vectors of things that occur together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import sparse

from recommender.algorithms import embeddings


def test_information_by_hand():
    # Two things that only ever occur together, and two others likewise.
    together = sparse.csr_array(np.array([[0, 3, 0], [3, 0, 1], [0, 1, 0]], np.float32))

    found = embeddings.positive_information(together).toarray()

    totals = [3, 4, 1]
    contexts = [total**0.75 for total in totals]
    for row, column, times in ((0, 1, 3), (1, 0, 3), (1, 2, 1), (2, 1, 1)):
        expected = totals[row] * contexts[column] / sum(contexts)
        assert found[row, column] == pytest.approx(math.log(times / expected), rel=1e-6)
    assert (found[[0, 0, 1, 2], [0, 2, 1, 2]] == 0).all()


def test_negative_samples_take_away_the_log_of_their_number():
    together = sparse.csr_array(np.array([[0, 9, 0], [9, 0, 1], [0, 1, 0]], np.float32))

    usual = embeddings.positive_information(together).toarray()
    shifted = embeddings.positive_information(together, negatives=1.5).toarray()

    np.testing.assert_allclose(shifted, np.maximum(usual - math.log(1.5), 0), atol=1e-6)


def test_the_strongest_directions_are_those_of_the_whole_decomposition():
    random = np.random.default_rng(0)
    rows = random.normal(size=(40, 4)) @ random.normal(size=(4, 30))
    rows += 0.01 * random.normal(size=(40, 30))

    left, strengths, right = embeddings.strongest(sparse.csr_array(rows), width=4, seed=1)

    theirs = np.linalg.svd(rows)
    np.testing.assert_allclose(strengths, theirs[1][:4], rtol=1e-3)
    best = (theirs[0][:, :4] * theirs[1][:4]) @ theirs[2][:4]
    np.testing.assert_allclose((left * strengths) @ right.T, best, atol=1e-3)


def test_a_small_matrix_gives_as_many_directions_as_it_has():
    left, strengths, right = embeddings.strongest(sparse.csr_array(np.eye(3)), width=8, seed=0)

    assert (left.shape, strengths.shape, right.shape) == ((3, 3), (3,), (3, 3))
