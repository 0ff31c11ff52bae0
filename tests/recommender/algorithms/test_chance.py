"""Chance that anybody can repeat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.algorithms import chance
from recommender.algorithms.chance import Random, RandomSettings
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import drawn_log, log_of


def fitted(log, seed=0):
    return Random().fit(log, settings=RandomSettings(), seed=seed)


def test_a_number_is_that_of_splitmix64():
    # The first three outputs for seed 1234567, as published with the generator's reference code.
    published = np.array([6457827717110365317, 3203168211198807973, 9817491932198370423], np.uint64)
    steps = np.arange(3, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)

    drawn = chance.uniform(1234567, steps)

    np.testing.assert_array_equal(drawn, (published >> np.uint64(40)) / 2**24)


def test_numbers_are_spread_evenly_over_end_users_and_items():
    keys = np.arange(300, dtype=np.uint64)

    drawn = chance.uniform(0, keys[:, None], keys)

    assert drawn.shape == (300, 300)
    counts, _ = np.histogram(drawn, bins=10, range=(0, 1))
    # Each bin holds 9,000 of 90,000 but for a spread of 90.
    assert np.abs(counts - 9000).max() < 5 * 90
    assert abs(np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(drawn[:, :-1].ravel(), drawn[:, 1:].ravel())[0, 1]) < 0.02


def test_who_asks_again_gets_the_same_in_whatever_company_and_order():
    log = drawn_log()
    users = np.array([3, 8, 20], np.int32)

    scores = fitted(log).scores(log, users=users)

    np.testing.assert_array_equal(fitted(log).scores(log, users=users[::-1]), scores[::-1])
    assert (fitted(log, seed=1).scores(log, users=users) != scores)[np.isfinite(scores)].all()


def test_the_rest_of_the_catalogue_and_of_the_people_changes_nothing():
    log = log_of([("ann", "a", 1), ("bob", "b", 1), ("cem", "c", 1)])
    fewer = log_of([("bob", "b", 1), ("cem", "c", 1)])

    all_scores = fitted(log).scores(log, users=np.array([1, 2], np.int32))
    scores = fitted(fewer).scores(fewer, users=np.array([0, 1], np.int32))

    np.testing.assert_array_equal(all_scores[:, 1:], scores)


def test_what_was_never_chosen_is_not_drawn():
    log = log_of([("ann", "a", 1), ("bob", "b", 1, "dislike")], item_ids=("a", "b", "c"))
    log = replace(log, user_ids=np.append(log.user_ids, "stranger"))

    scores = fitted(log).scores(log, users=np.array([2], np.int32))

    assert np.isfinite(scores).tolist() == [[True, False, False]]
    with pytest.raises(CannotFit, match="random needs at least one"):
        fitted(log.take(log.is_negative))
