"""PureSVD against numpy's full decomposition."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.algorithms import matrices, svd
from recommender.algorithms.protocol import CannotFit
from recommender.algorithms.svd import SVD, SVDSettings
from tests.recommender.logs import drawn_log, log_of


def plain(chosen, width):
    """Return what is left of each history in the strongest directions: U S Vᵀ cut after `width`."""
    left, strengths, right = np.linalg.svd(chosen, full_matrices=False)
    return left[:, :width] * strengths[:width] @ right[:width]


def test_one_direction_by_hand():
    # Two people chose both a and b, one chose c: the strongest direction is (1, 1, 0) / √2.
    log = log_of(
        [("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1), ("bob", "b", 2), ("cem", "c", 1)]
    )

    fitted = SVD().fit(log, settings=SVDSettings(1, None), seed=0)

    scores = fitted.scores(log, users=np.array([0, 2], np.int32))
    np.testing.assert_allclose(scores, [[1, 1, 0], [0, 0, 0]], atol=1e-6)


@pytest.mark.parametrize("num_users", [100, 12])
@pytest.mark.parametrize("max_dense", [0, 2_000])
def test_scores_are_those_of_the_matrix_cut_after_its_largest_values(
    num_users, max_dense, monkeypatch
):
    monkeypatch.setattr(svd, "MAX_DENSE", max_dense)
    monkeypatch.setattr(SVD, "grid", lambda self: (SVDSettings(6, None),))
    log = drawn_log(num_users=num_users, num_items=40, num_events=600)
    users = np.array([2, 5, 11], np.int32)

    fitted = SVD().fit(log, settings=SVDSettings(6, None), seed=0)

    chosen = matrices.choices(log).toarray().astype(float)
    expected = plain(chosen, 6)[users]
    expected[:, chosen.sum(axis=0) == 0] = -np.inf
    np.testing.assert_allclose(fitted.scores(log, users=users), expected, atol=1e-5)


def test_late_choices_count_most_with_a_half_life():
    log = drawn_log()
    users = np.array([2, 5, 11], np.int32)

    fitted = SVD().fit(log, settings=SVDSettings(4, 2.0), seed=0)

    history = matrices.choices_of(log, users=users, half_life=2.0)[:, fitted.items].toarray()
    expected = history @ fitted.directions @ fitted.directions.T
    found = fitted.scores(log, users=users)[:, fitted.items]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_all_settings_share_one_decomposition(monkeypatch):
    widths = []
    decomposed = svd.directions_of
    monkeypatch.setattr(
        svd, "directions_of", lambda m, width: widths.append(width) or decomposed(m, width=width)
    )
    algorithm, log = SVD(), drawn_log()

    shared = [
        algorithm.fit(log, settings=settings, seed=0).shared_seconds > 0
        for settings in algorithm.grid()
    ]

    # The time of a fit is what it takes alone: the first shared nothing.
    assert shared == [False] + [True] * (len(shared) - 1)
    assert widths == [128]


def test_there_are_no_more_directions_than_the_data_has():
    # Everybody chose the same: one direction, whatever the width.
    log = log_of([(user, item, 1) for user in ("ann", "bob") for item in ("a", "b", "c")])

    fitted = SVD().fit(log, settings=SVDSettings(3), seed=0)

    assert fitted.directions.shape == (3, 1)


@pytest.mark.parametrize(
    ("rows", "settings", "words"),
    [
        ([("ann", "a", 1, "dislike")], SVDSettings(), "no events to learn from: svd needs"),
        ([("ann", "a", 1)], SVDSettings(0), "svd needs a width of at least 1"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(rows, settings, words):
    with pytest.raises(CannotFit, match=words):
        SVD().fit(log_of(rows), settings=settings, seed=0)
