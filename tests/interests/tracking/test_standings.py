"""Going on from where the mixture stands: the same as a replay of the whole history."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interests.tracking.histories import History, sessions_of
from interests.tracking.mixture import Mixture
from interests.tracking.population import Population
from interests.tracking.protocol import track

NUM_CATEGORIES = 6
MINUTE = 60_000_000
# Standings are kept as float32: six digits stay.
TOLERANCE = 2e-6


def history(rng, length, *, network_from=None):
    """Return events of one or two categories each, some negative, in sessions, with a network's word."""
    shares = np.eye(NUM_CATEGORIES)[rng.integers(0, NUM_CATEGORIES, length)]
    shares += np.eye(NUM_CATEGORIES)[rng.integers(0, NUM_CATEGORIES, length)]
    times = np.cumsum(rng.choice([2, 15, 2_000], length)) * MINUTE
    network = rng.dirichlet(np.ones(NUM_CATEGORIES), length)
    return History(
        shares=shares / 2,
        times=times,
        sessions=sessions_of(times),
        weights=rng.choice([1.0, 3.0, 0.0, -1.0], length, p=[0.6, 0.2, 0.1, 0.1]),
        network_shares=None if network_from is None else network,
        network_from=0 if network_from is None else network_from,
    )


@pytest.fixture(scope="module")
def fitted():
    """Return a mixture with gate and aspects."""
    rng = np.random.default_rng(0)
    mixture = Mixture()
    mixture.fit([history(rng, 90) for _ in range(60)])
    assert mixture.population.gate is not None
    return mixture


def stepwise(mixture, own, *, steps):
    """Return the last track and standing after advancing in steps of so many events."""
    standing, seen = None, 0
    while seen < len(own):
        seen = min(seen + steps, len(own))
        (advanced,) = mixture.advance_all([own.head(seen)], [standing])
        standing = advanced.standing
        assert standing.is_of(own)
    return advanced


@pytest.mark.parametrize("network_from", [None, 0, 1, 40, 70])
@pytest.mark.parametrize("steps", [1, 7])
def test_going_on_gives_what_a_replay_gives(fitted, network_from, steps):
    own = history(np.random.default_rng(1), 70, network_from=network_from)

    advanced = stepwise(fitted, own, steps=steps)

    whole = track(fitted, own)
    assert advanced.first == 70 - (70 % steps or steps)
    for name in ("weights", "long_term", "short_term"):
        rows = getattr(advanced.track, name)
        expected = getattr(whole, name)[advanced.first :]
        np.testing.assert_allclose(rows, expected, rtol=TOLERANCE)


def test_people_at_different_places_go_on_together(fitted):
    rng = np.random.default_rng(2)
    people = [history(rng, length, network_from=10) for length in (30, 1, 200, 55, 0)]
    seen = [29, 0, 180, 55, 0]
    before = {
        one.place: one.standing
        for one in fitted.advance_all(
            [own.head(number) for own, number in zip(people, seen, strict=True)], [None] * 5
        )
    }
    standings = [before[place] if place in (0, 2, 3) else None for place in range(5)]

    found = {one.place: one for one in fitted.advance_all(people, standings)}

    assert {place: one.first for place, one in found.items()} == {0: 29, 1: 0, 2: 180, 3: 55, 4: 0}
    for place, own in enumerate(people):
        expected = track(fitted, own).weights[found[place].first :]
        np.testing.assert_allclose(found[place].track.weights, expected, rtol=TOLERANCE)
        assert found[place].standing.num_events == len(own)


def test_a_thousand_steps_do_not_lead_astray(fitted):
    own = history(np.random.default_rng(3), 1_000, network_from=100)

    advanced = stepwise(fitted, own, steps=1)

    expected = track(fitted, own).weights[-1]
    np.testing.assert_allclose(advanced.track.weights[-1], expected, rtol=2e-4)


def test_a_standing_of_other_categories_is_refused(fitted):
    own = history(np.random.default_rng(4), 9)
    (other,) = Mixture(Population.unknown(3)).advance_all(
        [replace(own, shares=np.full((9, 3), 1 / 3))], [None]
    )

    with pytest.raises(ValueError, match=r"A standing has \d+ numbers here, not \d+\."):
        list(fitted.advance_all([own], [replace(other.standing, num_events=8)]))


def test_a_standing_made_with_another_cut_of_the_network_is_not_of_the_history(fitted):
    own = history(np.random.default_rng(5), 20, network_from=10)
    (advanced,) = fitted.advance_all([own.head(15)], [None])

    assert advanced.standing.is_of(own)
    assert not advanced.standing.is_of(replace(own, network_from=12))
    assert not advanced.standing.is_of(own.head(14))
