"""Memories: numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from interests.tracking.memories import Counts, Memory, foresight, half_life_of

PRIOR = np.array([0.5, 0.25, 0.25])


def after(memory, events):
    counts = Counts((memory,), shares=PRIOR, size=1)
    for category, weight in events:
        counts.add(np.eye(3)[[category]], np.array([weight]))
    return counts.predictions()[0, 0]


def test_without_forgetting_events_are_counted_beside_the_prior():
    result = after(Memory(np.inf, 2), [(0, 1.0), (1, 1.0)])

    np.testing.assert_allclose(result, [2 / 4, 1.5 / 4, 0.5 / 4])


def test_with_a_half_life_of_one_event_the_one_before_counts_half():
    result = after(Memory(1, 2), [(0, 1.0), (1, 1.0)])

    np.testing.assert_allclose(result, [1.5 / 3.5, 1.5 / 3.5, 0.5 / 3.5])


def test_an_event_counts_by_the_weight_of_its_kind_up_to_five():
    np.testing.assert_allclose(after(Memory(np.inf, 2), [(0, 2.0)]), [3 / 4, 0.5 / 4, 0.5 / 4])
    np.testing.assert_allclose(after(Memory(np.inf, 2), [(0, 99.0)]), [6 / 7, 0.5 / 7, 0.5 / 7])


def test_a_negative_event_takes_half_an_event_away_but_never_below_nothing():
    np.testing.assert_allclose(
        after(Memory(np.inf, 2), [(0, 1.0), (0, -1.0)]), [1.5 / 2.5, 0.5 / 2.5, 0.5 / 2.5]
    )
    np.testing.assert_allclose(after(Memory(np.inf, 2), [(0, -1.0)]), PRIOR)


def test_a_memory_may_lean_on_the_persons_own_long_term():
    result = after(Memory(1e-9, 4, leans_on_person=True), [(1, 1.0), (0, 1.0)])

    # Of the last event all is left, of the first nothing; the person's own are 15 prior events and two.
    own = np.array([8.5, 4.75, 3.75]) / 17
    np.testing.assert_allclose(result, (np.array([1, 0, 0]) + 4 * own) / 5)


def test_twenty_events_have_a_half_life_of_thirteen_and_a_half():
    assert half_life_of(20) == pytest.approx(13.513, abs=1e-3)


def test_foresight_of_a_shared_event_is_the_geometric_mean():
    predictions = np.array([[[0.64, 0.25, 0.11], [0.2, 0.2, 0.6]]])

    result = foresight(predictions, np.array([[0.5, 0.5, 0.0]]))

    np.testing.assert_allclose(result, [[0.4, 0.2]])
