"""What a population wants: numbers by hand, then how often chance fools the intervals and the significances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats

from interests.drift import populations
from interests.drift.populations import Shares, Tally


def tallied(parts, members=None, *, blocks=1) -> Shares:
    parts = np.asarray(parts, float)
    members = np.ones((1, len(parts))) if members is None else np.asarray(members, float)
    tally = Tally(
        num_segments=len(members), num_periods=parts.shape[1], num_categories=parts.shape[2]
    )
    for places in np.array_split(np.arange(len(parts)), blocks):
        tally.add(parts[places], members=sparse.csr_array(members[:, places]))
    return tally.shares()


def test_shares_and_people_are_counted_by_hand():
    # Two people, two periods, two categories; the second person is there in the second period only.
    parts = [[[3, 1], [1, 0]], [[0, 0], [0, 1]]]

    found = tallied(parts, [[1, 1], [0, 1]])

    assert found.shares.tolist() == [[[0.75, 0.25], [0.5, 0.5]], [[0.0, 0.0], [0.0, 1.0]]]
    assert found.num_events.tolist() == [[4, 2], [0, 1]]
    assert found.num_end_users.tolist() == [[1, 2], [0, 1]]
    # One person alone says nothing of others.
    assert (found.low[0, 0].tolist(), found.high[0, 0].tolist()) == ([0, 0], [1, 1])
    assert not found.significances[1].any()


def test_noise_is_that_of_drawing_people():
    # Four people of 2 events each, one period: 2, 1, 1, 0 of them in the first category.
    found = tallied([[[k, 2 - k]] for k in (2, 1, 1, 0)])

    # Terms k - 1: 1, 0, 0, -1; variance 2 / 64, times 4 / 3; .25 / (1 / 24) events would be as unsure.
    effective, critical = 6, stats.t.ppf(0.975, 3)
    half = np.sqrt(0.25 / effective * critical**2 + critical**4 / effective**2 / 4)
    assert found.shares[0, 0].tolist() == [0.5, 0.5]
    assert found.high[0, 0, 0] - 0.5 == pytest.approx(half / (1 + critical**2 / effective))
    assert found.low[0, 0, 0] + found.high[0, 0, 0] == pytest.approx(1)


def test_a_change_is_held_against_the_same_people_before():
    # Each of ten people goes over from the first category to the second; two go back and forth.
    parts = [[[2, 0], [0, 2]]] * 10 + [[[0, 2], [2, 0]]] * 2

    found = tallied(parts)

    # Terms of the change: (n - p m) / N - (b - q M) / B, with p = 1/6 and q = 5/6, N = B = 24.
    terms = [((0 - 2 / 6) - (2 - 10 / 6)) / 24] * 10 + [((2 - 2 / 6) - (0 - 10 / 6)) / 24] * 2
    noise = np.sqrt(np.square(terms).sum() * 12 / 11)
    t = (1 / 6 - 5 / 6) / noise
    assert found.significances[0, 1, 0] == pytest.approx(stats.norm.isf(stats.t.sf(-t, 11)) * -1)
    assert found.significances[0, 1, 1] == pytest.approx(-found.significances[0, 1, 0])
    assert found.significances[0, 0].tolist() == [0, 0]


def test_twelve_periods_before_count_and_no_more():
    parts = np.zeros((30, 14, 2))
    parts[:, 0, 0] = 100  # long ago everybody did something else
    parts[:, 1:] = 1

    found = tallied(parts)

    assert found.significances[0, 12, 1] > 3
    assert found.significances[0, 13].tolist() == [0, 0]


def test_blocks_of_people_add_up_to_the_same():
    random = np.random.default_rng(1)
    parts = random.poisson(1.0, (60, 5, 3)).astype(float)
    members = [[1] * 60, [1, 0] * 30]

    whole, in_blocks = tallied(parts, members), tallied(parts, members, blocks=7)

    for name in ("shares", "low", "high", "significances"):
        np.testing.assert_allclose(getattr(whole, name), getattr(in_blocks, name), atol=1e-12)


def people_with_tastes(random, *, num_people, num_periods, per_period):
    """Draw people whose events hang together: each has tastes of their own that never change."""
    tastes = random.dirichlet([0.6, 0.3, 0.1], num_people)
    counts = random.poisson(
        random.gamma(1.0, per_period, num_people)[:, None], (num_people, num_periods)
    )
    return np.array(
        [[random.multinomial(count, taste) for count in row] for row, taste in zip(counts, tastes, strict=True)],
        float,
    )  # fmt: skip


def test_without_a_change_significances_are_standard_and_intervals_hold():
    random = np.random.default_rng(3)
    values, hits = [], []
    for _ in range(300):
        parts = people_with_tastes(random, num_people=40, num_periods=2, per_period=4)
        found = tallied(parts)
        values.append(found.significances[0, 1])
        truth = np.array([0.6, 0.3, 0.1])
        hits.append((found.low[0, 0] <= truth) & (truth <= found.high[0, 0]))

    values = np.array(values)
    assert values.std(0) == pytest.approx([1, 1, 1], abs=0.15)
    assert values.mean(0) == pytest.approx([0, 0, 0], abs=0.15)
    assert np.mean(np.abs(values) > 3) < 0.01
    assert np.mean(hits) == pytest.approx(0.95, abs=0.03)


def test_people_who_all_act_alike_by_chance_do_not_look_certain():
    # Five people, one event each in each period: all of one kind, then all of another.
    found = tallied([[[1, 0], [0, 1]]] * 5)

    # Without a floor the noise would be 0.
    noise = populations.MIN_NOISE * np.sqrt(0.25 * 2 / 5)
    expected = stats.norm.isf(stats.t.sf(1 / noise, 4))
    assert found.significances[0, 1].tolist() == pytest.approx([-expected, expected])


def test_weight_moves_as_little_as_it_can_by_hand():
    before = np.array([[0.6, 0.4, 0.0], [1.0, 0.0, 0.0]])
    after = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]])

    flows = populations.moved(before, after)

    expected = [[1.2, 0.1, 0.3], [0.0, 0.4, 0.0], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(flows, expected, atol=1e-12)


def test_flows_keep_what_was_there_and_what_is_there_now():
    random = np.random.default_rng(5)
    before, after = random.dirichlet([0.5] * 6, 50), random.dirichlet([0.5] * 6, 50)

    flows = populations.moved(before, after)

    np.testing.assert_allclose(flows.sum(1), before.sum(0))
    np.testing.assert_allclose(flows.sum(0), after.sum(0))
    off = flows.sum() - np.trace(flows)
    assert off == pytest.approx(np.abs(after - before).sum() / 2)


def test_q_values_by_hand():
    found = populations.q_values(np.array([0.04, 0.01, 0.5, 0.03]))

    # 0.01 * 4 / 1, 0.03 * 4 / 2, 0.04 * 4 / 3, 0.5: the smallest from there on counts.
    assert found.tolist() == pytest.approx([0.16 / 3, 0.04, 0.5, 0.16 / 3])


def test_lists_of_drifters_keep_their_promise():
    random = np.random.default_rng(2)
    shares = []
    for _ in range(200):
        scores = np.concatenate([random.standard_normal(900), random.standard_normal(100) + 4])
        found = populations.q_values(populations.p_values_of_scores(scores)) <= 0.1
        shares.append(found[:900].sum() / max(found.sum(), 1))

    assert np.mean(shares) == pytest.approx(0.09, abs=0.015)


def test_equal_counts_fall_into_the_same_third():
    counts = np.array([1, 1, 1, 1, 2, 5, 9])

    assert populations.thirds(counts).tolist() == [0, 0, 0, 0, 1, 2, 2]
    assert populations.thirds(np.zeros(0, int)).tolist() == []
