"""Diversity and calibration against sums worked out by hand."""

from math import log

import pytest

from recommender.ranking.balancing import SMOOTHING, Balance, half


def test_divergence_is_that_of_the_mix_with_the_next_item():
    balance = Balance(
        values=[1.0, 1.0], low=0.0, high=1.0, categories=[(1,), (2,)], weights={1: 0.5, 2: 0.5},
        diversity=0.0, calibration=1.0,
    )  # fmt: skip
    balance.take((1,))

    found = balance._divergence()

    # With another item of category 1 the mix is 1 and 0, with one of category 2 it is even.
    whole, none = (1 - SMOOTHING) + SMOOTHING * 0.5, SMOOTHING * 0.5
    assert found == pytest.approx([0.5 * log(0.5 / whole) + 0.5 * log(0.5 / none), 0.0])
    assert balance.best([0, 1]) == 1


def test_likeness_is_the_cosine_of_category_shares():
    balance = Balance(
        values=[3.0, 2.0, 0.0], low=0.0, high=3.0, categories=[(1, 2), (1,), ()], weights={},
        diversity=0.5, calibration=0.0,
    )  # fmt: skip
    balance.take((1, 2))

    # 0.5 * 2/3 less 0.5 * cos(45 degrees) is below 0; nothing is like an item without a category.
    assert 0.5 * 2 / 3 - 0.5 * 0.5**0.5 < 0
    assert balance.best([1, 2]) == 2


def test_half_precision_is_that_of_a_cursor():
    assert half([0.1, 1e9, -1e9]) == [0.0999755859375, 60_000.0, -60_000.0]
