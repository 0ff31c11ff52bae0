"""Each measure worked by hand, and against a plain loop over pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial import distance

from recommender.algorithms import similarities
from recommender.algorithms.similarities import Preparation

CHOICES, RATINGS = similarities.CHOICES, similarities.RATINGS


def compared(cells, *, measure, content=CHOICES, shrinkage=0.0):
    rows = sparse.csr_array(np.asarray(cells, np.float32))
    preparation = Preparation.of(rows, measure=measure, content=content)
    vectors = preparation.vectors(rows)
    turned = vectors.cells.T.tocsr()
    found = similarities.compare(
        vectors, vectors, turned=turned, measure=measure, shrinkage=shrinkage
    )
    return found.toarray()


@pytest.mark.parametrize(
    ("measure", "shrinkage", "expected"),
    [
        ("cosine", 0.0, 2 / np.sqrt(3 * 2)),
        ("cosine", 5.0, 2 / (np.sqrt(3 * 2) + 5)),
        ("jaccard", 0.0, 2 / 3),
        ("jaccard", 5.0, 2 / 8),
        ("euclidean", 0.0, 1 / (1 + np.sqrt(1))),
        ("euclidean", 5.0, 2 / 7 / (1 + np.sqrt(1))),
        ("manhattan", 0.0, 1 / (1 + 1)),
        ("manhattan", 5.0, 2 / 7 / (1 + 1)),
        # Means 3/5 and 2/5: (2 - 5 * 6/25) over the square root of 6/5 * 6/5.
        ("pearson", 0.0, (2 - 6 / 5) / (6 / 5)),
        ("pearson", 5.0, (2 - 6 / 5) / (6 / 5 + 5)),
    ],
)
def test_two_rows_by_hand(measure, shrinkage, expected):
    found = compared([[1, 1, 1, 0, 0], [1, 1, 0, 0, 0]], measure=measure, shrinkage=shrinkage)

    assert found[0, 1] == found[1, 0] == pytest.approx(expected, rel=1e-5)


def test_ratings_by_hand():
    # Means of the rows: 4, 3 and 2; of the columns: 3, 4 and 2.
    cells = [[5, 3, 0], [3, 5, 1], [1, 0, 3]]

    pearson = compared(cells, measure="pearson", content=RATINGS)
    adjusted = compared(cells, measure="adjusted cosine", content=RATINGS)

    # (1, -1, .) and (0, 2, -2): -2 / (√2 √8), which is not above 0; (0, 2, -2) and (-1, ., 1) are opposite.
    assert pearson[0].tolist() == [pytest.approx(1), 0, 0]
    # (2, -1, .), (0, 1, -1) and (-2, ., 1): no two of them agree in anything.
    np.testing.assert_allclose(adjusted, np.eye(3), atol=1e-6)


def test_what_was_not_rated_holds_back():
    cells = [[5, 1, 0, 0], [5, 1, 5, 1], [5, 1, 0, 0]]

    found = compared(cells, measure="pearson", content=RATINGS)

    # The same two ratings: all that the third row has, half of what the second has.
    np.testing.assert_allclose(found[0], [1, np.sqrt(0.5), 1], rtol=1e-6)


@pytest.fixture(scope="module")
def drawn():
    """Draw 0s and 1s, and weights of those long ago. [12, 30]"""
    random = np.random.default_rng(0)
    return (random.random((12, 30)) < 0.3).astype(float)


# 1 / (1 + distance) or 1 - distance, by SciPy.
PLAIN = {
    "cosine": lambda a, b, c: 1 - distance.cosine(a, b),
    "adjusted cosine": lambda a, b, c: 1 - distance.cosine(a - c, b - c),
    "pearson": lambda a, b, c: 1 - distance.correlation(a, b),
    "jaccard": lambda a, b, c: 1 - distance.jaccard(a > 0, b > 0),
    "euclidean": lambda a, b, c: 1 / (1 + distance.euclidean(a, b)),
    "manhattan": lambda a, b, c: 1 / (1 + distance.cityblock(a, b)),
}


@pytest.mark.parametrize("measure", PLAIN)
def test_pairs_that_share_a_cell_are_as_alike_as_scipy_says(measure, drawn):
    found = compared(drawn, measure=measure)

    means = drawn.mean(axis=0)
    expected = [
        [max(PLAIN[measure](a, b, means), 0) if (a * b).any() else 0 for b in drawn] for a in drawn
    ]
    assert (np.array(expected) == 0).any()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("measure", ["cosine", "pearson", "euclidean", "manhattan"])
def test_choices_that_fade_are_compared_as_what_they_are(measure, drawn):
    faded = drawn[:1] * np.linspace(0.1, 1, 30)
    rows = [sparse.csr_array(each.astype(np.float32)) for each in (faded, drawn)]
    preparation = Preparation.of(rows[1], measure=measure, content=CHOICES)
    left, right = (preparation.vectors(each) for each in rows)

    found = similarities.compare(
        left, right, turned=right.cells.T.tocsr(), measure=measure, shrinkage=0.0
    ).toarray()[0]

    shares = (faded @ drawn.T)[0] > 0
    expected = [max(PLAIN[measure](faded[0], other, None), 0) for other in drawn]
    np.testing.assert_allclose(found, np.where(shares, expected, 0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("measure", "own"), [("pearson", 1), ("adjusted cosine", 0)])
def test_ratings_are_as_alike_as_cosines_of_what_is_above_the_mean(measure, own):
    random = np.random.default_rng(1)
    values = random.integers(1, 6, (15, 20)).astype(float)
    values[random.random(values.shape) < 0.5] = np.nan

    found = compared(np.nan_to_num(values), measure=measure, content=RATINGS)

    above = np.nan_to_num(values - np.nanmean(values, axis=own, keepdims=True))
    lengths = np.linalg.norm(above, axis=1)
    expected = np.maximum(above @ above.T / np.outer(lengths, lengths), 0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("content", [CHOICES, RATINGS])
@pytest.mark.parametrize("measure", similarities.OF_RATINGS)
@pytest.mark.parametrize("shrinkage", [0.0, 2.0])
def test_rows_without_spread_are_like_nothing(measure, content, shrinkage):
    rows = [[0.7, 0.7, 0.7]] * 3

    found = compared(rows, measure=measure, content=content, shrinkage=shrinkage)

    assert found.tolist() == [[0, 0, 0]] * 3
