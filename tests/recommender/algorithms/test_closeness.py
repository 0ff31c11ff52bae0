"""Similarities against NumPy and SciPy, sparse and dense alike."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist

from recommender.algorithms import closeness

RANDOM = np.random.default_rng(0)
PROFILES = (RANDOM.normal(size=(4, 7)) * (RANDOM.random((4, 7)) < 0.6)).astype(np.float32)
VECTORS = (RANDOM.normal(size=(9, 7)) * (RANDOM.random((9, 7)) < 0.6)).astype(np.float32)
THEIRS = {
    "cosine": 1 - cdist(PROFILES, VECTORS, "cosine"),
    "pearson": 1 - cdist(PROFILES, VECTORS, "correlation"),
    "euclidean": 1 / (1 + cdist(PROFILES, VECTORS)),
}


@pytest.mark.parametrize("name", closeness.NAMES)
def test_each_similarity_agrees_with_scipy(name):
    dense = closeness.closeness(PROFILES, VECTORS, similarity=name)
    thin = closeness.closeness(
        sparse.csr_array(PROFILES), sparse.csr_array(VECTORS), similarity=name
    )

    np.testing.assert_allclose(dense, THEIRS[name], atol=2e-3 if name == "euclidean" else 1e-5)
    np.testing.assert_allclose(thin, dense, atol=1e-4)


@pytest.mark.parametrize("name", ["cosine", "pearson"])
def test_what_has_no_length_is_like_nothing(name):
    found = closeness.closeness(np.zeros((1, 7), np.float32), VECTORS, similarity=name)

    assert found.tolist() == [[0.0] * 9]


def test_equal_numbers_have_no_correlation():
    found = closeness.closeness(np.full((1, 7), 0.3, np.float32), VECTORS, similarity="pearson")

    assert found.tolist() == [[0.0] * 9]


def test_another_similarity_is_refused():
    with pytest.raises(ValueError, match="cosine, euclidean, pearson"):
        closeness.closeness(PROFILES, VECTORS, similarity="manhattan")
