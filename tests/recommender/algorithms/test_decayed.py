"""Pairs and people that fade, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.algorithms import decayed
from recommender.algorithms.decayed import DecayedSettings, ItemKNNDecayed
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import drawn_log, log_of


def test_pairs_further_apart_count_less_and_refusals_do_not_count():
    log = log_of(
        [("ann", "a", 1), ("ann", "d", 2, "dislike"), ("ann", "b", 3), ("ann", "c", 4), ("bob", "a", 1)]
    )  # fmt: skip

    found = decayed.pairs(log, half_life=2.0).toarray()

    apart = 0.5**0.5
    expected = [[0, 1, apart, 0], [1, 0, 1, 0], [apart, 1, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_pairs_are_those_of_a_plain_loop():
    log = drawn_log(num_users=6, num_events=80)

    found = decayed.pairs(log, half_life=1.5).toarray()

    expected = np.zeros_like(found)
    for user in range(6):
        own = log.items[(log.users == user) & ~log.is_negative]
        for first in range(len(own)):
            for second in range(first + 1, min(first + 10, len(own) - 1 + 1)):
                weight = 0.5 ** ((second - first - 1) / 1.5)
                expected[own[first], own[second]] += weight
                expected[own[second], own[first]] += weight
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_what_came_next_to_the_latest_choice_scores_by_hand():
    log = log_of(
        [("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1), ("cem", "a", 1), ("cem", "c", 2)]
    )
    settings = DecayedSettings(1.0, half_life=1.0, num_neighbours=5, shrinkage=2.0)

    fitted = ItemKNNDecayed().fit(log, settings=settings, seed=0)

    # a was chosen by three, b and c by one each: 1 / (√3 + 2). For ann a lies one event back, for bob none.
    one = 1 / (np.sqrt(3) + 2)
    scores = fitted.scores(log, users=np.array([0, 1], np.int32))
    np.testing.assert_allclose(scores, [[one, one / 2, one / 2], [0, one, one]], rtol=1e-6)


def test_settings_that_differ_for_who_asks_share_the_similarities():
    algorithm, log = ItemKNNDecayed(), drawn_log()

    first, second, third = (
        algorithm.fit(log, settings=DecayedSettings(*own), seed=0)
        for own in ((2.0, 1.0), (2.0, None), (4.0, 1.0))
    )

    assert first.similarities is second.similarities
    assert third.similarities is not second.similarities
    assert (second.half_life, second.shared_seconds > 0) == (None, True)


@pytest.mark.parametrize(
    ("settings", "rows", "words"),
    [
        (DecayedSettings(), [("ann", "a", 1, "dislike")], "needs at least one"),
        (DecayedSettings(0.0), [("ann", "a", 1)], "a half-life above 0"),
        (DecayedSettings(num_neighbours=0), [("ann", "a", 1)], "at least 1 neighbour"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(settings, rows, words):
    with pytest.raises(CannotFit, match=words):
        ItemKNNDecayed().fit(log_of(rows), settings=settings, seed=0)
