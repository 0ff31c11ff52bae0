"""The measure: numbers by hand, fairness, and the order of trackers on people who change."""

from __future__ import annotations

import numpy as np
import pytest

from interests.tracking.histories import History
from interests.tracking.measure import TooLittleToMeasure, cross_entropies, measure, murphy
from interests.tracking.protocol import Track
from interests.tracking.registry import TRACKERS


def history(categories, *, num_categories=3, weights=None):
    length = len(categories)
    return History(
        shares=np.eye(num_categories)[np.asarray(categories, int)],
        times=np.arange(length, dtype=np.int64) * 60_000_000,
        sessions=np.zeros(length, np.int32),
        weights=np.ones(length) if weights is None else np.asarray(weights, float),
    )


def switchers(num_people=12):
    """People who change entirely in the middle."""
    rng = np.random.default_rng(0)
    people = []
    for _ in range(num_people):
        first, second = rng.choice(4, 2, replace=False)
        noise = rng.integers(0, 4, 120)
        wanted = np.where(rng.random(120) < 0.1, noise, [first] * 60 + [second] * 60)
        people.append(history(wanted, num_categories=4))
    return people


def test_the_first_five_and_negative_events_do_not_count():
    own = history([0] * 8, weights=[1, 1, 1, 1, 1, 1, -1, 1])
    weights = np.tile([0.5, 0.25, 0.25], (9, 1))
    weights[7] = [0.1, 0.1, 0.8]

    losses = cross_entropies(Track(weights, weights, weights), own)

    np.testing.assert_allclose(losses, [np.log(2), np.log(10)])


def test_a_shared_event_costs_the_mean_of_its_categories():
    own = history([0] * 6)
    own.shares[5] = [0.5, 0.5, 0]
    weights = np.tile([0.5, 0.25, 0.25], (7, 1))

    losses = cross_entropies(Track(weights, weights, weights), own)

    np.testing.assert_allclose(losses, [1.5 * np.log(2)])


def test_reliability_and_resolution_of_two_groups_by_hand(monkeypatch):
    monkeypatch.setattr("interests.tracking.measure.GROUPS", 2)
    said = np.array([[0.2], [0.2], [0.6], [0.6]])
    came = np.array([[0.0], [0.0], [1.0], [0.0]])

    reliability, resolution = murphy(said, came)

    # Groups said 0.2 and 0.6, came 0 and 0.5; a quarter came at all.
    np.testing.assert_allclose(reliability, [0.5 * 0.2**2 + 0.5 * 0.1**2])
    np.testing.assert_allclose(resolution, [0.5 * 0.25**2 + 0.5 * 0.25**2])


def test_whoever_says_what_comes_is_perfectly_reliable():
    came = np.eye(4)[np.arange(80) % 4]

    reliability, resolution = murphy(came, came)

    np.testing.assert_allclose(reliability, 0)
    np.testing.assert_allclose(resolution, 4 * [(1 / 4) * (3 / 4)])


@pytest.mark.parametrize("name", list(TRACKERS))
def test_every_tracker_gives_probabilities_and_its_name(name):
    quality = measure(TRACKERS[name], switchers(6))

    assert quality.tracker == name
    assert quality.events == 6 * 115
    assert quality.users == 6
    assert 0 < quality.cross_entropy < np.log(4)


def test_where_people_change_the_mixture_beats_decay_and_decay_beats_own_shares():
    people = switchers()

    own, decay, mixture = (
        measure(TRACKERS[name], people).cross_entropy for name in ("own_shares", "decay", "mixture")
    )

    assert mixture < decay < own


def test_too_little_to_measure_says_what_is_needed():
    with pytest.raises(TooLittleToMeasure, match="At least 5 end users"):
        measure(TRACKERS["decay"], [history([0] * 9)])
    with pytest.raises(TooLittleToMeasure, match="more than 5 events"):
        measure(TRACKERS["decay"], [history([0] * 5)] * 5)
