"""Levels of interest: Bayes by hand, what is learned of others, and what a change moves."""

from __future__ import annotations

import numpy as np
import pytest

from interests.tracking.levels import Levels, grid, learn, log_likelihood


def seen(*events):
    return [np.exp(log_likelihood(np.array([event], float))) for event in events]


def test_one_event_moves_the_posterior_by_bayes_and_the_chance():
    common = np.full((2, len(grid())), 1 / len(grid()))
    levels = Levels(common, chance=0.1, size=1)

    levels.add(seen([1, 0])[0], np.ones(1))

    first = 0.9 * grid() / grid().sum() + 0.1 / len(grid())
    second = 0.9 * (1 - grid()) / (1 - grid()).sum() + 0.1 / len(grid())
    means = np.array([first @ grid(), second @ grid()])
    np.testing.assert_allclose(levels.predictions(), [means / means.sum()])


def test_events_that_are_not_positive_say_nothing():
    levels = Levels(learn(np.zeros((0, 3))), chance=0.01, size=2)
    before = levels.predictions()

    levels.add(np.exp(log_likelihood(np.eye(3)[:2])), np.array([0.0, -1.0]))

    np.testing.assert_array_equal(levels.predictions(), before)


def test_levels_of_others_are_learned():
    counts = np.array([[90, 5, 5], [90, 5, 5], [90, 5, 5]] * 40, float)

    common = learn(counts)

    assert common.sum(1) == pytest.approx(1)
    assert grid()[common[0].argmax()] == pytest.approx(0.9, abs=0.05)
    assert grid()[common[1].argmax()] == pytest.approx(0.05, abs=0.03)


def test_a_change_of_two_categories_leaves_the_third():
    levels = Levels(learn(np.zeros((0, 3))), chance=0.01, size=1)
    for event in seen(*([1, 0, 0], [0, 0, 1]) * 40):
        levels.add(event, np.ones(1))
    before = levels.predictions()[0]
    for event in seen(*([0, 1, 0], [0, 0, 1]) * 15):
        levels.add(event, np.ones(1))

    after = levels.predictions()[0]

    assert after[1] > 0.35
    assert after[0] < 0.2
    assert abs(after[2] - before[2]) < 0.05
