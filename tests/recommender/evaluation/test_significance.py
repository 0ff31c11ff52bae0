"""Intervals and tests on values whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from recommender.evaluation import significance


def test_an_interval_of_equal_values_is_a_point():
    assert significance.bootstrap_interval(np.full(20, 0.25), seed=0) == (0.25, 0.25)


def test_an_interval_of_many_values_is_that_of_the_normal_approximation():
    values = np.random.default_rng(0).normal(size=4000)

    low, high = significance.bootstrap_interval(values, seed=1)

    half = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=half / 8)
    assert high == pytest.approx(values.mean() + half, abs=half / 8)


def test_intervals_depend_on_the_seed_alone():
    values = np.random.default_rng(0).random(30)

    first = significance.bootstrap_interval(values, seed=4)

    assert significance.bootstrap_interval(values, seed=4) == first
    assert significance.bootstrap_interval(values, seed=5) != first


def test_equal_algorithms_do_not_differ():
    values = np.random.default_rng(0).random(50)

    assert significance.paired_p_value(values, values, seed=0) == 1.0


def test_the_smallest_p_value_is_that_of_no_pattern_as_far():
    values = np.arange(1, 101) / 100

    assert significance.paired_p_value(values, np.zeros(100), seed=0) == 1 / 10_001


def test_three_users_in_one_direction_come_up_in_a_quarter_of_all_sign_patterns():
    p_value = significance.paired_p_value(np.array([1.0, 1.0, 1.0]), np.zeros(3), seed=0)

    assert p_value == pytest.approx(0.25, abs=0.02)


def test_the_p_value_agrees_with_scipys_permutation_test():
    random = np.random.default_rng(7)
    differences = random.normal(0.15, 1, 60)

    ours = significance.paired_p_value(differences, np.zeros(60), seed=0)

    theirs = stats.permutation_test(
        (differences,), lambda x, axis: x.mean(axis=axis), permutation_type="samples",
        n_resamples=9_999, vectorized=True, rng=np.random.default_rng(1),
    )  # fmt: skip
    assert ours == pytest.approx(theirs.pvalue, abs=0.02)
