from __future__ import annotations

import math

import numpy as np
import pytest

from recommender.evaluation import ratios
from recommender.evaluation.ratios import Change, Ratio, Sums


def sums(x: np.ndarray, y: np.ndarray) -> Sums:
    has = x > 0
    x, y = x[has].astype(float), y[has].astype(float)
    return Sums(len(x), x.sum(), y.sum(), (x * x).sum(), (y * y).sum(), (x * y).sum())


def test_ratio_of_equal_denominators_is_the_mean_with_its_usual_interval():
    y = np.array([0, 1] * 20)

    found = ratios.ratio(sums(np.full(40, 2), y))

    # Half of 40 people have 1 of 2: the mean is 1/4, its variance (1/16 * 40/39) / 40.
    error = math.sqrt(1 / 16 / 39)
    assert found is not None
    assert found.value == 0.25
    assert found.standard_error == pytest.approx(error)
    assert (found.low, found.high) == pytest.approx(
        (0.25 - ratios.Z * error, 0.25 + ratios.Z * error)
    )


def test_ratio_knows_that_items_of_one_person_are_no_sample():
    all_or_nothing = sums(np.full(40, 100), np.array([0, 100] * 20))
    of_one_item = sums(np.full(40, 1), np.array([0, 1] * 20))

    assert ratios.ratio(all_or_nothing) == ratios.ratio(of_one_item)


@pytest.mark.parametrize(
    ("num", "y", "expected"),
    [
        (29, np.arange(29) % 2, Ratio(14 / 29)),
        (40, np.zeros(40), Ratio(0.0)),
    ],
)
def test_ratio_of_too_few_people_or_of_nothing_has_no_interval(num, y, expected):
    assert ratios.ratio(sums(np.ones(num), y)) == expected


def test_ratio_of_nothing_seen_is_none():
    assert ratios.ratio(Sums(0, 0.0, 0.0, 0.0, 0.0, 0.0)) is None


def test_ratio_stays_below_what_it_cannot_pass():
    found = ratios.ratio(sums(np.full(40, 1), np.array([1] * 39 + [0])), most=1.0)

    assert found is not None
    assert found.high == 1.0


def test_interval_holds_the_truth_nineteen_times_of_twenty():
    rng = np.random.default_rng(4)
    num_held = 0
    for _ in range(400):
        seen = rng.poisson(6, 300)
        rate = rng.beta(1, 9, 300)  # people differ: 10 % on average
        found = ratios.ratio(sums(seen, rng.binomial(seen, rate)))
        assert found is not None and found.low is not None and found.high is not None
        num_held += found.low <= 0.1 <= found.high

    assert 0.92 <= num_held / 400 <= 0.98


def test_change_is_sure_where_its_interval_does_not_hold_nothing():
    assert ratios.change((0.5, 0.03), (0.4, 0.04)) == Change(pytest.approx(0.1), 0.05, True)
    assert ratios.change((0.44, 0.03), (0.4, 0.04)) == Change(pytest.approx(0.04), 0.05, False)
    assert ratios.change((0.5, None), (0.4, 0.04)) == Change(pytest.approx(0.1), None, None)
