"""What comes next, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.algorithms.markov import Markov, MarkovSettings
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import log_of

# After a comes b twice and c once; after (c, a) comes c, after (x, a) never anything.
ROWS = [
    ("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1), ("bob", "b", 2),
    ("cem", "c", 1), ("cem", "a", 2), ("cem", "x", 3, "dislike"), ("cem", "c", 4),
    ("dan", "c", 1), ("dan", "a", 2),
    ("eve", "b", 1), ("eve", "a", 2),
    ("fay", "b", 1),
    ("gil", "x", 1, "dislike"),
]  # fmt: skip
BASE = np.array([5, 4, 3]) / 12
AFTER_A = np.array([0, 1.5 / 3, 0.5 / 3]) + 0.5 * 2 / 3 * BASE
AFTER_B = np.array([0.5 / 1, 0, 0]) + 0.5 * 1 / 1 * BASE


def scores(order, *users):
    log = log_of(ROWS)
    fitted = Markov().fit(log, settings=MarkovSettings(order, 0.5), seed=0)
    found = fitted.scores(log, users=np.array(users, np.int32))
    assert np.isneginf(found[:, 3]).all()
    return found[:, :3]


def test_the_last_choice_says_what_comes_next():
    dan, fay = scores(1, 3, 5)

    np.testing.assert_allclose(dan, AFTER_A, rtol=1e-6)
    np.testing.assert_allclose(fay, AFTER_B, rtol=1e-6)


def test_longer_memories_come_first_and_give_their_discount_to_shorter_ones():
    dan, eve, fay = scores(2, 3, 4, 5)

    np.testing.assert_allclose(dan, np.array([0, 0, 0.5]) + 0.5 * AFTER_A, rtol=1e-6)
    # Nothing ever came after (b, a): what came after a counts in full. Fay has one choice only.
    np.testing.assert_allclose(eve, AFTER_A, rtol=1e-6)
    np.testing.assert_allclose(fay, AFTER_B, rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_chances_of_all_items_sum_to_one(order):
    np.testing.assert_allclose(scores(order, 0, 2, 3, 4, 5).sum(axis=1), 1, rtol=1e-6)


def test_of_whom_nothing_is_known_gets_what_is_chosen_most():
    np.testing.assert_allclose(scores(3, 6)[0], BASE, rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "rows", "words"),
    [
        (MarkovSettings(), [("ann", "a", 1, "dislike")], "needs at least one"),
        (MarkovSettings(0), ROWS, "an order of 1 or more"),
        (MarkovSettings(discount=0.0), ROWS, "a discount above 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(settings, rows, words):
    with pytest.raises(CannotFit, match=words):
        Markov().fit(log_of(rows), settings=settings, seed=0)
