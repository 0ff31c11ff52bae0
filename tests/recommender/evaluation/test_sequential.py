from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from recommender.evaluation import sequential, simulated_clicks
from recommender.evaluation.sequential import Sums
from recommender.evaluation.simulated_clicks import World

# People who come often enough for a difference of a tenth to be found within the month.
WORLD = World(people=1_500, days=30, visits_per_day=1.0, rate_spread=0.5, click_rate=0.05)


def means(people: int, active: int) -> Sums:
    """Sums of people of whom some did a thing once."""
    return sequential.sums_of(np.ones(people), np.array([1.0] * active + [0.0] * (people - active)))


def test_a_comparison_is_what_the_formulas_give_by_hand() -> None:
    found = sequential.compare(means(200, 80), means(200, 100), least_lift=0.1)

    # c - R n is 0.6 or -0.4, and 0.5 or -0.5: squares sum to 48 and 50; over the squares of 80 and 100 clicks.
    variance = (48 / 80**2 + 50 / 100**2) * 200 / 199
    prior = 1 / math.log(1.1) ** 2
    information = 1 / variance
    bound = math.sqrt(
        (1 + prior / information)
        * (math.log((information + prior) / prior) - 2 * math.log(0.05))
    )  # fmt: skip
    width = bound * math.sqrt(variance)
    log_ratio = 0.5 * math.log(prior / (information + prior)) + (
        information * math.log(1.25)
    ) ** 2 / (2 * (information + prior))
    assert found is not None
    assert found.effect == pytest.approx(0.25)
    assert found.low == pytest.approx(math.exp(math.log(1.25) - width) - 1)
    assert found.high == pytest.approx(math.exp(math.log(1.25) + width) - 1)
    assert found.p_value == pytest.approx(math.exp(-max(log_ratio, 0)))


def test_the_p_value_is_below_alpha_exactly_where_the_interval_leaves_0_out() -> None:
    for active in range(150, 300, 5):
        found = sequential.compare(means(1_000, 200), means(1_000, active), least_lift=0.2)

        assert found is not None
        assert (found.p_value < 0.05) == (not found.low <= 0 <= found.high)


def test_several_variants_share_alpha() -> None:
    one = sequential.compare(means(900, 200), means(900, 250), least_lift=0.2)
    three = sequential.compare(means(900, 200), means(900, 250), least_lift=0.2, num_variants=3)

    assert one is not None and three is not None
    assert three.p_value == pytest.approx(min(1.0, 3 * one.p_value))
    assert three.low < one.low < one.effect < one.high < three.high


def test_nothing_is_said_of_too_few() -> None:
    few = sequential.MIN_ACTIVE - 1

    assert sequential.compare(means(5_000, few), means(5_000, 500), least_lift=0.1) is None
    assert sequential.compare(means(500, 500), means(500, 500), least_lift=0.1) is None  # no spread
    assert means(0, 0).value is None


def test_what_is_known_from_before_narrows_intervals_and_moves_no_truth() -> None:
    rng = np.random.default_rng(5)
    wide, narrow, effects = [], [], []
    for _ in range(40):
        sides = []
        for lift in (1.0, 1.1):
            rate = rng.gamma(2.0, 0.5, size=4_000)
            before, clicks = rng.poisson(8 * rate), rng.poisson(5 * rate * lift)
            sides.append((np.ones(4_000), clicks.astype(float), before.astype(float)))
        with_x = sequential.compare(*(sequential.sums_of(*side) for side in sides), least_lift=0.1)
        without = sequential.compare(
            *(sequential.sums_of(n, c) for n, c, _ in sides), least_lift=0.1
        )
        assert with_x is not None and without is not None
        narrow.append(with_x.information)
        wide.append(without.information)
        effects.append(with_x.effect)

    # Of clicks, rates explain 0.5 / 0.7 of the relative variance, of which the clicks before know 0.5 / 0.625.
    assert np.mean(narrow) / np.mean(wide) == pytest.approx(1 / (1 - 0.5 / 0.7 * 0.8), rel=0.05)
    assert np.mean(effects) == pytest.approx(0.1, abs=0.01)


def test_the_needed_information_is_where_four_in_five_are_found() -> None:
    information = sequential.needed_information(0.1, least_lift=0.1)
    bound = float(sequential.bound(information, scale=math.log(1.1), alpha=0.05))

    power = stats.norm.sf(bound - math.log(1.1) * math.sqrt(information))

    assert power == pytest.approx(0.8)


def test_a_bare_random_walk_looked_at_after_every_step_crosses_the_bound_seldom() -> None:
    rng = np.random.default_rng(3)
    steps = np.arange(1.0, 3_001.0)
    scores = rng.normal(size=(1_000, 3_000)).cumsum(axis=1) / np.sqrt(steps)
    bound = sequential.bound(steps, scale=0.1, alpha=0.05)

    crossed = (np.abs(scores) > bound).any(axis=1).mean()

    assert 0.005 < crossed <= 0.05


def test_preference_between_two_lists_counts_people_not_clicks() -> None:
    both = np.full(300, 4.0)
    # 180 people give the second list 3 of 4 clicks, 120 give it 1.
    second = np.array([3.0] * 180 + [1.0] * 120)

    found = sequential.preference(sequential.sums_of(both, 2 * second - both), scale=0.1)

    assert found is not None
    assert found.effect == pytest.approx(0.6 * 0.5 - 0.4 * 0.5)
    # Each person's share lies 0.4 or 0.6 from it.
    assert 1 / found.information == pytest.approx((180 * 0.4**2 + 120 * 0.6**2) / 300 / 299)


@pytest.mark.slow
def test_looked_at_daily_at_most_one_in_twenty_experiments_calls_what_is_not_there() -> None:
    found = simulated_clicks.try_out(WORLD, lift=0.0, runs=1_000, seed=1, least_lift=0.1)

    assert found.rate <= 0.05
    assert found.missed / found.runs <= 0.05
    # The test of this test: a t-test looked at daily does call it, and looked at once it does not.
    assert 0.15 < found.naive_rate < 0.45
    assert 0.03 < found.found_once / found.runs < 0.07


@pytest.mark.slow
def test_conversions_that_happen_once_are_not_called_either() -> None:
    world = World(people=1_500, days=30, once=True, click_rate=0.02)

    found = simulated_clicks.try_out(world, lift=0.0, runs=400, seed=2, least_lift=0.1)

    assert found.rate <= 0.05
    assert found.naive_rate > 0.15


@pytest.mark.slow
def test_a_lift_of_a_tenth_is_found_within_the_month() -> None:
    world = World(people=10_000, days=30, visits_per_day=1.0, rate_spread=0.5, click_rate=0.05)

    found = simulated_clicks.try_out(world, lift=0.1, runs=100, seed=4, least_lift=0.1)

    assert found.rate >= 0.9
    assert found.missed / found.runs <= 0.05
    assert 1 <= np.median(found.days) < 30
