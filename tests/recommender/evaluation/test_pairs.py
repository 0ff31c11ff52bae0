from __future__ import annotations

import numpy as np
import pytest

from recommender.evaluation import pairs, significance
from recommender.evaluation.pairs import compare_all


def drawn(*, num_users=300, seed=0):
    """Three algorithms of which the third finds more, with the few values that one target allows."""
    random = np.random.default_rng(seed)
    gains = np.array([0, 0.5, 0.63, 1.0])
    weak = gains[random.choice(4, num_users, p=[0.8, 0.1, 0.05, 0.05])]
    alike = gains[random.choice(4, num_users, p=[0.8, 0.1, 0.05, 0.05])]
    strong = gains[random.choice(4, num_users, p=[0.6, 0.1, 0.1, 0.2])]
    return {"weak": weak, "alike": alike, "strong": strong}


def test_every_pair_stands_once_with_its_difference():
    values = drawn()

    found = compare_all(values, seed=0)

    assert [(pair.first, pair.second) for pair in found] == [
        ("weak", "alike"),
        ("weak", "strong"),
        ("alike", "strong"),
    ]
    for pair in found:
        expected = values[pair.first].mean() - values[pair.second].mean()
        assert pair.difference == pytest.approx(expected)
        assert pair.low <= pair.difference <= pair.high


def test_p_values_are_those_of_one_test_at_a_time():
    values = drawn()

    for pair in compare_all(values, seed=0):
        alone = significance.paired_p_value(values[pair.first], values[pair.second], seed=1)
        # Two draws of 10,000 patterns: the share of those as far off has a deviation of at most 0.005.
        assert pair.p_value == pytest.approx(alone, abs=0.02)


def test_four_users_who_all_agree_are_one_pattern_in_eight():
    # Of the 16 patterns of four signs two have a sum as large: all as they are, all turned round.
    [pair] = compare_all({"a": np.ones(4), "b": np.zeros(4)}, seed=0)

    assert pair.p_value == pytest.approx(2 / 16, abs=0.012)
    assert (pair.difference, pair.low, pair.high) == (1.0, 1.0, 1.0)


def test_equal_algorithms_do_not_differ():
    values = np.array([0.0, 0.5, 1.0])

    [pair] = compare_all({"a": values, "b": values.copy()}, seed=0)

    assert (pair.difference, pair.low, pair.high, pair.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_intervals_of_users_drawn_block_by_block_are_as_wide(monkeypatch):
    values = drawn(num_users=400)
    expected = significance.bootstrap_interval(values["strong"] - values["weak"], seed=3)

    monkeypatch.setattr(pairs, "BLOCK_CELLS", pairs.NUM_FLIPS * 4)
    pair = compare_all(values, seed=0)[1]

    assert (-pair.high, -pair.low) == pytest.approx(expected, abs=0.01)


def test_a_seed_gives_the_same_again_and_one_algorithm_no_pair():
    values = drawn()

    assert compare_all(values, seed=4) == compare_all(values, seed=4)
    assert compare_all({"a": values["weak"]}, seed=0) == []
