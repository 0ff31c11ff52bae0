"""Markov chains: counts and back-off by hand."""

from __future__ import annotations

import numpy as np

from interests.tracking.histories import History
from interests.tracking.markov import Markov, count
from interests.tracking.protocol import track


def history(categories, weights=None):
    length = len(categories)
    return History(
        shares=np.eye(3)[categories],
        times=np.arange(length, dtype=np.int64),
        sessions=np.zeros(length, np.int32),
        weights=np.ones(length) if weights is None else np.array(weights, float),
    )


def test_contexts_of_up_to_three_events_are_counted_and_negative_events_follow_nothing():
    tables = count([history([0, 1, 2, 1], weights=[1, 1, 1, -1])])

    assert {context: row.tolist() for context, row in tables.items()} == {
        (0,): [0, 1, 0],
        (1,): [0, 0, 1],
        (0, 1): [0, 0, 1],
    }


def test_an_event_of_two_categories_counts_half_for_each_context():
    own = history([0, 2])
    own.shares[0] = [0.5, 0.5, 0]

    tables = count([own])

    assert tables[(0,)].tolist() == tables[(1,)].tolist() == [0, 0, 0.5]


def test_a_context_backs_off_to_the_shorter_by_what_it_has_seen():
    tracker = Markov(order=2, part=0.5, back_off=6.0)
    tracker.tables = {(1,): np.array([2.0, 0, 0]), (0, 1): np.array([0, 0, 3.0])}
    own = np.tile([0.5, 0.3, 0.2], (3, 1))

    weights = tracker.weights(history([0, 1]), own)

    shorter = (np.array([2, 0, 0]) + 6 * own[0]) / 8
    chain = (np.array([0, 0, 3]) + 6 * shorter) / 9
    np.testing.assert_allclose(weights, [own[0], own[0], 0.5 * chain + 0.5 * own[0]])


def test_whoever_does_two_things_in_turn_is_foreseen():
    tracker = Markov()

    tracker.fit([history([0, 1] * 40) for _ in range(10)])

    assert track(tracker, history([0, 1, 0])).weights[3, 1] > 0.7
