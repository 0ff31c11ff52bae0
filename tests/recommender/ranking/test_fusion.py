"""Scores on one scale and mixed, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.ranking import fusion

ROW = np.array([[3, 1, 2, -np.inf]], np.float32)


def test_places_count_those_before_and_equals_share_the_worst():
    scores = np.array([[5, 7, 5, 1, -np.inf], [0, 0, 0, 0, 0]], np.float32)

    assert fusion.ranks(scores, depth=10).tolist() == [[2, 0, 2, 3, 10], [4, 4, 4, 4, 4]]
    assert fusion.ranks(scores, depth=3).tolist() == [[2, 0, 2, 3, 3], [3, 3, 3, 3, 3]]
    assert fusion.ranks(scores, depth=2).tolist() == [[2, 0, 2, 2, 2], [2, 2, 2, 2, 2]]


def test_z_counts_what_is_unknown_as_the_lowest():
    # 3, 1, 2, 1: mean 1.75, standard deviation sqrt(0.6875)
    expected = (np.array([3, 1, 2, 1]) - 1.75) / np.sqrt(0.6875)

    assert fusion.scaled(ROW, scale="z")[0] == pytest.approx(expected, abs=1e-6)


def test_min_max_goes_from_0_to_1():
    assert fusion.scaled(ROW, scale="min-max").tolist() == [[1, 0, 0.5, 0]]


def test_rank_goes_from_1_to_0_by_the_logarithm_of_the_place():
    found = fusion.scaled(ROW, scale="rank", depth=3)[0]

    assert found == pytest.approx([1, 1 - np.log(3) / np.log(4), 0.5, 0], abs=1e-6)


@pytest.mark.parametrize("scale", ["z", "min-max"])
@pytest.mark.parametrize("value", [4.0, -np.inf])
def test_scores_that_do_not_differ_say_nothing(scale, value):
    assert fusion.scaled(np.full((1, 3), value, np.float32), scale=scale).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("scale", fusion.SCALES)
def test_a_scale_does_not_depend_on_shift_and_unit_of_the_scores(scale):
    scores = np.random.default_rng(0).normal(size=(4, 30)).astype(np.float32)

    found = fusion.scaled(3 * scores + 7, scale=scale)

    np.testing.assert_allclose(found, fusion.scaled(scores, scale=scale), atol=1e-4)


def test_what_does_not_count_is_put_where_it_would_stand():
    scores = np.array([[9, 5, 1, 3]], np.float32)
    counted = np.array([[False, True, True, False]])

    assert fusion.ranks(scores, depth=10, counted=counted).tolist() == [[0, 0, 1, 1]]
    assert fusion.scaled(scores, scale="min-max", counted=counted).tolist() == [[2, 1, 0, 0.5]]
    assert fusion.scaled(scores, scale="z", counted=counted).tolist() == [[3, 1, -1, 0]]


@pytest.mark.parametrize("scale", fusion.SCALES)
def test_where_nothing_counts_all_is_finite(scale):
    found = fusion.scaled(ROW, scale=scale, counted=np.zeros(ROW.shape, bool))

    assert np.isfinite(found).all()


def test_weighted_sum_adds_each_times_its_weight():
    parts = [np.array([[1, 2]], np.float32), np.array([[10, 0]], np.float32)]

    assert fusion.weighted_sum(parts, weights=[2, 0.5]).tolist() == [[7, 4]]


def test_reciprocal_ranks_begin_with_one_over_61():
    found = fusion.reciprocal(np.array([[0, 1, 9]], np.float32))[0]

    assert found == pytest.approx([1 / 61, 1 / 62, 1 / 70])


def test_the_first_of_three_places_has_three_votes():
    assert fusion.votes(np.array([[0, 1, 2, 3, 5]], np.float32), depth=3).tolist() == [
        [3, 2, 1, 0, 0]
    ]


def test_a_cascade_ranks_the_best_two_of_the_first_by_the_second_and_the_rest_by_the_first():
    first = np.array([[9, 8, 7, 6]], np.float32)
    then = np.array([[1, 2, 50, 40]], np.float32)

    found = fusion.cascade(first, then, num_candidates=2)

    assert np.argsort(-found[0]).tolist() == [1, 0, 2, 3]


def test_known_by_any_needs_one():
    other = np.array([[-np.inf, -np.inf, 1, -np.inf]], np.float32)

    assert fusion.known_by_any([ROW, other]).tolist() == [[True, True, True, False]]


# What float32 leaves of sums that are 0, beside what was seen before: 2, and 0 to 1e-7 at most.
NOISE = np.array([[2, 1e-7, -1e-7, 3e-8, 0]], np.float32)
NOT_SEEN = np.array([[False, True, True, True, True]])


@pytest.mark.parametrize("scale", ["z", "min-max"])
def test_rounding_is_no_opinion_of_what_was_not_seen(scale):
    found = fusion.scaled(NOISE, scale=scale, counted=NOT_SEEN)

    assert found.tolist() == [[0, 0, 0, 0, 0]]


def test_what_differs_by_rounding_shares_a_place():
    assert fusion.ranks(NOISE, depth=10, counted=NOT_SEEN).tolist() == [[0, 3, 3, 3, 3]]
    assert fusion.ranks(NOISE, depth=10).tolist() == [[0, 4, 4, 4, 4]]


@pytest.mark.parametrize("unit", [1e-30, 1e-9, 1, 1e30])
def test_an_opinion_is_one_however_small_its_unit(unit):
    scores = np.array([[3, 1, 2, 1]], np.float32) * np.float32(unit)

    assert fusion.scaled(scores, scale="min-max")[0] == pytest.approx([1, 0, 0.5, 0])
    assert fusion.scaled(scores, scale="z")[0] == pytest.approx(
        (np.array([3, 1, 2, 1]) - 1.75) / np.sqrt(0.6875), abs=1e-5
    )
    assert fusion.ranks(scores, depth=10).tolist() == [[0, 3, 1, 3]]
