from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import gammaln

from recommender.evaluation import ratio_check


def test_the_p_value_is_one_over_the_bayes_factor_worked_by_hand() -> None:
    # Under Beta(1, 1) any order of 9 and 1 has the probability 9! 1! / 11!; under halves 1 / 2^10.
    factor = math.factorial(9) / math.factorial(11) * 2**10

    assert ratio_check.p_value((9, 1), (0.5, 0.5), firmness=2.0) == pytest.approx(1 / factor)
    assert gammaln(11) == pytest.approx(math.log(math.factorial(10)))


def test_shares_as_they_should_be_are_seldom_called_broken_at_any_of_many_looks() -> None:
    rng = np.random.default_rng(1)
    shares = (0.5, 0.3, 0.2)
    broken = 0
    for _ in range(400):
        counts = rng.multinomial(100, shares, size=100).cumsum(axis=0)
        broken += min(ratio_check.p_value(row, shares) for row in counts) < 0.05

    assert broken / 400 <= 0.05


def test_two_points_too_many_are_found() -> None:
    assert ratio_check.p_value((52_100, 47_900), (0.5, 0.5)) < 0.0001
    assert ratio_check.p_value((5_210, 4_790), (0.5, 0.5)) < 0.01
    assert ratio_check.p_value((50_100, 49_900), (0.5, 0.5)) == 1.0
    assert ratio_check.p_value((0, 0), (0.5, 0.5)) == 1.0


def test_people_who_prefer_one_list_are_found() -> None:
    assert ratio_check.sign_p_value(320, 240) < 0.02
    assert ratio_check.sign_p_value(281, 279) == 1.0
