"""The mixture: probabilities, symmetry, what it follows, when it listens to the network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interests.tracking.experts import MEMORIES
from interests.tracking.histories import History
from interests.tracking.levels import grid
from interests.tracking.memories import Memory
from interests.tracking.mixture import NETWORK_PRIOR, Mixture
from interests.tracking.population import Population
from interests.tracking.protocol import track

MINUTE = 60_000_000


def history(categories, *, num_categories=3, weights=None):
    length = len(categories)
    return History(
        shares=np.eye(num_categories)[np.asarray(categories, int)],
        times=np.arange(length, dtype=np.int64) * MINUTE,
        sessions=np.zeros(length, np.int32),
        weights=np.ones(length) if weights is None else np.asarray(weights, float),
    )


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    mixture = Mixture()
    mixture.fit([history(rng.choice(3, 60, p=rng.dirichlet([1, 1, 1]))) for _ in range(30)])
    return mixture


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 2), max_size=40),
    st.lists(st.sampled_from([1.0, 3.0, 0.0, -1.0, -50.0]), min_size=40, max_size=40),
)
def test_every_row_is_positive_and_sums_to_one(categories, weights):
    own = history(categories, weights=weights[: len(categories)])

    result = track(Mixture(), own)

    for rows in (result.weights, result.long_term, result.short_term):
        assert rows.shape == (len(categories) + 1, 3)
        assert (rows > 0).all()
        assert np.abs(rows.sum(1) - 1).max() <= 1e-12


@settings(deadline=None)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.permutations(range(3)))
def test_permuting_the_categories_permutes_the_weights(categories, order):
    own = history(categories)
    population = replace(Population.unknown(3), shares=np.array([0.5, 0.3, 0.2]))
    permuted = replace(population, shares=population.shares[list(order)])

    plain = track(Mixture(population), own).weights
    other = track(Mixture(permuted), replace(own, shares=own.shares[:, list(order)])).weights

    np.testing.assert_allclose(other, plain[:, list(order)], rtol=1e-9)


def test_a_row_knows_only_the_events_before_it(fitted):
    first, second = history([0] * 10 + [1] * 10), history([0] * 10 + [2] * 10)

    one, two = track(fitted, first).weights, track(fitted, second).weights

    np.testing.assert_array_equal(one[:11], two[:11])
    assert (one[11] != two[11]).all()


def test_weights_follow_a_person_who_switches_and_short_term_is_ahead_of_long_term(fitted):
    result = track(fitted, history([0] * 60 + [1] * 30))

    assert result.weights[60, 0] > 0.9
    assert result.weights[90, 1] > 0.6
    assert result.short_term[90, 1] > 0.6
    assert result.long_term[90, 1] < 0.4


def test_before_the_first_event_the_population_speaks(fitted):
    result = track(fitted, history([]))

    known, num_memories = fitted.population, len(MEMORIES)
    levels = known.aspects.levels @ grid()
    levels /= levels.sum()
    # In the order of the experts: plain memories, credited memories and change points, levels.
    by_plain = known.beliefs[:num_memories].sum()
    by_levels = known.beliefs[2 * num_memories + 2 :].sum()
    expected = by_plain * known.shares + by_levels * levels
    expected += (1 - by_plain - by_levels) * known.aspects.shares
    np.testing.assert_allclose(result.weights, [0.999 * expected + 0.001 / 3])


def test_a_negative_event_lowers_its_category_but_moves_no_belief(fitted):
    liked = track(fitted, history([0, 0, 1, 1])).weights[-1]
    disliked = track(fitted, history([0, 0, 1, 1, 1], weights=[1, 1, 1, 1, -1])).weights[-1]

    assert disliked[1] < liked[1]
    assert disliked[0] > liked[0]


def test_batches_change_nothing(fitted):
    rng = np.random.default_rng(1)
    people = [history(rng.integers(0, 3, length)) for length in (1, 80, 3, 0, 79, 40)]

    together = dict(fitted.track_all(people))

    assert sorted(together) == [0, 1, 2, 3, 4, 5]
    for place, person in enumerate(people):
        np.testing.assert_allclose(together[place].weights, track(fitted, person).weights)


def test_the_network_speaks_from_its_training_cut_on_with_its_prior(fitted):
    own = history([0, 0, 0, 0])
    says_two = np.tile([0.0, 0.0, 1.0], (4, 1))

    plain = track(fitted, own).weights
    helped = track(fitted, replace(own, network_shares=says_two, network_from=3)).weights

    np.testing.assert_array_equal(helped[:3], plain[:3])
    # The floor of 1/1000 is under the network's word and once more under the mixture.
    of_network = 0.999 * (0.999 * 1 + 0.001 / 3) + 0.001 / 3
    expected = (1 - NETWORK_PRIOR) * plain[3, 2] + NETWORK_PRIOR * of_network
    assert helped[3, 2] == pytest.approx(expected, abs=1e-12)
    # It foresaw event 3 wrongly, so it is believed less after it.
    assert helped[4, 2] - plain[4, 2] < 0.1 * (helped[3, 2] - plain[3, 2])


def test_a_network_trained_on_everything_is_not_credited_for_what_it_saw(fitted):
    own = history([2, 2, 2, 2])
    foresees = np.tile([0.0, 0.0, 1.0], (4, 1))

    weights = track(fitted, replace(own, network_shares=foresees, network_from=4)).weights

    plain = track(fitted, own).weights
    np.testing.assert_array_equal(weights[:4], plain[:4])
    of_network = 0.999 * (0.999 * 1 + 0.001 / 3) + 0.001 / 3
    expected = (1 - NETWORK_PRIOR) * plain[4, 2] + NETWORK_PRIOR * of_network
    assert weights[4, 2] == pytest.approx(expected, abs=1e-12)


def test_fitting_believes_long_memories_where_nobody_changes():
    rng = np.random.default_rng(2)
    mixture = Mixture()

    mixture.fit([history(rng.choice(3, 200, p=[0.6, 0.3, 0.1])) for _ in range(20)])

    beliefs = mixture.population.beliefs
    assert beliefs.sum() == pytest.approx(1)
    assert (
        beliefs[MEMORIES.index(Memory(np.inf, 25))]
        > 1.4 * beliefs[MEMORIES.index(Memory(2, 4, leans_on_person=True))]
    )
    np.testing.assert_allclose(mixture.population.shares, [0.6, 0.3, 0.1], atol=0.03)


def test_fitting_on_nobody_leaves_the_unknown_population():
    mixture = Mixture()

    mixture.fit([])

    np.testing.assert_allclose(track(mixture, history([])).weights, [[1 / 3, 1 / 3, 1 / 3]])
