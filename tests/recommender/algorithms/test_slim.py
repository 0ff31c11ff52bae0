"""SLIM against scikit-learn's elastic net, one item after the other."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet

from recommender.algorithms import matrices, slim
from recommender.algorithms.protocol import CannotFit
from recommender.algorithms.slim import Slim, SlimSettings
from tests.recommender.logs import drawn_log, log_of


def plain(chosen, l1, l2):
    """Return the weights that scikit-learn finds: its loss is ours over the number of end users."""
    num_users, num_items = chosen.shape
    found = np.zeros((num_items, num_items))
    net = ElasticNet(
        alpha=(l1 + l2) / num_users, l1_ratio=l1 / (l1 + l2), positive=True, fit_intercept=False,
        tol=1e-8, max_iter=10_000,
    )  # fmt: skip
    for item in range(num_items):
        others = chosen.copy()
        others[:, item] = 0
        found[:, item] = net.fit(others, chosen[:, item]).coef_
    return found


def test_two_items_by_hand():
    # b of 3 people, 2 of whom chose a: w = (2 - λ) / (3 + β) from b to a; back (2 - λ) / (2 + β).
    log = log_of(
        [("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1), ("bob", "b", 2), ("cem", "b", 1)]
    )

    fitted = Slim().fit(log, settings=SlimSettings(0.5, 2.0), seed=0)

    expected = [[0, 1.5 / 4], [1.5 / 5, 0]]
    np.testing.assert_allclose(fitted.weights.toarray(), expected, atol=1e-5)


# Few others at the start, so that more are let in later.
@pytest.mark.parametrize("num_first", [3, 48])
def test_weights_are_those_of_the_library(num_first, monkeypatch):
    monkeypatch.setattr(slim, "FIRST_OTHERS", num_first)
    monkeypatch.setattr(slim, "MORE_OTHERS", num_first)
    monkeypatch.setattr(slim, "BLOCK_ITEMS", 7)
    log = drawn_log()
    chosen, _ = matrices.compact(matrices.choices(log))

    found = slim.weights(chosen, l1=0.7, l2=3.0).toarray()

    expected = plain(chosen.toarray().astype(float), 0.7, 3.0)
    assert 3 < (expected > 0).sum(axis=0).max() < len(expected)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_scores_add_up_the_weights_of_what_was_chosen():
    log = drawn_log()
    users = np.array([2, 5, 11], np.int32)

    fitted = Slim().fit(log, settings=SlimSettings(0.5, 2.0, half_life=2.0), seed=0)

    history = matrices.choices_of(log, users=users, half_life=2.0)[:, fitted.items].toarray()
    found = fitted.scores(log, users=users)[:, fitted.items]
    np.testing.assert_allclose(found, history @ fitted.weights.toarray(), atol=1e-5)


def test_settings_that_differ_in_the_half_life_alone_share_their_weights():
    algorithm, log = Slim(), drawn_log()

    shared = [
        algorithm.fit(log, settings=SlimSettings(l1, 5.0, half_life), seed=0).shared_seconds > 0
        for l1, half_life in [(1.0, 5.0), (1.0, None), (2.0, None), (2.0, 5.0)]
    ]

    assert shared == [False, True, False, True]


def test_too_large_a_catalogue_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(slim, "MAX_ITEMS", 10)

    with pytest.raises(CannotFit, match="10 fit. Leave it out"):
        Slim().fit(drawn_log(), settings=SlimSettings(), seed=0)


@pytest.mark.parametrize(
    ("rows", "settings", "words"),
    [
        ([("ann", "a", 1, "dislike")], SlimSettings(), "no events to learn from: slim needs"),
        ([("ann", "a", 1)], SlimSettings(-1.0), "an l1 of at least 0 and an l2 above 0"),
        ([("ann", "a", 1)], SlimSettings(1.0, 0.0), "an l1 of at least 0 and an l2 above 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(rows, settings, words):
    with pytest.raises(CannotFit, match=words):
        Slim().fit(log_of(rows), settings=settings, seed=0)
