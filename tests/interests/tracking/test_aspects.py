"""Aspects: credits by hand, and what is learned of others' events."""

from __future__ import annotations

import numpy as np
import pytest

from interests.tracking import aspects
from interests.tracking.histories import History

COMEDY, ROMANCE = [1.0, 0.0], [0.0, 1.0]
BOTH = [0.5, 0.5]


def history(*shares, weights=None):
    length = len(shares)
    return History(
        shares=np.array(shares, float),
        times=np.arange(length, dtype=np.int64),
        sessions=np.zeros(length, np.int32),
        weights=np.ones(length) if weights is None else np.array(weights, float),
    )


def test_an_event_is_credited_by_what_is_wanted():
    found = aspects.credit(
        np.array([BOTH, BOTH, COMEDY]), np.array([[0.9, 0.1], [0.5, 0.5], [0, 1]])
    )

    np.testing.assert_allclose(found, [[0.9, 0.1], [0.5, 0.5], [1, 0]])


def test_whoever_watches_comedies_watches_romantic_comedies_for_the_comedy():
    people = [history(*[COMEDY] * 9, BOTH) for _ in range(20)]

    learned = aspects.learn(people, shares=np.array([0.95, 0.05]))

    assert learned.shares[0] > 0.98
    # A tenth of what comedy is credited with was half romance.
    assert learned.spread[0, 1] == pytest.approx(0.05, abs=0.005)
    assert learned.spread.sum(1) == pytest.approx(1)


def test_negative_events_teach_nothing():
    people = [history(COMEDY, ROMANCE, weights=[1, -1])]

    learned = aspects.learn(people, shares=np.array([0.5, 0.5]))

    np.testing.assert_array_equal(learned.spread, np.eye(2))
    assert learned.shares[0] > 0.6
